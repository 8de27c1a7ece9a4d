"""What every instance method must stand: scikit-learn's own checks and awkward input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.utils.estimator_checks import check_estimator

from landbridge.instance import BBSE, KLIEP, KMM, MLLS, ClassifierDensityRatio

METHODS = [
    ClassifierDensityRatio(),
    KMM(),
    KMM(Ridge(), n_components=20, B=5.0),
    KMM(kernel="linear", eps=0.1),
    KLIEP(),
    KLIEP(Ridge(), gamma=0.5, n_centers=10),
    BBSE(),
    BBSE(LogisticRegression(C=10), soft=True, cv=3),
    MLLS(),
    MLLS(calibration=None),
]


def name(estimator):
    return str(estimator).replace("\n", "")


@pytest.fixture(params=METHODS, ids=name)
def method(request):
    return clone(request.param)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(60, 3)), rng.normal(size=(40, 3)) + 0.5
    return X, (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int), Xt


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_check_estimator(method):
    check_estimator(method, on_skip=None, on_fail="raise")


def test_input_is_left_alone_and_numbers_repeat(method, rows):
    X, y, Xt = (a.copy() for a in rows)
    for a in (X, y, Xt):
        a.flags.writeable = False
    one = method.fit(X, y, X_target=Xt).predict(Xt)
    assert np.array_equal(one, clone(method).fit(X, y, X_target=Xt).predict(Xt))
    assert np.array_equal(one, pickle.loads(pickle.dumps(method)).predict(Xt))
    np.random.seed(3)  # noqa: NPY002
    clone(method).fit(X, y, X_target=Xt)
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    assert after == np.random.rand()  # noqa: NPY002


def test_kinds_of_input(method, rows):
    X, y, Xt = rows
    want = clone(method).fit(X, y, X_target=Xt).predict(Xt)
    frame = pd.DataFrame(X, columns=list("abc")), pd.DataFrame(Xt, columns=list("abc"))
    assert np.allclose(clone(method).fit(frame[0], y, X_target=frame[1]).predict(frame[1]), want)
    fortran = clone(method).fit(np.asfortranarray(X), y, X_target=np.asfortranarray(Xt)).predict(Xt)
    assert np.mean(np.abs(fortran - want)) < 0.03
    single = clone(method).fit(X.astype(np.float32), y, X_target=Xt.astype(np.float32)).predict(Xt)
    assert np.mean(np.abs(single - want)) < 0.03
    if not is_regressor(method):
        text = clone(method).fit(X, np.array(["no", "yes"])[y], X_target=Xt).predict(Xt)
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
    target = {} if case == "no" else {"X_target": Xt}
    model = method.fit(X, y, **target)
    assert np.isfinite(model.predict(Xt)).all()
    weights = getattr(model, "source_weights_", np.ones(60))
    assert len(weights) == 60 and (weights >= 0).all() and np.isfinite(weights).all()


def test_class_missing_in_the_target(method, rows):
    X, y, _ = rows
    model = method.fit(X, y, X_target=X[y == 1] + 0.01)
    assert np.isfinite(model.predict(X)).all()
    if not is_regressor(method):
        assert model.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("base", [LinearRegression(), LogisticRegression()])
def test_kind_of_learner_carries_over(base):
    assert is_regressor(KMM(base)) == is_regressor(base)
