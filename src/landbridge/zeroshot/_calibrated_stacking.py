"""Calibrated stacking: the penalty on seen classes in generalised zero-shot learning, and its accuracy measures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["GeneralisedAccuracy", "best_seen_class_penalty", "generalised_accuracy", "harmonic_mean"]


class GeneralisedAccuracy(NamedTuple):
    """Balanced accuracies on seen and unseen classes in generalised zero-shot learning.

    Parameters
    ----------
    seen, unseen : float
        Balanced accuracy (mean recall) on the samples of seen classes and of unseen classes.
    harmonic : float
        Harmonic mean of the two.
    """

    seen: float
    unseen: float
    harmonic: float


def harmonic_mean(a: float, b: float) -> float:
    """Compute the harmonic mean of two numbers, zero if either is zero.

    Parameters
    ----------
    a, b : float
        Non-negative numbers.

    Returns
    -------
    float
        The harmonic mean.

    Examples
    --------
    >>> from landbridge.zeroshot import harmonic_mean
    >>> harmonic_mean(0.5, 1.0), harmonic_mean(0.0, 1.0)
    (0.6666666666666666, 0.0)
    """
    return 2 * a * b / (a + b) if a > 0 and b > 0 else 0.0


def generalised_accuracy(y_pred: NDArray, y_true: NDArray, seen: NDArray) -> GeneralisedAccuracy:
    """Compute the balanced accuracies on seen and unseen classes, and their harmonic mean.

    Parameters
    ----------
    y_pred, y_true : ndarray of shape (n_samples,)
        Predicted and true class labels.
    seen : ndarray of shape (n_seen,)
        The seen classes.

    Returns
    -------
    GeneralisedAccuracy
        The accuracies.
    """
    each = {c: float(np.mean(y_pred[y_true == c] == c)) for c in np.unique(y_true).tolist()}
    known = set(np.asarray(seen).tolist())
    own = [v for c, v in each.items() if c in known]
    new = [v for c, v in each.items() if c not in known]
    a, b = float(np.mean(own)) if own else 0.0, float(np.mean(new)) if new else 0.0
    return GeneralisedAccuracy(a, b, harmonic_mean(a, b))


def best_seen_class_penalty(scores: NDArray[np.float64], codes: NDArray[np.intp], seen: NDArray[np.bool_]) -> float:
    """Find the penalty on the scores of seen classes that maximises the harmonic mean of the accuracies.

    The prediction of a sample changes at one value only, from its best seen class to its best unseen class. The
    harmonic mean is computed at all these values, in order, from running sums.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        Scores of the classes.
    codes : ndarray of int, shape (n_samples,)
        True class of each sample.
    seen : ndarray of bool, shape (n_classes,)
        Which classes are seen.

    Returns
    -------
    float
        The penalty.

    References
    ----------
    .. [1] W.-L. Chao, S. Changpinyo, B. Gong, F. Sha. An empirical study and analysis of generalized zero-shot learning
       for object recognition in the wild. ECCV 2016.
    """
    where_seen, where_new = np.flatnonzero(seen), np.flatnonzero(~seen)
    own = where_seen[scores[:, where_seen].argmax(axis=1)]
    new = where_new[scores[:, where_new].argmax(axis=1)]
    index = np.arange(len(scores))
    switch = scores[index, own] - scores[index, new]
    weight = 1.0 / np.bincount(codes, minlength=len(seen))[codes]
    of_seen = seen[codes]
    order = np.argsort(switch, kind="stable")
    right_seen, right_new = weight * (of_seen & (own == codes)), weight * (~of_seen & (new == codes))
    n_seen, n_new = max(len(np.unique(codes[of_seen])), 1), max(len(np.unique(codes[~of_seen])), 1)
    # Below the k-th switch the first k samples are predicted as an unseen class.
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
