"""Proxy A-distance, CORAL distance, sliced Wasserstein, subspace distance and the bound."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from landbridge.data import make_shift
from landbridge.discrepancy import (
    coral_distance,
    coral_loss,
    line_transport,
    missed_variance,
    proxy_a_distance,
    risk_bound,
    sliced_wasserstein,
    subspace_distance,
)
from landbridge.discrepancy._domain_classifier import balanced_error
from landbridge.exceptions import InputError


def samples(seed, n=120, m=100, d=3, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(shift, size=(m, d))


def test_balanced_error_is_scikit_learns():
    p = np.random.default_rng(0).uniform(size=50)
    truth = np.repeat([0, 1], [30, 20])
    assert balanced_error(p, 30) == pytest.approx(1 - balanced_accuracy_score(truth, p > 0.5))
    assert balanced_error(np.full(50, 0.5), 30) == 0.5


def test_proxy_a_distance_matches_the_known_overlap():
    # two unit Gaussians 2 apart on a line: the best classifier errs by Phi(-1) = 0.159
    X, Y = samples(1, 2000, 500, 1, shift=2.0)
    m = proxy_a_distance(X, Y, random_state=0)
    assert m.value == pytest.approx(2 * (1 - 2 * 0.1587), abs=0.08)
    assert m.low < m.value < m.high and m.details["accuracy"] == pytest.approx(1 - m.details["error"])


def test_proxy_a_distance_under_the_null():
    values = [proxy_a_distance(*samples(s), n_bootstrap=0, random_state=s).value for s in range(15)]
    assert np.mean(values) < 0.15
    p = [proxy_a_distance(*samples(s), n_permutations=9, random_state=s).p_value for s in range(10)]
    assert 0.25 < np.mean(p) < 0.8


def test_proxy_a_distance_takes_a_classifier():
    X, Y = samples(2, shift=1.0)
    m = proxy_a_distance(X, Y, domain_classifier=LogisticRegression(), random_state=0)
    assert m.value > 0.8


def test_coral_distance_is_the_frobenius_norm_and_blind_to_means():
    X, Y = samples(3)
    expected = np.linalg.norm(np.cov(X.T) - np.cov(Y.T), "fro") ** 2 / (4 * 9)
    assert coral_loss(X, Y) == pytest.approx(expected)
    far = coral_distance(X, Y + 100.0, n_permutations=50, n_bootstrap=20, random_state=0)
    assert far.value == pytest.approx(expected, rel=1e-6) and far.p_value > 0.02
    wide = coral_distance(X, 3 * Y, n_permutations=50, n_bootstrap=50, random_state=0)
    assert wide.p_value < 0.05 and 0 < wide.low <= wide.value <= wide.high


@pytest.mark.parametrize(("n", "m"), [(7, 7), (7, 5), (6, 4), (1, 9)])
def test_line_transport_is_exact(n, m):
    rng = np.random.default_rng(n * m)
    U, V = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    by_scipy = [wasserstein_distance(U[:, i], V[:, i]) for i in range(3)]
    assert line_transport(U, V, order=1.0) == pytest.approx(by_scipy)
    # order 2 by repeating every row until both samples have n * m
    a, b = np.sort(np.repeat(U, m, axis=0), axis=0), np.sort(np.repeat(V, n, axis=0), axis=0)
    assert line_transport(U, V) == pytest.approx(((a - b) ** 2).mean(axis=0))


def test_sliced_wasserstein_of_a_translation():
    X, _ = samples(4, 300, d=4)
    m = sliced_wasserstein(X, X + np.array([2.0, 0, 0, 0]), n_projections=2000, n_bootstrap=20, random_state=0)
    # the mean of (theta . v)^2 over the sphere is |v|^2 / d
    assert m.value == pytest.approx(np.sqrt(4.0 / 4), rel=0.05)
    assert m.low <= m.value <= m.high


def test_sliced_wasserstein_null_p_values():
    p = [sliced_wasserstein(*samples(s), n_permutations=30, n_bootstrap=0, random_state=s).p_value for s in range(30)]
    assert 0.3 < np.mean(p) < 0.7


def test_missed_variance_of_a_rotation_and_of_swapped_equals():
    assert missed_variance(np.diag([1.0, 1.0, 1.0]), np.diag([1.0, 1.0, 1.0]))[0] == pytest.approx(0.0)
    C = np.diag([9.0, 1.0])
    angle = np.deg2rad(30)
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    missed, angles = missed_variance(C, R @ C @ R.T)
    assert angles == pytest.approx([30.0])
    assert missed == pytest.approx(1 - (9 * 0.75 + 1 * 0.25) / 9)
    assert missed_variance(np.eye(1), np.eye(1))[0] == 0.0


def test_subspace_distance_null_and_wide_rows():
    p = [subspace_distance(*samples(s), n_permutations=30, random_state=s).p_value for s in range(30)]
    assert 0.3 < np.mean(p) < 0.7
    X, Y = samples(0, 100, 80, 120)
    m = subspace_distance(X, 5 * Y + 2, n_permutations=5, random_state=0)
    assert m.details["variance_ratio"] == pytest.approx(25, rel=0.1) and 0 <= m.value < 0.6


def test_risk_bound_adds_its_terms():
    source, target = make_shift("translation", random_state=0)
    told = risk_bound(source.X, source.y, target.X, y_target=target.y, random_state=0)
    d = told.details
    assert told.value == pytest.approx(min(d["source_error"] + d["half_distance"] + d["joint_error"], 1.0))
    assert d["joint_error_known"] and told.low <= told.value <= told.high and told.value <= 1.0
    untold = risk_bound(source.X, source.y, target.X, random_state=0)
    assert not untold.details["joint_error_known"] and "no target labels" in untold.details["words"]


def test_risk_bound_rises_when_the_rule_turns():
    source, _ = make_shift("label", severity=0.0, random_state=0)
    _, target = make_shift("label", severity=0.0, random_state=1)
    same = risk_bound(source.X, source.y, target.X, y_target=target.y, random_state=0)
    turned = risk_bound(source.X, source.y, target.X, y_target=1 - target.y, random_state=0)
    assert turned.details["joint_error"] > 0.8 > 0.2 > same.details["joint_error"]


def test_risk_bound_with_partial_string_labels_and_bad_lengths():
    source, target = make_shift("translation", n_source=80, n_target=80, random_state=0)
    ys = np.array(["no", "yes"])[source.y]
    yt = np.array(["no", "yes"])[target.y].astype(object)
    yt[10:] = None
    assert risk_bound(source.X, ys, target.X, y_target=yt, random_state=0).details["joint_error_known"]
    with pytest.raises(InputError, match="y_target has 3 entries"):
        risk_bound(source.X, ys, target.X, y_target=yt[:3])
    with pytest.raises(InputError, match="at least two classes"):
        risk_bound(source.X, np.zeros(80), target.X)
