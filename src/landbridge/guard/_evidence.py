"""Kinds of evidence, what a piece of evidence holds, and how one is measured and tested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from landbridge.domain import Domain
from landbridge.guard._cost import worth_refitting
from landbridge.guard.validators._reverse_validation import reverse_validation
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import resample_groups

__all__ = [
    "Evidence",
    "EvidenceKind",
    "bootstrap_indices",
    "collect_evidence",
    "is_significant",
    "standard_error",
    "stouffer_p_value",
    "weighted_mean",
]

N_BOOTSTRAP = 500


class EvidenceKind(StrEnum):
    """What a decision can rest on."""

    TARGET_LABELS = "target labels"
    WEIGHTED_SOURCE = "weighted source"
    CORRECTED_SHARES = "corrected class shares"
    ENSEMBLE = "ensemble"
    SEPARATION = "separation"
    REVERSE_VALIDATION = "reverse validation"
    INTERMEDIATE_PATH = "intermediate path"
    CLUSTER_STABILITY = "cluster stability"
    SHARE_PROFILE = "share profile"
    UNITS = "units of single features"


@dataclass(frozen=True)
class Evidence:
    """A measurement that speaks for or against a candidate, with the assumption it rests on.

    Parameters
    ----------
    kind : EvidenceKind
    measurement : Measurement
        Positive values speak for the candidate where the measurement is a gain.
    assumption : str
        What must hold for the measurement to be valid; one sentence.

    Examples
    --------
    >>> from landbridge.guard import Evidence, EvidenceKind
    >>> from landbridge.measurement import Measurement
    >>> gain = Measurement("gain", 0.1, p_value=0.02)
    >>> evidence = Evidence(EvidenceKind.TARGET_LABELS, gain, "The labelled samples represent the target.")
    >>> evidence.is_significant(0.9), evidence.is_significant(0.99)
    (True, False)
    """

    kind: EvidenceKind
    measurement: Measurement
    assumption: str

    def is_significant(self, confidence: float) -> bool:
        """Return whether the measurement is positive and statistically significant.

        Parameters
        ----------
        confidence : float
            One-sided.

        Returns
        -------
        bool
        """
        return is_significant(self.measurement, confidence)


def is_significant(gain: Measurement, confidence: float) -> bool:
    """Return whether a gain is positive and its one-sided p-value at most ``1 - confidence``.

    Parameters
    ----------
    gain : Measurement
        Without a p-value it is never significant.
    confidence : float

    Returns
    -------
    bool

    Examples
    --------
    >>> from landbridge.guard import is_significant
    >>> from landbridge.measurement import Measurement
    >>> is_significant(Measurement("gain", 0.1, p_value=0.05), 0.9)
    True
    """
    return gain.value > 0 and gain.p_value is not None and gain.p_value <= 1 - confidence


def bootstrap_indices(n_samples: int, random_state: int | None, groups: Any = None) -> NDArray[np.intp]:
    """Draw the bootstrap resamples that all candidates share.

    Parameters
    ----------
    n_samples : int
    random_state : int or None
    groups : array-like of shape (n_samples,), optional
        Samples that are drawn together. If None, each sample is a group.

    Returns
    -------
    ndarray of int, shape (500, n_samples)
        With groups of different sizes there are more columns, and resamples are filled up with -1.
    """
    if groups is not None:
        return resample_groups(groups, N_BOOTSTRAP, np.random.default_rng(random_state))
    return np.random.default_rng(random_state).integers(n_samples, size=(N_BOOTSTRAP, n_samples))


def corrected_p_value(gain: Measurement, n_tests: int) -> Measurement:
    r"""Correct the p-value of a gain for the number of candidates of which the best is chosen (Šidák, [1]_).

    .. math:: p' = 1 - (1 - p)^m

    Parameters
    ----------
    gain : Measurement
    n_tests : int
        Number of candidates with different predictions.

    Returns
    -------
    Measurement

    References
    ----------
    .. [1] Z. Šidák. Rectangular confidence regions for the means of multivariate normal distributions. JASA 62, 1967.

    Examples
    --------
    >>> from landbridge.guard._evidence import corrected_p_value
    >>> from landbridge.measurement import Measurement
    >>> round(corrected_p_value(Measurement("gain", 0.1, p_value=0.01), 10).p_value, 4)
    0.0956
    """
    if gain.p_value is None:
        return gain
    return replace(gain, p_value=float(-np.expm1(max(n_tests, 1) * np.log1p(-min(gain.p_value, 1 - 1e-16)))))


def weighted_mean(
    values: NDArray[np.float64],
    resamples: NDArray[np.intp],
    *,
    weights: NDArray[np.float64] | None = None,
    name: str = "estimate",
    null: float | None = None,
) -> Measurement:
    """Compute a weighted mean with its bootstrap interval and, given a null value, its one-sided p-value.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    resamples : ndarray of int, shape (n_bootstrap, n_samples)
        From :func:`bootstrap_indices`.
    weights : ndarray of shape (n_samples,), optional
        If None, all are one.
    name : str, default="estimate"
    null : float, optional
        If None, no p-value is computed.

    Returns
    -------
    Measurement
        The interval is the 95 % percentile interval; ``p_value`` the share of resamples with a mean of at most `null`.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import bootstrap_indices, weighted_mean
    >>> gain = weighted_mean(np.full(20, 0.5), bootstrap_indices(20, 0), name="gain", null=0.0)
    >>> gain.value, gain.low, round(gain.p_value, 3)
    (0.5, 0.5, 0.002)
    """
    w = np.ones(len(values)) if weights is None else weights
    # the last entry belongs to the index -1, which fills up short resamples
    total = np.maximum(np.append(w, 0.0)[resamples].sum(axis=1), 1e-12)
    means = np.append(values * w, 0.0)[resamples].sum(axis=1) / total
    low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    p = None if null is None else float((1 + (means <= null).sum()) / (1 + len(means)))
    value = float(np.average(values, weights=w))
    return Measurement(name, value, low=low, high=high, null=null, p_value=p, higher_is_better=True)


def standard_error(values: NDArray[np.float64], groups: Any = None) -> float:
    """Compute the standard error of a mean; samples of a group count as one observation.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    groups : array-like of shape (n_samples,), optional
        If None, each sample is a group.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard._evidence import standard_error
    >>> values = np.repeat([0.0, 1.0, 0.0, 1.0], 25)
    >>> round(standard_error(values), 3), round(standard_error(values, np.arange(100) // 25), 3)
    (0.05, 0.25)
    """
    if groups is None:
        return float(values.std() / np.sqrt(len(values)))
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    return float(np.sqrt((np.bincount(codes, weights=values - values.mean()) ** 2).sum()) / len(values))


def stouffer_p_value(z_scores: Iterable[float]) -> float:
    """Combine independent z-scores into one one-sided p-value by Stouffer's method.

    Parameters
    ----------
    z_scores : iterable of float
        Positive where the evidence is for the candidate.

    Returns
    -------
    float

    References
    ----------
    .. [1] S. Stouffer et al. The American soldier. Princeton University Press, 1949.

    Examples
    --------
    >>> from landbridge.guard import stouffer_p_value
    >>> round(stouffer_p_value([1.0, 1.0]), 4)
    0.0786
    """
    z = np.asarray(list(z_scores), dtype=float)
    return float(ndtr(-z.sum() / np.sqrt(len(z))))


def collect_evidence(
    fitted: Any,
    source: Domain,
    target: Domain,
    *,
    intermediate_domains: Any = None,
    random_state: int | None = None,
) -> dict[EvidenceKind, Measurement]:
    """Measure what decides about a fitted candidate where there are no target labels.

    That is reverse validation, where a second fit is affordable (:func:`worth_refitting`).

    Parameters
    ----------
    fitted : estimator
        Fitted on source and target.
    source : Domain
        Labelled.
    target : Domain
        Its labels, if any, are not used.
    intermediate_domains : sequence of array-like, optional
        Those the candidate was fitted over. If None, none.
    random_state : int, optional
        Seeds the validators.

    Returns
    -------
    dict of EvidenceKind to Measurement
        Empty where the validator does not apply to the model or its value is not finite.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import EvidenceKind, collect_evidence
    >>> from landbridge.instance import ClassifierDensityRatio
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = ClassifierDensityRatio().fit(source.X, source.y, X_target=target.X)
    >>> list(collect_evidence(model, source, target)) == [EvidenceKind.REVERSE_VALIDATION]
    True
    """
    if not worth_refitting(fitted, len(source), len(target)):
        return {}
    try:
        measured = reverse_validation(
            fitted,
            source,
            target.without_labels(),
            intermediate_domains=intermediate_domains,
            random_state=random_state,
        )
    except Exception:  # a candidate whose reverse fit fails is a candidate without this evidence
        return {}
    return {EvidenceKind.REVERSE_VALIDATION: measured} if np.isfinite(measured.value) else {}
