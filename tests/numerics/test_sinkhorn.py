"""Sinkhorn's algorithm: the marginals, the fixed point, a reference, and penalties at which kernels underflow."""

import warnings

import numpy as np
import pytest
from scipy.special import logsumexp

from landbridge.numerics.sinkhorn import sinkhorn


def _problem(n, m, scale, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.random(n) + 0.1, rng.random(m) + 0.1
    return scale * rng.random((n, m)) ** 2, a / a.sum(), b / b.sum()


def _reference(cost, a, b, reg_e, n_iter):
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(n_iter):
        g = np.log(b) - logsumexp(-cost / reg_e + f[:, None], axis=0)
        f = np.log(a) - logsumexp(-cost / reg_e + g, axis=1)
    return np.exp(-cost / reg_e + f[:, None] + g)


@pytest.mark.parametrize("scale", [1.0, 20.0, 400.0])
@pytest.mark.parametrize("reg_e", [1.0, 0.05])
def test_it_iterates_as_the_reference_does(scale, reg_e):
    cost, a, b = _problem(30, 20, scale)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan, n_iter = sinkhorn(cost, a, b, reg_e, max_iter=137, tol=1e-9)
    np.testing.assert_allclose(plan, _reference(cost, a, b, reg_e, n_iter), rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-9)


def test_it_stops_when_the_marginals_are_met():
    cost, a, b = _problem(40, 25, 1.0)
    plan, n_iter = sinkhorn(cost, a, b, 0.5)
    assert n_iter < 50
    np.testing.assert_allclose(plan.sum(axis=0), b, atol=1e-6)


def test_a_small_penalty_gives_the_assignment():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 2))
    order = rng.permutation(12)
    cost = ((X[:, None] - X[order][None]) ** 2).sum(axis=2)
    plan, _ = sinkhorn(cost, np.full(12, 1 / 12), np.full(12, 1 / 12), 1e-3, max_iter=2000)
    assert (order[plan.argmax(axis=1)] == np.arange(12)).all()


def test_the_library_agrees():
    ot = pytest.importorskip("ot")
    cost, a, b = _problem(50, 60, 5.0, seed=3)
    expected = ot.sinkhorn(a, b, cost, 0.05, method="sinkhorn_log", numItermax=200, stopThr=1e-6, warn=False)
    np.testing.assert_allclose(sinkhorn(cost, a, b, 0.05)[0], expected, rtol=1e-9, atol=1e-16)
