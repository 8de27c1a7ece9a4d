"""BDA: its two ends are TCA and class matching, its middle is JDA; W-BDA follows the class shares."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from landbridge.feature import BDA, JDA, TCA, balanced_mmd_factor, joint_mmd_factor


def _blobs(n=90, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0, 0.0, 4.0], [4.0, 0.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0]])
    ys, yt = np.arange(n) % 3, np.arange(n - 6) % 3
    return rng.normal(size=(n, 4)) + centres[ys], ys, rng.normal(size=(n - 6, 4)) + centres[yt] + [0, 1.0, 3.0, 1.0], yt


def test_the_middle_is_jda():
    source, target = np.array([0, 0, 1, 1, 1]), np.array([1, 0, 1])
    assert np.allclose(balanced_mmd_factor(source, target, 2, 0.5), joint_mmd_factor(source, target, 2))
    Xs, ys, Xt, _ = _blobs()
    middle, joint = (m.fit(Xs, ys, X_target=Xt) for m in (BDA(3, balance=0.5), JDA(3)))
    assert np.allclose(middle.components_, joint.components_)


def test_the_end_without_classes_is_tca():
    Xs, ys, Xt, _ = _blobs()
    end, plain = BDA(3, balance=0.0).fit(Xs, ys, X_target=Xt), TCA(3).fit(Xs, X_target=Xt)
    assert np.allclose(end.components_, plain.components_)


def test_weighted_class_terms_by_loops():
    source, target = np.array([0, 0, 1, 1, 1]), np.array([1, 0, 1, 1])
    M = np.zeros((9, 9))
    for c in (0, 1):
        p, q = (source == c).mean(), (target == c).mean()
        e = np.r_[np.sqrt(p) * (source == c) / (source == c).sum(), -np.sqrt(q) * (target == c) / (target == c).sum()]
        M += 0.7 * np.outer(e, e)
    e = np.r_[np.full(5, 1 / 5), np.full(4, -1 / 4)]
    M += 0.3 * 2 * np.outer(e, e)
    E = balanced_mmd_factor(source, target, 2, 0.7, weight_classes=True)
    assert np.allclose(E @ E.T, M / np.linalg.norm(M))


def test_the_balance_is_estimated():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    X = rng.normal(size=(120, 3)) + np.outer(y, [6.0, 0.0, 0.0])
    within = X + np.outer(np.where(y == 0, 4.0, -4.0), [0.0, 1.0, 0.0])
    mapper = BDA(2).fit(X, y, X_target=within, y_target=y)
    assert mapper.balance_ > 0.9
    assert (mapper.pseudo_labels_ == y).all()
    assert BDA(2, balance=0.25).fit(X, y, X_target=within).balance_ == 0.25


@pytest.mark.parametrize("params", [{"balance": 0.3, "weight_classes": True, "kernel": "rbf", "form": "primal"}])
def test_scikit_learns_checks(params):
    # the defaults stand them as part of the catalogue, in tests/test_conformance.py
    failed = [r for r in check_estimator(BDA(**params), on_fail=None, on_skip=None) if r["status"] == "failed"]
    assert not failed
