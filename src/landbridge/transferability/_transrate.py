"""TransRate: how much shorter a code the features have once the classes are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh

from landbridge.measurement import Measurement
from landbridge.transferability._replicates import measured
from landbridge.transferability._rows import class_codes, feature_rows
from landbridge.transferability._spectrum import centred, left_vectors

__all__ = ["coding_rate", "transrate"]

EPS = 1e-4


def coding_rate(Z: NDArray[np.float64], *, eps: float = EPS) -> float:
    r"""Nats to code rows up to a distortion, :math:`\tfrac12 \log\det(I + \tfrac{1}{n \epsilon} Z^\top Z)`.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Rows.
    eps : float, default=1e-4
        Distortion.

    Returns
    -------
    float
        From the smaller of the two Gram matrices.

    References
    ----------
    .. [1] L. Huang, J. Huang, Y. Rong, Q. Yang, Y. Wei. Frustratingly easy transferability estimation. ICML 2022.
    """
    n, d = Z.shape
    squares = eigvalsh(Z.T @ Z if d <= n else Z @ Z.T)
    return float(0.5 * np.log1p(np.maximum(squares, 0.0) / (n * eps)).sum())


def transrate(
    *,
    features: Any,
    target_labels: Any,
    eps: float = EPS,
    centre_classes: bool = True,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    r"""TransRate: the coding rate of the features less that of each class, an estimate of their mutual information.

    .. math:: R(Z, \epsilon) - \sum_c \frac{n_c}{n} R(Z_c, \epsilon)

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n, d)
        Target rows as the source model sees them. Scaled to a mean squared entry of one, so that models of different
        scale can be compared.
    target_labels : array-like of shape (n,)
        Their classes.
    eps : float, default=1e-4
        Distortion.
    centre_classes : bool, default=True
        Code each class about its own mean. The paper codes it about the mean of all rows (False), which cannot see
        classes that lie on opposite sides of it.
    n_bootstrap : int, default=100
        Random halves of the rows, for a 95 % interval.
    n_permutations : int, default=100
        Permutations of the labels, for what chance gives.
    random_state : int, RandomState or None, default=None
        Draws both.

    Returns
    -------
    Measurement
        ``"transrate"`` in nats, higher is better.

    Raises
    ------
    InputError
        If the two do not fit.

    Notes
    -----
    With fewer rows a class than columns, a class is short to code whatever it is, and the score is large for any
    labels: look at what it is above the null. Time O(n d min(n, d)) for each replicate, memory O(n d).

    References
    ----------
    .. [1] L. Huang, J. Huang, Y. Rong, Q. Yang, Y. Wei. Frustratingly easy transferability estimation. ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.transferability import transrate
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(300) % 3
    >>> apart = np.eye(3)[y] + 0.1 * rng.normal(size=(300, 3))
    >>> m = transrate(features=apart, target_labels=y, random_state=0)
    >>> m.value > 3 * m.null
    True
    """
    F = feature_rows(features)
    _, codes = class_codes(target_labels, len(F))

    def scorer(F: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
        Z = centred(F)
        U, squares = left_vectors(Z)  # turning the columns leaves every rate as it is
        Z = U * np.sqrt(squares * Z.size / max(squares.sum(), np.finfo(np.float64).tiny))
        whole = coding_rate(Z, eps=eps)

        def score(codes: NDArray[np.intp]) -> float:
            parts = [Z[codes == c] for c in np.unique(codes)]
            if centre_classes:
                parts = [part - part.mean(axis=0) for part in parts]
            return whole - sum(len(part) / len(codes) * coding_rate(part, eps=eps) for part in parts)

        return score

    return measured("transrate", scorer, (F,), codes, n_bootstrap, n_permutations, random_state)
