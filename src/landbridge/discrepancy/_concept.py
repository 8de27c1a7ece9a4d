"""Concept gap: errors of a source model on labelled target samples beyond those expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from landbridge.discrepancy._posterior import Posterior, cross_fit_posterior
from landbridge.measurement import Measurement
from landbridge.numerics.label_shift import shift_posterior

__all__ = ["concept_gap"]

# Below this number of labelled samples a target model is too weak a reference.
OWN_MODEL = 30


# A model of the target's labels has learned something if its error is at most this share of that of guessing.
LEARNED = 0.7


def concept_gap(
    posterior: Posterior,
    shares: NDArray[np.float64],
    Xt: NDArray[np.float64],
    labelled: NDArray[np.intp],
    codes: NDArray[np.intp],
    rng: np.random.RandomState,
    groups: NDArray[np.intp] | None = None,
) -> Measurement:
    """Estimate the errors of a source model on labelled target samples beyond those that its P(y | x) predicts.

    Under covariate shift a calibrated model errs as often as its own probabilities say, and no more often than a model
    made of the target's labels. Errors beyond both are due to a change of P(y | x).

    Parameters
    ----------
    posterior : Posterior
        Of the source and of all target samples.
    shares : ndarray of shape (n_classes,)
        Class shares that hold in the target.
    Xt : ndarray of shape (n_labelled, d)
        The labelled target samples.
    labelled : ndarray of int, shape (n_labelled,)
        Their positions among the target samples.
    codes : ndarray of int, shape (n_labelled,)
        Their classes.
    rng : RandomState
    groups : ndarray of int, shape (n_labelled,), optional
        Labelled samples that count as one. If None, each does.

    Returns
    -------
    Measurement
        ``"concept_gap"``: the excess as a share of the largest possible one. ``details`` has ``error``, ``expected``,
        ``own_error`` and ``n_samples``.
    """
    proba = shift_posterior(posterior.target[labelled], posterior.priors, shares)
    wrong = (proba.argmax(axis=1) != codes).astype(float)
    doubt = 1 - proba.max(axis=1)
    error, expected, n = float(wrong.mean()), float(doubt.mean()), len(labelled)
    own = None
    if n >= OWN_MODEL and len(np.unique(codes)) > 1:
        own_codes = np.unique(codes, return_inverse=True)[1]
        of = None if groups is None else (groups, groups[:1])
        own = cross_fit_posterior(Xt, own_codes, Xt[:1], rng, groups=of).error
    guessing = 1 - float(np.bincount(codes).max()) / n
    # a model of the target's labels that is hardly better than guessing is too weak to excuse the source model
    learned = own is not None and own <= LEARNED * guessing
    # nor are errors that the source model makes on its own source a contradiction
    base = max(expected, posterior.error, own if own is not None and learned else 0.0)
    spread = np.sqrt((doubt * (1 - doubt)).sum() + 0.25 * n * max(base - expected, 0.0) + 1.0) / n
    if groups is not None:  # samples of a group may all err alike
        spread *= np.sqrt(n / len(np.unique(groups)))
    p_value = float(1 - ndtr((error - base) / spread))
    value = max(error - base, 0.0) / max(1 - 1 / proba.shape[1] - base, 0.05)
    details = {"error": error, "expected": expected, "own_error": own, "n_samples": n}
    return Measurement("concept_gap", min(value, 1.0), None, None, 0.0, p_value, False, details)
