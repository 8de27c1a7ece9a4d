import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from landbridge.exceptions import InputError, LabelError
from landbridge.parameter import FittedSource, PriorCorrection, Recalibration

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.where(X[:, 0] + 0.3 * RNG.normal(size=60) > 0, "ill", "well")
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


def test_it_predicts_as_the_model_does():
    model = FittedSource(MODEL).fit(X, Y, X_target=X)
    assert (model.predict(X) == MODEL.predict(X)).all()
    assert (model.predict_proba(X) == MODEL.predict_proba(X)).all()
    assert (model.decision_function(X) == MODEL.decision_function(X)).all()
    assert model.score(X, Y) == MODEL.score(X, Y)
    assert model.classes_.tolist() == ["ill", "well"]


@pytest.mark.parametrize("cls", [FittedSource, PriorCorrection, Recalibration])
def test_a_clone_shares_the_model(cls):
    assert clone(cls(MODEL)).source_estimator is MODEL
    assert clone(clone(make_pipeline(StandardScaler(), cls(MODEL)))[-1]).source_estimator is MODEL


@pytest.mark.parametrize("cls", [FittedSource, PriorCorrection, Recalibration])
def test_cross_validation_leaves_the_model_fitted(cls):
    scores = cross_val_score(cls(MODEL), X, Y, cv=3, error_score="raise")
    assert np.isfinite(scores).all()
    assert MODEL.predict(X).shape == (60,)


@pytest.mark.parametrize("cls", [FittedSource, PriorCorrection, Recalibration])
@pytest.mark.parametrize(
    ("model", "word"),
    [
        (LogisticRegression(), "not fitted"),
        (StandardScaler().fit(X), "has no predict"),
        (KMeans(2, n_init=1).fit(X), "clusterer"),
    ],
)
def test_what_is_no_fitted_predictor_is_refused(cls, model, word):
    with pytest.raises((InputError, ValueError), match=word):
        cls(model).fit(X, Y, X_target=X)


@pytest.mark.parametrize("cls", [FittedSource, PriorCorrection, Recalibration])
def test_other_features_are_refused(cls):
    with pytest.raises(InputError, match="X_target has 2 features but source_estimator was fitted on 3"):
        cls(MODEL).fit(X, Y, X_target=X[:, :2])
    names = pd.DataFrame(X, columns=["a", "b", "c"])
    named = make_pipeline(StandardScaler(), LogisticRegression()).fit(names, Y)
    with pytest.raises(InputError, match="X_target has no feature 'c'"):
        cls(named).fit(X, Y, X_target=names.rename(columns={"c": "d"}))


@pytest.mark.parametrize("cls", [FittedSource, PriorCorrection, Recalibration])
def test_features_are_matched_by_name(cls):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    named = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, Y)
    model = cls(named).fit(frame, Y, X_target=frame)
    wanted = model.predict_proba(frame)
    assert np.array_equal(model.predict_proba(frame[["c", "a", "b"]]), wanted)
    assert np.array_equal(model.predict_proba(X), wanted)
    assert np.array_equal(cls(MODEL).fit(frame, Y, X_target=frame).predict(frame), cls(MODEL).fit(X, Y).predict(X))


@pytest.mark.parametrize("cls", [FittedSource, PriorCorrection, Recalibration])
def test_a_model_that_encodes_text_gets_the_table_as_it_is(cls):
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "yes", "no")})
    steps = make_column_transformer((StandardScaler(), ["a"]), (OneHotEncoder(), ["b"]))
    model = make_pipeline(steps, LogisticRegression()).fit(frame, Y)
    assert cls(model).fit(frame, Y, X_target=frame).score(frame, Y) > 0.8


@pytest.mark.parametrize("cls", [FittedSource, PriorCorrection, Recalibration])
def test_unknown_classes_and_values_a_model_cannot_take_are_refused(cls):
    told = np.where(np.arange(60) == 0, "sick", Y)
    with pytest.raises(LabelError, match="'sick'"):
        cls(MODEL).fit(X, Y, X_target=X, y_target=told)
    hole = X.copy()
    hole[0, 0] = np.nan
    with pytest.raises(InputError, match="X_target: source_estimator=Pipeline cannot predict"):
        cls(MODEL).fit(X, Y, X_target=hole, y_target=Y).predict(hole)


def test_a_regressor():
    model = FittedSource(LinearRegression().fit(X, X[:, 0])).fit(X_target=X)
    assert model.score(X, X[:, 0]) == pytest.approx(1.0)
    assert not hasattr(model, "predict_proba")
    with pytest.raises(InputError, match="no classifier, which PriorCorrection needs"):
        PriorCorrection(LinearRegression().fit(X, X[:, 0])).adapt(X)
