"""Calibrated stacking: what seen classes must give away, so that unseen ones get a hearing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Generalised", "best_calibration", "generalised_accuracy", "harmonic_mean"]


class Generalised(NamedTuple):
    """Accuracies where seen and unseen classes may both be the answer.

    Parameters
    ----------
    seen, unseen : float
        Mean accuracy a class.
    harmonic : float
        Harmonic mean of the two.
    """

    seen: float
    unseen: float
    harmonic: float


def harmonic_mean(a: float, b: float) -> float:
    """Harmonic mean, zero where either is.

    Parameters
    ----------
    a, b : float

    Returns
    -------
    float

    Examples
    --------
    >>> from landbridge.zeroshot import harmonic_mean
    >>> harmonic_mean(0.5, 1.0), harmonic_mean(0.0, 1.0)
    (0.6666666666666666, 0.0)
    """
    return 2 * a * b / (a + b) if a > 0 and b > 0 else 0.0


def generalised_accuracy(predicted: NDArray, truth: NDArray, seen: NDArray) -> Generalised:
    """Mean accuracy a class, for seen and unseen classes.

    Parameters
    ----------
    predicted, truth : ndarray of shape (n,)
    seen : ndarray
        The seen classes.

    Returns
    -------
    Generalised
    """
    each = {c: float(np.mean(predicted[truth == c] == c)) for c in np.unique(truth).tolist()}
    known = set(np.asarray(seen).tolist())
    own = [v for c, v in each.items() if c in known]
    new = [v for c, v in each.items() if c not in known]
    a, b = float(np.mean(own)) if own else 0.0, float(np.mean(new)) if new else 0.0
    return Generalised(a, b, harmonic_mean(a, b))


def best_calibration(scores: NDArray[np.float64], truth: NDArray[np.intp], seen: NDArray[np.bool_]) -> float:
    """Find what to take from the scores of seen classes for the best harmonic mean.

    Every row has one value at which its answer passes from its best seen class to its best unseen one; only there the
    harmonic mean can change, so these values are tried, in order, with running sums.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
    truth : ndarray of int, shape (n,)
    seen : ndarray of bool, shape (n_classes,)

    Returns
    -------
    float

    References
    ----------
    .. [1] W.-L. Chao, S. Changpinyo, B. Gong, F. Sha. An empirical study and analysis of generalized zero-shot learning
       for object recognition in the wild. ECCV 2016.
    """
    where_seen, where_new = np.flatnonzero(seen), np.flatnonzero(~seen)
    own = where_seen[scores[:, where_seen].argmax(axis=1)]
    new = where_new[scores[:, where_new].argmax(axis=1)]
    rows = np.arange(len(scores))
    switch = scores[rows, own] - scores[rows, new]
    weight = 1.0 / np.bincount(truth, minlength=len(seen))[truth]
    of_seen = seen[truth]
    order = np.argsort(switch, kind="stable")
    right_seen, right_new = weight * (of_seen & (own == truth)), weight * (~of_seen & (new == truth))
    n_seen, n_new = max(len(np.unique(truth[of_seen])), 1), max(len(np.unique(truth[~of_seen])), 1)
    # before the k-th switch the first k rows answer with an unseen class
    a = (right_seen.sum() - np.concatenate([[0.0], np.cumsum(right_seen[order])])) / n_seen
    b = np.concatenate([[0.0], np.cumsum(right_new[order])]) / n_new
    means = np.where((a > 0) & (b > 0), 2 * a * b / np.maximum(a + b, 1e-300), 0.0)
    k = int(means.argmax())
    values = switch[order]
    if k == 0:
        return float(min(values[0] - 1e-9, 0.0))
    if k == len(values):
        return float(values[-1] + 1e-9)
    return float((values[k - 1] + values[k]) / 2)
