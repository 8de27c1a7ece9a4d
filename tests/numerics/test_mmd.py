"""The factors of the discrepancy matrices against the matrices written out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.numerics.mmd import class_mmd_factor, mmd_factor, unit_factor


def test_marginal_factor_is_the_difference_of_means():
    X = np.random.default_rng(0).normal(size=(7, 3))
    assert np.allclose(mmd_factor(4, 3).T @ X, X[:4].mean(axis=0) - X[4:].mean(axis=0))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=8),
    st.lists(st.integers(-1, 2), min_size=1, max_size=8),
)
def test_class_factor_is_the_difference_of_class_means(source, target):
    source, target = np.array(source), np.array(target)
    X = np.random.default_rng(len(source)).normal(size=(len(source) + len(target), 2))
    Xs, Xt = X[: len(source)], X[len(source) :]
    difference = class_mmd_factor(source, target, 3).T @ X
    for c in range(3):
        both = (source == c).any() and (target == c).any()
        expected = Xs[source == c].mean(axis=0) - Xt[target == c].mean(axis=0) if both else np.zeros(2)
        assert np.allclose(difference[c], expected)


def test_unit_factor_has_frobenius_norm_one():
    E = np.random.default_rng(1).normal(size=(9, 3))
    assert np.isclose(np.linalg.norm(unit_factor(E) @ unit_factor(E).T), 1.0)
    assert unit_factor(np.zeros((4, 2))).tolist() == np.zeros((4, 2)).tolist()
