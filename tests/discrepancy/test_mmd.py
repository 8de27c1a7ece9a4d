"""MMD against sums written out, and its test under the null."""

import numpy as np
import pytest

from landbridge.discrepancy import mmd, weighted_mmd2
from landbridge.exceptions import InputError


def samples(seed, n=60, m=50, d=3, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(shift, size=(m, d))


def naive(X, Y, gammas, unbiased):
    def k(a, b):
        return np.mean([np.exp(-g * ((a - b) ** 2).sum()) for g in gammas])

    n, m = len(X), len(Y)
    xx = sum(k(X[i], X[j]) for i in range(n) for j in range(n) if not unbiased or i != j)
    yy = sum(k(Y[i], Y[j]) for i in range(m) for j in range(m) if not unbiased or i != j)
    xy = sum(k(a, b) for a in X for b in Y)
    return xx / (n * (n - unbiased)) + yy / (m * (m - unbiased)) - 2 * xy / (n * m)


@pytest.mark.parametrize("method", ["unbiased", "biased"])
@pytest.mark.parametrize("widths", [(1.0,), (0.5, 1.0, 2.0)])
def test_value_is_the_double_sum(method, widths):
    X, Y = samples(0, 12, 9, shift=0.5)
    m = mmd(X, Y, gamma=0.3, widths=widths, method=method, n_permutations=0)
    assert m.value == pytest.approx(naive(X, Y, [0.3 * w for w in widths], method == "unbiased"))


def test_permutations_from_one_matrix_equal_recomputed_ones():
    X, Y = samples(1, 20, 15)
    Z = np.concatenate([X, Y])
    K = np.exp(-0.2 * ((Z[:, None] - Z[None]) ** 2).sum(axis=2))
    rng = np.random.RandomState(3)
    member = np.repeat([1.0, 0.0], [20, 15])
    weights = np.stack([rng.permutation(member) for _ in range(5)], axis=1)
    for unbiased in (True, False):
        at_once = weighted_mmd2(K, weights, 1 - weights, unbiased=unbiased)
        for column, value in zip(weights.T, at_once, strict=True):
            assert value == pytest.approx(naive(Z[column == 1], Z[column == 0], [0.2], unbiased))
        method = "unbiased" if unbiased else "biased"
        m = mmd(X, Y, gamma=0.2, method=method, n_permutations=5, random_state=3)
        assert m.null == pytest.approx(at_once.mean())


def test_integer_weights_are_repetitions_without_pairs_of_a_row_with_itself():
    K = np.exp(-np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0))))
    a, b = np.array([2.0, 1, 0, 0, 0]), np.array([0, 0, 1.0, 1, 1])
    expected = 2 * 2 * K[0, 1] / (9 - 5) + b @ (K - np.eye(5)) @ b / 6 - 2 * (a @ K @ b) / 9
    assert weighted_mmd2(K, a, b) == pytest.approx(expected)


def test_null_p_values_are_level():
    p = np.array([mmd(*samples(s, 40, 30), n_permutations=60, random_state=s).p_value for s in range(60)])
    assert 0.35 < p.mean() < 0.65 and (p <= 0.1).mean() <= 0.22 and (p >= 0.9).mean() >= 0.01


def test_linear_time_estimate_agrees_and_its_test_is_level():
    X, Y = samples(4, 8000, 8000, shift=0.4)
    full = mmd(X, Y, gamma=0.2, max_samples=1500, n_permutations=0, random_state=0)
    quick = mmd(X, Y, gamma=0.2, method="linear", random_state=0)
    assert quick.low < full.value < quick.high and quick.p_value < 0.01
    p = np.array([mmd(*samples(s, 200, 200), method="linear", random_state=s).p_value for s in range(60)])
    assert 0.35 < p.mean() < 0.65


def test_power_and_bootstrap_interval():
    X, Y = samples(5, 150, 150, shift=1.0)
    m = mmd(X, Y, n_permutations=100, n_bootstrap=100, random_state=0)
    assert m.p_value == pytest.approx(1 / 101) and m.low < m.value < m.high and m.low > 0


def test_rows_are_bounded_and_the_seed_decides():
    X, Y = samples(6, 500, 300)
    one, two = (mmd(X, Y, max_samples=100, n_permutations=10, random_state=1) for _ in range(2))
    assert one == two and one.details["n_samples"] == [100, 100]


def test_mistakes_are_named():
    X, Y = samples(7)
    with pytest.raises(InputError, match="method must be"):
        mmd(X, Y, method="cubic")
    with pytest.raises(InputError, match="3 features but X_target has 2"):
        mmd(X, Y[:, :2])
    with pytest.raises(InputError, match="X_target"):
        mmd(X, np.full((3, 3), np.nan))
    with pytest.raises(InputError, match="needs at least 2"):
        mmd(X, Y[:1])
