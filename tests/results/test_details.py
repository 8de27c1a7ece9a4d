from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from landbridge import Domain
from landbridge.results._details import class_details, subgroup_scores, value_details, wilson
from landbridge.tasks import get_task


def _made(n=400):
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=n)
    p = np.clip(0.5 + (truth - 0.5) * 0.4 + rng.normal(0, 0.25, n), 0.01, 0.99)
    return truth, (p > 0.5).astype(int), np.column_stack([1 - p, p])


def _subgroups(X, columns, *, groups=None, task="classification", wrong=()):
    n = X.shape[0]
    truth = np.zeros(n)
    predicted = truth.copy()
    predicted[list(wrong)] = 1.0
    target = Domain(X, groups=groups)._with_columns(columns)
    problem = SimpleNamespace(target=target, task=get_task(task), hidden_groups=None)
    found = subgroup_scores(problem, np.arange(n), truth, predicted, None, np.array([0.0, 1.0]))
    return {part["name"]: {r["value"]: r for r in part["rows"]} for part in found}


def test_matrix_curve_and_calibration():
    truth, predicted, proba = _made()
    found = class_details(truth, predicted, proba, np.array([0, 1]))
    counts = np.array(found["confusion"]["counts"])
    assert counts.sum() == 400 and np.trace(counts) == (truth == predicted).sum()
    assert counts[0, 1] == ((truth == 0) & (predicted == 1)).sum()
    curve = np.array(found["roc"])
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(roc_auc_score(truth, proba[:, 1]), abs=0.01)
    assert len(curve) <= 60 and curve[0].tolist() == [0, 0] and curve[-1].tolist() == [1, 1]
    assert sum(r["n"] for r in found["calibration"]) == 400
    assert all(r["low"] <= r["share"] <= r["high"] for r in found["calibration"])


def test_intervals_hold_the_scores_and_groups_widen_them():
    truth, predicted, proba = _made()
    found = class_details(truth, predicted, proba, np.array([0, 1]))["intervals"]
    auc = roc_auc_score(truth, proba[:, 1])
    assert found["auc"][0] < auc < found["auc"][1] and set(found) >= {"accuracy", "brier", "sensitivity", "specificity"}
    repeated = [np.repeat(v, 8, axis=0) for v in _made(50)]
    groups = np.repeat(np.arange(50), 8)

    def width(groups):
        low, high = class_details(*repeated, np.array([0, 1]), groups)["intervals"]["accuracy"]
        return high - low

    assert width(groups) > 2 * width(None)
    right = class_details(repeated[0], repeated[0], None, np.array([0, 1]), groups)["intervals"]
    n = (repeated[0] == 0).sum() // 8
    assert right["specificity"] == pytest.approx(wilson(1.0, n))  # never an interval of no width


def test_names_of_classes_keep_the_order_of_the_model():
    y = np.array(["10", "9", "a"])
    found = class_details(y, y, None, np.array(["9", "10", "a"]))
    assert found["confusion"]["classes"] == ["9", "10", "a"] and "roc" not in found
    many = np.array([f"c{i}" for i in range(40)])
    assert class_details(many, many, None, many)["confusion"] == {"n_classes": 40}
    one = class_details(np.ones(4), np.ones(4), np.tile([0.1, 0.9], (4, 1)), np.array([0.0, 1.0]))
    assert "roc" not in one and "auc" not in one["intervals"]


def test_values():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    error = 0.5 * rng.normal(size=500)
    found, rmse = value_details(truth, truth + error), float(np.sqrt(np.mean(error**2)))
    assert len(found["pairs"]) == 300
    assert found["intervals"]["rmse"][0] < rmse < found["intervals"]["rmse"][1]
    assert found["intervals"]["r2"][0] < 1 - rmse**2 / truth.var() < found["intervals"]["r2"][1]
    assert "r2" not in value_details(np.ones(5), np.ones(5))["intervals"]


def test_subgroups_of_sex_and_age():
    age = np.array([10.0, 30, 30, 50, 70, 90, 45, 65, 20, 85])
    X = np.column_stack([age, np.tile([1.0, 0.0], 5), np.tile([0.0, 1.0], 5), np.arange(10)])
    found = _subgroups(X, ["Age (years)", "sex=f", "sex=m", "page"], wrong=[1])
    assert list(found) == ["Age (years)", "sex"]
    assert next(iter(found["Age (years)"])) == "below 18" and found["Age (years)"]["80 and more"]["n"] == 2
    assert found["sex"]["m"]["score"] == 0.8 and found["sex"]["f"]["score"] == 1.0
    assert found["sex"]["f"]["low"] == pytest.approx(wilson(1.0, 5)[0])


def test_subgroups_of_other_codings():
    X = np.column_stack([np.tile([0.0, 1.0], 5), np.linspace(0.1, 0.9, 10)])
    found = _subgroups(sparse.csr_matrix(X), ["patientGender", "x"])
    assert list(found["patientGender"]) == ["0", "1"]
    assert _subgroups(np.ones((10, 1)), ["sex"]) == {}  # a single subgroup is none
    months = np.arange(0.0, 1000.0, 100.0)[:, None]
    assert len(_subgroups(months, ["age"])["age"]) == 4  # not in years: quarters


def test_groups_of_enough_samples():
    groups = ["a"] * 6 + ["b"] * 7 + ["c"] * 2
    found = _subgroups(np.zeros((15, 1)), ["x"], groups=groups)
    assert list(found["group"]) == ["a", "b"]
    assert _subgroups(np.zeros((15, 1)), ["x"], groups=np.arange(15)) == {}


def test_values_of_subgroups_have_the_mean_absolute_error():
    X = np.tile([0.0, 1.0], 5)[:, None]
    found = _subgroups(X, ["sex"], task="regression", wrong=[1, 3])
    assert found["sex"]["1"]["score"] == pytest.approx(0.4) and found["sex"]["0"]["score"] == 0.0
