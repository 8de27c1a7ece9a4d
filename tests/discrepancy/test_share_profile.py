"""The share profile: Occam's choice, intervals, mirror images, and support."""

import json

import numpy as np
import pytest

from landbridge.data import make_shift
from landbridge.discrepancy import HYPOTHESES, ShareProfile, outside_share, share_profile
from landbridge.exceptions import InputError

EVEN = {"source_shares": [0.5, 0.5]}


def profile_of(kind, seed=0, **how):
    source, target = make_shift(kind, random_state=seed, **how)
    return share_profile(source.X, source.y, target.X, max_samples=300, random_state=seed)


@pytest.mark.parametrize(
    ("kind", "how", "expected"),
    [
        ("label", {"severity": 0.0}, "no change"),
        ("label", {}, "shares"),
        ("concept", {}, "map"),
        ("translation", {}, "map"),
        ("label+concept", {**EVEN, "target_shares": [0.9, 0.1]}, "map and shares"),
        ("label+translation", {}, "map and shares"),
        ("subspace", {}, None),
        ("label+subspace", {}, None),
    ],
)
def test_the_simplest_hypothesis_that_explains_the_target(kind, how, expected):
    found = profile_of(kind, **how)
    assert found.explanation == expected, found
    assert found.allows_map == (expected in ("map", "map and shares"))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_intervals_hold_the_shares_and_are_narrow(share):
    found = profile_of("label+concept", **EVEN, target_shares=[1 - share, share])
    best = found.hypotheses["map and shares"]
    assert best.low[1] - 0.02 <= share <= best.high[1] + 0.02
    assert found.identified and best.width < 0.25
    assert best.low[0] == pytest.approx(1 - best.high[1]) and sum(best.shares) == pytest.approx(1.0)


def test_one_class_of_two_equal_ones_is_not_identified():
    """Classes of the same form: a target of nearly one class may be either, and the wrong one swaps the labels."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 200])
    X, X_target = rng.normal(np.c_[4.0 * y, 0.0 * y]), rng.normal(size=(300, 2)) + 9.0
    found = share_profile(X, y, X_target, random_state=0)
    best = found.hypotheses["map and shares"]
    assert best.explains and best.low[1] < 0.1 and best.high[1] > 0.9
    assert not found.identified and not found.allows_map and "too many vectors" in found.reason()


def test_three_classes():
    shares = [0.1, 0.2, 0.7]
    found = profile_of("label+concept", n_classes=3, target_shares=shares)
    best = found.hypotheses["map and shares"]
    np.testing.assert_allclose(best.shares, shares, atol=0.08)
    assert all(low - 0.02 <= s <= high + 0.02 for low, s, high in zip(best.low, shares, best.high, strict=True))


def test_inside_the_support_nothing_calls_for_a_map():
    assert profile_of("label").outside < 0.25 < profile_of("concept").outside
    X = np.random.default_rng(0).normal(size=(300, 3))
    assert outside_share(X, X) < 0.1 and outside_share(X, X + 9.0) == 1.0


def test_profile_is_repeatable_and_can_be_shown():
    source, target = make_shift("label+concept", n_source=150, n_target=120, random_state=0)
    before = source.X.copy()
    one, two = (share_profile(source.X, source.y, target.X, random_state=3) for _ in range(2))
    assert one.to_dict() == two.to_dict() and np.array_equal(before, source.X)
    assert json.loads(json.dumps(one.to_dict()))["explanation"] == one.explanation
    assert list(one.hypotheses) == list(HYPOTHESES) and len(one.to_frame()) == 8
    assert isinstance(one, ShareProfile) and "identified" in repr(one) and "map and shares" in str(one)
    assert "table" in one._repr_html_()


def test_names_of_classes_and_tiny_classes():
    source, target = make_shift("label", n_source=60, n_target=60, source_shares=[0.95, 0.05], random_state=0)
    names = np.array(["healthy", "ill"])[source.y]
    found = share_profile(source.X, names, target.X, random_state=0)
    assert found.classes == ("healthy", "ill")
    assert np.isfinite([h.misfit for h in found.hypotheses.values()]).all()


def test_bad_arguments():
    source, target = make_shift("label", random_state=0)
    with pytest.raises(InputError, match="n_bootstrap must be at least 10"):
        share_profile(source.X, source.y, target.X, n_bootstrap=2)
    with pytest.raises(InputError, match="at least two classes"):
        share_profile(source.X, np.zeros(400), target.X)
    with pytest.raises(InputError, match="features"):
        share_profile(source.X, source.y, target.X[:, :1])
