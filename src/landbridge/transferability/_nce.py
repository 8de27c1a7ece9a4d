"""NCE: how well the labels of a source model determine the target's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement
from landbridge.transferability._inputs import class_codes
from landbridge.transferability._replicates import measured

__all__ = ["nce", "nce_score"]


def nce_score(source_codes: NDArray[np.intp], codes: NDArray[np.intp]) -> float:
    r"""Compute the negative conditional entropy of target classes given source classes, equation (4) of [1]_.

    .. math:: -H(Y \mid Z) = \sum_{y, z} \hat P(y, z) \log \frac{\hat P(y, z)}{\hat P(z)}

    Parameters
    ----------
    source_codes : ndarray of int, shape (n_samples,)
        Source classes of target samples.
    codes : ndarray of int, shape (n_samples,)
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
    """Compute the negative conditional entropy of the target labels given the source labels of the same samples.

    Parameters
    ----------
    source_labels : array-like of shape (n_samples,)
        Source classes of target samples, known or as a source model predicts them.
    target_labels : array-like of shape (n_samples,)
        Target classes of these samples.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws halves and permutations.

    Returns
    -------
    Measurement
        ``"nce"`` in nats, higher is better, at most 0.

    Raises
    ------
    InputError
        If features and labels differ in length, or are not valid.

    Notes
    -----
    The two are not symmetric, which is why they cannot be given by position. Time and memory O(n + k c), k source and
    c target classes.

    References
    ----------
    .. [1] A. Tran, C. Nguyen, T. Hassner. Transferability and hardness of supervised classification tasks. ICCV 2019.

    Examples
    --------
    Four source classes determine two target classes, not the other way round.

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
