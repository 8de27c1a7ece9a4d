"""Single features in another unit."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from landbridge.feature import UnitScaler


@pytest.fixture
def halves():
    X, _ = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order[:280]], X[order[280:]].copy()


@pytest.mark.parametrize(("scale", "offset"), [(38.67, 0.0), (1 / 88.4, 0.0), (1.0, 40.0)])
def test_one_feature_is_converted_back_and_the_others_stay(halves, scale, offset):
    Xs, Xt = halves
    moved = Xt.copy()
    moved[:, 1] = moved[:, 1] * scale + offset
    scaler = UnitScaler()
    np.testing.assert_array_equal(scaler.fit_transform(Xs, X_target=moved), Xs)
    back = scaler.transform(moved)
    others = np.arange(30) != 1
    np.testing.assert_array_equal(back[:, others], Xt[:, others])
    assert np.median(np.abs(back[:, 1] - Xt[:, 1])) < 0.1 * Xt[:, 1].std()


def test_domains_in_the_same_units_stay_as_they_are(halves):
    Xs, Xt = halves
    np.testing.assert_array_equal(UnitScaler().fit(Xs, X_target=Xt).transform(Xt), Xt)


def test_other_class_shares_are_not_undone():
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(y))
    Xs, few = X[rows[:300]], rows[300:]
    Xt = X[np.concatenate([few[y[few] == 0][:80], few[y[few] == 1][:10]])]
    np.testing.assert_array_equal(UnitScaler().fit(Xs, X_target=Xt).transform(Xt), Xt)


def test_offsets_stay_on_request(halves):
    Xs, Xt = halves
    Xt[:, 1] += 40.0
    np.testing.assert_array_equal(UnitScaler(with_mean=False).fit(Xs, X_target=Xt).transform(Xt), Xt)
