"""Diagnosis of two domains with different features, between which no shift is defined."""

from __future__ import annotations

from landbridge.discrepancy._diagnosis import Diagnosis

__all__ = ["DIFFERENT_FEATURES", "different_features"]

# Kind of the diagnosis.
DIFFERENT_FEATURES = "different features"


def different_features(n_features_source: int, n_features_target: int, n_labelled: int) -> Diagnosis:
    """Return the diagnosis of two domains whose features differ: their samples cannot be compared.

    Parameters
    ----------
    n_features_source, n_features_target : int
        Number of features of each domain.
    n_labelled : int
        Number of labelled target samples.

    Returns
    -------
    Diagnosis
        Of kind ``"different features"``, without measurements.

    Examples
    --------
    >>> from landbridge.discrepancy import different_features
    >>> different_features(3, 5, 0).risk
    'high'
    """
    judged = (
        f"judged by {n_labelled} labelled target samples."
        if n_labelled
        else "and without target labels nothing can judge them."
    )
    words = (
        f"Source and target have different features ({n_features_source} and {n_features_target}), so their samples "
        "cannot be compared and no source model applies to the target. Only methods for different features can be "
        f"tried, {judged}"
    )
    return Diagnosis(DIFFERENT_FEATURES, "high", words)
