"""No shift: the source model is kept, whatever the candidates show."""

from landbridge.guard import Trial, no_shift


def test_the_source_model_is_kept(source_only):
    verdict = no_shift(source_only, [Trial("A", "feature"), Trial("B", "feature")])
    assert (verdict.chosen, verdict.transferred, verdict.evidence) == ("source-only", False, "no target labels")
    assert verdict.assessments["source-only"].defensible
    assert not any(verdict.assessments[n].defensible for n in "AB")
    assert "No shift" in verdict.reason and verdict.assumption
