import numpy as np
import pytest
from scipy.stats import iqr

from landbridge.feature import DomainScaler, feature_statistics


def two_domains(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(5.0, 3.0, size=(40, 4)), rng.normal(-2.0, 0.5, size=(30, 4))


def test_each_domain_gets_mean_zero_and_population_std_one():
    Xs, Xt = two_domains()
    scaler = DomainScaler()
    for Z in (scaler.fit_transform(Xs, X_target=Xt), scaler.transform(Xt)):
        np.testing.assert_allclose(Z.mean(axis=0), 0.0, atol=1e-12)
        np.testing.assert_allclose(Z.std(axis=0), 1.0)


def test_new_rows_use_the_statistics_of_their_own_domain():
    Xs, Xt = two_domains()
    scaler = DomainScaler().fit(Xs, X_target=Xt)
    row = np.ones((1, 4))
    np.testing.assert_allclose(scaler.transform(row), (row - Xt.mean(0)) / Xt.std(0))
    np.testing.assert_allclose(scaler.transform_source(row), (row - Xs.mean(0)) / Xs.std(0))


def test_centring_alone_keeps_the_scale():
    Xs, Xt = two_domains()
    scaler = DomainScaler(with_std=False).fit(Xs, X_target=Xt)
    np.testing.assert_allclose(scaler.transform(Xt), Xt - Xt.mean(0))


def test_robust_uses_median_and_interquartile_range():
    Xs, Xt = two_domains()
    Xt[0] = 1e6
    scaler = DomainScaler(robust=True).fit(Xs, X_target=Xt)
    np.testing.assert_allclose(scaler.target_center_, np.median(Xt, axis=0))
    np.testing.assert_allclose(scaler.target_scale_, iqr(Xt, axis=0) / 1.349)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 + 0.1, 0.0])
def test_a_constant_column_is_left_at_zero(value):
    Xs, Xt = two_domains()
    Xt[:, 1] = value
    scaler = DomainScaler().fit(Xs, X_target=Xt)
    Z = scaler.transform(Xt)
    assert scaler.target_scale_[1] == 1.0
    np.testing.assert_allclose(Z[:, 1], 0.0, atol=1e-6)


def test_a_target_of_one_row_stays_finite():
    Xs, Xt = two_domains()
    assert DomainScaler().fit(Xs, X_target=Xt[:1]).transform(Xt[:1]).tolist() == [[0.0] * 4]


def test_statistics_in_blocks_equal_those_at_once():
    Xs, _ = two_domains()
    centre, spread = feature_statistics(Xs, block=7)
    np.testing.assert_allclose(centre, Xs.mean(0))
    np.testing.assert_allclose(spread, Xs.std(0))


def test_columns_keep_their_names():
    pd = pytest.importorskip("pandas")
    Xs, Xt = (pd.DataFrame(X, columns=list("abcd")) for X in two_domains())
    scaler = DomainScaler().set_output(transform="pandas")
    assert list(scaler.fit_transform(Xs, X_target=Xt).columns) == list("abcd")
