"""SAE: an encoder to the attributes whose transpose decodes, by a Sylvester equation."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.zeroshot._base import ATTRIBUTES, ZeroShotClassifier

__all__ = ["SAE", "semantic_encoder"]


def semantic_encoder(X: NDArray[np.float64], A: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    r"""Encoder with tied weights, equation (8) of [1]_.

    .. math:: \min_W \lVert X^\top - W^\top A^\top \rVert^2 + \lambda \lVert W X^\top - A^\top \rVert^2 \quad\Rightarrow
        \quad A^\top A\, W + \lambda W X^\top X = (1 + \lambda) A^\top X

    Both symmetric matrices are diagonalised, which solves the equation entry by entry.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    A : ndarray of shape (n, n_attributes)
        Attributes of each row's class.
    strength : float
        :math:`\lambda`.

    Returns
    -------
    ndarray of shape (n_attributes, d)

    References
    ----------
    .. [1] E. Kodirov, T. Xiang, S. Gong. Semantic autoencoder for zero-shot learning. CVPR 2017.
    """
    a, U = linalg.eigh(A.T @ A)
    b, V = linalg.eigh(strength * (X.T @ X))
    C = U.T @ ((1 + strength) * (A.T @ X)) @ V
    below = np.maximum(a, 0.0)[:, None] + np.maximum(b, 0.0)[None]
    floor = 1e-10 * max(float(below.max()), 1e-300)
    return U @ np.where(below > floor, C / np.maximum(below, floor), 0.0) @ V.T


class SAE(ZeroShotClassifier):
    """Name classes without a row by the attributes that an autoencoder with tied weights reads off a row.

    Parameters
    ----------
    attributes : dict, DataFrame or None
        Class to vector. Classes without rows in `y` are the unseen ones. None: an ordinary classifier.
    strength : float, default=1.0
        Weight of encoding against decoding, relative to the rows' and attributes' sizes.
    candidates : "unseen", "all" or array-like, default="unseen"
        Which classes may be the answer.
    calibration : float or "auto", default=0.0
        What seen classes' scores give away where both may be the answer; "auto" finds it on seen classes.

    Attributes
    ----------
    encoder_ : ndarray of shape (n_attributes, n_features)
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
    calibration_ : float

    Notes
    -----
    Having to decode keeps in the encoder what rows of unseen classes need, too. The answer is the class whose
    attributes lie in the direction of those read off. Time O(n d² + d³ + a³), memory O(d² + n a).

    References
    ----------
    .. [1] E. Kodirov, T. Xiang, S. Gong. Semantic autoencoder for zero-shot learning. CVPR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.zeroshot import SAE
    >>> attributes = {"horse": [1, -1], "tiger": [-1, 1], "pig": [-1, -1], "zebra": [1, 1]}
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["horse", "tiger", "pig"], 50)
    >>> X = np.array([attributes[c] for c in y]) + 0.1 * rng.normal(size=(150, 2))
    >>> SAE(attributes).fit(X, y).predict([[1.0, 1.0]]).tolist()
    ['zebra']
    """

    transfer_tags = TransferTags(
        family="zeroshot",
        tasks=frozenset({"classification"}),
        growth="time O(n d² + d³ + a³), memory O(d² + n a)",
        reference="Kodirov, Xiang, Gong: Semantic autoencoder for zero-shot learning. CVPR 2017",
    )
    _parameter_constraints = {**ATTRIBUTES, "strength": [Interval(Real, 0, None, closed="neither")]}

    def __init__(
        self,
        attributes: Any = None,
        *,
        strength: float = 1.0,
        candidates: Any = "unseen",
        calibration: Any = 0.0,
    ) -> None:
        self.attributes = attributes
        self.strength = strength
        self.candidates = candidates
        self.calibration = calibration

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        A = _unit(S)[codes]
        self._middle = X.mean(axis=0)
        Z = X - self._middle
        ratio = float((A**2).sum()) / max(float((Z**2).sum()), 1e-12)
        self.encoder_ = semantic_encoder(Z, A, self.strength * ratio)

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return _unit((X - self._middle) @ self.encoder_.T) @ _unit(S).T


def _unit(A: NDArray[np.float64]) -> NDArray[np.float64]:
    return A / np.maximum(np.linalg.norm(A, axis=1, keepdims=True), 1e-12)
