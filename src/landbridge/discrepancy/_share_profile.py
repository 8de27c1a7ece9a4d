"""Share profile: which class shares of the target are possible, with or without a map of the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from landbridge.discrepancy._samples import label_codes, two_samples
from landbridge.exceptions import InputError
from landbridge.numerics.resampling import percentile_interval, random_generator, subsample
from landbridge.numerics.target_shift import (
    ClassShareModel,
    ShareGap,
    share_starts,
    simplex_least_squares,
    weighted_moments,
)
from landbridge.presentation import Presentable

__all__ = ["HYPOTHESES", "ShareHypothesis", "ShareProfile", "outside_share", "profile_shares", "share_profile"]

Array = NDArray[np.float64]

# The constants were set on the half "set" of the pairs of benchmarks/target_shift.py.
# The simplest first: of those that explain the target, the first is preferred.
HYPOTHESES = ("no change", "shares", "map", "map and shares")
# Shares are possible if their distance exceeds the least one by at most this many standard errors of the difference.
STANDARD_ERRORS = 1.5
# A hypothesis explains the target if its misfit is at most this many times that of a split of the source itself.
MISFIT = 1.6
# Shares are identified if no class has a wider interval.
WIDTH = 0.35
# A map is called for if more of the target than this lies outside the source.
OUTSIDE = 0.25
N_NEIGHBORS = 5
N_SPLITS = 6
WORDS = {
    "no change": "nothing changed",
    "shares": "only the class shares changed",
    "map": "features changed by a scale and an offset each, and the class shares did not",
    "map and shares": "features changed by a scale and an offset each, and the class shares changed as well",
}


@dataclass(frozen=True)
class ShareHypothesis:
    """One explanation of the target, and how well it fits.

    Parameters
    ----------
    name : str
        One of :data:`HYPOTHESES`.
    shares : tuple of float
        Best class shares of the target.
    low, high : tuple of float
        Least and largest share of each class that the target allows; `shares` where they are given.
    misfit : float
        Squared MMD over its expectation if the hypothesis is right; 1 is a perfect fit.
    split_misfit : float
        Mean of the same for halves of the source, one of them drawn to these shares.
    p_value : float
        Of the misfit, from influence functions. With many samples it is small for harmless reasons.
    explains : bool
        Whether the misfit is within the noise.
    """

    name: str
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    misfit: float
    split_misfit: float
    p_value: float
    explains: bool

    @property
    def width(self) -> float:
        """Return the width of the widest interval of a class."""
        return max(h - w for w, h in zip(self.low, self.high, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the hypothesis as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        out = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}
        return out | {"width": self.width}


@dataclass(frozen=True, repr=False)
class ShareProfile(Presentable):
    """Result of :func:`share_profile`: possible class shares of the target under four hypotheses.

    Parameters
    ----------
    classes : tuple
        Classes of the source.
    source_shares : tuple of float
        Their shares in the source.
    hypotheses : mapping of str to ShareHypothesis
        By the names of :data:`HYPOTHESES`.
    outside : float
        Share of target samples farther from the source than 95 % of the source's own samples.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import share_profile
    >>> source, target = make_shift("label+concept", random_state=0)
    >>> share_profile(source.X, source.y, target.X, random_state=0).explanation
    'map and shares'
    """

    classes: tuple[Any, ...]
    source_shares: tuple[float, ...]
    hypotheses: Mapping[str, ShareHypothesis]
    outside: float

    @property
    def explanation(self) -> str | None:
        """Return the simplest hypothesis that explains the target within noise; None if none does."""
        return next((name for name in HYPOTHESES if self.hypotheses[name].explains), None)

    @property
    def identified(self) -> bool:
        """Return whether the target allows only a narrow interval of each class share, if a map is allowed for."""
        return self.hypotheses["map and shares"].width <= WIDTH

    @property
    def allows_map(self) -> bool:
        """Return whether a scale and an offset per feature are called for, explain the target, and are identified."""
        return self.explanation in ("map", "map and shares") and self.identified and self.outside > OUTSIDE

    @property
    def move(self) -> float:
        """Return the total variation between the class shares of the source and those found together with a map."""
        found = self.hypotheses["map and shares"].shares
        return sum(abs(a - b) for a, b in zip(found, self.source_shares, strict=True)) / 2

    @property
    def shares_moved(self) -> bool:
        """Return whether the source's class shares are not possible in the target, under what explains it."""
        return self.explanation in ("shares", "map and shares")

    def reason(self) -> str:
        """Say in one sentence whether a map is allowed, and why.

        Returns
        -------
        str
        """
        name = self.explanation
        if name is None:
            return "Neither other class shares nor a scale and an offset per feature explain the target."
        if name in ("no change", "shares"):
            few = " The class shares remain wide open, so that this says little." if not self.identified else ""
            return f"Without a scale or an offset, {WORDS[name]} within the noise.{few}"
        if not self.identified:
            return (
                "A scale and an offset per feature explain the target, but so do too many vectors of class shares; "
                "the class shares, or a few labels, have to be known."
            )
        if self.outside <= OUTSIDE:
            return (
                f"{WORDS[name].capitalize()}, but only {100 * self.outside:.0f} % of the target lies outside the "
                "source, so that samples in other proportions explain it as well."
            )
        return f"{WORDS[name].capitalize()}."

    def __repr__(self) -> str:
        return f"ShareProfile({self.explanation!r}, identified={self.identified}, outside={self.outside:.2f})"

    def __str__(self) -> str:
        return f"{self.reason()}\n{self.to_frame().to_string(index=False)}"

    def _title(self) -> str:
        return f"Explanation: {self.explanation}"

    def _sentences(self) -> list[str]:
        return [self.reason()]

    def to_frame(self) -> Any:
        """Return one line per hypothesis and class.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "hypothesis": name,
                "class": c,
                "source": self.source_shares[i],
                "target": h.shares[i],
                "low": h.low[i],
                "high": h.high[i],
                "misfit": h.misfit,
                "explains": h.explains,
            }
            for name, h in self.hypotheses.items()
            for i, c in enumerate(self.classes)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "classes": [c.item() if hasattr(c, "item") else c for c in self.classes],
            "source_shares": list(self.source_shares),
            "hypotheses": {k: h.to_dict() for k, h in self.hypotheses.items()},
            "outside": self.outside,
            "explanation": self.explanation,
            "identified": self.identified,
            "allows_map": self.allows_map,
        }


def share_profile(
    X_source: Any,
    y_source: Any,
    X_target: Any,
    *,
    n_bootstrap: int = 100,
    max_samples: int | None = 1000,
    random_state: Any = None,
) -> ShareProfile:
    r"""Find which class shares of the unlabelled target are possible, with and without a map of the features.

    Four hypotheses are compared, the simplest first: nothing changed; only the class shares did; every feature got a
    scale and an offset; both. For each vector of shares the source is weighted to it, moments are matched if there is a
    map, and the squared MMD to the target is taken. Shares are *possible* if their MMD is within the noise of the
    least one, and *identified* if the interval of possible shares is at most 0.35 wide. Classes of the same form have
    two solutions, one with the classes swapped: the interval is then wide, and no map should be trusted.

    Parameters
    ----------
    X_source : array-like or sparse matrix of shape (n_source, n_features)
        Source samples.
    y_source : array-like of shape (n_source,)
        Their classes.
    X_target : array-like or sparse matrix of shape (n_target, n_features)
        Target samples, with the same features.
    n_bootstrap : int, default=100
        Resamples of the noise.
    max_samples : int or None, default=1000
        Larger domains are reduced to this many samples each.
    random_state : int, RandomState or None, default=None
        Draws samples, frequencies, splits and noise; an int gives the same profile every time.

    Returns
    -------
    ShareProfile

    Raises
    ------
    InputError
        If the numbers of features differ, a label is missing, there is one class only, or `n_bootstrap` is below 10.

    Notes
    -----
    The MMD is that of random Fourier features of all features, of the directions that separate the classes, and of
    leading principal directions, in the metric of their noise. The null of the misfit is the larger of two: influence
    functions, and halves of the source with the class shares changed. For two classes the profile is a grid; for more,
    the ends of descents from several starts and the spread of their resamples. A severe covariate shift can look like
    a map; only `outside` speaks against it.

    Time grows with max_samples times 280 (d + n_bootstrap + 280) for each of about 80 vectors of shares; memory with
    max_samples times 280.

    References
    ----------
    .. [1] K. Zhang, B. Schölkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift.
       ICML 2013.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import share_profile
    >>> source, target = make_shift("label", random_state=0)
    >>> profile = share_profile(source.X, source.y, target.X, random_state=0)
    >>> profile.explanation, profile.allows_map
    ('shares', False)
    """
    if n_bootstrap < 10:
        raise InputError(f"n_bootstrap must be at least 10, got {n_bootstrap}; an interval needs resamples.")
    rng = random_generator(random_state)
    Xs, Xt = two_samples(X_source, X_target, None, rng, min_samples=5)
    classes, codes = label_codes(y_source, len(Xs))
    rows = subsample(len(Xs), max_samples, rng, codes)
    present, codes = np.unique(codes[rows], return_inverse=True)
    Xt = Xt[subsample(len(Xt), max_samples, rng)]
    return profile_shares(Xs[rows], codes, Xt, classes[present], rng, n_bootstrap=n_bootstrap)


def profile_shares(
    Xs: Array,
    codes: NDArray[np.intp],
    Xt: Array,
    classes: NDArray[Any],
    rng: np.random.RandomState,
    *,
    n_bootstrap: int = 100,
) -> ShareProfile:
    """Compute the profile of given samples; see :func:`share_profile`.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
    codes : ndarray of int, shape (n_source,)
    Xt : ndarray of shape (n_target, n_features)
    classes : ndarray of shape (n_classes,)
    rng : RandomState
    n_bootstrap : int, default=100

    Returns
    -------
    ShareProfile
    """
    found: dict[str, ShareHypothesis] = {}
    for kept, free, mapped in (("no change", "shares", False), ("map", "map and shares", True)):
        model = ClassShareModel(Xs, codes, Xt, mapped=mapped, n_bootstrap=n_bootstrap, random_state=rng)
        best, low, high = _possible(model, rng)
        split = _split_misfit(Xs, codes, len(Xt), best.shares, mapped, rng)
        found[free] = _hypothesis(free, best, low, high, split, fitted=True)
        here = model.evaluate(model.source_shares)
        shares = model.source_shares
        close = here.unbiased - best.unbiased <= STANDARD_ERRORS * _spread(here.variations() - best.variations())
        close = close or bool((low <= shares).all() and (shares <= high).all())
        found[kept] = _hypothesis(kept, here, shares, shares, split, fitted=False, allowed=close)
    source = tuple(float(s) for s in np.bincount(codes) / len(codes))
    return ShareProfile(tuple(classes.tolist()), source, {h: found[h] for h in HYPOTHESES}, outside_share(Xs, Xt))


def outside_share(Xs: Array, Xt: Array) -> float:
    """Compute the share of target samples farther from the source than 95 % of the source's own samples.

    The distance is the mean of those to the 5 nearest source samples, on the scale of the source.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import outside_share
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> outside_share(X, X + 10.0), outside_share(X, X) < 0.1
    (1.0, True)
    """
    centre, scale = weighted_moments(Xs)
    Zs, Zt = (Xs - centre) / scale, (Xt - centre) / scale
    k = min(N_NEIGHBORS, len(Xs) - 1)
    search = NearestNeighbors(n_neighbors=k).fit(Zs)
    own = search.kneighbors()[0].mean(axis=1)
    return float((search.kneighbors(Zt)[0].mean(axis=1) > np.quantile(own, 0.95)).mean())


def _possible(model: ClassShareModel, rng: np.random.RandomState) -> tuple[ShareGap, Array, Array]:
    """Return the best shares, and the least and largest possible share of each class."""
    k = len(model.source_shares)
    if k == 2:
        grid = np.concatenate([[0.01, 0.02, 0.04], np.arange(0.06, 0.95, 0.04), [0.96, 0.98, 0.99]])
        points = [model.evaluate(np.array([1 - q, q])) for q in grid]
        starts = [min(points, key=lambda p: p.unbiased).shares]
    else:
        points = []
        starts = [*share_starts(model.source_shares), *rng.dirichlet(np.ones(k), size=4)]
        # without a map the distance is a convex function of the shares: every descent ends in the same point
        starts = starts if model.mapped else starts[:1]
    points += [model.descend(s) for s in starts]
    best = min(points, key=lambda p: p.unbiased)
    errors = best.variations()
    possible = [
        p.shares for p in points if p.unbiased - best.unbiased <= STANDARD_ERRORS * _spread(p.variations() - errors)
    ]
    # resamples of the best shares themselves, to first order
    here = best.shares @ best.slopes
    draws = np.array([simplex_least_squares(best.slopes.T, here - noise) for noise in best.noise])
    ends = np.array([percentile_interval(draw) for draw in draws.T])
    low = np.minimum(np.min([best.shares, *possible], axis=0), ends[:, 0])
    high = np.maximum(np.max([best.shares, *possible], axis=0), ends[:, 1])
    return best, low, high


def _spread(values: Array) -> float:
    """Standard deviation; infinite where its squares overflow, as those of samples that are all equal may."""
    with np.errstate(over="ignore"):
        return float(values.std())


def _hypothesis(
    name: str,
    point: ShareGap,
    low: Array,
    high: Array,
    split_misfit: float,
    *,
    fitted: bool,
    allowed: bool = True,
) -> ShareHypothesis:
    null = point.null(fitted=fitted)
    misfit = point.distance / max(float(null.mean()), np.finfo(float).tiny)
    p_value = (1 + int((null >= point.distance).sum())) / (1 + len(null))
    explains = bool(allowed and misfit <= MISFIT * max(split_misfit, 1.0))
    shares, least, most = (tuple(float(v) for v in values) for values in (point.shares, low, high))
    return ShareHypothesis(name, shares, least, most, float(misfit), split_misfit, p_value, explains)


def _split_misfit(
    Xs: Array, codes: NDArray[np.intp], n_target: int, shares: Array, mapped: bool, rng: np.random.RandomState
) -> float:
    """Return the mean misfit of halves of the source, the second drawn to the given shares; 1 where it is too small."""
    counts = np.bincount(codes)
    if counts.min() < 8:
        return 1.0
    out = []
    for _ in range(N_SPLITS):
        order = rng.permutation(len(codes))
        rank = np.empty(len(codes), dtype=np.intp)
        for c in range(len(counts)):
            rank[order[codes[order] == c]] = np.arange(counts[c])
        first = rank < counts[codes] // 2
        rest = counts - counts // 2
        size = min(float((rest / np.maximum(shares, 1e-9)).min()), n_target)
        wanted = np.maximum(np.round(size * shares).astype(int), 1)
        second = ~first & (rank - (counts // 2)[codes] < wanted[codes])
        if second.sum() < 5:
            continue
        model = ClassShareModel(Xs[first], codes[first], Xs[second], mapped=mapped, n_bootstrap=50, random_state=rng)
        end = model.descend(shares)
        out.append(end.distance / max(float(end.null(fitted=True).mean()), np.finfo(float).tiny))
    return float(np.mean(out)) if out else 1.0
