import numpy as np
from scipy import sparse

from landbridge.numerics.row_digests import equal_rows, row_digests


def test_equal_samples_have_equal_digests_whatever_is_beside_them():
    X = np.random.default_rng(0).normal(size=(50, 7))
    d = row_digests(X)
    assert len(np.unique(d)) == 50
    np.testing.assert_array_equal(row_digests(X[10:20]), d[10:20])
    assert row_digests(sparse.csr_matrix(X)).shape == (50,)


def test_samples_of_few_categories_are_not_the_same_for_being_equal():
    rng = np.random.default_rng(0)
    few = rng.integers(2, size=(60, 3)).astype(float)
    assert equal_rows(few, few[:10]) is None
    X = rng.normal(size=(60, 3))
    assert equal_rows(X, X + 1) is None
    np.testing.assert_array_equal(equal_rows(X, np.concatenate([X[:2] + 1, X[5:6]])), [False, False, True])
