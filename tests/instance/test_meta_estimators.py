"""Base learners that pass sample weights on work inside every reweighting and boosting method."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from landbridge.base import fit_weighted
from landbridge.instance import (
    BBSE,
    KLIEP,
    KMM,
    MLLS,
    ULSIF,
    ClassifierDensityRatio,
    MultiSourceTrAdaBoost,
    NearestNeighbourWeights,
    SourcePooling,
    TaskTrAdaBoost,
    TrAdaBoost,
    TrAdaBoostR2,
    TwoStageTrAdaBoostR2,
)

pytestmark = pytest.mark.filterwarnings("ignore::landbridge.exceptions.EarlyStoppingWarning")

CLASSIFIERS = {
    "grid search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3),
    "randomised search": RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=2, cv=3),
    "voting": VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))]),
    "nested pipeline": make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), LogisticRegression())),
    "search in a pipeline": make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]})),
    "search over a pipeline": GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}, cv=3
    ),
    "calibrated": CalibratedClassifierCV(LogisticRegression(), cv=3),
    "bagging": BaggingClassifier(LogisticRegression(), n_estimators=3, random_state=0),
}
REGRESSORS = {
    "grid search": GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=3),
    "voting": VotingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=2))]),
    "nested pipeline": make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), Ridge())),
    "transformed target": TransformedTargetRegressor(Ridge(), func=np.arcsinh, inverse_func=np.sinh),
    "bagging": BaggingRegressor(Ridge(), n_estimators=3, random_state=0),
}
WEIGHTING = [
    ClassifierDensityRatio(),
    KMM(random_state=0),
    KLIEP(gamma=0.5, random_state=0),
    ULSIF(gamma=0.5, alpha=0.1, random_state=0),
    NearestNeighbourWeights(),
    SourcePooling(random_state=0),
]
LABEL_SHIFT = [BBSE(random_state=0), MLLS(random_state=0)]
BOOSTING = [TrAdaBoost(n_estimators=3), MultiSourceTrAdaBoost(n_estimators=2), TaskTrAdaBoost(n_estimators=2)]
BOOSTING_R2 = [TrAdaBoostR2(n_estimators=3), TwoStageTrAdaBoostR2(n_steps=2, n_estimators=2, cv=2, random_state=0)]


@pytest.fixture
def domains():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(90, 2)), 0.6 * rng.normal(size=(60, 2)) + 0.5
    rule = lambda Z: Z[:, 0] + 0.5 * rng.normal(size=len(Z))  # noqa: E731
    return X, rule(X), Xt, rule(Xt)


def source_domain(method):
    return {"source_domain": np.arange(90) % 2} if "source_domain" in method.transfer_tags.reads else {}


def same_learner(model, learner, X, y, Xt):
    """The learner that was fitted is that of the weights, fitted alone."""
    alone = fit_weighted(learner, X, y, model.source_weights_)
    np.testing.assert_allclose(model.predict(Xt), alone.predict(Xt))
    assert np.ptp(model.source_weights_) > 0


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("method", WEIGHTING + LABEL_SHIFT, ids=lambda m: type(m).__name__)
def test_weighting_methods_over_classifiers(method, name, domains):
    X, value, Xt, _ = domains
    learner = clone(CLASSIFIERS[name])
    learner.set_params(**{k: 0 for k, v in learner.get_params().items() if k.endswith("random_state") and v is None})
    y = (value > 0).astype(int)
    model = clone(method).set_params(estimator=learner).fit(X, y, X_target=Xt, **source_domain(method))
    assert set(model.predict(Xt)) <= {0, 1}
    if not isinstance(method, SourcePooling):
        same_learner(model, learner, X, y, Xt)


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.parametrize("method", WEIGHTING, ids=lambda m: type(m).__name__)
def test_weighting_methods_over_regressors(method, name, domains):
    X, y, Xt, _ = domains
    learner = clone(REGRESSORS[name])
    learner.set_params(**{k: 0 for k, v in learner.get_params().items() if k.endswith("random_state") and v is None})
    model = clone(method).set_params(estimator=learner).fit(X, y, X_target=Xt, **source_domain(method))
    assert np.isfinite(model.predict(Xt)).all()
    if not isinstance(method, SourcePooling):
        same_learner(model, learner, X, y, Xt)


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("method", BOOSTING, ids=lambda m: type(m).__name__)
def test_boosting_over_classifiers(method, name, domains):
    X, value, Xt, value_target = domains
    y, yt = (value > 0).astype(int), (value_target > 0).astype(int)
    partly = np.where(np.arange(60) < 30, yt, -1)
    model = clone(method).set_params(estimator=clone(CLASSIFIERS[name]))
    model.fit(X, y, X_target=Xt, y_target=partly, **source_domain(method))
    assert model.score(Xt, yt) > 0.5


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.parametrize("method", BOOSTING_R2, ids=lambda m: type(m).__name__)
def test_boosting_over_regressors(method, name, domains):
    X, y, Xt, yt = domains
    partly = np.where(np.arange(60) < 30, yt, np.nan)
    model = clone(method).set_params(estimator=clone(REGRESSORS[name])).fit(X, y, X_target=Xt, y_target=partly)
    assert model.score(Xt, yt) > 0.0
