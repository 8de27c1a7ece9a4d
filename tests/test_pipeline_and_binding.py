import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from landbridge import make_pipeline, with_source, with_target
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.feature import CORAL
from landbridge.guard import as_scoring, importance_weighted
from landbridge.instance import ClassifierDensityRatio
from landbridge.parameter import SourcePriorLogistic

SEEN = []


class Spy(FeatureTransfer):
    """Remember what arrived."""

    transfer_tags = TransferTags("feature")
    preserves_columns = True

    def _fit(self, Xs, ys, Xt, yt):
        SEEN.append((len(Xs), len(Xt), float(Xt.mean())))
        self.fitted_ = True

    def _map_source(self, X):
        return X

    def _map_target(self, X):
        return X


@pytest.fixture
def rows():
    SEEN.clear()
    rng = np.random.default_rng(0)
    X, y = rng.normal(10.0, 2.0, size=(90, 3)), np.arange(90) % 2
    X[y == 1] += 2.0
    return X, y, rng.normal(37.0, 2.0, size=(90, 3))


def test_the_target_arrives_scaled_by_the_source(rows):
    X, y, Xt = rows
    make_pipeline(StandardScaler(), Spy(), LogisticRegression()).fit(X, y, X_target=Xt)
    assert SEEN[-1][:2] == (90, 90)
    assert SEEN[-1][2] == pytest.approx(StandardScaler().fit(X).transform(Xt).mean())
    assert sklearn.get_config()["enable_metadata_routing"] is False


def test_a_pipeline_without_a_method_refuses_a_target(rows):
    X, y, Xt = rows
    with pytest.raises(TypeError, match="X_target"):
        make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y, X_target=Xt)


def test_column_transformers_come_first():
    frame = pd.DataFrame({"ward": ["a", "b"] * 20, "age": np.arange(40.0)})
    y = np.arange(40) % 2
    pre = make_column_transformer((OneHotEncoder(), ["ward"]), (StandardScaler(), ["age"]))
    model = make_pipeline(pre, CORAL(), LogisticRegression()).fit(frame, y, X_target=frame.iloc[:30])
    assert model.predict(frame).shape == (40,)


def test_with_target_keeps_the_target_whole_though_it_is_as_long_as_the_source(rows):
    X, y, Xt = rows
    bound = with_target(make_pipeline(StandardScaler(), Spy(), LogisticRegression()), Xt)
    GridSearchCV(bound, {"logisticregression__C": [0.1, 1.0]}, cv=3).fit(X, y)
    assert {n for _, n, _ in SEEN} == {90} and {n for n, _, _ in SEEN} == {60, 90}


def test_with_source_cuts_the_labelled_target_rows_only(rows):
    X, y, Xt = rows
    bound = with_source(make_pipeline(Spy(), LogisticRegression()), X, y, Xt[40:])
    cross_val_score(bound, Xt[:40], y[:40], cv=5)
    assert {(a, b) for a, b, _ in SEEN} == {(90, 32 + 50)}


def test_other_tools_of_scikit_learn(rows):
    X, y, Xt = rows
    bound = with_target(ClassifierDensityRatio(), Xt)
    proba = CalibratedClassifierCV(bound, cv=3).fit(X, y).predict_proba(Xt)
    assert proba.shape == (90, 2)
    source = with_source(SourcePriorLogistic(), X, y)
    sizes, _, scores = learning_curve(source, Xt, y, cv=3, train_sizes=[0.3, 1.0])
    assert len(sizes) == 2 and np.isfinite(scores).all()


def test_minus_one_can_be_a_class_of_bound_labels(rows):
    X, y, Xt = rows
    signs = np.where(y == 0, -1, 1)
    model = with_source(SourcePriorLogistic(), X, signs, Xt[20:]).fit(Xt[:20], signs[:20])
    assert set(model.predict(Xt)) <= {-1, 1}


def test_validators_serve_as_scoring(rows):
    X, y, Xt = rows
    bound = with_target(make_pipeline(CORAL(), LogisticRegression()), Xt)
    search = GridSearchCV(bound, {"coral__reg": [0.1, 10.0]}, cv=3, scoring=as_scoring(importance_weighted))
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert (search.cv_results_["mean_test_score"] <= 0).all()  # a risk, so its negative
