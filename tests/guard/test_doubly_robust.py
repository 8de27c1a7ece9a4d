"""The doubly robust gain: right if either part is, and its variance."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit

from landbridge import Domain
from landbridge.guard import OutcomeModel, doubly_robust_gain, fit_outcome_model


def _world(seed, n=4000):
    """Source N(0, 1), target N(1, 1), y = 1 with probability expit(2x); two rules with cuts at 0 and at 1."""
    rng = np.random.default_rng(seed)
    xs, xt = rng.normal(size=n), rng.normal(1.0, 1.0, size=n)
    y = (rng.random(n) < expit(2 * xs)).astype(int)
    q = expit(2 * xt)
    gain = float(np.mean(np.where(xt > 0, q, 1 - q) - np.where(xt > 1, q, 1 - q)))
    pairs = [((xs > c).astype(int), (xt > c).astype(int)) for c in (0.0, 1.0)]
    return xs, xt, y, gain, pairs


def _model(p_source, p_target):
    return OutcomeModel(
        np.array([0, 1]), np.column_stack([1 - p_source, p_source]), np.column_stack([1 - p_target, p_target])
    )


@pytest.mark.parametrize("right", ["outcome model", "weights"])
def test_either_part_may_be_wrong(right):
    xs, xt, y, gain, pairs = _world(0)
    model = _model(expit(2 * xs), expit(2 * xt)) if right == "outcome model" else _model(0 * xs + 0.5, 0 * xt + 0.5)
    weights = np.exp(xs - 0.5) if right == "weights" else np.ones(len(xs))
    got = doubly_robust_gain(model, y, weights, *pairs, random_state=0)
    assert got.value == pytest.approx(gain, abs=0.02) and got.low < gain < got.high
    wrong = doubly_robust_gain(_model(0 * xs + 0.5, 0 * xt + 0.5), y, np.ones(len(xs)), *pairs, random_state=0)
    assert abs(wrong.value - gain) > 0.025 and not wrong.low < gain < wrong.high


def test_the_sign_and_the_p_value():
    xs, xt, y, gain, pairs = _world(1, 500)
    model = _model(expit(2 * xs), expit(2 * xt))
    one = doubly_robust_gain(model, y, np.exp(xs - 0.5), *pairs, random_state=0)
    other = doubly_robust_gain(model, y, np.exp(xs - 0.5), *pairs[::-1], random_state=0)
    assert gain > 0 and one.value > 0 > other.value and one.value == pytest.approx(-other.value)
    assert one.p_value < 0.05 < 0.95 < other.p_value
    assert doubly_robust_gain(model, y, np.ones(500), pairs[0], pairs[0], random_state=0).p_value == 1.0


def test_samples_without_an_out_of_bag_prediction_do_not_count():
    xs, xt, y, _, pairs = _world(2, 300)
    p = expit(2 * xs)
    part = p.copy()
    part[:100] = np.nan
    got = doubly_robust_gain(_model(part, expit(2 * xt)), y, np.exp(xs), *pairs, random_state=0)
    cut = [(a[100:], b) for a, b in pairs]
    rest = doubly_robust_gain(_model(p[100:], expit(2 * xt)), y[100:], np.exp(xs)[100:], *cut, random_state=0)
    assert got.value == pytest.approx(rest.value)


def test_values_are_compared_in_units_of_the_variance():
    y = np.array([0.0, 1.0, 2.0, 3.0])
    model = OutcomeModel(None, y, y)
    got = doubly_robust_gain(model, y, np.ones(4), (y, y), (y + 1, y + 2))
    assert got.value == pytest.approx(4 / y.var())


@pytest.mark.parametrize("regression", [False, True])
def test_the_outcome_model_is_out_of_bag_on_the_source(regression):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    noise = rng.normal(size=200) if regression else rng.integers(2, size=200)
    model = fit_outcome_model(Domain(X, noise), Domain(X[:50]), regression=regression, random_state=0)
    if regression:
        assert model.classes is None and model.on_source.shape == (200,)
        assert np.corrcoef(model.on_source, noise)[0, 1] < 0.3 < np.corrcoef(model.on_target, noise[:50])[0, 1]
    else:
        assert np.mean(model.on_source.argmax(axis=1) == noise) < 0.65
        assert np.mean(model.on_target.argmax(axis=1) == noise[:50]) > 0.8


def test_sparse_features():
    rng = np.random.default_rng(0)
    X = rng.random((60, 8)) * (rng.random((60, 8)) < 0.5)
    source, target = Domain(csr_matrix(X), np.arange(60) % 2), Domain(csr_matrix(X[:20]))
    assert fit_outcome_model(source, target, regression=False, random_state=0).on_target.shape == (20, 2)
