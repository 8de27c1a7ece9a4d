import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression, Ridge

from landbridge.feature import StructuralCorrespondence, choose_pivots, pivot_directions


def words(n=400, seed=0):
    """Two topics, words 0-4 common to both domains, 5-9 of the source only, 10-14 of the target only."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=n)
    rate = np.where(y[:, None] == 1, [[0.6, 0.6, 0.1, 0.1, 0.3]], [[0.1, 0.1, 0.6, 0.6, 0.3]])
    own = np.where(y[:, None] == 1, [[0.8, 0.8, 0.1, 0.1, 0.3]], [[0.1, 0.1, 0.8, 0.8, 0.3]])
    return y, (rng.uniform(size=(n, 5)) < rate) * 1.0, (rng.uniform(size=(n, 5)) < own) * 1.0


def domains():
    ys, common_s, own_s = words(seed=0)
    yt, common_t, own_t = words(seed=1)
    none = np.zeros((400, 5))
    return np.hstack([common_s, own_s, none]), ys, np.hstack([common_t, none, own_t]), yt


def test_pivots_are_common_to_both_and_told_by_mutual_information():
    Xs, ys, Xt, _ = domains()
    assert choose_pivots(Xs, Xt, None, 20).tolist() == [0, 1, 2, 3, 4]
    information = mutual_info_classif(Xs[:, :5], ys, discrete_features=True)
    assert choose_pivots(Xs, Xt, ys, 3).tolist() == sorted(np.argsort(-information)[:3].tolist())
    assert (
        choose_pivots(sparse.csr_matrix(Xs), sparse.csr_matrix(Xt), ys, 3).tolist()
        == choose_pivots(Xs, Xt, ys, 3).tolist()
    )


def test_directions_span_the_ridge_predictors_of_the_pivots():
    Xs, _, Xt, _ = domains()
    X = np.vstack([Xs, Xt])
    pivots = np.array([0, 2])
    theta = pivot_directions(X, X, pivots, 2, alpha=0.5)
    rest = np.setdiff1d(np.arange(15), pivots)
    A = X[:, rest]
    ridge = 0.5 * A.var(axis=0).sum() * len(A) / len(rest)
    W = Ridge(ridge).fit(A, 2 * X[:, pivots] - 1).coef_.T
    U = np.linalg.svd(W, full_matrices=False)[0]
    np.testing.assert_allclose(theta[rest] @ theta[rest].T, U @ U.T, atol=1e-8)
    assert not theta[pivots].any()


@pytest.mark.parametrize("labels", [True, False])
def test_words_of_the_target_only_are_understood(labels):
    Xs, ys, Xt, yt = domains()
    mapper = StructuralCorrespondence(n_pivots=5, n_components=2, scale=2.0)
    Z = mapper.fit_transform(Xs, ys if labels else None, X_target=Xt)
    hidden = Xt.copy()
    hidden[:, :5] = 0.0  # only the target's own words are left
    plain = LogisticRegression().fit(Xs, ys).score(hidden, yt)
    assert LogisticRegression().fit(Z, ys).score(mapper.transform(hidden), yt) > plain + 0.2


def test_sparse_rows_give_the_same_and_stay_sparse():
    Xs, ys, Xt, _ = domains()
    dense, thin = (StructuralCorrespondence(n_pivots=5, n_components=2) for _ in range(2))
    Z = dense.fit_transform(Xs, ys, X_target=Xt)
    S = thin.fit_transform(sparse.csr_matrix(Xs), ys, X_target=sparse.csr_matrix(Xt))
    assert sparse.issparse(S)
    np.testing.assert_allclose(S.toarray(), Z, atol=1e-10)


def test_the_appended_part_has_the_wanted_length():
    Xs, ys, Xt, _ = domains()
    mapper = StructuralCorrespondence(n_pivots=5, n_components=2, scale=0.5).fit(Xs, ys, X_target=Xt)
    X = np.vstack([Xs, Xt])
    lengths = np.linalg.norm(X @ mapper.directions_, axis=1).mean(), np.linalg.norm(X, axis=1).mean()
    assert lengths[0] == pytest.approx(0.5 * lengths[1])


def test_without_common_columns_nothing_is_added():
    rng = np.random.default_rng(0)
    Xs = np.hstack([rng.poisson(1.0, size=(30, 3)), np.zeros((30, 3))])
    mapper = StructuralCorrespondence()
    assert mapper.fit_transform(Xs, X_target=Xs[:, ::-1].copy()).shape == (30, 6)
