"""Agreement of each model with the vote of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["agreement", "vote_shares"]


def vote_shares(labels: NDArray[np.intp], n_classes: int, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Compute the weighted share of the models that predict each class, for each sample.

    Parameters
    ----------
    labels : ndarray of int, shape (n_models, n_samples)
        Class numbers predicted by each model.
    n_classes : int
    weights : array-like of shape (n_models,), optional
        Votes of each model. If None, one each.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Sums to one over the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import vote_shares
    >>> vote_shares(np.array([[0, 1], [0, 0]]), 2).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    w = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=float)
    shares = np.zeros((labels.shape[1], n_classes))
    samples = np.arange(labels.shape[1])
    for predicted, weight in zip(labels, w / w.sum(), strict=True):
        shares[samples, predicted] += weight
    return shares


def agreement(
    labels: NDArray[np.intp], n_classes: int, weights: ArrayLike | None = None, *, members: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """Compute the share of the *other* models that agree with each model, for each sample (EnsV, [1]_).

    The vote of all candidates stands in for the missing labels: it is never worse than the average candidate, so the
    candidate that agrees most with it cannot be the worst.

    Parameters
    ----------
    labels : ndarray of int, shape (n_models, n_samples)
        Class numbers predicted by each model.
    n_classes : int
    weights : array-like of shape (n_models,), optional
        Votes of each model. If None, one each.
    members : sequence of int, optional
        Models that vote. If None, all.

    Returns
    -------
    ndarray of shape (n_models, n_samples)
        The mean over the samples estimates each model's accuracy, up to the errors that all models share.

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
    if members is not None:
        keep = np.zeros(n_models)
        keep[list(members)] = 1.0
        w = w * keep
    total = w.sum()
    shares = vote_shares(labels, n_classes, w) * total
    samples = np.arange(labels.shape[1])
    out = np.empty(labels.shape)
    for i, predicted in enumerate(labels):
        # a model's own vote says nothing about it
        others = total - w[i]
        out[i] = (shares[samples, predicted] - w[i]) / others if others > 0 else 0.0
    return out
