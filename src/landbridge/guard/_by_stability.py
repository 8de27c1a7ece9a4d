"""Evidence without any labels: how stable clusters of the target are under resampling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landbridge.guard._evidence import Evidence, EvidenceKind
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import Assessment, Verdict
from landbridge.measurement import Measurement

__all__ = ["MIN_STABILITY_GAIN", "STABILITY", "by_stability"]

KIND = EvidenceKind.CLUSTER_STABILITY
ASSUMPTION = "Clusters that change least from resample to resample are closest to the classes."
STABILITY = "stability of clusters"
# Stability is no accuracy: a smaller gain is no reason to leave the baseline.
MIN_STABILITY_GAIN = 0.05


def by_stability(trials: Sequence[Trial]) -> Verdict:
    """Choose the clustering with the source if it is more stable than that of the target alone in every resample.

    Parameters
    ----------
    trials : sequence of Trial
        The clustering of the target alone, a baseline, and those together with the source; ``splits`` holds the
        stability on each of the same resamples, such as the adjusted Rand index of clusterings of two subsets.

    Returns
    -------
    Verdict
        With the candidate of the largest mean gain, if that gain is positive in every resample and above 0.05.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import Trial, by_stability
    >>> alone = Trial("target-only", "baseline", role="target-only", splits=np.array([0.5, 0.6]))
    >>> by_stability([alone, Trial("SelfTaughtClustering", "feature", splits=np.array([0.7, 0.8]))]).chosen
    'SelfTaughtClustering'
    """
    base = next(t for t in trials if t.baseline)
    of_base = _stability(base)
    assessments = {base.name: Assessment(_summary(of_base, "stability"), None, True, "a baseline", KIND)}
    best: tuple[Trial, Measurement] | None = None
    for trial in trials:
        if trial.baseline or trial.error or trial.splits is None:
            continue
        gain = _summary(trial.splits - of_base, "gain")
        enough = gain.low is not None and gain.low > 0 and gain.value > MIN_STABILITY_GAIN
        why = "more stable in every resample" if enough else "not more stable"
        evidence = (Evidence(KIND, gain, ASSUMPTION),)
        estimate = _summary(trial.splits, "stability")
        assessments[trial.name] = Assessment(estimate, gain, enough, why, KIND, evidence)
        if best is None or (enough, gain.value) > (assessments[best[0].name].defensible, best[1].value):
            best = trial, gain
    if best is None:
        reason = f"No clustering together with the source could be fitted; {base.name} is kept."
        return Verdict(base.name, False, reason, STABILITY, None, assessments, ASSUMPTION)
    trial, gain = best
    found = (
        f"Neither domain has labels. The clusters of {trial.name}, found together with the source, have a stability of "
        f"{_stability(trial).mean():.2f}, those of the target alone {of_base.mean():.2f}"
    )
    if assessments[trial.name].defensible:
        return Verdict(trial.name, True, f"{found}; the former are chosen.", STABILITY, gain, assessments, ASSUMPTION)
    reason = f"{found}: no gain can be defended, and {base.name} is kept."
    return Verdict(base.name, False, reason, STABILITY, gain, assessments, ASSUMPTION)


def _stability(trial: Trial) -> NDArray[np.float64]:
    assert trial.splits is not None
    return trial.splits


def _summary(values: NDArray[np.float64], name: str) -> Measurement:
    """Return the mean of values with their range."""
    return Measurement(name, float(values.mean()), low=float(values.min()), high=float(values.max()))
