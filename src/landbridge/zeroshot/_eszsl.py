"""ESZSL (embarrassingly simple zero-shot learning): a bilinear map of samples and class attributes in closed form."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.zeroshot._base import CANDIDATE_CONSTRAINTS, ZeroShotClassifier

__all__ = ["ESZSL", "eszsl_weights"]


def eszsl_weights(
    X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64], alpha: float, alpha_attributes: float
) -> NDArray[np.float64]:
    r"""Compute the bilinear map of samples and class attributes, equation (4) of [1]_.

    .. math:: V = (X^\top X + \gamma I)^{-1} X^\top Y S (S^\top S + \lambda I)^{-1}

    with :math:`Y_{ic} = 1` for the class of sample i and -1 otherwise.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples.
    codes : ndarray of int, shape (n_samples,)
        Class of each sample.
    S : ndarray of shape (n_classes, n_attributes)
        Attributes of each class.
    alpha, alpha_attributes : float
        :math:`\gamma` and :math:`\lambda`.

    Returns
    -------
    ndarray of shape (n_features, n_attributes)
        The bilinear map.

    References
    ----------
    .. [1] B. Romera-Paredes, P. Torr. An embarrassingly simple approach to zero-shot learning. ICML 2015.
    """
    n, d = X.shape
    # Y S from sums over classes, without the (n_samples, n_classes) matrix Y.
    YS = 2.0 * S[codes] - S.sum(axis=0)
    if d <= n:
        left = linalg.solve(X.T @ X + alpha * np.eye(d), X.T @ YS, assume_a="pos")
    else:
        left = X.T @ linalg.solve(X @ X.T + alpha * np.eye(n), YS, assume_a="pos")
    return linalg.solve(S.T @ S + alpha_attributes * np.eye(S.shape[1]), left.T, assume_a="pos").T


class ESZSL(ZeroShotClassifier):
    """Embarrassingly simple zero-shot learning (ESZSL): zero-shot classification by a bilinear map in closed form.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the L2 penalty on the side of the features, relative to the mean squared norm of the samples.
    alpha_attributes : float, default=1.0
        Weight of the L2 penalty on the side of the attributes, relative to the mean squared norm of the attributes.
    candidate_classes : {"unseen", "all"} or array-like of shape (n_candidates,), default="unseen"
        Classes that may be predicted.
    seen_class_penalty : float or "auto", default=0.0
        Subtracted from the scores of seen classes (calibrated stacking). If "auto", it is found by cross-validation
        over the seen classes when seen and unseen classes are candidates.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features, n_attributes)
        Bilinear map.
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
    Helps when the attributes describe what the features measure. With n samples, d features and a attributes: time
    O(n d min(n, d) + a³), memory O(min(n, d)² + n a).

    References
    ----------
    .. [1] B. Romera-Paredes, P. Torr. An embarrassingly simple approach to zero-shot learning. ICML 2015.

    Examples
    --------
    Attributes are the shape of a horse and stripes; there is no sample of a zebra.

    >>> import numpy as np
    >>> from landbridge.zeroshot import ESZSL
    >>> attributes = {"horse": [1, 0], "tiger": [0, 1], "pig": [0, 0], "zebra": [1, 1]}
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["horse", "tiger", "pig"], 50)
    >>> X = np.array([attributes[c] for c in y]) + 0.1 * rng.normal(size=(150, 2))
    >>> ESZSL().fit(X - 0.5, y, attributes=attributes).predict([[0.5, 0.5]]).tolist()
    ['zebra']
    """

    transfer_tags = method_tags = TransferTags(
        family="zero-shot",
        tasks=frozenset({"classification"}),
        growth="time O(n d min(n, d) + a³), memory O(min(n, d)² + n a)",
        reference="Romera-Paredes, Torr: An embarrassingly simple approach to zero-shot learning. ICML 2015",
    )
    _parameter_constraints = {
        **CANDIDATE_CONSTRAINTS,
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "alpha_attributes": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        alpha_attributes: float = 1.0,
        candidate_classes: Any = "unseen",
        seen_class_penalty: Any = 0.0,
    ) -> None:
        self.alpha = alpha
        self.alpha_attributes = alpha_attributes
        self.candidate_classes = candidate_classes
        self.seen_class_penalty = seen_class_penalty

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._middle = X.mean(axis=0)
        Z = X - self._middle
        scale, own = float((Z**2).sum()) / max(min(Z.shape), 1), float((S**2).sum()) / max(min(S.shape), 1)
        self.weights_ = eszsl_weights(
            Z, codes, S, self.alpha * max(scale, 1e-12), self.alpha_attributes * max(own, 1e-12)
        )

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((X - self._middle) @ self.weights_) @ S.T
