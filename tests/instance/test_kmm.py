"""KMM: the programme is the paper's, the answer certified, and the toy of the paper comes out."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from landbridge.instance import KMM, kmm_weights
from landbridge.instance import _kmm as module
from landbridge.numerics import kernel, median_gamma


@pytest.fixture
def shifted():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 4)), rng.normal(size=(200, 4)) * 0.7 + [0.8, 0, 0, 0]


def objective(weights, Xs, Xt, name, gamma):
    K = kernel(Xs, kernel=name, gamma=gamma)
    kappa = len(Xs) / len(Xt) * kernel(Xs, Xt, kernel=name, gamma=gamma).sum(axis=1)
    return 0.5 * weights @ K @ weights - kappa @ weights


@pytest.mark.parametrize("name", ["rbf", "linear", "poly"])
@pytest.mark.parametrize("B", [1000.0, 3.0])
def test_objective_and_constraints_are_the_papers(shifted, name, B):
    Xs, Xt = shifted
    found = kmm_weights(Xs, Xt, kernel=name, gamma=0.2, max_weight=B, random_state=0)
    assert found.objective == pytest.approx(objective(found.weights, Xs, Xt, name, 0.2), rel=1e-6)
    assert found.gap <= 1e-6 * abs(found.objective)
    assert found.weights.min() >= 0 and found.weights.max() <= B
    eps = (np.sqrt(300) - 1) / np.sqrt(300)
    assert abs(found.weights.sum() - 300) <= 300 * eps * (1 + 1e-9)
    assert found.objective < objective(np.ones(300), Xs, Xt, name, 0.2)


def test_band_of_no_width_keeps_the_mean_weight(shifted):
    assert kmm_weights(*shifted, eps=0.0, random_state=0).weights.mean() == pytest.approx(1.0, rel=1e-9)


def test_width_left_out_is_the_median(shifted):
    Xs, Xt = shifted
    want = kmm_weights(Xs, Xt, gamma=median_gamma(Xs, Xt), random_state=0)
    assert kmm_weights(Xs, Xt, random_state=0).objective == pytest.approx(want.objective)


def test_single_precision_path(shifted, monkeypatch):
    exact = kmm_weights(*shifted, random_state=0)
    monkeypatch.setattr(module, "DOUBLE_BYTES", 0)
    single = kmm_weights(*shifted, random_state=0)
    assert single.objective == pytest.approx(exact.objective, rel=2e-7)
    assert single.gap <= 1e-6 * abs(single.objective)


def test_few_landmarks_come_close_in_the_true_objective(shifted):
    Xs, Xt = shifted
    gamma = median_gamma(Xs, Xt)
    exact = kmm_weights(Xs, Xt, gamma=gamma, random_state=0)
    plain = objective(np.ones(300), Xs, Xt, "rbf", gamma)
    rough = objective(kmm_weights(Xs, Xt, gamma=gamma, n_landmarks=60, random_state=0).weights, Xs, Xt, "rbf", gamma)
    assert rough - exact.objective < 0.02 * (plain - exact.objective)
    full = objective(kmm_weights(Xs, Xt, gamma=gamma, n_landmarks=300, random_state=0).weights, Xs, Xt, "rbf", gamma)
    assert full - exact.objective <= rough - exact.objective + 1e-6


def test_many_rows_take_the_approximate_path(monkeypatch, shifted):
    monkeypatch.setattr(module, "EXACT_SAMPLES", 100)
    monkeypatch.setattr(module, "_exact", None)
    model = KMM(random_state=0).fit(shifted[0], (shifted[0][:, 0] > 0).astype(int), X_target=shifted[1])
    assert np.average(shifted[0][:, 0], weights=model.source_weights_) == pytest.approx(0.8, abs=0.1)


def test_rows_far_from_the_origin_are_no_worse(shifted):
    Xs, Xt = shifted
    far = kmm_weights(Xs + 1e6, Xt + 1e6, gamma=0.2, random_state=0)
    assert far.objective == pytest.approx(kmm_weights(Xs, Xt, gamma=0.2, random_state=0).objective, rel=1e-6)
    # a single target row has no spread of its own to tell by
    assert (
        kmm_weights(np.array([[0.0], [0.1], [5.0]]), np.array([[0.05]]), gamma=1.0, tol=1e-7, random_state=0).weights[2]
        < 1e-3
    )


def test_same_domain_needs_no_weights():
    X = np.random.default_rng(0).normal(size=(200, 3))
    found = kmm_weights(X, X, gamma=0.3, random_state=0)
    assert found.objective == pytest.approx(objective(np.ones(200), X, X, "rbf", 0.3), rel=1e-6)


def test_shimodaira_toy():
    """y = -x + x³ + noise, fitted by a line: weights bring it to the line of the target (Huang 2006, section 4.1)."""
    plain, ideal, matched = [], [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, z = rng.normal(0.5, 0.5, 100), rng.normal(0.0, 0.3, 100)
        y, y_target = (-v + v**3 + rng.normal(0, 0.3, 100) for v in (x, z))
        true = np.exp(-(x**2) / (2 * 0.09)) / 0.3 / (np.exp(-((x - 0.5) ** 2) / 0.5) / 0.5)

        def error(model, z=z, y_target=y_target):
            return np.mean((model.predict(z[:, None]) - y_target) ** 2)

        plain.append(error(LinearRegression().fit(x[:, None], y)))
        ideal.append(error(LinearRegression().fit(x[:, None], y, sample_weight=true)))
        matched.append(error(KMM(LinearRegression(), random_state=0).fit(x[:, None], y, X_target=z[:, None])))
    assert np.mean(matched) < 0.6 * np.mean(plain)
    assert np.mean(matched) < 1.15 * np.mean(ideal)


def test_attributes(shifted):
    model = KMM(max_iter=50, random_state=0).fit(shifted[0], shifted[0][:, 0] > 0, X_target=shifted[1])
    assert model.source_weights_.mean() == pytest.approx(1.0)
    assert 0 <= model.duality_gap_ <= 1e-6 * abs(model.objective_)
    assert 1 <= model.n_iter_ <= 50


def test_the_exact_programme_does_not_depend_on_the_seed(shifted):
    one, other = (kmm_weights(*shifted, random_state=s).weights for s in (0, 1))
    np.testing.assert_array_equal(one, other)
