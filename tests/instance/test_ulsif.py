"""uLSIF: closed form, leave-one-out without refitting, and the true ratio."""

import numpy as np
import pytest
from scipy.stats import norm

from landbridge.instance import ULSIF, leave_one_out_scores, ulsif_coefficients
from landbridge.instance import _ulsif as module
from landbridge.numerics import kernel


def naive_leave_one_out(Ps, Pt, reg, alpha, non_negative):
    pairs, total = min(len(Ps), len(Pt)), 0.0
    for i in range(pairs):
        S, T = np.delete(Ps, i, axis=0), np.delete(Pt, i, axis=0)
        H = (1 - alpha) * S.T @ S / len(S) + alpha * T.T @ T / len(T)
        theta = np.linalg.solve(H + reg * np.eye(len(H)), T.mean(axis=0))
        if non_negative:
            theta = np.maximum(theta, 0)
        x, z = max(Ps[i] @ theta, 0), max(Pt[i] @ theta, 0)
        total += alpha * z**2 / 2 + (1 - alpha) * x**2 / 2 - z
    return total / pairs


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize(("ns", "nt"), [(30, 20), (15, 25)])
@pytest.mark.parametrize("non_negative", [False, True])
def test_leave_one_out_is_refitting(alpha, ns, nt, non_negative):
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(ns, 2)), rng.normal(0.5, 0.7, size=(nt, 2))
    Ps, Pt = kernel(X, Z[:6], gamma=0.5), kernel(Z, Z[:6], gamma=0.5)
    regs = (0.001, 0.1, 10.0)
    want = [naive_leave_one_out(Ps, Pt, reg, alpha, non_negative) for reg in regs]
    assert leave_one_out_scores(Ps, Pt, regs, mixture_weight=alpha, non_negative=non_negative) == pytest.approx(want)


def test_coefficients_minimise_the_quadratic():
    rng = np.random.default_rng(1)
    A, h = rng.normal(size=(20, 5)), rng.normal(size=5)
    H = A.T @ A / 20
    theta = ulsif_coefficients(H, h, 0.1)
    assert H @ theta + 0.1 * theta == pytest.approx(h)
    assert theta.min() < 0
    assert ulsif_coefficients(H, h, 0.1, non_negative=True) == pytest.approx(np.maximum(theta, 0))


def weights(alpha, seed=0):
    rng = np.random.default_rng(seed)
    X, Z = rng.normal(size=(800, 1)), rng.normal(0.8, 0.6, size=(600, 1))
    model = ULSIF(mixture_weight=alpha, random_state=0).fit(X, X[:, 0] > 0, X_target=Z)
    pt, ps = norm.pdf(X[:, 0], 0.8, 0.6), norm.pdf(X[:, 0])
    return model, X, Z, pt / (alpha * pt + (1 - alpha) * ps)


@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_weights_are_the_ratio(alpha):
    model, X, _, true = weights(alpha)
    raw = np.maximum(kernel(X, model.centers_, gamma=model.gamma_) @ model.coefficients_, 0)
    assert np.corrcoef(raw, true)[0, 1] > 0.97
    assert np.abs(model.source_weights_ - true / true.mean()).mean() < 0.1
    assert np.allclose(model.source_weights_, raw / raw.mean())


def test_alpha_tames_the_largest_weight():
    assert weights(0.5)[0].source_weights_.max() < 0.9 * weights(0.0)[0].source_weights_.max()


def test_many_columns():
    """Ten columns, two of them shifted by .3: the weighted mean follows."""
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(3000, 10)), rng.normal(size=(3000, 10))
    Z[:, :2] += 0.3
    found = {}
    for non_negative in (False, True):
        model = ULSIF(non_negative=non_negative, random_state=0).fit(X, X[:, 0] > 0, X_target=Z)
        found[non_negative] = np.average(X[:, 0], weights=model.source_weights_)
    assert found[False] == pytest.approx(0.3, abs=0.06)
    assert found[True] < 0.2


def test_given_width_and_ridge_are_used_as_they_are():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(50, 2)), rng.normal(size=(40, 2))
    model = ULSIF(gamma=0.7, alpha=0.2, random_state=0).fit(X, X[:, 0] > 0, X_target=Z)
    assert (model.gamma_, model.alpha_) == (0.7, 0.2)
    P = kernel(X, model.centers_, gamma=0.7)
    want = ulsif_coefficients(P.T @ P / 50, kernel(Z, model.centers_, gamma=0.7).mean(axis=0), 0.2)
    assert model.coefficients_ == pytest.approx(want)
    half = ULSIF(alpha=0.2, random_state=0).fit(X, X[:, 0] > 0, X_target=Z)
    assert half.alpha_ == 0.2 and half.gamma_ != 0.7


def test_blocks(monkeypatch):
    model, _, Z, _ = weights(0.2)
    one = module._moments(Z, model.centers_, 1.0, second=True)
    monkeypatch.setattr(module.row_blocks, "__defaults__", (16 * 8 * 100,))
    many = module._moments(Z, model.centers_, 1.0, second=True)
    assert many[0] == pytest.approx(one[0])
    assert np.allclose(many[1], one[1])
