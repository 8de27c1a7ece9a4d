"""Stability of clusters: more stable in every resample, and by five points."""

import numpy as np
import pytest

from landbridge.guard import EvidenceKind, Trial, by_stability

BASE = np.array([0.5, 0.6, 0.7, 0.6])


def judge(*gains, error=""):
    trials = [Trial("k-means", "baseline", role="target-only", splits=BASE)]
    trials += [Trial(f"C{i}", "feature", splits=BASE + np.asarray(g), error=error) for i, g in enumerate(gains)]
    return by_stability(trials)


@pytest.mark.parametrize(
    ("gain", "chosen"),
    [
        ([0.051] * 4, True),
        ([0.049] * 4, False),
        ([0.3, 0.3, 0.3, 0.001], True),
        ([0.3, 0.3, 0.3, -0.001], False),
        ([-0.1] * 4, False),
    ],
)
def test_in_every_resample_and_by_five_points(gain, chosen):
    verdict = judge(gain)
    assert verdict.transferred is chosen and verdict.chosen == ("C0" if chosen else "k-means")
    assert verdict.assessments["C0"].defensible is chosen and verdict.evidence == "stability of clusters"
    assert (verdict.gain.value, verdict.gain.low, verdict.gain.high) == pytest.approx(
        (np.mean(gain), min(gain), max(gain))
    )
    assert verdict.assessments["C0"].kind is EvidenceKind.CLUSTER_STABILITY


def test_the_best_defensible_of_several():
    assert judge([0.1] * 4, [0.2] * 4, [0.9, 0.9, 0.9, -0.1]).chosen == "C1"


def test_a_failed_clustering_keeps_the_baseline():
    verdict = judge([0.2] * 4, error="broke")
    assert verdict.chosen == "k-means" and "could be fitted" in verdict.reason
    assert verdict.assessments["k-means"].estimate.value == pytest.approx(0.6)
