"""SAE (semantic autoencoder): a linear autoencoder with tied weights whose code is the attributes."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.zeroshot._base import CANDIDATE_CONSTRAINTS, ZeroShotClassifier

__all__ = ["SAE", "semantic_encoder"]


def semantic_encoder(X: NDArray[np.float64], A: NDArray[np.float64], encoding_weight: float) -> NDArray[np.float64]:
    r"""Compute the encoder of the semantic autoencoder with tied weights, equation (8) of [1]_.

    .. math:: \min_W \lVert X^\top - W^\top A^\top \rVert^2 + \lambda \lVert W X^\top - A^\top \rVert^2 \quad\Rightarrow
        \quad A^\top A\, W + \lambda W X^\top X = (1 + \lambda) A^\top X

    The Sylvester equation is solved by the eigendecompositions of both symmetric matrices.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples.
    A : ndarray of shape (n_samples, n_attributes)
        Attributes of the class of each sample.
    encoding_weight : float
        :math:`\lambda`.

    Returns
    -------
    ndarray of shape (n_attributes, n_features)
        The encoder.

    References
    ----------
    .. [1] E. Kodirov, T. Xiang, S. Gong. Semantic autoencoder for zero-shot learning. CVPR 2017.
    """
    a, U = linalg.eigh(A.T @ A)
    b, V = linalg.eigh(encoding_weight * (X.T @ X))
    C = U.T @ ((1 + encoding_weight) * (A.T @ X)) @ V
    below = np.maximum(a, 0.0)[:, None] + np.maximum(b, 0.0)[None]
    floor = 1e-10 * max(float(below.max()), 1e-300)
    return U @ np.where(below > floor, C / np.maximum(below, floor), 0.0) @ V.T


class SAE(ZeroShotClassifier):
    """Semantic autoencoder (SAE): zero-shot classification by a linear autoencoder that encodes to the attributes.

    Parameters
    ----------
    encoding_weight : float, default=1.0
        Weight of the encoding error against the decoding error, relative to the norms of samples and attributes.
    candidate_classes : {"unseen", "all"} or array-like of shape (n_candidates,), default="unseen"
        Classes that may be predicted.
    seen_class_penalty : float or "auto", default=0.0
        Subtracted from the scores of seen classes (calibrated stacking). If "auto", it is found by cross-validation
        over the seen classes when seen and unseen classes are candidates.

    Attributes
    ----------
    encoder_ : ndarray of shape (n_attributes, n_features)
        Linear encoder.
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
    The decoding error keeps information that unseen classes need. The predicted class is the one whose attributes have
    the largest cosine similarity to the encoded sample. With n samples, d features and a attributes: time
    O(n d² + d³ + a³), memory O(d² + n a).

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
    >>> SAE().fit(X, y, attributes=attributes).predict([[1.0, 1.0]]).tolist()
    ['zebra']
    """

    transfer_tags = method_tags = TransferTags(
        family="zero-shot",
        tasks=frozenset({"classification"}),
        growth="time O(n d² + d³ + a³), memory O(d² + n a)",
        reference="Kodirov, Xiang, Gong: Semantic autoencoder for zero-shot learning. CVPR 2017",
    )
    _parameter_constraints = {**CANDIDATE_CONSTRAINTS, "encoding_weight": [Interval(Real, 0, None, closed="neither")]}

    def __init__(
        self,
        *,
        encoding_weight: float = 1.0,
        candidate_classes: Any = "unseen",
        seen_class_penalty: Any = 0.0,
    ) -> None:
        self.encoding_weight = encoding_weight
        self.candidate_classes = candidate_classes
        self.seen_class_penalty = seen_class_penalty

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        A = _unit(S)[codes]
        self._middle = X.mean(axis=0)
        Z = X - self._middle
        ratio = float((A**2).sum()) / max(float((Z**2).sum()), 1e-12)
        self.encoder_ = semantic_encoder(Z, A, self.encoding_weight * ratio)

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return _unit((X - self._middle) @ self.encoder_.T) @ _unit(S).T


def _unit(A: NDArray[np.float64]) -> NDArray[np.float64]:
    return A / np.maximum(np.linalg.norm(A, axis=1, keepdims=True), 1e-12)
