"""Generators of domains with a known kind of shift, with several kinds at once, and of gradual shifts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge.domain import Domain
from landbridge.exceptions import InputError

__all__ = ["MIXED_SHIFT_KINDS", "SHIFT_KINDS", "make_gradual_shift", "make_shift"]

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
    source_shares: Sequence[float] | None = None,
    target_shares: Sequence[float] | None = None,
    random_state: Any = None,
) -> tuple[Domain, Domain]:
    """Generate a source and a target domain that differ by one kind of shift, or by several at once.

    The first two features depend on the class; further features are standard normal noise.

    ``"covariate"``
        P(x) changes, P(y | x) does not. Both domains have the class boundary ``x1 = x0 ** 3 - x0``. The target is
        sampled from a small region in which the boundary contradicts the best linear boundary of the source.
        Reweighting the source samples helps a linear classifier.
    ``"label"``
        P(y) changes, P(x | y) does not: two well separated Gaussians with class shares 80/20 in the source and 20/80 in
        the target (with more classes, a geometric sequence of shares from 4 to 1, reversed in the target). A source
        model is accurate already; alignment of the marginals mixes the classes.
    ``"concept"``
        P(y | x) changes: every target feature is scaled and translated, as if measured by another instrument. Alignment
        of the moments corrects it.
    ``"translation"``
        The target distribution is the source distribution translated by one vector: only the means differ.
    ``"subspace"``
        One oblique direction separates the classes in both domains. The orthogonal direction separates them better in
        the source but is mirrored in the target. Methods that find the shared direction correct it.

    Kinds joined by ``+``, such as ``"label+concept"``, happen together, in any order of their names. ``"covariate"``
    and ``"subspace"`` decide how the classes lie, else they are the Gaussians of ``"label"``; ``"label"`` then draws
    the samples of each class to the class shares; ``"concept"`` and ``"translation"`` move the features of the target
    last. With ``"covariate+subspace"`` the target is the part of the mirrored classes where the sum of both features is
    large. What is right for either kind alone can be wrong for both: scaling each domain by itself corrects
    ``"concept"``, but mixes the classes under ``"label+concept"``.

    Parameters
    ----------
    kind : str
        ``"covariate"``, ``"label"``, ``"concept"``, ``"translation"``, ``"subspace"``, or several of them joined by
        ``+``.
    severity : float, default=1.0
        From 0 (both domains have the same distribution) to 1.
    n_source, n_target : int, default=400
        Numbers of samples.
    n_features : int, default=2
        Number of features, at least 2.
    n_classes : int, default=2
        Number of classes; more than two only without ``"covariate"`` and ``"subspace"``.
    noise : float, default=None
        Standard deviation of the samples around the class centre (for ``"covariate"``, of noise on the boundary). If
        None, 0.25 for ``"covariate"``, 0.65 for ``"label"``, 0.4 for ``"subspace"`` and 0.7 for the others; the
        smallest of them for several kinds.
    source_shares, target_shares : sequence of n_classes float, default=None
        Positive class shares that sum to one; only with ``"label"``. If None, the geometric sequence described above.
        `severity` moves the target's from those of the source to the given ones.
    random_state : int, RandomState instance or None, default=None
        Generates the samples.

    Returns
    -------
    source, target : Domain
        All samples are labelled.

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
    >>> _, target = make_shift("label+concept", source_shares=[0.5, 0.5], target_shares=[0.98, 0.02], random_state=0)
    >>> (target.y == 1).mean().round(2).item()
    0.02
    """
    parts = _parts(kind)
    _check_range("severity", severity, 0.0, 1.0)
    noise = min(_MAKERS[part][1] for part in parts) if noise is None else noise
    _check_range("noise", noise, 0.0, np.inf)
    _check_count("n_classes", n_classes, 2)
    _check_count("n_source", n_source, n_classes)
    _check_count("n_target", n_target, n_classes)
    _check_count("n_features", n_features, 2)
    if n_classes > 2 and {"covariate", "subspace"} & set(parts):
        raise InputError(f"n_classes must be 2 for kind={kind!r}, got {n_classes}; use label, concept or translation.")
    shares = _class_shares(parts, source_shares, target_shares, n_classes, severity)
    rng = check_random_state(random_state)
    pair = []
    for name, n, side in (("source", n_source, 0), ("target", n_target, 1)):
        if len(parts) == 1 and shares is None:
            X, y = _MAKERS[parts[0]][0](rng, n, side, severity, noise, n_classes, n_features)
        else:
            labels = None if shares is None else _labels(n, shares[side])
            X, y = _mixed(parts, rng, n, side, severity, noise, n_classes, n_features, labels)
        order = rng.permutation(n)
        pair.append(Domain(X[order], y[order], name=name))
    return pair[0], pair[1]


def make_gradual_shift(
    n_domains: int = 5,
    *,
    n_samples: int = 300,
    shape: str = "gaussians",
    angle: float = 100.0,
    noise: float | None = None,
    random_state: Any = None,
) -> list[Domain]:
    """Generate a sequence of domains that rotates gradually from the source to the target.

    Each domain is a new sample, rotated a little further than the previous one. A source model fails on the target, but
    not on the next domain.

    Parameters
    ----------
    n_domains : int, default=5
        Number of domains, including source and target; at least 2.
    n_samples : int, default=300
        Number of samples of each domain.
    shape : {"gaussians", "moons"}, default="gaussians"
        Two Gaussian classes, or two interleaving half circles.
    angle : float, default=100.0
        Rotation from the source to the target, in degrees.
    noise : float, default=None
        Standard deviation around the class centre or the half circle. If None, 0.3 for Gaussians and 0.05 for moons.
    random_state : int, RandomState instance or None, default=None
        Generates the samples.

    Returns
    -------
    list of Domain
        Domains named "source", "step 1", ..., "target"; all samples are labelled.

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
    _check_count("n_domains", n_domains, 2)
    _check_count("n_samples", n_samples, 2)
    _check_range("angle", angle, -360.0, 360.0)
    noise = {"gaussians": 0.3, "moons": 0.05}[shape] if noise is None else noise
    _check_range("noise", noise, 0.0, np.inf)
    rng = check_random_state(random_state)
    domains = []
    for step in range(n_domains):
        y = _labels(n_samples, np.array([0.5, 0.5]))
        if shape == "gaussians":
            X = np.column_stack([2.0 * y - 1.0, np.zeros(n_samples)])
        else:
            t = rng.uniform(0.0, np.pi, n_samples)
            X = np.column_stack([np.cos(t) + y - 0.5, np.sin(t) - 0.25])
            X[y == 1] = np.column_stack([0.5 - np.cos(t), 0.25 - np.sin(t)])[y == 1]
        X = (X + noise * rng.normal(size=X.shape)) @ _rotation(np.deg2rad(angle * step / (n_domains - 1)))
        order = rng.permutation(n_samples)
        name = "source" if step == 0 else "target" if step == n_domains - 1 else f"step {step}"
        domains.append(Domain(X[order], y[order], name=name))
    return domains


def _covariate(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    X = rng.normal(size=(n, n_features))
    if side == 0:
        X[:, 0] = X[:, 0] * (1.0 - 0.2 * severity) - 0.7 * severity
    else:
        X[:, 0] = X[:, 0] * (1.0 - 0.7 * severity) + 0.1 * severity
    margin = X[:, 0] - X[:, 0] ** 3 + X[:, 1]
    y = (margin + noise * rng.normal(size=n) > 0).astype(np.int64)
    return X, y


def _label(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    return _blobs(rng, n, _labels(n, _usual_shares(n_classes, severity, side)), noise, n_classes, n_features)


def _concept(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    X, y = _blobs(rng, n, _labels(n, np.full(n_classes, 1 / n_classes)), noise, n_classes, n_features)
    return _rescaled(X, severity) if side == 1 else X, y


def _translation(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    X, y = _blobs(rng, n, _labels(n, np.full(n_classes, 1 / n_classes)), noise, n_classes, n_features)
    return _translated(X, severity) if side == 1 else X, y


def _subspace(rng: Any, n: int, side: int, severity: float, noise: float, n_classes: int, n_features: int) -> Draw:
    y = _labels(n, np.array([0.5, 0.5]))
    X = rng.normal(size=(n, n_features))
    shared = np.where(y == 1, 1.5, -1.5) + 1.9 * noise * X[:, 0]
    # Not centred, so that the reflection changes the marginal and can be found without target labels.
    across = np.where(y == 1, 1.6, -1.3) + noise * X[:, 1]
    if side == 1:
        across = across * (1.0 - 2.0 * severity)
    X[:, :2] = np.column_stack([shared, across]) @ _rotation(np.pi / 4)
    return X, y


_MAKERS: dict[str, tuple[Callable[..., Draw], float]] = {
    "covariate": (_covariate, 0.25),
    "label": (_label, 0.65),
    "concept": (_concept, 0.7),
    "translation": (_translation, 0.7),
    "subspace": (_subspace, 0.4),
}
SHIFT_KINDS = tuple(_MAKERS)
MIXED_SHIFT_KINDS = tuple("+".join(pair) for pair in combinations(("label", "covariate", "subspace", "concept"), 2))


def _parts(kind: Any) -> tuple[str, ...]:
    """Return the kinds that `kind` joins, in the order in which they are applied."""
    parts = kind.split("+") if isinstance(kind, str) else [kind]
    if unknown := [part for part in parts if part not in _MAKERS]:
        raise InputError(f"kind must be one of {', '.join(_MAKERS)}, or several joined by '+'; got {unknown[0]!r}.")
    if len(set(parts)) < len(parts):
        raise InputError(f"kind names a shift twice: {kind!r}; name each kind once.")
    return tuple(part for part in _MAKERS if part in parts)


def _class_shares(parts: Sequence[str], source: Any, target: Any, n_classes: int, severity: float) -> Any:
    """Return the class shares of source and target; None where the classes are to be drawn as usual."""
    if "label" not in parts:
        for name, given in (("source_shares", source), ("target_shares", target)):
            if given is not None:
                raise InputError(f"{name} was given without label shift; add label to kind, as in 'label+concept'.")
        return None
    if len(parts) == 1 and source is None and target is None:
        return None
    out = []
    for side, (name, given) in enumerate((("source_shares", source), ("target_shares", target))):
        try:
            shares = _usual_shares(n_classes, severity, side) if given is None else np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            shares = np.zeros(0)
        if shares.shape != (n_classes,) or not (shares > 0).all() or not abs(shares.sum() - 1) < 1e-6:
            raise InputError(f"{name} must be {n_classes} positive numbers that sum to one; got {given!r}.")
        out.append(shares)
    if target is not None:
        out[1] = (1 - severity) * out[0] + severity * out[1]
    return out


def _usual_shares(n_classes: int, severity: float, side: int) -> NDArray[np.float64]:
    # Two classes have shares of 80/20 in the source, and 20/80 in the target.
    shares = 4.0 ** (np.linspace(0.5, -0.5, n_classes) * severity * (1 - 2 * side))
    return shares / shares.sum()


def _mixed(
    parts: Sequence[str],
    rng: Any,
    n: int,
    side: int,
    severity: float,
    noise: float,
    n_classes: int,
    n_features: int,
    labels: NDArray[np.int64] | None,
) -> Draw:
    """Draw one domain that several kinds of shift made; `labels` are its classes, None to draw them."""
    base = next((part for part in ("subspace", "covariate") if part in parts), None)
    if base is None:
        labels = _labels(n, np.full(n_classes, 1 / n_classes)) if labels is None else labels
        X, y = _blobs(rng, n, labels, noise, n_classes, n_features)
    else:
        tilt = severity * side if {"subspace", "covariate"} <= set(parts) else 0.0
        settings = (side, severity, noise, n_classes, n_features)
        X, y = _drawn(lambda: _MAKERS[base][0](rng, 4 * n, *settings), rng, n, labels, tilt)
    if side == 1:
        X = _rescaled(X, severity) if "concept" in parts else X
        X = _translated(X, severity) if "translation" in parts else X
    return X, y


def _drawn(draw: Callable[[], Draw], rng: Any, n: int, labels: Any, tilt: float) -> Draw:
    """Collect draws until there are `n` samples, or as many of each class as `labels` has.

    Where `tilt` is positive, samples with a small sum of the first two features are dropped more often: a selection by
    features alone, which leaves P(y | x) as it is.
    """
    wanted = None if labels is None else np.bincount(labels, minlength=2)
    Xs, ys = [], []
    while True:
        X, y = draw()
        chance = 1.0 / (1.0 + np.exp(-2.0 * (X[:, 0] + X[:, 1])))
        kept = rng.uniform(size=len(y)) < (1.0 - tilt) + tilt * chance
        order = rng.permutation(np.flatnonzero(kept))
        Xs.append(X[order])
        ys.append(y[order])
        X, y = np.concatenate(Xs), np.concatenate(ys)
        if wanted is None and len(y) >= n:
            return X[:n], y[:n]
        if wanted is not None and (np.bincount(y, minlength=2) >= wanted).all():
            rows = np.concatenate([np.flatnonzero(y == c)[:k] for c, k in enumerate(wanted)])
            return X[rows], y[rows]


def _rescaled(X: NDArray[np.float64], severity: float) -> NDArray[np.float64]:
    even = np.arange(X.shape[1]) % 2 == 0
    return X * np.where(even, 2.5, 0.5) ** severity + np.where(even, 4.0, 1.0) * severity


def _translated(X: NDArray[np.float64], severity: float) -> NDArray[np.float64]:
    X = X.copy()
    X[:, :2] += severity * np.array([2.0, 1.0])
    return X


def _blobs(rng: Any, n: int, y: NDArray[np.int64], noise: float, n_classes: int, n_features: int) -> Draw:
    """Sample Gaussian classes on a circle, neighbours 3 apart, in the first two features."""
    radius = 1.5 / np.sin(np.pi / n_classes)
    around = np.pi / 6 + np.pi + 2 * np.pi * np.arange(n_classes) / n_classes
    X = rng.normal(size=(n, n_features))
    X[:, :2] = noise * X[:, :2] + radius * np.column_stack([np.cos(around), np.sin(around)])[y]
    return X, y


def _labels(n: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return labels with these class shares, rounded, and each class at least once."""
    counts = np.maximum(np.round(shares * n).astype(np.int64), 1)
    counts[np.argmax(counts)] += n - counts.sum()
    return np.repeat(np.arange(len(shares)), counts)


def _rotation(radians: float) -> NDArray[np.float64]:
    c, s = np.cos(radians), np.sin(radians)
    return np.array([[c, s], [-s, c]])


def _check_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} must be an integer of at least {least}; got {value!r}.")


def _check_range(name: str, value: Any, low: float, high: float) -> None:
    if not isinstance(value, Real) or isinstance(value, bool) or not low <= float(value) <= high:
        span = f"of at least {low:g}" if high == np.inf else f"between {low:g} and {high:g}"
        raise InputError(f"{name} must be a number {span}; got {value!r}.")
