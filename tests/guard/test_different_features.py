"""Different features: nothing but target labels is evidence."""

import pytest

from landbridge.exceptions import InputError
from landbridge.guard import Trial, different_features

PRIOR, ALONE = Trial("source-prior", "baseline", role="prior"), Trial("on labels", "baseline", role="target-only")
CANDIDATE = Trial("KernelCCA", "feature")


def test_the_prior_is_kept_without_target_labels():
    verdict = different_features([PRIOR, CANDIDATE])
    assert (verdict.chosen, verdict.transferred, verdict.evidence) == ("source-prior", False, "no target labels")
    assert "no target labels" in verdict.reason and not verdict.assessments["KernelCCA"].defensible


def test_target_only_is_kept_with_a_few():
    verdict = different_features([PRIOR, ALONE, CANDIDATE])
    assert verdict.chosen == "on labels" and "too few target labels" in verdict.reason
    assert verdict.assessments["source-prior"].defensible and verdict.assessments["on labels"].defensible


def test_a_baseline_is_needed():
    with pytest.raises(InputError, match="baseline"):
        different_features([CANDIDATE])
