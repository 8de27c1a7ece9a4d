"""The share profile: when a map of the features is chosen, allowed or refused."""

from dataclasses import replace

import numpy as np
import pytest

from landbridge.discrepancy import Diagnosis, ShareHypothesis, ShareProfile
from landbridge.guard import MAJORITY_VOTE, EvidenceKind, Trial, decide
from landbridge.guard._by_share_profile import MAP_AND_SHARES, by_share_profile
from landbridge.measurement import Measurement

ORDER = ("no change", "shares", "map", "map and shares")


def profile(explanation, *, width=0.1, outside=0.6, map_misfit=1.0):
    """A profile in which one hypothesis is the simplest that explains the target."""
    first = ORDER.index(explanation) if explanation else len(ORDER)
    low, high = (0.5 - width / 2,) * 2, (0.5 + width / 2,) * 2
    held = {
        name: ShareHypothesis(name, (0.5, 0.5), low, high, map_misfit if name == "map" else 1.0, 1.0, 0.5, i >= first)
        for i, name in enumerate(ORDER)
    }
    return ShareProfile((0, 1), (0.5, 0.5), held, outside)


def diagnosis(*args, **fields):
    return Diagnosis("concept", "high", "", share_profile=profile(*args, **fields))


@pytest.fixture
def aligned(variants, flip):
    """Four methods that agree, and differ from the source model in 30 samples."""
    return variants(flip(0, 30))


@pytest.fixture
def estimated(fabricate, flip):
    """The method that estimates the class shares with the map."""
    return fabricate(MAP_AND_SHARES, flip(0, 10))


@pytest.mark.parametrize("explanation", ["map", "map and shares"])
def test_a_map_with_its_shares_is_chosen_where_the_profile_allows_it(source_only, aligned, estimated, explanation):
    verdict = decide([source_only, *aligned, estimated], diagnosis(explanation))
    assert verdict.transferred and verdict.chosen == MAP_AND_SHARES
    assert "60 % of the target samples lie where the source has none" in verdict.reason
    assert [e.kind for e in verdict.assessments[MAP_AND_SHARES].evidence] == [EvidenceKind.SHARE_PROFILE]
    assert not verdict.assessments["A"].defensible and "scale and offset" in verdict.assumption


def test_methods_that_keep_the_shares_are_refused_where_they_moved(source_only, aligned):
    verdict = decide([source_only, *aligned], diagnosis("map and shares"))
    assert not verdict.transferred and "shares-kept" in verdict.reason


@pytest.mark.parametrize(
    ("explanation", "fields"),
    [
        ("map and shares", {"width": 0.9}),
        ("map and shares", {"outside": 0.1}),
        ("map and shares", {"outside": 0.5}),
        ("map", {"outside": 0.1}),
        (None, {"width": 0.9, "outside": 0.4}),
        (None, {"width": 0.9, "map_misfit": 1.6}),
        (None, {"map_misfit": 2.1}),
        ("shares", {"width": 0.9}),
        ("shares", {}),
    ],
)
def test_what_is_not_identified_or_not_needed_stays(source_only, aligned, estimated, explanation, fields):
    verdict = decide([source_only, *aligned, estimated], diagnosis(explanation, **fields))
    assert not verdict.transferred and verdict.chosen == "source-only"
    assert not any(verdict.assessments[n].defensible for n in "ABCD")


def test_a_map_is_allowed_with_unknown_shares_where_it_predicts_the_same_either_way(
    source_only, aligned, fabricate, flip
):
    same, other = fabricate(MAP_AND_SHARES, flip(0, 28)), fabricate(MAP_AND_SHARES, flip(20, 50))
    unknown = diagnosis("map", width=0.9)
    assert decide([source_only, *aligned, same], unknown).chosen == MAJORITY_VOTE
    verdict = decide([source_only, *aligned, other], unknown)
    assert verdict.chosen == "source-only" and "predictions are equal for only" in verdict.reason
    # nearly half of the target lies within the source
    assert not decide([source_only, *aligned, same], diagnosis("map", width=0.9, outside=0.45)).transferred


@pytest.mark.parametrize(
    ("explanation", "fields"),
    [("map", {"width": 0.9}), (None, {}), (None, {"map_misfit": 1.9}), (None, {"width": 0.9}), ("no change", {})],
)
def test_where_the_profile_does_not_object_the_ensemble_decides(source_only, aligned, explanation, fields):
    assert by_share_profile(source_only, aligned, diagnosis(explanation, **fields)) is None
    assert decide([source_only, *aligned], diagnosis(explanation, **fields)).chosen == MAJORITY_VOTE


def test_several_classes_that_are_not_identified_are_no_objection(source_only, aligned):
    two = profile("map and shares", width=0.9)
    three = replace(two, classes=(0, 1, 2))
    assert by_share_profile(source_only, aligned, Diagnosis("concept", "high", "", share_profile=two)) is not None
    assert by_share_profile(source_only, aligned, Diagnosis("concept", "high", "", share_profile=three)) is None
    # shares that moved far and are not known: one class and a map come near any target
    far = replace(three, source_shares=(0.95, 0.05))
    assert by_share_profile(source_only, aligned, Diagnosis("concept", "high", "", share_profile=far)) is None
    # but where they fit better than two parts of the source fit each other, the target may be of a single class
    fits = replace(far.hypotheses["map and shares"], misfit=2.0, split_misfit=4.0)
    close = replace(far, hypotheses={**far.hypotheses, "map and shares": fits})
    assert by_share_profile(source_only, aligned, Diagnosis("concept", "high", "", share_profile=close)) is not None
    three = replace(profile("map and shares", outside=0.1), classes=(0, 1, 2), source_shares=(0.9, 0.1))
    assert by_share_profile(source_only, aligned, Diagnosis("concept", "high", "", share_profile=three)) is not None


def test_a_single_answer_is_chosen_where_the_shares_are_kept(source_only, fabricate, flip):
    twins = [fabricate(n, flip(0, 30)) for n in "ABC"]
    verdict = decide([source_only, *twins], diagnosis("map"))
    assert verdict.chosen == "A" and "same in both domains" in verdict.assumption


def test_what_the_user_knows_overrules_the_profile(source_only, aligned, estimated):
    refused = diagnosis("map and shares", width=0.9)
    assert by_share_profile(source_only, aligned, refused, shares_kept=True) is None
    allowed = by_share_profile(source_only, [*aligned, estimated], diagnosis("map"), shares_kept=True)
    assert allowed is not None and allowed.chosen == MAP_AND_SHARES
    assert decide([source_only, *aligned], refused, shares_kept=True).chosen == MAJORITY_VOTE


@pytest.mark.parametrize(
    ("accuracy", "collinear", "objects"), [(0.99, 0.05, True), (1.0, 0.9, True), (1.0, 0.05, False)]
)
def test_values_need_curves_of_another_instrument(accuracy, collinear, objects):
    """Features that are one curve, and domains that share no sample; else the values may have moved as well."""
    rng = np.random.default_rng(0)
    source_only = Trial("source-only", "baseline", role="source-only", predicted=rng.normal(size=50))
    measured = {"domain_accuracy": Measurement("domain_accuracy", accuracy, details={"collinear": collinear})}
    verdict = by_share_profile(source_only, [], Diagnosis("concept", "high", "", measurements=measured))
    assert (verdict is not None) is objects
    if objects:
        assert "whether the values moved" in verdict.reason and not verdict.transferred


def test_no_profile_decides_nothing(source_only, aligned):
    assert by_share_profile(source_only, aligned, Diagnosis("concept", "high", "")) is None


@pytest.mark.parametrize(("shares", "chosen"), [((0.4, 0.3, 0.3), MAJORITY_VOTE), ((0.8, 0.1, 0.1), "source-only")])
def test_small_moves_of_several_classes_do_not_object(fabricate, flip, shares, chosen):
    """Of three classes; the target lies within the source, so that no map is chosen."""
    first = ORDER.index("map and shares")
    even = (1 / 3,) * 3
    held = {
        n: ShareHypothesis(n, shares if i >= first else even, shares, shares, 1.0, 1.0, 0.5, i >= first)
        for i, n in enumerate(ORDER)
    }
    found = Diagnosis("concept", "high", "", share_profile=ShareProfile((0, 1, 2), even, held, 0.1))
    base = np.arange(100) % 3
    other = np.where(np.arange(100) < 30, (base + 1) % 3, base)
    source_only = fabricate("source-only", base, role="source-only")
    candidates = []
    for i, name in enumerate("ABCD"):
        own = other.copy()
        own[60 + 2 * i : 62 + 2 * i] = (own[60 + 2 * i : 62 + 2 * i] + 1) % 3
        candidates.append(fabricate(name, own))
    assert decide([source_only, *candidates], found).chosen == chosen
