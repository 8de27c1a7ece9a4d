"""LEEP: the likelihood of target labels given a source model's class probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement
from landbridge.transferability._inputs import class_codes, probability_rows
from landbridge.transferability._replicates import measured
from landbridge.transferability._spectrum import one_hot

__all__ = ["leep", "leep_score"]


def leep_score(probabilities: NDArray[np.float64], codes: NDArray[np.intp]) -> float:
    r"""Compute the mean log-likelihood of the expected empirical predictor, equation (2) of [1]_.

    .. math:: \frac{1}{n} \sum_i \log \sum_z \hat P(y_i \mid z)\, \theta(x_i)_z

    with :math:`\hat P(y, z) = \frac1n \sum_{i: y_i = y} \theta(x_i)_z`.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_source_classes)
        :math:`\theta`, samples sum to one.
    codes : ndarray of int, shape (n_samples,)
        Target classes.

    Returns
    -------
    float
        Never above zero.

    References
    ----------
    .. [1] C. Nguyen, T. Hassner, M. Seeger, C. Archambeau. LEEP: a new measure to evaluate transferability of learned
       representations. ICML 2020.
    """
    return _scorer(probabilities)(codes)


def leep(
    *,
    source_probabilities: Any,
    target_labels: Any,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    """Compute LEEP: how well a source model's class probabilities predict the target's labels.

    Parameters
    ----------
    source_probabilities : array-like of shape (n_samples, n_source_classes)
        The source model's class probabilities of target samples.
    target_labels : array-like of shape (n_samples,)
        Classes of these samples; they need not be the source's.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws halves and permutations.

    Returns
    -------
    Measurement
        ``"leep"``, higher is better, at most 0.

    Raises
    ------
    InputError
        If the lengths differ, or the first is no table of probabilities.

    Notes
    -----
    Uses the source model's class probabilities only, and favours models with many classes, whose mixture fits better
    by chance: compare differences from the null. Time O(n k c) and memory O(n k), k source and c target
    classes.

    References
    ----------
    .. [1] C. Nguyen, T. Hassner, M. Seeger, C. Archambeau. LEEP: a new measure to evaluate transferability of learned
       representations. ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.transferability import leep
    >>> y = np.array([0, 0, 1, 1, 0, 1] * 10)
    >>> certain, uncertain = np.eye(2)[y], np.full((60, 2), 0.5)
    >>> leep(source_probabilities=certain, target_labels=y).value == 0
    True
    >>> round(leep(source_probabilities=uncertain, target_labels=y).value, 3)
    -0.693
    """
    P = probability_rows(source_probabilities)
    _, codes = class_codes(target_labels, len(P))
    return measured("leep", _scorer, (P,), codes, n_bootstrap, n_permutations, random_state)


def _scorer(P: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    mass = np.maximum(P.sum(axis=0), np.finfo(np.float64).tiny)

    def score(codes: NDArray[np.intp]) -> float:
        Y = one_hot(codes)
        given = (Y.T @ P) / mass  # (c, k): P(y | z)
        likelihood = np.einsum("ic,ik,ck->i", Y, P, given, optimize=True)
        return float(np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean())

    return score
