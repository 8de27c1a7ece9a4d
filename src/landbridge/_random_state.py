"""Random number generators that are never NumPy's global one."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import utils

__all__ = ["check_random_state", "seed_unseeded"]


def check_random_state(random_state: Any) -> np.random.RandomState:
    """Turn `random_state` into a random number generator, without using NumPy's global one.

    Parameters
    ----------
    random_state : int, RandomState or None
        If None, the generator is seeded by the operating system. In :func:`sklearn.utils.check_random_state` it is the
        global one, which belongs to the caller and to all threads.

    Returns
    -------
    RandomState
        The given one, or a new one.

    Examples
    --------
    >>> from landbridge._random_state import check_random_state
    >>> check_random_state(0).randint(100), check_random_state(0).randint(100)
    (44, 44)
    """
    return np.random.RandomState() if random_state is None else utils.check_random_state(random_state)


def seed_unseeded(estimator: Any, random_state: Any = None) -> Any:
    """Set each ``random_state`` of an estimator and its parts that is None.

    Parameters
    ----------
    estimator : estimator
        Unfitted; it is modified, so give a clone.
    random_state : int, RandomState or None, default=None
        What the seeds are drawn from.

    Returns
    -------
    estimator
        The same object.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from landbridge._random_state import seed_unseeded
    >>> seed_unseeded(SVC(), 0).random_state is None, seed_unseeded(SVC(random_state=5)).random_state
    (False, 5)
    """
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        return estimator
    params = estimator.get_params(deep=True)
    unset = sorted(k for k, v in params.items() if v is None and k.rpartition("__")[2] == "random_state")
    if unset:
        rng = check_random_state(random_state)
        estimator.set_params(**{k: int(rng.randint(np.iinfo(np.int32).max)) for k in unset})
    return estimator
