"""Classes or values: the rule on real and made labels."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.exceptions import InputError, LabelError
from landbridge.tasks import InferredTask, check_labels_fit, infer_task

DATA = Path(os.environ.get("LANDBRIDGE_DATA", "/nowhere"))
RNG = np.random.default_rng(0)


def name(y, **options):
    return infer_task(y, **options).name


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], [1, 2], [0, 1, 2], [3, 7]])
@pytest.mark.parametrize("kind", [int, float, np.int8, np.float32, object, "Int64"])
def test_few_numbers_are_classes_whatever_their_type(labels, kind):
    y = np.resize(labels, 40)
    assert name(pd.array(y, dtype=kind) if kind == "Int64" else y.astype(kind)) == "classification"


@pytest.mark.parametrize("y", [[True, False] * 5, ["0", "1"] * 5, ["a"], np.array(["x", None, "y"], object), [b"a"]])
def test_text_and_booleans_are_classes(y):
    assert name(y) == "classification"


@pytest.mark.parametrize("y", [[0.5, 1.0], [0.0, 1.0, np.nan, 0.25], np.array([0.5, None, 2], dtype=object)])
def test_fractions_are_values(y):
    assert name(y) == "regression"


@given(st.lists(st.integers(-30, 120), min_size=2, max_size=200))
def test_the_type_of_whole_numbers_changes_nothing(y):
    found = {name(np.array(y, dtype=t)) for t in (int, float, object)} | {name(y), name(pd.Series(y)), name([*y, None])}
    assert len(found) == 1


@given(st.lists(st.integers(0, 30), min_size=2, max_size=200), st.randoms())
def test_the_order_of_the_samples_changes_nothing(y, random):
    mixed = y.copy()
    random.shuffle(mixed)
    assert name(y) == name(mixed)


@pytest.mark.parametrize("n", [100, 300, 3000, 30000])
@pytest.mark.parametrize("low_to_high", [False, True])
def test_ages_are_values_however_many_samples(n, low_to_high):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        ages = np.clip(np.round(40 + 13 * rng.normal(size=n)), 0, 95).astype(int)
        assert name(ages) == "regression"
        assert name(rng.integers(20, 81, size=n)) == "regression"
        assert name(np.round(rng.gamma(2.0, 20.0, size=n)).astype(int)) == "regression"


@pytest.mark.parametrize("n", [80, 200, 400, 1000, 5000])
def test_grades_from_0_to_20_are_values(n):
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        grades = np.clip(np.round(11 + 4.0 * rng.normal(size=n)), 0, 20).astype(int)
        found.append(name(grades))
        grades[rng.random(n) < 0.08] = 0  # those who did not sit
        found.append(name(grades))
        if n > 80:  # so few have no more than ten different grades
            found.append(name(rng.binomial(20, 0.55, size=n)))
    assert found.count("regression") >= 0.98 * len(found)


@pytest.mark.parametrize("k", [12, 20, 26, 50, 100, 964])
def test_balanced_class_codes_stay_classes(k):
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        found.append(name(np.repeat(np.arange(k), 20)))
        drawn = rng.integers(k, size=40 * k)
        found.append(name(drawn))
        found.append(name(drawn + 1))
    assert found.count("classification") >= 0.96 * len(found)


def test_unbalanced_class_codes_stay_classes():
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        k = int(rng.integers(11, 60))
        found.append(name(rng.choice(k, p=rng.dirichlet(np.full(k, 2.0)), size=100 * k)))
    # a class that was never drawn leaves a gap
    assert found.count("classification") >= 0.93 * len(found)


def test_few_samples_of_many_numbers():
    assert name([310, 255, 190, 470]) == "regression"
    assert name([20, 35, 41, 38, 52, 61]) == "regression"
    assert name([0, 1, 2]) == name([3, 3, 7, 7]) == name([5]) == "classification"


@pytest.mark.parametrize(
    ("load", "task"),
    [
        (datasets.load_iris, "classification"),
        (datasets.load_wine, "classification"),
        (datasets.load_breast_cancer, "classification"),
        (datasets.load_digits, "classification"),
        (datasets.load_diabetes, "regression"),
    ],
)
def test_data_sets_of_scikit_learn(load, task):
    y = load().target
    assert name(y) == name(y.astype(float)) == name(list(y)) == task


LETTERS = [789, 766, 736, 805, 768, 775, 773, 734, 755, 747, 739, 761, 792, 783, 753, 803, 783, 758, 748, 796, 813, 764]
LETTERS += [752, 787, 786, 734]
# Final grades of 395 pupils in mathematics (UCI student performance), and the 20 newsgroups of the training half.
GRADES = {0: 38, 4: 1, 5: 7, 6: 15, 7: 9, 8: 32, 9: 28, 10: 56, 11: 47, 12: 31, 13: 31, 14: 27, 15: 33, 16: 16}
GRADES |= {17: 6, 18: 12, 19: 5, 20: 1}
NEWS = [480, 584, 591, 590, 578, 593, 585, 594, 598, 597, 600, 595, 591, 594, 593, 599, 546, 564, 465, 377]


def test_published_counts():
    assert name(np.repeat(np.arange(26), LETTERS)) == "classification"
    assert name(np.repeat(list(GRADES), list(GRADES.values()))) == "regression"
    assert name(np.repeat(np.arange(20), NEWS)) == "classification"


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "mnist_20k.npz").exists(), reason="needs the shared data folder")
def test_shared_data():
    for colour in ("red", "white"):
        with gzip.open(DATA / f"wine_quality_{colour}.csv.gz", "rt") as file:
            head = file.readline()
            file.seek(0)
            wine = pd.read_csv(file, sep=";" if ";" in head else ",")
        assert name(wine["quality"]) == "classification"  # 3 to 9: task="regression" is said to be the option
        assert name(wine["alcohol"]) == "regression"
    for hospital in ("cleveland", "hungarian"):
        heart = pd.read_csv(DATA / f"heart_{hospital}.csv")
        assert name(heart["num"]) == "classification" and name(heart["age"]) == "regression"
    adult = pd.read_csv(DATA / "adult.csv.gz")
    ages = next(adult[c] for c in adult.columns if "age" in c.lower())
    assert name(ages) == name(ages.iloc[:300]) == "regression"
    assert name(adult.iloc[:, -1]) == name(adult[next(c for c in adult if "sex" in c.lower())]) == "classification"
    for file in ("mnist_20k", "usps_full", "usps_mnist_256", "office_caltech_surf", "activity", "newsgroups20_bydate"):
        with np.load(DATA / f"{file}.npz", allow_pickle=False) as arrays:
            keys = [k for k in arrays if k == "y" or k.endswith("_y") or k.startswith("y_")]
            assert keys, file
            for key in keys:
                if arrays[key].ndim == 1 and len(arrays[key]):
                    assert name(arrays[key]) == "classification", f"{file} {key}"


def test_an_estimator_decides_then_the_option():
    y = [0, 1, 0, 1]
    assert name(y, estimator=Ridge()) == name(y, estimator=make_pipeline(StandardScaler(), Ridge())) == "regression"
    assert name([0.5, 1.5], estimator=LogisticRegression()) == "classification"
    assert name(y, estimator=StandardScaler()) == name(y, estimator=object()) == "classification"
    assert name(y, estimator=LogisticRegression(), task="regression") == "regression"


def test_reasons_name_what_was_inferred_and_the_option():
    assert infer_task([0, 1, 1]) == InferredTask(
        "classification",
        "task='classification' was inferred from 2 whole numbers from 0 to 1; "
        "pass task='regression' if they are values.",
    )
    assert "estimator=Ridge" in infer_task([0, 1], Ridge()).reason
    assert "pass task='classification'" in infer_task([0.5]).reason
    assert "convert y to numbers" in infer_task(["a"]).reason


def test_missing_labels_are_not_looked_at():
    masked = np.ma.masked_array([0, 1, 77], mask=[False, False, True])
    for y in ([0.0, np.nan, 1.0], [0, None, 1], pd.Series([0, pd.NA, 1], dtype="Int64"), masked):
        assert infer_task(y).reason == infer_task([0, 1]).reason


def test_what_cannot_be_inferred():
    with pytest.raises(LabelError, match="no labels"):
        infer_task([None, None])
    with pytest.raises(LabelError, match="one label per sample"):
        infer_task(np.eye(3))
    with pytest.raises(InputError, match=r"task must be 'classification' or 'regression'.*; got 'ranking'"):
        infer_task([0, 1], task="ranking")


def test_labels_that_do_not_fit_the_task_are_refused():
    with pytest.raises(LabelError, match="no numbers, such as 'a'"):
        check_labels_fit(["a", "b"], "regression")
    with pytest.raises(LabelError, match=r"fractions, such as 0\.5"):
        check_labels_fit([0.5, 1.0, np.nan], "classification")
    check_labels_fit([1.0, 2.0], "classification")
    check_labels_fit([True, False], "regression")
    check_labels_fit([None, None], "regression")
