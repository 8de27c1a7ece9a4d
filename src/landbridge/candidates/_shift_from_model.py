"""Diagnosis of the shift to a target from a fitted model alone: the source statistics that its pipeline stores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from sklearn.base import is_classifier

from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.parameter._fitted_source import call_source
from landbridge.parameter._prior_correction import PriorCorrection, source_weights
from landbridge.parameter._source_statistics import source_features

__all__ = ["diagnose_from_model", "moment_distance"]

LEVEL = 0.05
# Other class shares explain a shift if they remove at least this share of the squared distance, and if what remains is
# at most so many times its expectation; more than one, because probabilities are never calibrated exactly and moments
# have heavy tails. Set on make_shift with its five kinds of shift, and on resampled halves of the heart tables.
EXPLAINED, REMAINING = 0.3, 3.0
# Directions with less than this share of the largest variance are ignored.
RELATIVE_RANK = 1e-3


def moment_distance(
    Z: NDArray[np.float64], weights: NDArray[np.float64], n_source: int, n_fitted: int = 0
) -> tuple[float, float]:
    r"""Compare the weighted mean of target samples with the source mean, which is zero (Hotelling's test).

    .. math:: T^2 = m^\top (V_T + V_S)^{-1} m, \qquad m = \sum_i w_i z_i

    with :math:`V_T` the covariance of the weighted mean and :math:`V_S = C / n_S`, C the weighted covariance.

    Parameters
    ----------
    Z : ndarray of shape (n_target, n_features)
        Features with source mean zero.
    weights : ndarray of shape (n_target,)
        Sum to one.
    n_source : int
        Number of source samples behind the source mean.
    n_fitted : int, default=0
        Number of parameters of the weights that were fitted to these means.

    Returns
    -------
    statistic : float
        T² over its degrees of freedom; about one if the means agree.
    p_value : float
        Of the chi-squared distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.candidates import moment_distance
    >>> Z = np.random.default_rng(0).normal(size=(200, 2))
    >>> even = np.full(200, 1 / 200)
    >>> moment_distance(Z, even, 200)[1] > 0.05 > moment_distance(Z + 1.0, even, 200)[1]
    True
    """
    mean = weights @ Z
    centred = Z - mean
    covariance = (weights[:, None] * centred).T @ centred
    values, vectors = np.linalg.eigh(covariance * (float((weights**2).sum()) + 1.0 / n_source))
    kept = values > RELATIVE_RANK * max(float(values.max()), 1e-300)
    scores = (mean @ vectors[:, kept]) / np.sqrt(values[kept])
    statistic, freedom = float(scores @ scores), max(int(kept.sum()) - n_fitted, 1)
    return statistic / freedom, float(chi2.sf(statistic, freedom))


def diagnose_from_model(model: Any, X: Any, *, random_state: int | None = None) -> Diagnosis:
    """Diagnose the shift between the samples that a model was fitted on and a target.

    A scaler in the model's pipeline stores the means and variances of the source. If those of the target differ, and if
    weighting the target samples to other class shares restores them, label shift explains the difference.

    Parameters
    ----------
    model : estimator
        Fitted.
    X : array-like of shape (n_target, n_features)
        Target samples as the model takes them.
    random_state : int, optional
        Not used; every diagnosis is called in the same way.

    Returns
    -------
    Diagnosis
        Of kind ``"none"``, ``"label"``, or ``"model"`` where the shift remains unknown.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.candidates import diagnose_from_model
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> source, target = make_shift("label", random_state=0)
    >>> model = make_pipeline(StandardScaler(), LogisticRegression()).fit(source.X, source.y)
    >>> diagnose_from_model(model, target.X).kind
    'label'
    """
    features = source_features(model, X)
    if features is None:
        words = (
            "The source samples are not available and the model stores no statistics of them, so no shift can be "
            "measured."
        )
        return Diagnosis("model", "moderate", words)
    n = len(features.Z)
    moments = np.hstack([features.Z, features.Z**2 - 1.0])
    statistic, p = moment_distance(moments, np.full(n, 1.0 / n), features.n_source)
    measurements = {"source_moments": Measurement("source moments", statistic, p_value=p)}
    if p > LEVEL:
        words = (
            "The means and variances of the target's features agree with those that the model stores of its source "
            f"(p = {p:.2g}), so no shift was found."
        )
        return Diagnosis("none", "low", words, measurements=measurements)
    found = _label_shift(model, X, moments, features.n_source, statistic) if is_classifier(model) else None
    if found is None:
        words = (
            "The means and variances of the target's features differ from those that the model stores of its source "
            f"(p = {p:.2g}). Other class shares do not explain the difference, and there are no source samples."
        )
        return Diagnosis("model", "moderate", words, measurements=measurements)
    measurements |= found
    words = (
        "The means and variances of the target's features differ from those that the model stores of its source "
        f"(p = {p:.2g}), and other class shares explain the difference: label shift."
    )
    evidence = {"label": found["label_shift_fit"].value}
    return Diagnosis("label", "moderate", words, evidence=evidence, measurements=measurements)


def _label_shift(model: Any, X: Any, moments: Any, n_source: int, before: float) -> dict[str, Measurement] | None:
    """Weight the target to the source's class shares, and test whether its moments are then those of the source."""
    try:
        corrected = PriorCorrection(source_estimator=model).adapt(X)
    except InputError:
        return None
    log_proba = np.log(np.maximum(np.asarray(call_source(model, "predict_proba", X)), 1e-12))
    ratio = np.log(np.maximum(corrected.target_priors_, 1e-9) / np.maximum(corrected.source_priors_, 1e-9))
    after, p = moment_distance(moments, source_weights(log_proba, ratio), n_source, n_fitted=log_proba.shape[1] - 1)
    explained = 1.0 - after / max(before, 1e-12)
    if explained < EXPLAINED or after > REMAINING:
        return None
    details = {
        "classes": np.asarray(model.classes_).tolist(),
        "source_priors": corrected.source_priors_.tolist(),
        "target_priors": corrected.target_priors_.tolist(),
    }
    moved = 0.5 * float(np.abs(corrected.target_priors_ - corrected.source_priors_).sum())
    return {
        "label_shift": Measurement("label shift", moved, details=details),
        "label_shift_fit": Measurement("label shift fit", explained, p_value=p, higher_is_better=True),
    }
