"""Weights reach every learner inside meta-estimators and pipelines, whatever the nesting."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

import landbridge
from landbridge._sklearn_compat import BAGGING_DRAWS_BY_WEIGHT
from landbridge.base import fit_weighted
from landbridge.exceptions import InputError
from landbridge.instance import KMM

SEEN: list = []


class _Spy(BaseEstimator):
    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y, sample_weight=None):
        SEEN.append(None if sample_weight is None else np.asarray(sample_weight))
        self.n_features_in_ = X.shape[1]
        self.coef_ = np.arange(X.shape[1], dtype=float)
        self.mean_ = np.average(y, weights=sample_weight)
        self.classes_ = np.unique(y)
        return self


class SpyClassifier(ClassifierMixin, _Spy):
    """Record the weights."""

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > 0).astype(int)]

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-np.asarray(X)[:, 0]))
        return np.column_stack([1 - p, p])


class SpyRegressor(RegressorMixin, _Spy):
    """Record the weights."""

    def predict(self, X):
        return np.asarray(X)[:, 0] + self.mean_


def piped(learner):
    return make_pipeline(StandardScaler(), make_pipeline(MinMaxScaler(), learner))


WRAPPERS = {
    "alone": lambda e, c: e,
    "pipeline": lambda e, c: make_pipeline(StandardScaler(), e),
    "nested pipeline": lambda e, c: piped(e),
    "transfer pipeline": lambda e, c: landbridge.make_pipeline(StandardScaler(), e),
    "selection before": lambda e, c: make_pipeline(SelectFromModel(Ridge(), threshold=-1), e),
    "grid search": lambda e, c: GridSearchCV(e, {}, cv=2),
    "scored grid search": lambda e, c: GridSearchCV(e, {}, cv=2, scoring="accuracy" if c else "r2"),
    "randomized search": lambda e, c: RandomizedSearchCV(e, {}, n_iter=1, cv=2),
    "voting": lambda e, c: (
        VotingClassifier([("a", e), ("b", "drop")], voting="soft") if c else VotingRegressor([("a", e), ("b", "drop")])
    ),
    "stacking": lambda e, c: (StackingClassifier if c else StackingRegressor)(
        [("a", e)], final_estimator=LogisticRegression() if c else Ridge(), cv=2
    ),
    "stacking on top": lambda e, c: (StackingClassifier if c else StackingRegressor)(
        [("a", LogisticRegression() if c else Ridge())], final_estimator=e, cv=2
    ),
    "bagging": lambda e, c: (BaggingClassifier if c else BaggingRegressor)(e, n_estimators=2, random_state=0),
    "calibration": lambda e, c: CalibratedClassifierCV(e, cv=2) if c else None,
    "one versus rest": lambda e, c: OneVsRestClassifier(e) if c else None,
    "transformed target": lambda e, c: None if c else TransformedTargetRegressor(e, transformer=StandardScaler()),
}


@pytest.fixture(params=[True, False], ids=["classes", "values"])
def task(request):
    SEEN.clear()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = (X[:, 0] > 0).astype(int) if request.param else X[:, 0] + rng.normal(size=40)
    return request.param, X, y, rng.uniform(0.5, 2.0, size=40)


def _check_seen(weights, exact):
    assert SEEN and all(s is not None for s in SEEN), "a learner was fitted without weights"
    if exact:
        assert all(np.isin(s, weights).all() for s in SEEN)


@pytest.mark.parametrize("inner", WRAPPERS)
@pytest.mark.parametrize("outer", WRAPPERS)
def test_weights_reach_the_learner_through_two_levels(task, inner, outer):
    classes, X, y, w = task
    learner = SpyClassifier() if classes else SpyRegressor()
    middle = WRAPPERS[inner](learner, classes)
    model = None if middle is None else WRAPPERS[outer](middle, classes)
    if model is None:
        pytest.skip("another task")
    before = repr(model), clone(model)
    fitted = fit_weighted(model, X, y, w)
    drawn = outer == "bagging" and inner not in ("alone", "bagging", "calibration") and BAGGING_DRAWS_BY_WEIGHT
    if not drawn:  # the ensemble draws by the weights
        _check_seen(w, exact="bagging" not in (inner, outer))
    assert fitted is not model and repr(model) == before[0] and not hasattr(model, "n_features_in_")
    assert len(fitted.predict(X)) == len(X)
    assert sklearn.get_config()["enable_metadata_routing"] is False
    with sklearn.config_context(enable_metadata_routing=True):  # the caller's learner asks for nothing
        assert getattr(learner, "_metadata_request", None) is None


def test_the_same_as_by_hand():
    rng = np.random.default_rng(1)
    X, w = rng.normal(size=(60, 2)), rng.uniform(0.1, 3.0, size=60)
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
    for search in (
        GridSearchCV(LogisticRegression(), {"C": [0.01, 0.1, 1.0]}),
        RandomizedSearchCV(SVC(kernel="linear"), {"C": [0.1, 1.0]}, n_iter=2, random_state=0),
        GridSearchCV(AdaBoostClassifier(random_state=0), {"n_estimators": [2, 5]}),
    ):
        right = clone(search).fit(X, y, sample_weight=w)
        got = fit_weighted(search, X, y, w)
        assert got.best_params_ == right.best_params_
        np.testing.assert_allclose(got.cv_results_["mean_test_score"], right.cv_results_["mean_test_score"])
        np.testing.assert_allclose(got.decision_function(X), right.decision_function(X))
    right = VotingClassifier([("a", LogisticRegression()), ("b", SVC())]).fit(X, y, sample_weight=w)
    got = fit_weighted(VotingClassifier([("a", LogisticRegression()), ("b", SVC())]), X, y, w)
    np.testing.assert_array_equal(got.predict(X), right.predict(X))


def test_a_search_over_a_pipeline_fits_and_scores_with_the_weights():
    rng = np.random.default_rng(2)
    X, w = rng.normal(size=(60, 2)), rng.integers(0, 2, size=60).astype(float)
    w[:4] = 1.0
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
    steps = FunctionTransformer(), LogisticRegression()
    grid = {"logisticregression__C": [0.01, 1.0]}
    plain = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0]}, cv=3).fit(X, y, sample_weight=w)
    scores = [
        np.mean(
            [
                LogisticRegression(C=C).fit(X[a], y[a], w[a]).score(X[b], y[b], w[b])
                for a, b in StratifiedKFold(3).split(X, y)
            ]
        )
        for C in (0.01, 1.0)
    ]
    for scoring in (None, "accuracy", ["accuracy"], {"a": "accuracy"}, make_scorer(accuracy_score)):
        refit = {list: "accuracy", dict: "a"}.get(type(scoring), True)
        search = GridSearchCV(make_pipeline(*steps), grid, cv=3, scoring=scoring, refit=refit)
        got = fit_weighted(search, X, y, w)
        key = f"mean_test_{refit if isinstance(refit, str) else 'score'}"
        np.testing.assert_allclose(got.cv_results_[key], scores)
        best = plain.best_estimator_.set_params(C=[0.01, 1.0][int(np.argmax(scores))]).fit(X, y, w)
        np.testing.assert_allclose(got.best_estimator_[-1].coef_, best.coef_)
        assert search.scoring is scoring


def test_steps_exchanged_by_a_grid():
    X, y, w = np.arange(12.0).reshape(-1, 1), np.arange(12) % 2, np.linspace(0.5, 1.5, 12)
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    grid = {"standardscaler": [StandardScaler(), MinMaxScaler()], "logisticregression": [SpyClassifier(), SVC()]}
    SEEN.clear()
    fit_weighted(GridSearchCV(pipe, grid, cv=2), X, y, w)
    _check_seen(w, exact=True)
    grid["logisticregression"].append(KNeighborsClassifier())
    with pytest.raises(InputError, match="KNeighborsClassifier takes no sample_weight"):
        fit_weighted(GridSearchCV(pipe, grid, cv=2), X, y, w)


@pytest.mark.parametrize(
    "model",
    [
        AdaBoostRegressor(SpyRegressor(), n_estimators=2, random_state=0),
        RFE(SpyRegressor(), n_features_to_select=1),
        RANSACRegressor(SpyRegressor(), random_state=0, min_samples=10),
        VotingRegressor([("a", piped(RANSACRegressor(random_state=0))), ("b", SpyRegressor())]),
        VotingRegressor([("a", piped(BaggingRegressor(n_estimators=2, random_state=0))), ("b", SpyRegressor())]),
        VotingRegressor([("a", piped(TransformedTargetRegressor())), ("b", SpyRegressor())]),
        MultiOutputRegressor(SpyRegressor()),
    ],
    ids=lambda m: type(m).__name__,
)
def test_further_meta_estimators(model):
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(40, 3)), rng.uniform(0.5, 2.0, size=40)
    y = X[:, 0] + 0.1 * rng.normal(size=40)
    SEEN.clear()
    fit_weighted(model, X, np.column_stack([y, y]) if isinstance(model, MultiOutputRegressor) else y, w)
    if not isinstance(model, AdaBoostRegressor):  # draws by the weights
        assert SEEN and all(s is not None for s in SEEN)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: e,
        piped,
        lambda e: GridSearchCV(e, {}),
        lambda e: VotingClassifier([("a", LogisticRegression()), ("b", piped(e))]),
        lambda e: StackingClassifier([("a", e)]),
        lambda e: CalibratedClassifierCV(piped(e)),
        lambda e: AdaBoostClassifier(e),
    ],
)
def test_learners_without_weights_are_named_wherever_they_are(wrap):
    with pytest.raises(InputError, match=r"KNeighborsClassifier takes no sample_weight.*choose a learner that does"):
        fit_weighted(wrap(KNeighborsClassifier()), np.eye(4), [0, 1, 0, 1], np.ones(4))


def test_a_pipeline_that_ends_without_a_learner():
    with pytest.raises(InputError, match="'passthrough' takes no sample_weight"):
        fit_weighted(make_pipeline(StandardScaler(), "passthrough"), np.eye(4), [0, 1, 0, 1], np.ones(4))


def test_what_routing_cannot_reach_is_named():
    model = VotingClassifier([("a", make_pipeline(StandardScaler(), AdaBoostClassifier()))])
    with pytest.raises(InputError, match="cannot pass sample_weight on to AdaBoostClassifier"):
        fit_weighted(model, np.eye(4), [0, 1, 0, 1], np.ones(4))


@pytest.mark.skipif(not BAGGING_DRAWS_BY_WEIGHT, reason="bagging passes the weights on before scikit-learn 1.8")
def test_bagging_draws_by_the_weights():
    X, y = np.arange(20.0).reshape(-1, 1), np.arange(20.0)
    w = np.where(y < 10, 1.0, 0.0)
    model = fit_weighted(BaggingRegressor(KNeighborsRegressor(1), random_state=0), X, y, w)
    assert model.predict(X).max() < 10


def test_weights_of_zero_equal_samples_removed():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    w = (np.arange(40) % 2).astype(float)
    for learner in (Ridge(), LinearRegression(), DecisionTreeRegressor(random_state=0)):
        model = VotingRegressor([("a", make_pipeline(FunctionTransformer(), learner)), ("b", learner)])
        got = fit_weighted(TransformedTargetRegressor(model, func=np.arcsinh, inverse_func=np.sinh), X, y, w)
        part = TransformedTargetRegressor(model, func=np.arcsinh, inverse_func=np.sinh).fit(X[1::2], y[1::2])
        np.testing.assert_allclose(got.predict(X), part.predict(X), atol=1e-8)


def test_inside_a_reweighting_method_and_a_surrounding_pipeline():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(80, 2)), rng.normal(size=(60, 2)) * 0.6 + 0.8
    y = (X[:, 0] + 0.5 * rng.normal(size=80) > 0).astype(int)
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1.0]})
    model = landbridge.make_pipeline(StandardScaler(), KMM(search)).fit(X, y, X_target=Xt)
    assert model.predict(Xt).shape == (60,) and model.predict_proba(Xt).shape == (60, 2)
