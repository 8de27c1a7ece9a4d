"""ESZSL: one closed form between rows and attributes."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.zeroshot._base import ATTRIBUTES, ZeroShotClassifier

__all__ = ["ESZSL", "eszsl_weights"]


def eszsl_weights(
    X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64], reg: float, attribute_reg: float
) -> NDArray[np.float64]:
    r"""Bilinear map between rows and attributes, equation (4) of [1]_.

    .. math:: V = (X^\top X + \gamma I)^{-1} X^\top Y S (S^\top S + \lambda I)^{-1}

    with :math:`Y_{ic} = 1` for the class of row i and -1 otherwise.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    codes : ndarray of int, shape (n,)
    S : ndarray of shape (n_classes, n_attributes)
    reg, attribute_reg : float
        :math:`\gamma` and :math:`\lambda`.

    Returns
    -------
    ndarray of shape (d, n_attributes)

    References
    ----------
    .. [1] B. Romera-Paredes, P. Torr. An embarrassingly simple approach to zero-shot learning. ICML 2015.
    """
    n, d = X.shape
    # Y S by sums over classes: no matrix of rows by classes is made
    YS = 2.0 * S[codes] - S.sum(axis=0)
    if d <= n:
        left = linalg.solve(X.T @ X + reg * np.eye(d), X.T @ YS, assume_a="pos")
    else:
        left = X.T @ linalg.solve(X @ X.T + reg * np.eye(n), YS, assume_a="pos")
    return linalg.solve(S.T @ S + attribute_reg * np.eye(S.shape[1]), left.T, assume_a="pos").T


class ESZSL(ZeroShotClassifier):
    """Name classes without a row by a bilinear map between rows and attributes, found in closed form.

    Parameters
    ----------
    attributes : dict, DataFrame or None
        Class to vector. Classes without rows in `y` are the unseen ones. None: an ordinary classifier.
    reg : float, default=1.0
        Penalty on the rows' side, relative to their mean squared length.
    attribute_reg : float, default=1.0
        Penalty on the attributes' side, relative to their mean squared length.
    candidates : "unseen", "all" or array-like, default="unseen"
        Which classes may be the answer.
    calibration : float or "auto", default=0.0
        What seen classes' scores give away where both may be the answer; "auto" finds it on seen classes.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features, n_attributes)
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
    calibration_ : float

    Notes
    -----
    Helps where attributes say what can be seen. Seconds at any size: time O(n d min(n, d) + a³), memory
    O(min(n, d)² + n a).

    References
    ----------
    .. [1] B. Romera-Paredes, P. Torr. An embarrassingly simple approach to zero-shot learning. ICML 2015.

    Examples
    --------
    A zebra is a striped horse, and no row of one was ever seen.

    >>> import numpy as np
    >>> from landbridge.zeroshot import ESZSL
    >>> attributes = {"horse": [1, 0], "tiger": [0, 1], "pig": [0, 0], "zebra": [1, 1]}
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["horse", "tiger", "pig"], 50)
    >>> X = np.array([attributes[c] for c in y]) + 0.1 * rng.normal(size=(150, 2))
    >>> model = ESZSL(attributes, candidates="all", calibration="auto", reg=0.01, attribute_reg=0.01).fit(X - 0.5, y)
    >>> ESZSL(attributes).fit(X - 0.5, y).predict([[0.5, 0.5]]).tolist()
    ['zebra']
    """

    transfer_tags = TransferTags(
        family="zeroshot",
        tasks=frozenset({"classification"}),
        growth="time O(n d min(n, d) + a³), memory O(min(n, d)² + n a)",
        reference="Romera-Paredes, Torr: An embarrassingly simple approach to zero-shot learning. ICML 2015",
    )
    _parameter_constraints = {
        **ATTRIBUTES,
        "reg": [Interval(Real, 0, None, closed="neither")],
        "attribute_reg": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        attributes: Any = None,
        *,
        reg: float = 1.0,
        attribute_reg: float = 1.0,
        candidates: Any = "unseen",
        calibration: Any = 0.0,
    ) -> None:
        self.attributes = attributes
        self.reg = reg
        self.attribute_reg = attribute_reg
        self.candidates = candidates
        self.calibration = calibration

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._middle = X.mean(axis=0)
        Z = X - self._middle
        scale, own = float((Z**2).sum()) / max(min(Z.shape), 1), float((S**2).sum()) / max(min(S.shape), 1)
        self.weights_ = eszsl_weights(Z, codes, S, self.reg * max(scale, 1e-12), self.attribute_reg * max(own, 1e-12))

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((X - self._middle) @ self.weights_) @ S.T
