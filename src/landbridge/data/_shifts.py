"""Pairs of domains with one known kind of shift between them, and gradual ones."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from landbridge.domain import Domain
from landbridge.exceptions import InputError

__all__ = ["SHIFT_KINDS", "make_gradual_shift", "make_shift"]

Draw = tuple[NDArray[np.float64], NDArray[np.int64]]


def make_shift(
    kind: str,
    *,
    severity: float = 1.0,
    n_source: int = 400,
    n_target: int = 400,
    n_features: int = 2,
    n_classes: int = 2,
    noise: float | None = None,
    random_state: Any = None,
) -> tuple[Domain, Domain]:
    """Make a source and a target that differ by one kind of shift.

    The first two columns carry the classes; further ones are standard normal and tell nothing.

    ``"covariate"``
        P(x) changes, P(y | x) does not. Both domains follow one curved rule, ``x1 > x0 ** 3 - x0``; the source is
        sampled widely, the target narrowly where the curve runs against the source's best straight line. Weighting the
        source rows helps a learner that is too simple for the whole curve.
    ``"label"``
        P(y) changes, P(x | y) does not: two far Gaussians in the proportions 80/20, then 20/80 (with more classes, a
        geometric ladder whose ends are 4 to 1, then 1 to 4). A plain source model is right already; whatever aligns the
        marginals mixes the classes.
    ``"concept"``
        P(y | x) changes as seen in the raw columns: every target column was measured by another instrument, with its
        own gain and offset. Classes keep their places, so aligning the moments undoes it.
    ``"translation"``
        The target follows the source's law moved by one vector: only the means differ.
    ``"subspace"``
        One oblique direction separates the classes alike in both domains. Across it they separate more sharply, but
        the target is mirrored there, so what a source model trusts most is wrong in the target. Methods that find the
        shared direction repair it.

    Parameters
    ----------
    kind : {"covariate", "label", "concept", "translation", "subspace"}
        What changes.
    severity : float, default=1.0
        From 0 (both domains follow the same law) to 1.
    n_source, n_target : int, default=400
        Rows.
    n_features : int, default=2
        Columns, at least 2.
    n_classes : int, default=2
        Classes; more than two only for ``"label"``, ``"concept"`` and ``"translation"``.
    noise : float, optional
        Standard deviation of the rows around their class centre (for ``"covariate"`` of the jitter of the rule).
        None takes what suits the kind.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Returns
    -------
    source, target : Domain
        Both labelled throughout.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("label", random_state=0)
    >>> source
    Domain('source', 400 samples x 2 features, table, labelled)
    >>> (source.y == 0).mean().round(2).item(), (target.y == 0).mean().round(2).item()
    (0.8, 0.2)
    """
    if kind not in _MAKERS:
        raise InputError(f"kind must be one of {', '.join(_MAKERS)}; got {kind!r}.")
    maker, usual_noise = _MAKERS[kind]
    _check_range("severity", severity, 0.0, 1.0)
    noise = usual_noise if noise is None else noise
    _check_range("noise", noise, 0.0, np.inf)
    _check_count("n_classes", n_classes, 2)
    _check_count("n_source", n_source, n_classes)
    _check_count("n_target", n_target, n_classes)
    _check_count("n_features", n_features, 2)
    if n_classes > 2 and kind in ("covariate", "subspace"):
        raise InputError(f"n_classes must be 2 for kind={kind!r}, got {n_classes}; use label, concept or translation.")
    rng = check_random_state(random_state)
    pair = []
    for name, n, side in (("source", n_source, 0), ("target", n_target, 1)):
        X, y = maker(rng, n, side, severity, noise, n_classes, n_features)
        order = rng.permutation(n)
        pair.append(Domain(X[order], y[order], name=name))
    return pair[0], pair[1]


def make_gradual_shift(
    n_steps: int = 5,
    *,
    n_samples: int = 300,
    shape: str = "gaussians",
    angle: float = 100.0,
    noise: float | None = None,
    random_state: Any = None,
) -> list[Domain]:
    """Make a chain of domains that turns, step by step, from the source to the target.

    Each domain is a fresh sample turned a little further than the one before. From end to end the classes have moved
    too far for a source model; from each domain to the next they have not.

    Parameters
    ----------
    n_steps : int, default=5
        Domains in the chain, both ends counted; at least 2.
    n_samples : int, default=300
        Rows of each domain.
    shape : {"gaussians", "moons"}, default="gaussians"
        Two round classes, or two half moons that hold each other.
    angle : float, default=100.0
        Degrees between the first and the last domain.
    noise : float, optional
        Standard deviation around the class centre or the moon; None takes 0.3 for Gaussians and 0.05 for moons.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Returns
    -------
    list of Domain
        Named "source", "step 1", ..., "target"; all labelled.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> from landbridge.data import make_gradual_shift
    >>> [d.name for d in make_gradual_shift(4, random_state=0)]
    ['source', 'step 1', 'step 2', 'target']
    """
    if shape not in ("gaussians", "moons"):
        raise InputError(f"shape must be gaussians or moons; got {shape!r}.")
    _check_count("n_steps", n_steps, 2)
    _check_count("n_samples", n_samples, 2)
    _check_range("angle", angle, -360.0, 360.0)
    noise = {"gaussians": 0.3, "moons": 0.05}[shape] if noise is None else noise
    _check_range("noise", noise, 0.0, np.inf)
    rng = check_random_state(random_state)
    chain = []
    for step in range(n_steps):
        y = _labels(n_samples, np.array([0.5, 0.5]))
        if shape == "gaussians":
            X = np.column_stack([2.0 * y - 1.0, np.zeros(n_samples)])
        else:
            t = rng.uniform(0.0, np.pi, n_samples)
            X = np.column_stack([np.cos(t) + y - 0.5, np.sin(t) - 0.25])
            X[y == 1] = np.column_stack([0.5 - np.cos(t), 0.25 - np.sin(t)])[y == 1]
        X = (X + noise * rng.normal(size=X.shape)) @ _turn(np.deg2rad(angle * step / (n_steps - 1)))
        order = rng.permutation(n_samples)
        name = "source" if step == 0 else "target" if step == n_steps - 1 else f"step {step}"
        chain.append(Domain(X[order], y[order], name=name))
    return chain


def _covariate(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    X = rng.normal(size=(n, n_features))
    if side == 0:
        X[:, 0] = X[:, 0] * (1.0 - 0.2 * severity) - 0.7 * severity
    else:
        X[:, 0] = X[:, 0] * (1.0 - 0.7 * severity) + 0.1 * severity
    rule = X[:, 0] - X[:, 0] ** 3 + X[:, 1]
    y = (rule + noise * rng.normal(size=n) > 0).astype(np.int64)
    return X, y


def _label(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    # The ladder's ends are 4 : 1, so that two classes stand 80/20, and reversed in the target.
    ladder = 4.0 ** (np.linspace(0.5, -0.5, n_classes) * severity * (1 - 2 * side))
    return _blobs(rng, n, _labels(n, ladder / ladder.sum()), noise, n_classes, n_features)


def _concept(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    X, y = _blobs(rng, n, _labels(n, np.full(n_classes, 1 / n_classes)), noise, n_classes, n_features)
    if side == 1:
        even = np.arange(n_features) % 2 == 0
        X = X * np.where(even, 2.5, 0.5) ** severity + np.where(even, 4.0, 1.0) * severity
    return X, y


def _translation(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    X, y = _blobs(rng, n, _labels(n, np.full(n_classes, 1 / n_classes)), noise, n_classes, n_features)
    if side == 1:
        X[:, :2] += severity * np.array([2.0, 1.0])
    return X, y


def _subspace(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    y = _labels(n, np.array([0.5, 0.5]))
    X = rng.normal(size=(n, n_features))
    shared = np.where(y == 1, 1.5, -1.5) + 1.9 * noise * X[:, 0]
    # Off centre, so that the mirror shows in the marginal and can be found without target labels.
    across = np.where(y == 1, 1.6, -1.3) + noise * X[:, 1]
    if side == 1:
        across = across * (1.0 - 2.0 * severity)
    X[:, :2] = np.column_stack([shared, across]) @ _turn(np.pi / 4)
    return X, y


_MAKERS: dict[str, tuple[Callable[..., Draw], float]] = {
    "covariate": (_covariate, 0.25),
    "label": (_label, 0.65),
    "concept": (_concept, 0.7),
    "translation": (_translation, 0.7),
    "subspace": (_subspace, 0.4),
}
SHIFT_KINDS = tuple(_MAKERS)


def _blobs(rng: Any, n: int, y: NDArray[np.int64], noise: float, n_classes: int, n_features: int) -> Draw:
    """Round classes on a ring, neighbours 3 apart; the first two columns hold them."""
    radius = 1.5 / np.sin(np.pi / n_classes)
    around = np.pi / 6 + np.pi + 2 * np.pi * np.arange(n_classes) / n_classes
    X = rng.normal(size=(n, n_features))
    X[:, :2] = noise * X[:, :2] + radius * np.column_stack([np.cos(around), np.sin(around)])[y]
    return X, y


def _labels(n: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Labels in these shares to the nearest row, each class at least once."""
    counts = np.maximum(np.round(shares * n).astype(np.int64), 1)
    counts[np.argmax(counts)] += n - counts.sum()
    return np.repeat(np.arange(len(shares)), counts)


def _turn(radians: float) -> NDArray[np.float64]:
    c, s = np.cos(radians), np.sin(radians)
    return np.array([[c, s], [-s, c]])


def _check_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}; got {value!r}.")


def _check_range(name: str, value: Any, low: float, high: float) -> None:
    if not isinstance(value, Real) or isinstance(value, bool) or not low <= float(value) <= high:
        span = f"of at least {low:g}" if high == np.inf else f"between {low:g} and {high:g}"
        raise InputError(f"{name} must be a number {span}; got {value!r}.")
