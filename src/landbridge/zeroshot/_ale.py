"""ALE: rows and class attributes made compatible by a ranking loss, so that the right class comes first."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.zeroshot._base import ATTRIBUTES, ZeroShotClassifier

__all__ = ["ALE", "ranking_loss"]


def ranking_loss(
    scores: NDArray[np.float64], codes: NDArray[np.intp], margin: float = 1.0
) -> tuple[float, NDArray[np.float64]]:
    r"""Weighted approximate ranking loss of scores, and its gradient, equation (9) of [1]_.

    .. math:: \frac1n \sum_i \frac{\ell_{r_i}}{r_i} \sum_{c \ne y_i} \max(0, m + F_{ic} - F_{i y_i}), \qquad
        \ell_r = \sum_{k=1}^{r} \frac1k

    with :math:`r_i` the number of wrong classes that come within the margin. The first wrong class costs most, which
    is what the accuracy of the first answer asks for.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        :math:`F`.
    codes : ndarray of int, shape (n,)
        Right classes.
    margin : float, default=1.0

    Returns
    -------
    loss : float
    gradient : ndarray of shape (n, n_classes)
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
    rows = np.arange(len(scores))
    gaps = scores - (scores[rows, codes] - margin)[:, None]
    gaps[rows, codes] = 0.0
    wrong = gaps > 0
    ranks = wrong.sum(axis=1)
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, scores.shape[1] + 1))])[ranks]
    weight = harmonic / np.maximum(ranks, 1) / len(scores)
    loss = float(weight @ np.where(wrong, gaps, 0.0).sum(axis=1))
    gradient = wrong * weight[:, None]
    gradient[rows, codes] = -harmonic / len(scores)
    return loss, gradient


class ALE(ZeroShotClassifier):
    """Name classes without a row by a bilinear map between rows and attributes that ranks the right class first.

    Parameters
    ----------
    attributes : dict, DataFrame or None
        Class to vector. Classes without rows in `y` are the unseen ones. None: an ordinary classifier.
    lr : float, default=10.0
        First step of the gradient descent; steps fall to zero over the epochs.
    epochs : int, default=20
        Passes over the rows. Few passes regularise as well.
    batch_size : int, default=32
        Rows a step.
    reg : float, default=0.001
        Penalty on the squared weights.
    margin : float, default=1.0
        By how much the right class should lead.
    candidates : "unseen", "all" or array-like, default="unseen"
        Which classes may be the answer.
    calibration : float or "auto", default=0.0
        What seen classes' scores give away where both may be the answer; "auto" finds it on seen classes.
    random_state : int, RandomState instance or None, default=None
        Order of the rows.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features, n_attributes)
    losses_ : ndarray of shape (epochs,)
        Mean loss, epoch by epoch, of batches before their step.
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
    calibration_ : float

    Notes
    -----
    Helps where the loss should be that of the first answer, and where rows are too many for a closed form; hurts where
    rows are few and steps are many, as weights then learn the seen classes by heart. Rows are centred and brought to a
    mean squared length of one; attributes are centred at the mean of the seen classes and brought to length one;
    weights begin at zero. All wrong classes are compared in one product, not drawn one after another: exact, and fast
    for up to thousands of classes.

    Time O(epochs n a (d + c)), memory O(n d + d a), with c seen classes.

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
    >>> ALE(attributes, random_state=0).fit(X, y).predict([[1.0, 1.0]]).tolist()
    ['zebra']
    """

    transfer_tags = TransferTags(
        family="zeroshot",
        tasks=frozenset({"classification"}),
        growth="time O(epochs n a (d + c)), memory O(n d + d a)",
        reference="Akata, Perronnin, Harchaoui, Schmid: Label-embedding for image classification. TPAMI 2016",
    )
    _parameter_constraints = {
        **ATTRIBUTES,
        "lr": [Interval(Real, 0, None, closed="neither")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "reg": [Interval(Real, 0, None, closed="left")],
        "margin": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        attributes: Any = None,
        *,
        lr: float = 10.0,
        epochs: int = 20,
        batch_size: int = 32,
        reg: float = 1e-3,
        margin: float = 1.0,
        candidates: Any = "unseen",
        calibration: Any = 0.0,
        random_state: Any = None,
    ) -> None:
        self.attributes = attributes
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.reg = reg
        self.margin = margin
        self.candidates = candidates
        self.calibration = calibration
        self.random_state = random_state

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._middle = X.mean(axis=0)
        Z = X - self._middle
        self._length = float(np.sqrt(max((Z**2).sum() / len(Z), 1e-12)))
        Z /= self._length
        self._mean_attributes = S.mean(axis=0)
        A = _unit(S - self._mean_attributes)
        dice = check_random_state(self.random_state)
        W = np.zeros((Z.shape[1], A.shape[1]))
        n_steps = self.epochs * -(-len(Z) // self.batch_size)
        losses, step = np.zeros(self.epochs), 0
        for epoch in range(self.epochs):
            order = dice.permutation(len(Z))
            for first in range(0, len(Z), self.batch_size):
                rows = order[first : first + self.batch_size]
                part = Z[rows]
                loss, gradient = ranking_loss(part @ W @ A.T, codes[rows], self.margin)
                losses[epoch] += loss * len(rows) / len(Z)
                rate = self.lr * (1.0 - step / n_steps)
                # the penalty is a shrinkage after the step, which no rate makes unstable
                W -= rate * (part.T @ (gradient @ A))
                W /= 1.0 + rate * self.reg
                step += 1
        self.weights_, self.losses_ = W, losses

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return (((X - self._middle) / self._length) @ self.weights_) @ _unit(S - self._mean_attributes).T


def _unit(A: NDArray[np.float64]) -> NDArray[np.float64]:
    return A / np.maximum(np.linalg.norm(A, axis=1, keepdims=True), 1e-12)
