import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import BayesianRidge

from landbridge.transferability import log_evidence, logme


def evidence(F, y, alpha, beta):
    """The density of y itself, N(0, I / beta + F F' / alpha), a row."""
    n = len(y)
    C = np.eye(n) / beta + F @ F.T / alpha
    return -0.5 * (y @ np.linalg.solve(C, y) + np.linalg.slogdet(C)[1] + n * np.log(2 * np.pi)) / n


@pytest.mark.parametrize("shape", [(40, 6), (15, 30)])
def test_is_the_highest_density_of_the_labels(shape):
    rng = np.random.default_rng(0)
    F = rng.normal(size=shape)
    Y = np.column_stack([F[:, :3].sum(axis=1) + rng.normal(size=len(F)), (F[:, 0] > 0).astype(float)])
    found = log_evidence(F, Y)
    for value, y in zip(found, Y.T, strict=True):
        best = max(
            -minimize(lambda t, y=y: -evidence(F, y, *np.exp(t)), start, method="Nelder-Mead").fun
            for start in ([0.0, 0.0], [2.0, 2.0])
        )
        assert value == pytest.approx(best, abs=2e-4)


def test_agrees_with_bayesian_ridge():
    rng = np.random.default_rng(1)
    F = rng.normal(size=(80, 5))
    y = F @ rng.normal(size=5) + 0.5 * rng.normal(size=80)
    ridge = BayesianRidge(fit_intercept=False, alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, tol=1e-9, max_iter=1000)
    fitted = ridge.fit(F, y)
    assert log_evidence(F, y[:, None])[0] == pytest.approx(evidence(F, y, fitted.lambda_, fitted.alpha_), abs=1e-6)


def test_regression_and_the_mean_over_classes():
    rng = np.random.default_rng(2)
    F = rng.normal(size=(60, 4))
    y = F[:, 0] + 0.1 * rng.normal(size=60)
    m = logme(features=F, target_labels=y, task="regression", random_state=0)
    assert m.value == pytest.approx(log_evidence(F, y[:, None])[0])
    assert m.null < m.low
    codes = np.arange(60) % 3
    per_class = log_evidence(F, np.eye(3)[codes])
    assert logme(features=F, target_labels=codes, n_bootstrap=0).value == pytest.approx(per_class.mean())
