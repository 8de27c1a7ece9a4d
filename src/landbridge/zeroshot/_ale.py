"""ALE (attribute label embedding): a bilinear map of samples and class attributes, fitted by a ranking loss."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.zeroshot._base import CANDIDATE_CONSTRAINTS, ZeroShotClassifier

__all__ = ["ALE", "ranking_loss"]


def ranking_loss(
    scores: NDArray[np.float64], codes: NDArray[np.intp], margin: float = 1.0
) -> tuple[float, NDArray[np.float64]]:
    r"""Compute the weighted approximate ranking loss (WARP) of scores and its gradient, equation (9) of [1]_.

    .. math:: \frac1n \sum_i \frac{\ell_{r_i}}{r_i} \sum_{c \ne y_i} \max(0, m + F_{ic} - F_{i y_i}), \qquad
        \ell_r = \sum_{k=1}^{r} \frac1k

    with :math:`r_i` the number of wrong classes within the margin. The loss grows most with the first wrong class, so
    that it approximates the top-1 error.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        :math:`F`.
    codes : ndarray of int, shape (n_samples,)
        True class of each sample.
    margin : float, default=1.0
        :math:`m`, by how much the true class must lead.

    Returns
    -------
    loss : float
        Mean loss.
    gradient : ndarray of shape (n_samples, n_classes)
        With respect to the scores.

    References
    ----------
    .. [1] Z. Akata, F. Perronnin, Z. Harchaoui, C. Schmid. Label-embedding for image classification. TPAMI 38, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.zeroshot import ranking_loss
    >>> ranking_loss(np.array([[2.0, 1.5, 0.0]]), np.array([0]))
    (0.5, array([[-1.,  1.,  0.]]))
    """
    index = np.arange(len(scores))
    gaps = scores - (scores[index, codes] - margin)[:, None]
    gaps[index, codes] = 0.0
    wrong = gaps > 0
    ranks = wrong.sum(axis=1)
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, scores.shape[1] + 1))])[ranks]
    weight = harmonic / np.maximum(ranks, 1) / len(scores)
    loss = float(weight @ np.where(wrong, gaps, 0.0).sum(axis=1))
    gradient = wrong * weight[:, None]
    gradient[index, codes] = -harmonic / len(scores)
    return loss, gradient


class ALE(ZeroShotClassifier):
    """Attribute label embedding (ALE): zero-shot classification by a bilinear map fitted by a ranking loss.

    Parameters
    ----------
    learning_rate : float, default=10.0
        Initial step of stochastic gradient descent; it decreases linearly to zero.
    max_iter : int, default=20
        Number of epochs. Early stopping by few epochs also regularises.
    batch_size : int, default=32
        Number of samples in a mini-batch.
    alpha : float, default=0.001
        Weight of the L2 penalty.
    margin : float, default=1.0
        By how much the score of the true class must lead.
    candidate_classes : {"unseen", "all"} or array-like of shape (n_candidates,), default="unseen"
        Classes that may be predicted.
    seen_class_penalty : float or "auto", default=0.0
        Subtracted from the scores of seen classes (calibrated stacking). If "auto", it is found by cross-validation
        over the seen classes when seen and unseen classes are candidates.
    random_state : int, RandomState instance or None, default=None
        Shuffles the samples.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features, n_attributes)
        Bilinear map.
    losses_ : ndarray of shape (max_iter,)
        Mean training loss in each epoch.
    n_iter_ : int
        Number of epochs, `max_iter`.
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
        Classes that may be predicted.
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
        Their attributes.
    seen_class_penalty_ : float
        Penalty on the scores of seen classes.

    Notes
    -----
    Helps when the top-1 accuracy matters, and when there are too many samples for a closed form. Hurts when samples are
    few and iterations many, because the map then overfits the seen classes. Samples are centred and scaled to a mean
    squared norm of one; attributes are centred at the mean of the seen classes and scaled to unit norm; weights start
    at zero. The loss over all wrong classes is exact, not sampled; this is fast for up to thousands of classes.

    With n samples, d features, a attributes and c seen classes: time O(max_iter n a (d + c)), memory O(n d + d a).

    References
    ----------
    .. [1] Z. Akata, F. Perronnin, Z. Harchaoui, C. Schmid. Label-embedding for attribute-based classification.
       CVPR 2013.
    .. [2] Z. Akata, F. Perronnin, Z. Harchaoui, C. Schmid. Label-embedding for image classification. TPAMI 38, 2016.
    .. [3] J. Weston, S. Bengio, N. Usunier. WSABIE: scaling up to large vocabulary image annotation. IJCAI 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.zeroshot import ALE
    >>> attributes = {"horse": [1, -1], "tiger": [-1, 1], "pig": [-1, -1], "zebra": [1, 1]}
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["horse", "tiger", "pig"], 50)
    >>> X = np.array([attributes[c] for c in y]) + 0.1 * rng.normal(size=(150, 2))
    >>> ALE(random_state=0).fit(X, y, attributes=attributes).predict([[1.0, 1.0]]).tolist()
    ['zebra']
    """

    transfer_tags = method_tags = TransferTags(
        family="zero-shot",
        tasks=frozenset({"classification"}),
        growth="time O(max_iter n a (d + c)), memory O(n d + d a)",
        reference="Akata, Perronnin, Harchaoui, Schmid: Label-embedding for image classification. TPAMI 2016",
    )
    _parameter_constraints = {
        **CANDIDATE_CONSTRAINTS,
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "margin": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        learning_rate: float = 10.0,
        max_iter: int = 20,
        batch_size: int = 32,
        alpha: float = 1e-3,
        margin: float = 1.0,
        candidate_classes: Any = "unseen",
        seen_class_penalty: Any = 0.0,
        random_state: Any = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.alpha = alpha
        self.margin = margin
        self.candidate_classes = candidate_classes
        self.seen_class_penalty = seen_class_penalty
        self.random_state = random_state

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._middle = X.mean(axis=0)
        Z = X - self._middle
        self._length = float(np.sqrt(max((Z**2).sum() / len(Z), 1e-12)))
        Z /= self._length
        self._mean_attributes = S.mean(axis=0)
        A = _unit(S - self._mean_attributes)
        rng = check_random_state(self.random_state)
        W = np.zeros((Z.shape[1], A.shape[1]))
        n_steps = self.max_iter * -(-len(Z) // self.batch_size)
        losses, step = np.zeros(self.max_iter), 0
        for epoch in range(self.max_iter):
            order = rng.permutation(len(Z))
            for first in range(0, len(Z), self.batch_size):
                batch = order[first : first + self.batch_size]
                part = Z[batch]
                loss, gradient = ranking_loss(part @ W @ A.T, codes[batch], self.margin)
                losses[epoch] += loss * len(batch) / len(Z)
                rate = self.learning_rate * (1.0 - step / n_steps)
                # The L2 penalty is applied as a proximal step, which is stable for every learning rate.
                W -= rate * (part.T @ (gradient @ A))
                W /= 1.0 + rate * self.alpha
                step += 1
        self.weights_, self.losses_, self.n_iter_ = W, losses, self.max_iter

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return (((X - self._middle) / self._length) @ self.weights_) @ _unit(S - self._mean_attributes).T


def _unit(A: NDArray[np.float64]) -> NDArray[np.float64]:
    return A / np.maximum(np.linalg.norm(A, axis=1, keepdims=True), 1e-12)
