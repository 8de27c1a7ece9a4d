"""What every instance method must stand: scikit-learn's own checks and awkward input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from landbridge.instance import (
    BBSE,
    KLIEP,
    KMM,
    MLLS,
    ULSIF,
    ClassifierDensityRatio,
    MultiSourceTrAdaBoost,
    NearestNeighbourWeights,
    TaskTrAdaBoost,
    TrAdaBoost,
    TrAdaBoostR2,
    TwoStageTrAdaBoostR2,
)

# Tiny data make boosting stop early.
pytestmark = pytest.mark.filterwarnings("ignore::landbridge.exceptions.EarlyStoppingWarning")

METHODS = [
    ClassifierDensityRatio(),
    KMM(random_state=0),
    KMM(Ridge(), n_landmarks=20, max_weight=5.0, random_state=0),
    KMM(kernel="linear", eps=0.1, random_state=0),
    KLIEP(random_state=0),
    KLIEP(Ridge(), gamma=0.5, n_centers=10, random_state=0),
    BBSE(random_state=0),
    BBSE(LogisticRegression(C=10), soft=True, cv=3, random_state=0),
    MLLS(random_state=0),
    MLLS(calibration=None, random_state=0),
    ULSIF(random_state=0),
    ULSIF(Ridge(), mixture_weight=0.2, alpha=0.1, n_centers=10, random_state=0),
    NearestNeighbourWeights(),
    NearestNeighbourWeights(Ridge(), smoothing=0.0),
]
BOOSTED = [
    TrAdaBoost(n_estimators=5, random_state=0),
    TrAdaBoost(DecisionTreeClassifier(max_depth=2, random_state=0), n_estimators=5, target_share=None),
    TrAdaBoost(n_estimators=5, balance_classes=True, random_state=0),
    TrAdaBoostR2(n_estimators=5, random_state=0),
    TrAdaBoostR2(Ridge(), n_estimators=5, loss="square", random_state=0),
    TwoStageTrAdaBoostR2(n_steps=2, n_estimators=2, cv=2, random_state=0),
    TwoStageTrAdaBoostR2(Ridge(), loss="exponential", n_steps=2, n_estimators=2, cv=2, random_state=0),
    MultiSourceTrAdaBoost(n_estimators=5, random_state=0),
    MultiSourceTrAdaBoost(DecisionTreeClassifier(max_depth=2, random_state=0), n_estimators=5, target_share=0.5),
    TaskTrAdaBoost(n_estimators=5, random_state=0),
    TaskTrAdaBoost(DecisionTreeClassifier(max_depth=2, random_state=0), n_estimators=5, threshold=0.5),
]


def labelled(method, Xt):
    """Some labels for the methods that cannot do without."""
    if "y_target" not in method.transfer_tags.needs:
        return {"X_target": Xt}
    y = np.where(np.arange(len(Xt)) < 12, (Xt[:, 0] > 0.2).astype(float), np.nan)
    return {"X_target": Xt, "y_target": y}


def name(estimator):
    return str(estimator).replace("\n", "")


def options(method):
    """What was chosen, apart from the seed and the rounds."""
    given, usual = (m.get_params(deep=False) for m in (method, type(method)()))
    rounds = {"random_state", "n_estimators", "n_steps", "cv"}
    return {k for k in given.keys() - rounds if repr(given[k]) != repr(usual[k])}


@pytest.fixture(params=METHODS + BOOSTED, ids=name)
def method(request):
    return clone(request.param)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(60, 3)), rng.normal(size=(40, 3)) + 0.5
    return X, (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int), Xt


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", [m for m in METHODS + BOOSTED if options(m)], ids=name)
def test_check_estimator(method):
    """With options; the defaults stand the same checks as part of the catalogue."""
    check_estimator(method, on_skip=None, on_fail="raise")


def test_input_is_left_alone_and_numbers_repeat(method, rows):
    X, y, Xt = (a.copy() for a in rows)
    for a in (X, y, Xt):
        a.flags.writeable = False
    target = labelled(method, Xt)
    one = method.fit(X, y, **target).predict(Xt)
    assert np.array_equal(one, clone(method).fit(X, y, **target).predict(Xt))
    assert np.array_equal(one, pickle.loads(pickle.dumps(method)).predict(Xt))
    np.random.seed(3)  # noqa: NPY002
    clone(method).fit(X, y, **target)
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    assert after == np.random.rand()  # noqa: NPY002


def test_kinds_of_input(method, rows):
    X, y, Xt = rows
    target = labelled(method, Xt)
    want = clone(method).fit(X, y, **target).predict(Xt)
    frame = pd.DataFrame(Xt, columns=list("abc"))
    model = clone(method).fit(pd.DataFrame(X, columns=list("abc")), y, **{**target, "X_target": frame})
    assert np.allclose(model.predict(frame), want)
    fortran = clone(method).fit(np.asfortranarray(X), y, **{**target, "X_target": np.asfortranarray(Xt)}).predict(Xt)
    assert np.mean(np.abs(fortran - want)) < 0.03
    single = clone(method).fit(X.astype(np.float32), y, **{**target, "X_target": Xt.astype(np.float32)}).predict(Xt)
    assert np.mean(np.abs(single - want)) < 0.03
    if is_classifier(method):
        words = {0: "no", 1: "yes"}
        if "y_target" in target:
            target["y_target"] = np.array([words.get(v) for v in target["y_target"]], dtype=object)
        text = clone(method).fit(X, np.array(["no", "yes"])[y], **target).predict(Xt)
        assert np.array_equal(text == "yes", want == 1)


@pytest.mark.parametrize("case", ["one row", "constant columns", "all constant", "duplicates", "same length", "no"])
def test_awkward_targets(method, rows, case):
    X, y, Xt = rows
    if case == "constant columns":
        X, Xt = np.column_stack([X, np.ones(60)]), np.column_stack([Xt, np.ones(40)])
    if case == "all constant":
        X, Xt = np.ones((60, 3)), np.ones((40, 3))
    if case == "duplicates":
        X, Xt = np.repeat(X[:20], 3, axis=0), np.repeat(Xt[:2], 20, axis=0)
    if case == "one row":
        Xt = Xt[:1]
    if case == "same length":
        Xt = np.concatenate([Xt, Xt[:20]])
    target = {} if case == "no" else labelled(method, Xt)
    model = method.fit(X, y, **target)
    assert np.isfinite(model.predict(Xt)).all()
    weights = getattr(model, "source_weights_", np.ones(60))
    assert len(weights) == 60 and (weights >= 0).all() and np.isfinite(weights).all()


def test_class_missing_in_the_target(method, rows):
    X, y, _ = rows
    Xt = X[y == 1] + 0.01
    target = labelled(method, Xt)
    if "y_target" in target:
        target["y_target"] = np.where(np.arange(len(Xt)) < 5, 1.0, np.nan)
    model = method.fit(X, y, **target)
    assert np.isfinite(model.predict(X)).all()
    if is_classifier(method):
        assert model.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("base", [LinearRegression(), LogisticRegression()])
def test_kind_of_learner_carries_over(base):
    assert is_regressor(KMM(base, random_state=0)) == is_regressor(base)
