"""Numbers by which equal samples are recognised."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["equal_rows", "row_digests"]

# Where more samples than this share repeat others of their side, equal features do not mean the same sample.
MOST_REPEATED = 0.1


def row_digests(X: Any) -> NDArray[Any]:
    """Compute a number for each sample, equal for equal samples.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)

    Returns
    -------
    ndarray of complex128, shape (n_samples,)

    Notes
    -----
    Time O(n_samples n_features).

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.row_digests import row_digests
    >>> d = row_digests(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]))
    >>> bool(d[0] == d[2]), bool(d[0] == d[1])
    (True, False)
    """
    rng = np.random.default_rng(20240229)
    weights = rng.standard_normal((int(X.shape[1]), 2))
    if hasattr(X, "tocsr"):
        found = np.asarray(X.tocsr() @ weights)
    else:
        # added up column by column: the sum of a row must not depend on the rows beside it
        found = np.zeros((len(X), 2))
        for j in range(X.shape[1]):
            found += np.asarray(X[:, j], dtype=float)[:, None] * weights[j]
    return np.ascontiguousarray(found).view("complex128").ravel()


def equal_rows(Xs: Any, Xt: Any) -> NDArray[np.bool_] | None:
    """Find the target samples that are in the source as well, where that is no coincidence.

    Parameters
    ----------
    Xs : ndarray or csr_matrix of shape (n_source, n_features)
    Xt : ndarray or csr_matrix of shape (n_target, n_features)

    Returns
    -------
    ndarray of bool, shape (n_target,), or None
        None where there is none, or where more than a tenth of the source samples repeat others of the source, as with
        a few categories: equal features do not mean the same sample there.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.row_digests import equal_rows
    >>> X = np.random.default_rng(0).normal(size=(10, 2))
    >>> equal_rows(X, np.concatenate([X[3:5], X[:1] + 1])).tolist()
    [True, True, False]
    """
    one, two = row_digests(Xs), row_digests(Xt)
    if len(np.unique(one)) < (1 - MOST_REPEATED) * len(one):
        return None
    found = np.isin(two, one)
    return found if found.any() else None
