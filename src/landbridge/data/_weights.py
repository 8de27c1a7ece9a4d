"""Sample weights of a source, as a table brings them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain

__all__ = ["resample_by_weight"]


def resample_by_weight(domain: Domain, weights: NDArray[np.float64]) -> tuple[Domain, str]:
    """Repeat and omit samples in proportion to their weights, so that every method works on the weighted source.

    Systematic resampling: the expected number of copies of a sample is its weight by the mean weight, rounded up or
    down. Nothing is drawn at random. Copies of a sample are one group, so that none is on both sides of a split.

    Parameters
    ----------
    domain : Domain
    weights : ndarray of shape (n_samples,)
        Not negative.

    Returns
    -------
    domain : Domain
        As many samples as before.
    words : str

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge import Domain
    >>> from landbridge.data._weights import resample_by_weight
    >>> resample_by_weight(Domain(np.arange(4.0)[:, None]), np.array([2.0, 0.0, 1.0, 1.0]))[0].X.ravel().tolist()
    [0.0, 0.0, 2.0, 3.0]
    """
    n = len(domain)
    weights = weights / weights.max()  # neither squares nor sums leave the range of numbers
    edges = np.cumsum(weights) / weights.sum()
    rows = np.minimum(np.searchsorted(edges, (np.arange(n) + 0.5) / n), n - 1)
    taken: Any = domain.take(rows)
    groups = rows if domain.groups is None else taken.groups
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    words = (
        f"The source is resampled by its weights: {len(np.unique(rows)):,} of {n:,} samples are in it, worth "
        f"{effective:,.0f} of equal weight."
    )
    return taken.replace(groups=groups)._with_columns(domain.columns), words
