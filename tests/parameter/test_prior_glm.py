"""SourcePriorGLM: the target's counts and amounts, drawn towards the source's rule."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import GammaRegressor, PoissonRegressor
from sklearn.metrics import mean_poisson_deviance, mean_tweedie_deviance

from landbridge.exceptions import LabelError
from landbridge.parameter import SourcePriorGLM, glm_loss, prior_glm


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 3.0])
def test_loss_is_half_the_deviance_and_its_slope_is_right(power):
    rng = np.random.default_rng(0)
    y, eta = rng.gamma(2.0, size=20), rng.normal(size=20)
    loss, slope = glm_loss(y, eta, power)
    perfect, flat = glm_loss(y, np.log(y), power)
    deviance = mean_tweedie_deviance(y, np.exp(eta), power=power)
    assert 2 * (loss - perfect).mean() == pytest.approx(deviance)
    np.testing.assert_allclose(flat, 0.0, atol=1e-12)
    numeric = approx_fprime(eta, lambda e: glm_loss(y, e, power)[0].sum(), 1e-7)
    np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model,power", [(PoissonRegressor, 1.0), (GammaRegressor, 2.0)])
def test_without_a_source_it_is_ridge_glm(model, power):
    """A prior at zero is scikit-learn's penalty, but for the intercept, which a column of ones stands for here."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = rng.gamma(5.0, np.exp(0.3 * X[:, 0]) / 5.0)
    X1 = np.column_stack([X, np.ones(200)])
    alone = model(alpha=0.1, fit_intercept=False, tol=1e-10, max_iter=5000).fit(X1, y)
    coef, intercept, _ = prior_glm(X, y, np.zeros(3), 0.0, 0.1 * 200, power, tol=1e-10)
    np.testing.assert_allclose(np.append(coef, intercept), alone.coef_, atol=1e-5)


def test_between_source_and_target():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(800, 3)), rng.normal(size=(500, 3))
    rule, moved = np.array([0.6, -0.4, 0.2]), np.array([0.6, -0.4, 0.7])
    y, yt = rng.poisson(np.exp(X @ rule)), rng.poisson(np.exp(Xt @ moved))
    y_target = np.where(np.arange(500) < 12, yt, np.nan)
    errors = {}
    for strength in (1e-6, 3.0, 1e6):
        model = SourcePriorGLM(prior_strength=strength, alpha=1e-3).fit(X, y, X_target=Xt, y_target=y_target)
        errors[strength] = mean_poisson_deviance(yt[12:], np.maximum(model.predict(Xt[12:]), 1e-9))
    assert errors[3.0] < errors[1e6] and errors[3.0] < errors[1e-6]
    np.testing.assert_allclose(model.coef_, model.source_coef_, atol=1e-3)


def test_a_fitted_source_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = rng.poisson(np.exp(X[:, 0]))
    source = PoissonRegressor().fit(X, y)
    model = SourcePriorGLM(source_estimator=FrozenEstimator(source)).adapt(X)
    np.testing.assert_allclose(model.predict(X), source.predict(X))
    assert SourcePriorGLM(source_estimator=FrozenEstimator(source)).adapt(X, y + 3.0).intercept_ > source.intercept_


@pytest.mark.parametrize("loss,bad", [("poisson", -1.0), ("gamma", 0.0)])
def test_values_that_cannot_be(loss, bad):
    X, y = np.arange(6.0)[:, None], np.ones(6)
    with pytest.raises(LabelError, match=r"^y_target holds .*" + loss):
        SourcePriorGLM(loss).fit(X, y, X_target=X, y_target=np.array([bad] + [np.nan] * 5))
    with pytest.raises(LabelError, match=r"^y holds"):
        SourcePriorGLM(loss).fit(X, np.where(X[:, 0] == 0, bad, y))
