"""Label shift: corrections are refused where the target allows nearly any class shares."""

import pytest

from landbridge.discrepancy import Diagnosis, ShareHypothesis, ShareProfile
from landbridge.guard import Trial, decide
from landbridge.guard._shares_unknown import shares_unknown

NAMES = ("no change", "shares", "map", "map and shares")


def diagnosis(width, kind="label", p_value=0.5):
    low, high = (0.5 - width / 2,) * 2, (0.5 + width / 2,) * 2
    held = {n: ShareHypothesis(n, (0.5, 0.5), low, high, 1.0, 1.0, p_value, n == "shares") for n in NAMES}
    return Diagnosis(kind, "high", "", share_profile=ShareProfile(("ill", "well"), (0.9, 0.1), held, 0.1))


@pytest.mark.parametrize(("width", "kept"), [(0.9, True), (0.36, True), (0.34, False), (0.1, False)])
def test_a_wide_interval_keeps_the_source_model(source_only, variants, flip, width, kept):
    candidates = variants(flip(0, 30), shifts=frozenset({"label"}))
    verdict = shares_unknown(source_only, candidates, diagnosis(width))
    assert (verdict is not None) is kept
    if kept:
        assert decide([source_only, *candidates], diagnosis(width)).chosen == "source-only"
        assert f"{50 - 50 * width:.0f} to {50 + 50 * width:.0f} % of ill" in verdict.reason
        assert not any(verdict.assessments[n].defensible for n in "ABCD")


@pytest.mark.parametrize(("p_value", "kept"), [(0.05, True), (0.2, False)])
def test_what_other_shares_leave_unexplained_keeps_the_source_model(source_only, variants, flip, p_value, kept):
    verdict = shares_unknown(source_only, variants(flip(0, 30)), diagnosis(0.1, p_value=p_value))
    assert (verdict is not None) is kept
    if kept:
        assert "the samples of the classes differ as well (p = 0.05)" in verdict.reason


def test_other_shifts_and_unknown_profiles_are_not_its_business(source_only):
    assert shares_unknown(source_only, [], diagnosis(0.9, "concept")) is None
    assert shares_unknown(source_only, [Trial("A", "instance")], Diagnosis("label", "high", "")) is None
