import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from landbridge.data import make_shift
from landbridge.feature import FeatureAugmentation, augment


def test_inner_products_count_twice_within_a_domain():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    for kind in (np.asarray, sparse.csr_matrix):
        S, T = augment(kind(A), "source"), augment(kind(B), "target")
        S, T = (Z.toarray() if sparse.issparse(Z) else Z for Z in (S, T))
        assert S.shape == (4, 9)
        np.testing.assert_allclose(S @ S.T, 2 * A @ A.T)
        np.testing.assert_allclose(T @ T.T, 2 * B @ B.T)
        np.testing.assert_allclose(S @ T.T, A @ B.T)


def test_the_learner_sees_source_and_labelled_target_rows():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    y, yt = X @ [1.0, 2.0], np.where(np.arange(20) < 8, Xt @ [1.0, -1.0], np.nan)
    model = FeatureAugmentation(Ridge(0.5)).fit(X, y, X_target=Xt, y_target=yt)
    Z = np.vstack([np.hstack([X, X, 0 * X]), np.hstack([Xt[:8], 0 * Xt[:8], Xt[:8]])])
    plain = Ridge(0.5).fit(Z, np.append(y, yt[:8]))
    np.testing.assert_allclose(model.estimator_.coef_, plain.coef_)
    np.testing.assert_allclose(model.predict(Xt), plain.predict(np.hstack([Xt, 0 * Xt, Xt])))


def test_without_a_target_there_is_one_domain():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = (X[:, 0] > 0).astype(int)
    model = FeatureAugmentation().fit(X, y)
    plain = LogisticRegression(C=2.0, max_iter=1000).fit(X, y)  # twice the rows' inner products
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-3)


def test_sparse_rows_give_the_same_predictions():
    source, target = make_shift("concept", random_state=0)
    told = np.where(np.arange(len(target)) < 20, target.y, -1)
    dense = FeatureAugmentation().fit(source.X, source.y, X_target=target.X, y_target=told)
    thin = FeatureAugmentation().fit(
        sparse.csr_matrix(source.X), source.y, X_target=sparse.csr_matrix(target.X), y_target=told
    )
    np.testing.assert_allclose(
        dense.predict_proba(target.X), thin.predict_proba(sparse.csr_matrix(target.X)), atol=1e-3
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_few_labels_help_under_a_changed_rule(seed):
    source, target = make_shift("concept", random_state=seed)
    told = np.where(np.arange(len(target)) < 40, target.y, -1)
    model = FeatureAugmentation().fit(source.X, source.y, X_target=target.X, y_target=told)
    plain = LogisticRegression().fit(source.X, source.y)
    assert model.score(target.X[40:], target.y[40:]) > plain.score(target.X[40:], target.y[40:])
