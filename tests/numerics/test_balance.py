"""The A-distance in closed form against refitting, and the balance it gives."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from landbridge.numerics.balance import balance_factor, linear_a_distance


@pytest.mark.parametrize("d", [3, 60])
def test_leave_one_out_by_refitting(d):
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(14, d)), rng.normal(size=(9, d)) + 0.4
    X, sign = np.vstack([Xs, Xt]), np.r_[np.ones(14), -np.ones(9)]
    weight = np.r_[np.full(14, 0.5 / 14), np.full(9, 0.5 / 9)]
    spread = float((weight[:, None] * (X - weight @ X) ** 2).sum()) / d
    error = 0.0
    for i in range(23):
        rest = np.arange(23) != i
        model = Ridge(alpha=0.01 * spread).fit(X[rest], sign[rest], sample_weight=weight[rest])
        error += weight[i] * (np.sign(model.predict(X[[i]])[0]) != sign[i])
    assert linear_a_distance(Xs, Xt) == pytest.approx(2 * max(0.0, 1 - 2 * error))


def test_distance_of_equal_and_of_far_domains():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4))
    assert linear_a_distance(X, rng.normal(size=(200, 4))) < 0.3
    assert linear_a_distance(X, X + 10.0) == 2.0
    assert linear_a_distance(X[:1], X) == 0.0


def test_balance_says_where_the_distance_lies():
    rng = np.random.default_rng(2)
    codes = np.arange(200) % 2
    X = rng.normal(size=(200, 3))
    moved = X + np.array([8.0, 0.0, 0.0])
    # class means move in opposite directions: the domains as a whole stay where they are
    crossed = X + np.outer(np.where(codes == 0, 8.0, -8.0), [0.0, 1.0, 0.0])
    assert balance_factor(X, moved, codes, codes, 2) == pytest.approx(0.5)
    assert balance_factor(X, crossed, codes, codes, 2) > 0.9
    assert balance_factor(X, X, codes, np.full(200, -1), 2) in (0.0, 0.5)
