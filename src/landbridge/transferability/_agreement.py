"""How well transferability scores predict the accuracies that transfer reached."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from landbridge.exceptions import InputError

__all__ = ["Agreement", "agreement"]


class Agreement(NamedTuple):
    """Correlations of scores with the accuracies that they should predict.

    Parameters
    ----------
    weighted_kendall : float
        Of the two orders, with hyperbolic weights: the top counts most.
    pearson : float
        Of the two sets of numbers.
    """

    weighted_kendall: float
    pearson: float


def agreement(*, scores: Any, accuracies: Any) -> Agreement:
    """Compare scores of candidates with the accuracies reached by transferring each.

    Parameters
    ----------
    scores : array-like of shape (n_candidates,)
        Higher is better.
    accuracies : array-like of shape (n_candidates,)
        What transfer from each reached.

    Returns
    -------
    Agreement
        The Kendall correlation is weighted by the ranks of both orders in turn and averaged, as published comparisons
        do.

    Raises
    ------
    InputError
        If they are not equally many finite numbers, two at least.

    References
    ----------
    .. [1] S. Vigna. A weighted correlation index for rankings with ties. WWW 2015.

    Examples
    --------
    >>> from landbridge.transferability import agreement
    >>> agreement(scores=[0.1, 0.2, 0.3], accuracies=[60, 70, 80]).weighted_kendall
    1.0
    """
    from scipy.stats import pearsonr, weightedtau

    x, y = (np.asarray(a, dtype=np.float64) for a in (scores, accuracies))
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(
            f"scores and accuracies have the shapes {x.shape} and {y.shape}; give one finite number of each per "
            "candidate, for two candidates or more."
        )
    tau = float(weightedtau(x, y).statistic)
    flat = np.ptp(x) == 0 or np.ptp(y) == 0
    return Agreement(tau, float("nan") if flat else float(pearsonr(x, y).statistic))
