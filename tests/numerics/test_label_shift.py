"""Class shares by EM and by moment matching."""

import numpy as np
import pytest

from landbridge.numerics.label_shift import bbse_priors, em_priors, shift_posterior


def plain_em(proba, source, rounds=200_000, tol=1e-13):
    """The textbook iteration, unaccelerated."""
    shares = source.copy()
    for _ in range(rounds):
        joint = proba * (shares / source)
        new = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(new - shares).max() < tol:
            return new
        shares = new
    return shares


def gaussian_posterior(rng, n, shares, source, gap):
    centres = np.arange(len(shares)) * gap
    y = rng.choice(len(shares), size=n, p=shares)
    x = centres[y] + rng.normal(size=n)
    joint = np.exp(-0.5 * (x[:, None] - centres) ** 2) * source
    return joint / joint.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("gap", [0.5, 1.5, 6.0])
@pytest.mark.parametrize("k", [2, 4])
def test_em_finds_the_optimum_of_the_plain_iteration(gap, k):
    rng = np.random.RandomState(k)
    source, target = rng.dirichlet(np.full(k, 5.0)), rng.dirichlet(np.full(k, 2.0))
    proba = gaussian_posterior(rng, 400, target, source, gap)
    assert em_priors(proba, source, tol=1e-12) == pytest.approx(plain_em(proba, source), abs=1e-5)


def test_em_is_consistent_on_true_posteriors():
    rng = np.random.RandomState(0)
    source, target = np.array([0.8, 0.2]), np.array([0.25, 0.75])
    shares = em_priors(gaussian_posterior(rng, 50_000, target, source, 1.5), source)
    assert shares == pytest.approx(target, abs=0.015)


def test_sample_weights_are_repetitions():
    rng = np.random.RandomState(1)
    source = np.array([0.5, 0.3, 0.2])
    proba = rng.dirichlet(np.ones(3), size=40)
    counts = rng.randint(0, 4, size=40)
    repeated = em_priors(np.repeat(proba, counts, axis=0), source, tol=1e-12)
    assert em_priors(proba, source, sample_weight=counts, tol=1e-12) == pytest.approx(repeated, abs=1e-7)


def test_absent_source_class_stays_absent_and_all_zero_rows_do_no_harm():
    proba = np.array([[0.5, 0.5, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 0.0]])
    shares = em_priors(proba, np.array([0.5, 0.5, 0.0]))
    assert shares[2] == 0 and shares.sum() == pytest.approx(1.0) and np.isfinite(shares).all()


def test_bbse_solves_the_linear_equations():
    rng = np.random.RandomState(2)
    source, target = rng.dirichlet(np.full(4, 4.0)), rng.dirichlet(np.full(4, 4.0))
    given_class = 0.7 * np.eye(4) + 0.3 * rng.dirichlet(np.ones(4), size=4).T
    shares = bbse_priors(given_class * source, given_class @ target)
    assert shares == pytest.approx(target, abs=1e-10)


def test_bbse_never_goes_negative():
    shares = bbse_priors(np.array([[0.4, 0.1], [0.1, 0.4]]), np.array([1.0, 0.0]))
    assert shares == pytest.approx([1.0, 0.0])


def test_shift_posterior_is_bayes_rule_and_undoes_itself():
    rng = np.random.RandomState(3)
    proba, a, b = rng.dirichlet(np.ones(3), size=20), rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3))
    moved = shift_posterior(proba, a, b)
    assert moved.sum(axis=1) == pytest.approx(np.ones(20))
    assert shift_posterior(moved, b, a) == pytest.approx(proba)
    assert moved[:, 0] / moved[:, 1] == pytest.approx(proba[:, 0] / proba[:, 1] * (b[0] / a[0]) / (b[1] / a[1]))
