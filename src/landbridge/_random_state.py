"""Random number generators that are never NumPy's global one."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import utils

__all__ = ["check_random_state", "drawn_seed", "seed_unseeded"]


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


def drawn_seed(random_state: Any) -> Any:
    """Return `random_state`, or a seed from the operating system if it is None.

    Parameters
    ----------
    random_state : int, RandomState or None

    Returns
    -------
    int or RandomState

    Examples
    --------
    >>> from landbridge._random_state import drawn_seed
    >>> drawn_seed(3), drawn_seed(None) is None
    (3, False)
    """
    return check_random_state(None).randint(np.iinfo(np.int32).max) if random_state is None else random_state


def seed_unseeded(estimator: Any, random_state: Any = None) -> Any:
    """Set each ``random_state`` of an estimator and its parts that is None; parts that are fitted stay as they are.

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
    unset = sorted(
        name
        for name, value in params.items()
        if value is None
        and name.rpartition("__")[2] == "random_state"
        and not any(_is_fitted(part) for part in _parts_on_the_path(name, params))
    )
    if unset:
        rng = check_random_state(random_state)
        estimator.set_params(**{k: int(rng.randint(np.iinfo(np.int32).max)) for k in unset})
    return estimator


def _parts_on_the_path(name: str, params: dict[str, Any]) -> list[Any]:
    words = name.split("__")[:-1]
    return [params.get("__".join(words[: i + 1])) for i in range(len(words))]


def _is_fitted(part: Any) -> bool:
    """Return whether a part was fitted: it belongs to the caller, as a source model does."""
    return any(k.endswith("_") and not k.startswith("_") for k in getattr(part, "__dict__", ()))
