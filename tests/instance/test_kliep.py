"""KLIEP: the programme is the paper's and solved; the width comes from the target."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from landbridge.instance import KLIEP, kliep_coefficients
from landbridge.instance import _kliep as module
from landbridge.numerics import kernel


@pytest.fixture
def shifted():
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, 1)), rng.normal(0.8, 0.6, size=(300, 1))


def likelihood(alpha, P):
    return np.log(P @ alpha).mean()


@pytest.mark.parametrize("gamma", [0.3, 3.0, 30.0])
def test_no_worse_than_a_generic_solver(shifted, gamma):
    Xs, Xt = shifted
    P, mean = kernel(Xt, Xt[:12], gamma=gamma), kernel(Xs, Xt[:12], gamma=gamma).mean(axis=0)
    alpha = kliep_coefficients(P, mean)
    assert alpha.min() >= 0
    assert alpha @ mean == pytest.approx(1.0)
    found = minimize(
        lambda a: -np.log(np.maximum(P @ a, 1e-300)).mean(),
        np.full(12, 1 / 12) / mean,
        jac=lambda a: -(P / np.maximum(P @ a, 1e-300)[:, None]).mean(axis=0),
        method="SLSQP",
        bounds=[(0, None)] * 12,
        constraints={"type": "eq", "fun": lambda a: mean @ a - 1, "jac": lambda a: mean},
        options={"maxiter": 1000, "ftol": 1e-13},
    )
    assert likelihood(alpha, P) >= -found.fun - 1e-6


def test_gap_bounds_what_is_left(shifted):
    Xs, Xt = shifted
    P, mean = kernel(Xt, Xt[:30], gamma=5.0), kernel(Xs, Xt[:30], gamma=5.0).mean(axis=0)
    best = likelihood(kliep_coefficients(P, mean, tol=1e-10), P)
    for tol in (1e-1, 1e-2, 1e-4):
        assert best - likelihood(kliep_coefficients(P, mean, tol=tol), P) <= tol


def test_weights_are_the_density_ratio(shifted):
    Xs, Xt = shifted
    model = KLIEP(random_state=0).fit(Xs, Xs[:, 0] > 0, X_target=Xt)
    true = norm.pdf(Xs[:, 0], 0.8, 0.6) / norm.pdf(Xs[:, 0])
    assert np.corrcoef(model.source_weights_, true)[0, 1] > 0.97
    raw = kernel(Xs, model.centers_, gamma=model.gamma_) @ model.coefficients_
    assert raw.mean() == pytest.approx(1.0)
    assert np.allclose(raw / raw.mean(), model.source_weights_)


def test_width_has_the_best_held_out_likelihood(shifted):
    model = KLIEP(random_state=0).fit(shifted[0], shifted[0][:, 0] > 0, X_target=shifted[1])
    assert len(model.cv_scores_) == len(module.WIDTHS)
    assert model.cv_scores_[model.gamma_] == max(model.cv_scores_.values())
    fixed = KLIEP(gamma=2.5, random_state=0).fit(shifted[0], shifted[0][:, 0] > 0, X_target=shifted[1])
    assert fixed.gamma_ == 2.5 and fixed.cv_scores_ == {}


def test_blocks_give_what_one_piece_gives(shifted, monkeypatch):
    one = KLIEP(random_state=0).fit(shifted[0], shifted[0][:, 0] > 0, X_target=shifted[1])
    monkeypatch.setattr(module, "KEEP_BYTES", 0)
    monkeypatch.setattr(module.row_blocks, "__defaults__", (16 * 8 * 100,))
    many = KLIEP(random_state=0).fit(shifted[0], shifted[0][:, 0] > 0, X_target=shifted[1])
    assert np.allclose(one.source_weights_, many.source_weights_, rtol=1e-6)


def test_target_out_of_sight_of_the_source():
    Xs, Xt = np.zeros((20, 1)) + np.arange(20)[:, None] % 2, np.full((5, 1), 1e6)
    model = KLIEP(gamma=1.0, random_state=0).fit(Xs, np.arange(20) % 2, X_target=Xt)
    assert model.source_weights_.tolist() == [1.0] * 20
    # some centres out of sight, some not
    both = np.concatenate([Xt, np.ones((5, 1))])
    weights = KLIEP(gamma=1.0, random_state=0).fit(Xs, np.arange(20) % 2, X_target=both).source_weights_
    assert np.isfinite(weights).all() and weights[1] > weights[0]
