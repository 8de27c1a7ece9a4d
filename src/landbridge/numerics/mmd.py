"""The maximum mean discrepancy between two domains, marginal and per class, as a matrix of low rank.

The matrix ``M`` for which ``tr(Aᵀ F' M F A)`` sums the squared distances of domain means is ``E Eᵀ``, where `E` has
one column per mean difference: one for the domains, and one for each class. It is never formed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["class_mmd_factor", "mmd_factor", "unit_factor"]


def mmd_factor(n_source: int, n_target: int) -> NDArray[np.float64]:
    """Return the column of the marginal term: ``Eᵀ F`` is the difference of the two domains' means.

    Parameters
    ----------
    n_source, n_target : int
        Samples of each domain; source samples come first.

    Returns
    -------
    ndarray of shape (n_source + n_target, 1)

    Examples
    --------
    >>> from landbridge.numerics.mmd import mmd_factor
    >>> mmd_factor(2, 1).ravel().tolist()
    [0.5, 0.5, -1.0]
    """
    return np.concatenate([np.full(n_source, 1.0 / n_source), np.full(n_target, -1.0 / n_target)])[:, None]


def class_mmd_factor(
    source_codes: NDArray[np.intp], target_codes: NDArray[np.intp], n_classes: int
) -> NDArray[np.float64]:
    """Return one column per class: the difference of the class's means in the two domains.

    Parameters
    ----------
    source_codes : ndarray of int, shape (n_source,)
        Class of each source sample, 0 ... n_classes - 1; -1 for none.
    target_codes : ndarray of int, shape (n_target,)
        Label or pseudo-label of each target sample, or -1.
    n_classes : int

    Returns
    -------
    ndarray of shape (n_source + n_target, n_classes)
        A class that one domain lacks has a column of zeros: there is nothing to match.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.mmd import class_mmd_factor
    >>> class_mmd_factor(np.array([0, 0, 1]), np.array([0, -1]), 2).T.tolist()
    [[0.5, 0.5, 0.0, -1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    codes = np.concatenate([source_codes, target_codes])
    E = np.zeros((len(codes), n_classes))
    source, target = class_counts(source_codes, n_classes), class_counts(target_codes, n_classes)
    shared = (source > 0) & (target > 0)
    rows = np.flatnonzero((codes >= 0) & shared[codes])
    from_source = rows < len(source_codes)
    with np.errstate(divide="ignore"):
        E[rows, codes[rows]] = np.where(from_source, (1.0 / source)[codes[rows]], (-1.0 / target)[codes[rows]])
    return E


def unit_factor(E: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale a factor so that ``E Eᵀ`` has Frobenius norm one, whatever the numbers of samples.

    Parameters
    ----------
    E : ndarray of shape (n, r)

    Returns
    -------
    ndarray of shape (n, r)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.mmd import unit_factor
    >>> unit_factor(np.array([[3.0], [4.0]])).round(2).ravel().tolist()
    [0.6, 0.8]
    """
    # || E Eᵀ || = || Eᵀ E ||, which is r x r
    norm = np.linalg.norm(E.T @ E)
    return E / np.sqrt(norm) if norm > 0 else E


def class_counts(codes: NDArray[np.intp], n_classes: int) -> NDArray[np.intp]:
    """Count the samples of each class; -1 is no class.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
    n_classes : int

    Returns
    -------
    ndarray of int, shape (n_classes,)
    """
    return np.bincount(codes[codes >= 0], minlength=n_classes)
