"""Features that were multiplied or moved where nearly all others were not."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from landbridge.discrepancy import moved_features


def two_halves(seed=0):
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    return X[order[:280]], y[order[:280]], X[order[280:]].copy(), y[order[280:]]


@pytest.mark.parametrize("column", [0, 3, 11, 29])
def test_a_unit_is_recognised_by_column_and_factor(column):
    Xs, _, Xt, _ = two_halves()
    Xt[:, column] *= 38.67
    (found,) = moved_features(Xs, Xt)
    assert found.index == column and found.scale == pytest.approx(38.67, rel=0.15) and found.offset == 0.0
    assert "multiplied by" in str(found)


def test_an_offset_is_recognised():
    Xs, _, Xt, _ = two_halves()
    Xt[:, 4] += 1.0
    (found,) = moved_features(Xs, Xt)
    assert (found.index, found.scale) == (4, 1.0) and found.offset == pytest.approx(1.0, rel=0.05)
    assert "moved by +1" in str(found)


def test_both_at_once_are_recognised():
    Xs, _, Xt, _ = two_halves()
    Xt[:, 0] = 1.8 * Xt[:, 0] + 320.0
    (found,) = moved_features(Xs, Xt)
    assert found.scale == pytest.approx(1.8, rel=0.2) and found.offset == pytest.approx(320, rel=0.02)


def test_other_class_shares_are_no_moved_columns_and_do_not_hide_one():
    Xs, ys, Xt, yt = two_halves()
    rare = np.concatenate([np.flatnonzero(yt == 1), np.flatnonzero(yt == 0)[:5]])
    assert moved_features(Xs, Xt[rare]) == ()
    Xt[:, 3] *= 38.67
    weights = np.where(ys == 1, (yt[rare] == 1).mean() / (ys == 1).mean(), (yt[rare] == 0).mean() / (ys == 0).mean())
    (found,) = moved_features(Xs, Xt[rare], source_weights=weights)
    assert found.index == 3 and found.scale == pytest.approx(38.67, rel=0.1)


def test_nothing_is_named_where_nothing_or_everything_moved():
    Xs, _, Xt, _ = two_halves()
    assert moved_features(Xs, Xt) == ()
    assert moved_features(Xs, Xt * 38.67) == ()
    Xt[:, 2] = np.random.default_rng(0).choice([-5e4, 5e4], len(Xt))  # not an affine image
    assert moved_features(Xs, Xt) == ()
    assert moved_features(Xs[:, :2], Xt[:, :2]) == ()


def test_constant_columns():
    X = np.random.default_rng(0).normal(size=(50, 4))
    X[:, 1] = 1.0
    assert moved_features(X, X) == ()


@pytest.mark.parametrize("factors", [{1: 25.4, 5: 0.01}, {1: 25.4, 2: 10.0}, {1: 0.1, 5: 0.01}])
def test_two_features_in_other_units_are_found_side_by_side(factors):
    rng = np.random.default_rng(0)
    Xs, Xt = (rng.normal(20.0, 4.0, size=(n, 6)) for n in (2000, 1500))
    scales = np.array([factors.get(j, 1.0) for j in range(6)])
    found = moved_features(Xs, Xt * scales)
    assert {f.index for f in found} == set(factors) and all(f.offset == 0.0 for f in found)
    np.testing.assert_allclose([f.scale for f in found], [factors[f.index] for f in found], rtol=0.05)
