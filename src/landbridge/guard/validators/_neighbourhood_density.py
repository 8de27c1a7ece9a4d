"""Soft neighbourhood density (SND): whether target samples have close neighbours with like predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from landbridge._random_state import check_random_state
from landbridge.domain import Domain
from landbridge.guard._views import check_classifier, probabilities
from landbridge.measurement import Measurement

__all__ = ["neighbourhood_density", "soft_neighbourhood_density"]


def neighbourhood_density(proba: NDArray[np.float64], temperature: float = 0.05) -> float:
    """Compute the mean entropy of the softmax over similarities to the other samples, section 3 of [1]_.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Predicted probabilities.
    temperature : float, default=0.05
        Of the softmax; the default is the paper's.

    Returns
    -------
    float
        Higher means denser neighbourhoods; at most ``log(n_samples - 1)``.

    References
    ----------
    .. [1] K. Saito et al. Tune it the right way: unsupervised validation of domain adaptation via soft neighborhood
       density. ICCV 2021.
    """
    n = len(proba)
    if n < 3:
        return 0.0
    unit = proba / np.maximum(np.linalg.norm(proba, axis=1, keepdims=True), 1e-12)
    similarity = unit @ unit.T / temperature
    np.fill_diagonal(similarity, -np.inf)
    p = softmax(similarity, axis=1)
    return float(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1).mean())


def soft_neighbourhood_density(
    estimator: Any,
    source: Domain,
    target: Domain,
    *,
    temperature: float = 0.05,
    max_samples: int = 2000,
    random_state: Any = None,
    **_: Any,
) -> Measurement:
    """Score a classifier by the density of soft neighbourhoods among its target predictions.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    source : Domain
        Ignored; every validator is called alike.
    target : Domain
        Target samples.
    temperature : float, default=0.05
        Of the softmax over similarities.
    max_samples : int, default=2000
        Largest number of samples used; time and memory grow with its square.
    random_state : int or RandomState, optional
        Draws those samples.
    **_
        Ignored; every validator is called alike.

    Returns
    -------
    Measurement
        Higher is better.

    Raises
    ------
    InputError
        If the estimator is a regressor.

    Notes
    -----
    Fails by design when all samples collapse into one cluster, which has the largest density.

    References
    ----------
    .. [1] K. Saito et al. Tune it the right way: unsupervised validation of domain adaptation via soft neighborhood
       density. ICCV 2021.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import soft_neighbourhood_density
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = LogisticRegression().fit(source.X, source.y)
    >>> float(soft_neighbourhood_density(model, source, target)) > 0
    True
    """
    check_classifier(estimator, "soft_neighbourhood_density")
    proba = probabilities(estimator, target.frame())
    if len(proba) > max_samples:
        proba = proba[check_random_state(random_state).choice(len(proba), max_samples, replace=False)]
    return Measurement("soft neighbourhood density", neighbourhood_density(proba, temperature), higher_is_better=True)
