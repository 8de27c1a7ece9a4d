"""CORAL: the target covariance whatever the scale of the features, and the published setting on standardised ones."""

import numpy as np
import pytest

from landbridge.data import shared_data
from landbridge.feature import CORAL, DomainScaler, coral_map
from landbridge.numerics.covariance import matrix_power


def two_domains(seed=0, d=5):
    rng = np.random.default_rng(seed)
    Xs = rng.normal(size=(200, d)) @ rng.normal(size=(d, d)) + 3.0
    return Xs, rng.normal(size=(150, d)) @ rng.normal(size=(d, d)) - 1.0


def distance(Z, Xt):
    """Relative Frobenius distance of the covariance matrices."""
    C = np.cov(Xt, rowvar=False)
    return np.linalg.norm(np.cov(Z, rowvar=False) - C) / np.linalg.norm(C)


def test_on_standardised_features_the_ridge_is_that_of_the_paper():
    Xs, Xt = (X / X.std(axis=0) for X in two_domains())
    Xs[:, 2] = Xt[:, 2] = 0.1  # a constant feature does not change the scale
    by_hand = matrix_power(np.cov(Xs.T), -0.5, 1.0) @ matrix_power(np.cov(Xt.T), 0.5, 1.0)
    np.testing.assert_allclose(coral_map(Xs, Xt), by_hand, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4])
@pytest.mark.parametrize("center", [False, True])
def test_a_common_scale_changes_nothing(scale, center):
    Xs, Xt = two_domains()
    mapper = CORAL(center=center)
    Z = mapper.fit_transform(Xs, X_target=Xt)
    scaled = mapper.fit_transform(scale * Xs, X_target=scale * Xt)
    np.testing.assert_allclose(scaled, scale * Z, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_source_covariance_approaches_that_of_the_target(scale):
    Xs, Xt = (scale * X for X in two_domains())
    before = distance(Xs, Xt)
    ridge = distance(CORAL().fit_transform(Xs, X_target=Xt), Xt)
    exact = distance(CORAL(reg_covar=1e-9).fit_transform(Xs, X_target=Xt), Xt)
    assert exact < 1e-6 and ridge < 0.7 * before


def test_a_change_of_unit_in_one_domain_is_undone():
    Xs, Xt = two_domains()
    Z = CORAL().fit_transform(Xs, X_target=1e-4 * Xs)
    np.testing.assert_allclose(Z, 1e-4 * Xs)
    np.testing.assert_allclose(
        CORAL().fit_transform(1e4 * Xs, X_target=Xt), CORAL().fit_transform(Xs, X_target=Xt), rtol=1e-9
    )


def test_a_domain_without_variance_takes_the_scale_of_the_other():
    Xs, Xt = two_domains()
    for a, b in ((Xs, Xt[:1]), (np.ones((4, 5)), Xt), (np.ones((4, 5)), np.full((3, 5), 7.1))):
        Z = CORAL().fit_transform(a, X_target=b)
        assert np.isfinite(Z).all()
    assert np.linalg.matrix_rank(CORAL().fit(Xs, X_target=Xt[:1]).coral_map_) == 5


@pytest.mark.data
def test_it_is_not_the_identity_on_spectra():
    """Raw absorbances: variances a thousandth of one, with which an absolute ridge of 1 leaves the source unchanged."""
    path = shared_data("corn_nir.npz")
    if path is None:
        pytest.skip("the shared data folder is absent")
    with np.load(path, allow_pickle=False) as data:
        Xs, Xt = (np.asarray(data[key], dtype=float) for key in ("m5", "mp6"))
    Z = CORAL(center=True).fit_transform(Xs, X_target=Xt)
    assert distance(Z, Xt) < 0.5 * distance(Xs, Xt)


def test_standardised_by_domain_or_not_the_source_meets_the_target():
    Xs, Xt = two_domains()
    scaler = DomainScaler()
    Zs, Zt = scaler.fit_transform(Xs, X_target=Xt), scaler.transform(Xt)
    assert distance(CORAL().fit_transform(Zs, X_target=Zt), Zt) < distance(Zs, Zt)
