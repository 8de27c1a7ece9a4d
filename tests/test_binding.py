import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge import make_pipeline, with_source, with_target
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.exceptions import InputError
from landbridge.feature import CORAL, FeatureAugmentation
from landbridge.guard import as_scoring, importance_weighted
from landbridge.instance import ClassifierDensityRatio
from landbridge.parameter import SourcePriorLogistic, SourcePriorRidge

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


def test_clones_share_the_bound_data_and_nothing_fitted(rows):
    X, y, Xt = rows
    bound = with_target(ClassifierDensityRatio(max_weight=5.0), Xt).fit(X, y)
    copied = clone(bound)
    assert copied.X_target is Xt and copied.estimator.max_weight == 5.0
    with pytest.raises(NotFittedError):
        copied.predict(Xt)


def test_parameters_need_no_prefix_and_are_those_of_the_estimator(rows):
    X, y, Xt = rows
    bound = with_target(ClassifierDensityRatio(), Xt)
    assert bound.get_params() == bound.estimator.get_params()
    assert bound.set_params(max_weight=3.0).get_params()["max_weight"] == 3.0
    assert bound.fit(X, y).estimator_.max_weight == 3.0


def test_a_bound_estimator_is_what_it_holds(rows):
    X, y, Xt = rows
    assert is_classifier(with_target(ClassifierDensityRatio(), Xt))
    assert is_regressor(with_target(ClassifierDensityRatio(Ridge()), Xt))
    assert is_regressor(with_source(SourcePriorRidge(), X, y))
    assert not hasattr(with_target(ClassifierDensityRatio(Ridge()), Xt), "predict_proba")
    assert hasattr(with_target(CORAL(), Xt), "transform")
    assert not hasattr(with_target(CORAL(), Xt), "predict")


def test_its_repr_names_the_estimator(rows):
    X, y, Xt = rows
    assert repr(with_target(ClassifierDensityRatio(max_weight=5.0), Xt)) == "TargetBound(ClassifierDensityRatio(max_weight=5.0))"
    assert repr(with_source(SourcePriorLogistic(), X, y)) == "SourceBound(SourcePriorLogistic())"


def test_it_predicts_as_the_unbound_one_does(rows):
    X, y, Xt = rows
    alone = ClassifierDensityRatio().fit(X, y, X_target=Xt)
    bound = with_target(ClassifierDensityRatio(), Xt).fit(X, y)
    np.testing.assert_array_equal(bound.predict_proba(Xt), alone.predict_proba(Xt))
    np.testing.assert_array_equal(bound.decision_function(Xt), alone.decision_function(Xt))
    assert bound.score(Xt, y) == alone.score(Xt, y)
    assert bound.classes_.tolist() == [0, 1]


def test_target_labels_are_bound_with_the_target(rows):
    X, y, Xt = rows
    partly = np.where(np.arange(90) < 20, 1 - y, -1)
    bound = with_target(SourcePriorLogistic(), Xt, partly).fit(X, y)
    alone = SourcePriorLogistic().fit(X, y, X_target=Xt, y_target=partly)
    np.testing.assert_array_equal(bound.predict_proba(Xt), alone.predict_proba(Xt))
    assert not np.allclose(bound.predict_proba(Xt), with_target(SourcePriorLogistic(), Xt).fit(X, y).predict_proba(Xt))


def test_values_are_bound_for_regression_too(rows):
    X, _, Xt = rows
    value, told = X.sum(axis=1), Xt[:10].sum(axis=1)
    bound = with_source(SourcePriorRidge(), X, value, Xt[10:]).fit(Xt[:10], told)
    labels = np.concatenate([told, np.full(80, np.nan)])
    alone = SourcePriorRidge().fit(X, value, X_target=Xt, y_target=labels)
    np.testing.assert_allclose(bound.predict(Xt), alone.predict(Xt))


def test_unlabelled_rows_may_be_frames_or_sparse_but_of_one_kind(rows):
    X, y, Xt = rows
    wanted = with_source(FeatureAugmentation(), X, y, Xt[20:]).fit(Xt[:20], y[:20]).predict_proba(Xt)
    names = ["a", "b", "c"]
    frames = [pd.DataFrame(a, columns=names) for a in (X, Xt)]
    framed = with_source(FeatureAugmentation(), frames[0], y, frames[1][20:]).fit(frames[1][:20], y[:20])
    np.testing.assert_allclose(framed.predict_proba(frames[1]), wanted)
    rowwise = [sparse.csr_array(a) for a in (X, Xt)]
    thin = with_source(FeatureAugmentation(), rowwise[0], y, rowwise[1][20:]).fit(rowwise[1][:20], y[:20])
    np.testing.assert_allclose(thin.predict_proba(rowwise[1]), wanted, atol=1e-3)
    with pytest.raises(InputError, match="X_unlabelled must be of the same type"):
        with_source(FeatureAugmentation(), frames[0], y, Xt).fit(frames[1], y)


def test_stacking_over_bound_estimators(rows):
    X, y, Xt = rows
    members = [("weighed", with_target(ClassifierDensityRatio(), Xt)), ("plain", LogisticRegression())]
    assert StackingClassifier(members, cv=3).fit(X, y).predict(Xt).shape == (90,)


class Grouped(Spy):
    """Remember the sources and the intermediate domains."""

    transfer_tags = TransferTags("feature", reads=frozenset({"X_target", "source_domain", "intermediate_domains"}))

    def fit(self, X, y=None, *, X_target=None, y_target=None, source_domain=None, intermediate_domains=None):
        SEEN.append((len(X), source_domain, intermediate_domains))
        return super().fit(X, y, X_target=X_target, y_target=y_target)

    def fit_transform(self, X, y=None, **metadata):
        return self.fit(X, y, **metadata).transform_source(X)


def test_sources_are_split_with_the_source_samples(rows):
    X, y, Xt = rows
    groups = np.arange(90) // 30
    bound = with_target(make_pipeline(Grouped(), LogisticRegression()), Xt, intermediate_domains=[X, Xt])
    GridSearchCV(bound, {"logisticregression__C": [1.0]}, cv=3).fit(X, y, source_domain=groups)
    seen = [s for s in SEEN if not isinstance(s[1], int)]
    assert {(n, len(g), len(between)) for n, g, between in seen} == {(60, 60, 2), (90, 90, 2)}
    with sklearn.config_context(enable_metadata_routing=True):
        SEEN.clear()
        plain_pipeline("passthrough", bound).fit(X, y, source_domain=groups)
    assert SEEN[0][1] is groups


def test_sources_are_bound_with_the_source(rows):
    X, y, Xt = rows
    groups = np.arange(90) // 30
    bound = with_source(make_pipeline(Grouped(), LogisticRegression()), X, y, Xt[40:], source_domain=groups)
    cross_val_score(bound, Xt[:40], y[:40], cv=4)
    seen = [s for s in SEEN if not isinstance(s[1], int)]
    assert len(seen) == 4 and all(n == 90 and g is groups for n, g, _ in seen)


def test_what_the_estimator_does_not_use_is_refused(rows):
    X, y, Xt = rows
    with pytest.raises(InputError, match=r"source_domain was given, but ClassifierDensityRatio\(\) does not use it"):
        with_target(ClassifierDensityRatio(), Xt).fit(X, y, source_domain=y)
    with pytest.raises(InputError, match="intermediate_domains was given"):
        with_source(ClassifierDensityRatio(), X, y, intermediate_domains=[X]).fit(Xt, y)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda b: plain_pipeline(StandardScaler(), b),
        lambda b: plain_pipeline(StandardScaler(), b, memory=joblib.Memory(None)),
        lambda b: make_pipeline(StandardScaler(), b),
        lambda b: plain_pipeline(StandardScaler(), plain_pipeline("passthrough", b)),
        lambda b: plain_pipeline(StandardScaler(), GridSearchCV(b, {}, cv=2)),
        lambda b: plain_pipeline(StandardScaler(), GridSearchCV(b, {}, cv=2, n_jobs=2)),
        lambda b: plain_pipeline(StandardScaler(), StackingClassifier([("a", b)], cv=2)),
        lambda b: GridSearchCV(plain_pipeline(StandardScaler(), b), {}, cv=2, error_score="raise"),
        lambda b: GridSearchCV(plain_pipeline(StandardScaler(), b), {}, cv=2, n_jobs=2, error_score="raise"),
    ],
)
def test_a_target_that_would_arrive_untransformed_is_refused(rows, wrap):
    X, y, Xt = rows
    for bound in (with_target(ClassifierDensityRatio(), Xt), with_source(ClassifierDensityRatio(), X, y)):
        with pytest.raises(ValueError, match=r"comes after StandardScaler in a pipeline.*bind the whole pipeline"):
            wrap(bound).fit(X, y)


def test_a_bound_estimator_may_come_first_or_hold_the_pipeline(rows):
    X, y, Xt = rows
    bound = with_target(CORAL(), Xt)
    for first in (plain_pipeline(bound, LogisticRegression()), plain_pipeline("passthrough", bound, StandardScaler())):
        first.fit(X, y)
    mapped = CORAL().fit_transform(X, y, X_target=Xt)
    np.testing.assert_allclose(with_target(CORAL(), Xt).fit_transform(X, y), mapped)
    alone = LogisticRegression().fit(mapped, y)
    np.testing.assert_allclose(plain_pipeline(bound, LogisticRegression()).fit(X, y)[-1].coef_, alone.coef_)
    inside = with_target(plain_pipeline("passthrough", make_pipeline(StandardScaler(), CORAL())), Xt)
    with sklearn.config_context(enable_metadata_routing=True):
        inside.fit(X, y)


def _other_projects_evaluation(pipe, X, y, Xt, folds=3):
    """Fit as MOABB does: the target comes under a name of its own, with metadata routing."""
    with sklearn.config_context(enable_metadata_routing=True):
        return cross_val_score(pipe, X, y, cv=folds, params={"X_target_unlabeled": Xt}, error_score="raise")


@pytest.mark.parametrize("as_transformer", [False, True])
def test_under_the_name_that_another_project_routes(rows, as_transformer):
    X, y, Xt = rows
    method = CORAL() if as_transformer else ClassifierDensityRatio()
    steps = [("scale", StandardScaler()), ("method", with_target(method, name="X_target_unlabeled"))]
    steps += [("learner", LogisticRegression())] if as_transformer else []
    pipe = Pipeline(steps, transform_input=["X_target_unlabeled"])
    with sklearn.config_context(enable_metadata_routing=True):
        got = pipe.fit(X, y, X_target_unlabeled=Xt[:70]).predict(Xt)
    ours = make_pipeline(StandardScaler(), clone(method), *([LogisticRegression()] if as_transformer else []))
    np.testing.assert_array_equal(got, ours.fit(X, y, X_target=Xt[:70]).predict(Xt))
    assert np.isfinite(_other_projects_evaluation(pipe, X, y, Xt[:70])).all()
    with pytest.raises(ValueError, match=r"would arrive without passing through StandardScaler.*transform_input"):
        _other_projects_evaluation(Pipeline(steps), X, y, Xt[:70])


def test_labels_and_further_metadata_under_other_names(rows):
    X, y, Xt = rows
    bound = with_target(SourcePriorLogistic(), name="Xt", y_name="yt")
    alone = SourcePriorLogistic().fit(X, y, X_target=Xt, y_target=y)
    np.testing.assert_array_equal(bound.fit(X, y, Xt=Xt, yt=y).predict_proba(Xt), alone.predict_proba(Xt))
    assert clone(bound).name == "Xt" and is_classifier(bound)
    with pytest.raises(InputError, match=r"fit got 'other'; this estimator takes Xt, yt"):
        bound.fit(X, y, Xt=Xt, other=1)
    with pytest.raises(InputError, match="fit needs Xt, the target samples"):
        bound.fit(X, y)


def test_with_target_takes_data_or_a_name(rows):
    _, y, Xt = rows
    for wrong in ({}, {"X_target": Xt, "name": "Xt"}, {"X_target": Xt, "y_name": "yt"}, {"name": "Xt", "y_target": y}):
        with pytest.raises(InputError):
            with_target(CORAL(), **wrong)


def test_scores_take_weights(rows):
    X, y, Xt = rows
    w = np.random.default_rng(0).random(90)
    bound = with_target(ClassifierDensityRatio(), Xt).fit(X, y)
    assert bound.score(Xt, y, sample_weight=w) == accuracy_score(y, bound.predict(Xt), sample_weight=w)
    assert not hasattr(with_target(CORAL(), Xt), "score")
