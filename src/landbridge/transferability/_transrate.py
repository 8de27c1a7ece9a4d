"""TransRate: how much shorter the code of the features is once the classes are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh

from landbridge.measurement import Measurement
from landbridge.transferability._inputs import class_codes, feature_rows
from landbridge.transferability._replicates import measured
from landbridge.transferability._spectrum import centred, left_vectors

__all__ = ["coding_rate", "transrate"]

EPS = 1e-4


def coding_rate(Z: NDArray[np.float64], *, eps: float = EPS) -> float:
    r"""Compute the coding rate of samples in nats, up to a distortion.

    .. math:: \tfrac12 \log\det\Bigl(I + \tfrac{1}{n \epsilon} Z^\top Z\Bigr)

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Samples.
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
    if not d:
        return 0.0
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
    r"""Compute TransRate: the coding rate of the features minus that of each class.

    .. math:: R(Z, \epsilon) - \sum_c \frac{n_c}{n} R(Z_c, \epsilon)

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_samples, n_features)
        Target samples as the source model represents them. Scaled to a mean squared entry of one, so that models of
        different scale can be compared.
    target_labels : array-like of shape (n_samples,)
        Class labels of these samples.
    eps : float, default=1e-4
        Distortion.
    centre_classes : bool, default=True
        Code each class about its own mean. The paper codes it about the mean of all samples (False), which cannot see
        classes that lie on opposite sides of it.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws halves and permutations.

    Returns
    -------
    Measurement
        ``"transrate"`` in nats, higher is better.

    Raises
    ------
    InputError
        If features and labels differ in length, or are not valid.

    Notes
    -----
    With fewer samples per class than features, every class has a short code, and the score is large for any labels:
    compare differences from the null. Time O(n d min(n, d)) for each replicate, memory O(n d).

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
        U, squares = left_vectors(Z)  # a rotation of the features does not change the rates
        Z = U * np.sqrt(squares * Z.size / max(squares.sum(), np.finfo(np.float64).tiny))
        whole = coding_rate(Z, eps=eps)

        def score(codes: NDArray[np.intp]) -> float:
            parts = [Z[codes == c] for c in np.unique(codes)]
            if centre_classes:
                parts = [part - part.mean(axis=0) for part in parts]
            return whole - sum(len(part) / len(codes) * coding_rate(part, eps=eps) for part in parts)

        return score

    return measured("transrate", scorer, (F,), codes, n_bootstrap, n_permutations, random_state)
