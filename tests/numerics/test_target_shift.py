"""Class shares by matched means: the simplex, the noise from influence functions, and exactness under affine maps."""

import numpy as np
import pytest

from landbridge.data import make_shift
from landbridge.numerics import ClassShareModel, share_starts, simplex_least_squares, weighted_moments


def test_simplex_least_squares_is_the_minimum_of_a_grid():
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(5, 3)), rng.normal(size=5)
    grid = rng.dirichlet(np.ones(3), size=20000)
    best = ((grid @ A.T - b) ** 2).sum(axis=1).min()
    ours = simplex_least_squares(A, b)
    assert ours.sum() == pytest.approx(1.0) and (ours >= 0).all()
    assert best - 1e-6 >= ((A @ ours - b) ** 2).sum() - 1e-3


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_simplex_least_squares_does_not_depend_on_units(scale):
    A, b = np.eye(3), np.array([0.5, 0.7, -0.4])
    np.testing.assert_allclose(simplex_least_squares(scale * A, scale * b), [0.4, 0.6, 0.0], atol=1e-6)


def test_weighted_moments_are_those_of_repeated_samples():
    X = np.random.default_rng(0).normal(size=(20, 3))
    counts = np.arange(20) % 4
    mean, scale = weighted_moments(X, counts.astype(float))
    again = np.repeat(X, counts, axis=0)
    np.testing.assert_allclose(mean, again.mean(axis=0))
    np.testing.assert_allclose(scale, again.std(axis=0))


@pytest.mark.parametrize(("k", "shares"), [(2, [0.98, 0.02]), (2, [0.3, 0.7]), (3, [0.1, 0.2, 0.7])])
def test_shares_are_found_although_every_feature_was_rescaled(k, shares):
    source, target = make_shift("label+concept", n_classes=k, target_shares=shares, n_features=4, random_state=1)
    best = ClassShareModel(source.X, source.y, target.X, random_state=0).best()
    np.testing.assert_allclose(best.shares, shares, atol=0.06)
    even = ClassShareModel(source.X, source.y, target.X, random_state=0).evaluate(np.full(k, 1 / k))
    assert best.distance < even.distance


def test_an_affine_change_of_either_side_changes_nothing():
    source, target = make_shift("label+concept", n_features=3, random_state=0)
    shares = np.array([0.4, 0.6])
    factors, offsets = np.array([3.0, 0.01, 50.0]), np.array([-7.0, 2.0, 0.1])
    for mapped, Xs, Xt in (
        (True, source.X, target.X * factors + offsets),
        (False, *(X * factors + offsets for X in (source.X, target.X))),
    ):
        one, other = (
            ClassShareModel(*pair, mapped=mapped, random_state=0).evaluate(shares).distance
            for pair in ((source.X, source.y, target.X), (Xs, source.y, Xt))
        )
        assert other == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("mapped", [True, False])
def test_slopes_are_the_derivative_of_the_gap(mapped):
    source, target = make_shift("label+concept", random_state=0)
    model = ClassShareModel(source.X, source.y, target.X, mapped=mapped, random_state=0)
    step = np.array([1e-5, -1e-5])
    here, there = (model.evaluate(np.array([0.4, 0.6]) + s) for s in (-step, step))
    middle = model.evaluate(np.array([0.4, 0.6]))
    np.testing.assert_allclose((there.gap - here.gap) / 2, step @ middle.slopes, atol=1e-8)


def test_the_noise_of_the_gap_is_that_of_new_samples():
    """The influence functions, which include the noise of the moments, against the distance over drawn domains."""
    how = {"source_shares": [0.5, 0.5], "target_shares": [0.3, 0.7], "n_source": 300, "n_target": 300}
    found = []
    for seed in range(20):
        source, target = make_shift("label+concept", random_state=seed, **how)
        at = ClassShareModel(source.X, source.y, target.X, random_state=0).evaluate(np.array([0.3, 0.7]))
        found.append((at.distance, at.bias))
    distance, bias = np.mean(found, axis=0)
    assert distance == pytest.approx(bias, rel=0.3)


def test_starts_lie_on_the_simplex():
    for k in (2, 3, 20):
        for start in share_starts(np.full(k, 1 / k)):
            assert start.sum() == pytest.approx(1.0) and (start > 0).all()
