import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import Ridge

from landbridge.parameter import SourcePriorGP, prior_scale


def curve(n=60):
    X = np.linspace(0, 6, n)[:, None]
    return X, np.sin(X[:, 0])


def test_scale_minimises_its_objective():
    rng = np.random.default_rng(0)
    m, y = rng.normal(size=12), rng.normal(size=12)
    rho = prior_scale(m, y, prior_samples=3.0)

    def objective(r):
        return ((y - y.mean() - r * (m - m.mean())) ** 2).sum() + 3.0 * m.var() * (r - 1) ** 2

    assert objective(rho) < min(objective(rho - 1e-3), objective(rho + 1e-3))
    assert prior_scale(np.ones(4), y[:4]) == 1.0


def test_without_target_labels_it_is_the_source_model():
    X, y = curve()
    model = SourcePriorGP(random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), model.source_estimator_.predict(X))
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(std, model.source_estimator_.predict(X, return_std=True)[1])
    assert mean.shape == std.shape == (60,)


def test_the_target_is_the_scaled_source_plus_a_process():
    X, y = curve()
    kernel = RBF(1.0)
    y_target = np.where(np.arange(60) % 6 == 0, 2 * y + 0.1 * X[:, 0], np.nan)
    frozen = FrozenEstimator(GaussianProcessRegressor(kernel, alpha=1e-6).fit(X, y))
    model = SourcePriorGP(kernel, source_estimator=frozen, random_state=0).adapt(X, y_target)
    rows = ~np.isnan(y_target)
    rest = y_target[rows] - model.scale_ * frozen.predict(X[rows])
    process = GaussianProcessRegressor(kernel, normalize_y=True).fit(X[rows], rest)
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(mean, model.scale_ * frozen.predict(X) + process.predict(X), atol=1e-6)
    parts = model.scale_ * np.zeros(60), process.predict(X, return_std=True)[1]
    np.testing.assert_allclose(std**2, parts[0] ** 2 + parts[1] ** 2, atol=1e-4)
    assert 1.3 < model.scale_ < 2.1


def test_a_handful_of_labels_beats_both_ways_of_not_transferring():
    X, y = curve()
    truth = y + 0.3 * X[:, 0] + 1.0
    y_target = np.full(60, np.nan)
    y_target[[5, 20, 35, 50]] = truth[[5, 20, 35, 50]]
    model = SourcePriorGP(random_state=0).fit(X, y, X_target=X, y_target=y_target)
    alone = GaussianProcessRegressor(RBF(), normalize_y=True).fit(X[[5, 20, 35, 50]], truth[[5, 20, 35, 50]])
    error = np.abs(model.predict(X) - truth).mean()
    assert error < 0.5 * np.abs(model.source_estimator_.predict(X) - truth).mean()
    assert error < 0.5 * np.abs(alone.predict(X) - truth).mean()


def test_uncertainty_grows_away_from_the_labels():
    X, y = curve()
    y_target = np.full(60, np.nan)
    y_target[:8] = y[:8] + 0.1 * np.arange(8)
    _, std = SourcePriorGP(random_state=0).fit(X, y, X_target=X, y_target=y_target).predict(X, return_std=True)
    assert std[40] > 2 * std[4]


def test_any_regressor_may_be_the_source_and_rows_are_limited():
    X, y = curve()
    y_target = np.where(np.arange(60) % 10 == 0, y + 2, np.nan)
    model = clone(SourcePriorGP(estimator=Ridge(), fit_scale=False, random_state=0))
    model.fit(X, y, X_target=X, y_target=y_target)
    assert model.scale_ == 1.0
    assert np.isfinite(model.predict(X, return_std=True)[1]).all()
    small = SourcePriorGP(max_samples=20, random_state=0).fit(X, y)
    assert small.source_estimator_.X_train_.shape == (20, 1)
    assert small.score(X, y) == pytest.approx(1.0, abs=0.01)
