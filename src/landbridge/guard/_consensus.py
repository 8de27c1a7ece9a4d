"""Consensus: how well each model agrees with the vote of all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["agreement", "vote"]


def vote(labels: NDArray[np.intp], n_classes: int, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Share of the models that give each row each class.

    Parameters
    ----------
    labels : ndarray of int, shape (n_models, n_samples)
        Class numbers predicted by each model.
    n_classes : int
    weights : array-like of shape (n_models,), optional
        How much each model's vote counts; equal if left out.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Rows sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import vote
    >>> vote(np.array([[0, 1], [0, 0]]), 2).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    w = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=float)
    shares = np.zeros((labels.shape[1], n_classes))
    rows = np.arange(labels.shape[1])
    for one, weight in zip(labels, w / w.sum(), strict=True):
        shares[rows, one] += weight
    return shares


def agreement(
    labels: NDArray[np.intp], n_classes: int, weights: ArrayLike | None = None, *, voters: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """Row by row, the share of the *other* models that agree with each model (EnsV, [1]_).

    The vote of all candidates stands in for the missing labels: it is never worse than the average candidate, so the
    candidate nearest to it cannot be the worst.

    Parameters
    ----------
    labels : ndarray of int, shape (n_models, n_samples)
    n_classes : int
    weights : array-like of shape (n_models,), optional
    voters : sequence of int, optional
        Models that vote; all if left out.

    Returns
    -------
    ndarray of shape (n_models, n_samples)
        Mean over the rows estimates each model's accuracy, up to what all models have in common.

    References
    ----------
    .. [1] D. Hu, M. Luo, J. Liang, C.-S. Foo. Towards reliable model selection for unsupervised domain adaptation: an
       empirical study and a certified baseline. NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import agreement
    >>> agreement(np.array([[0, 1], [0, 1], [0, 0]]), 2).mean(axis=1).tolist()
    [0.75, 0.75, 0.5]
    """
    n_models = len(labels)
    w = np.ones(n_models) if weights is None else np.asarray(weights, dtype=float)
    if voters is not None:
        keep = np.zeros(n_models)
        keep[list(voters)] = 1.0
        w = w * keep
    total = w.sum()
    shares = vote(labels, n_classes, w) * total
    rows = np.arange(labels.shape[1])
    out = np.empty(labels.shape)
    for i, one in enumerate(labels):
        # a model's own vote says nothing about it
        rest = total - w[i]
        out[i] = (shares[rows, one] - w[i]) / rest if rest > 0 else 0.0
    return out
