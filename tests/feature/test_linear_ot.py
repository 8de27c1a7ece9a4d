import numpy as np
import pytest
from scipy.linalg import sqrtm

from landbridge.data import make_shift
from landbridge.feature import LinearOT, gaussian_transport


def covariances(d=5, seed=0):
    rng = np.random.default_rng(seed)
    return (np.cov(rng.normal(size=(50, d)) @ rng.normal(size=(d, d)), rowvar=False) for _ in range(2))


def test_the_map_is_symmetric_and_carries_one_covariance_onto_the_other():
    Cs, Ct = covariances()
    A = gaussian_transport(Cs, Ct)
    np.testing.assert_allclose(A, A.T, atol=1e-9)
    assert np.linalg.eigvalsh(A).min() > 0
    np.testing.assert_allclose(A @ Cs @ A, Ct, atol=1e-8)


def test_it_moves_the_rows_less_than_whitening_and_colouring():
    Cs, Ct = covariances()
    Xs = np.random.default_rng(1).multivariate_normal(np.zeros(5), Cs, size=2000)
    cheapest = ((Xs @ gaussian_transport(Cs, Ct) - Xs) ** 2).sum()
    other = ((Xs @ (np.linalg.inv(sqrtm(Cs).real) @ sqrtm(Ct).real) - Xs) ** 2).sum()
    assert cheapest < other


def test_means_and_covariance_are_met():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(300, 3)), rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3)) + 5
    Z = LinearOT().fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(Z.mean(0), Xt.mean(0))
    np.testing.assert_allclose(np.cov(Z.T), np.cov(Xt.T), rtol=1e-3)


def test_units_do_not_matter():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(40, 3)), rng.normal(size=(50, 3)) * [1, 2, 3]
    small = LinearOT().fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(LinearOT().fit_transform(1e5 * Xs, X_target=1e5 * Xt), 1e5 * small, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1e4])
def test_a_change_of_unit_in_one_domain_is_undone(scale):
    """The ridge is relative to each domain: that of the larger one does not cover the smaller one."""
    rng = np.random.default_rng(0)
    Xs = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4))
    mapper = LinearOT()
    Z = mapper.fit_transform(Xs, X_target=scale * Xs)
    np.testing.assert_allclose(Z, scale * Xs, rtol=1e-9, atol=1e-9 * scale)
    Xt = scale * (rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)))
    np.testing.assert_allclose(np.cov(mapper.fit_transform(Xs, X_target=Xt).T), np.cov(Xt.T), rtol=1e-2)


def test_a_single_target_row_moves_the_mean_only():
    Xs = np.random.default_rng(0).normal(size=(40, 3))
    Z = LinearOT().fit_transform(Xs, X_target=np.ones((1, 3)))
    np.testing.assert_allclose(Z, Xs - Xs.mean(0) + 1.0, atol=1e-6)


def test_more_columns_than_rows_and_constant_columns_stay_finite():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(5, 12)), rng.normal(size=(4, 12))
    Xs[:, 3] = Xt[:, 3] = 2.0
    assert np.isfinite(LinearOT().fit_transform(Xs, X_target=Xt)).all()


@pytest.mark.parametrize("kind", ["translation"])
def test_a_moved_target_is_recovered(kind):
    from sklearn.linear_model import LogisticRegression

    source, target = make_shift(kind, random_state=0)
    plain = LogisticRegression().fit(source.X, source.y).score(target.X, target.y)
    mapper = LinearOT()
    Z = mapper.fit_transform(source.X, X_target=target.X)
    assert LogisticRegression().fit(Z, source.y).score(target.X, target.y) > plain + 0.05
