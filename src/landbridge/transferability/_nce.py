"""NCE: how much of the target's labels is settled by a source model's labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement
from landbridge.transferability._replicates import measured
from landbridge.transferability._rows import class_codes

__all__ = ["nce", "nce_score"]


def nce_score(source_codes: NDArray[np.intp], codes: NDArray[np.intp]) -> float:
    r"""Negative conditional entropy of target classes given source classes, equation (4) of [1]_.

    .. math:: -H(Y \mid Z) = \sum_{y, z} \hat P(y, z) \log \frac{\hat P(y, z)}{\hat P(z)}

    Parameters
    ----------
    source_codes : ndarray of int, shape (n,)
        Source classes of target rows.
    codes : ndarray of int, shape (n,)
        Target classes.

    Returns
    -------
    float
        In nats, never above zero.

    References
    ----------
    .. [1] A. Tran, C. Nguyen, T. Hassner. Transferability and hardness of supervised classification tasks. ICCV 2019.
    """
    return _scorer(source_codes)(codes)


def nce(
    *,
    source_labels: Any,
    target_labels: Any,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    """Negative conditional entropy: how far source labels settle the target labels of the same rows.

    Parameters
    ----------
    source_labels : array-like of shape (n,)
        Source classes of target rows, known or as a source model predicts them.
    target_labels : array-like of shape (n,)
        Target classes of these rows.
    n_bootstrap : int, default=100
        Random halves of the rows, for a 95 % interval.
    n_permutations : int, default=100
        Permutations of the labels, for what chance gives.
    random_state : int, RandomState or None, default=None
        Draws both.

    Returns
    -------
    Measurement
        ``"nce"`` in nats, higher is better, at most 0.

    Raises
    ------
    InputError
        If the two do not fit.

    Notes
    -----
    The two are not symmetric, which is why they cannot be given by position. Time and memory O(n + k c), k source and
    c target classes.

    References
    ----------
    .. [1] A. Tran, C. Nguyen, T. Hassner. Transferability and hardness of supervised classification tasks. ICCV 2019.

    Examples
    --------
    Four source classes settle two target classes, not the other way round.

    >>> from landbridge.transferability import nce
    >>> fine, coarse = [0, 1, 2, 3] * 10, [0, 0, 1, 1] * 10
    >>> nce(source_labels=fine, target_labels=coarse).value == 0
    True
    >>> round(nce(source_labels=coarse, target_labels=fine).value, 3)
    -0.693
    """
    _, given = class_codes(source_labels, None, "source_labels", several=False)
    _, codes = class_codes(target_labels, len(given))
    return measured("nce", _scorer, (given,), codes, n_bootstrap, n_permutations, random_state)


def _scorer(given: NDArray[np.intp]) -> Callable[[NDArray[np.intp]], float]:
    n, k = len(given), int(given.max()) + 1
    alone = np.bincount(given, minlength=k) / n

    def score(codes: NDArray[np.intp]) -> float:
        joint = np.bincount(codes * k + given, minlength=k * (int(codes.max()) + 1)).reshape(-1, k) / n
        y, z = np.nonzero(joint)
        return float(min(np.sum(joint[y, z] * np.log(joint[y, z] / alone[z])), 0.0))

    return score
