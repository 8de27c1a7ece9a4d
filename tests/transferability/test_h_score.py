import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from landbridge.transferability import h_score, h_value, regularised_h_score


def by_hand(F, y, shrinkage=0.0):
    S = np.cov(F.T, bias=True)
    means = np.array([F[y == c].mean(axis=0) for c in y])
    d = F.shape[1]
    shrunk = (1 - shrinkage) * S + shrinkage * np.trace(S) / d * np.eye(d)
    return np.trace(np.linalg.pinv(shrunk) @ ((1 - shrinkage) * np.cov(means.T, bias=True)))


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_against_the_definition(shrinkage):
    rng = np.random.default_rng(0)
    F, y = rng.normal(size=(50, 6)) * [1, 2, 3, 4, 5, 6], np.arange(50) % 4
    F[y == 1] += 2
    assert h_value(F, y, shrinkage=shrinkage) == pytest.approx(by_hand(F, y, shrinkage))
    assert h_score(features=F, target_labels=y, n_bootstrap=0).value == pytest.approx(by_hand(F, y))
    wide = rng.normal(size=(20, 60))
    assert h_value(wide, y[:20], shrinkage=shrinkage) == pytest.approx(by_hand(wide, y[:20], shrinkage))


def test_regularised_takes_the_shrinkage_of_ledoit_and_wolf():
    rng = np.random.default_rng(0)
    F, y = rng.normal(size=(40, 30)), np.arange(40) % 2
    shrunk, rho = ledoit_wolf(F)
    assert np.trace(shrunk) > 0
    found = regularised_h_score(features=F, target_labels=y, n_bootstrap=0).value
    assert found == pytest.approx(by_hand(F, y, rho))


def test_is_blind_to_the_scale_of_columns():
    rng = np.random.default_rng(0)
    F, y = rng.normal(size=(50, 4)), np.arange(50) % 2
    F[:, 0] += y
    assert h_value(F * [1, 10, 100, 1000], y) == pytest.approx(h_value(F, y))
