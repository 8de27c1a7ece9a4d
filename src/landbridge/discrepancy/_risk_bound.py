"""A bound on the target error from the source error and the distance between the domains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._posterior import cross_fit_posterior, kernel_classifier
from landbridge.discrepancy._proxy_a_distance import proxy_a_distance
from landbridge.discrepancy._samples import label_codes, two_samples
from landbridge.domain import missing_labels, unmasked
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import common_codes
from landbridge.numerics.resampling import random_generator, subsample

__all__ = ["risk_bound"]


def risk_bound(
    X_source: Any,
    y_source: Any,
    X_target: Any,
    *,
    y_target: Any = None,
    estimator: Any = None,
    n_splits: int = 5,
    n_bootstrap: int = 200,
    max_samples: int | None = 2000,
    groups: tuple[Any, Any] = (None, None),
    random_state: Any = None,
) -> Measurement:
    r"""Estimate the bound of Ben-David and others on a source model's error in the target.

    .. math:: \varepsilon_T(h) \le \varepsilon_S(h) + \tfrac12 d(S, T) + \lambda

    with the cross-validated source error, the proxy A-distance for :math:`d` (the larger of that of a linear and of a
    kernel classifier), and for :math:`\lambda` the error that
    one model makes on both domains at once.

    Parameters
    ----------
    X_source : array-like or sparse matrix of shape (n_source, n_features)
        Source samples.
    y_source : array-like of shape (n_source,)
        Classes.
    X_target : array-like or sparse matrix of shape (n_target, n_features)
        Target samples, with the same features.
    y_target : array-like of shape (n_target,), optional
        Classes of target samples, ``None`` or NaN where unknown. Without any, :math:`\lambda` cannot be estimated, is
        taken as the source error alone (its least value), and the words say so.
    estimator : classifier, optional
        Needs ``predict_proba``. If None, the better of a linear and a kernel logistic regression.
    n_splits : int, default=5
        Folds.
    n_bootstrap : int, default=200
        Replicates for the interval of the distance term, which is the interval of the sum.
    max_samples : int or None, default=2000
        Larger domains are reduced to this many samples each.
    groups : tuple of array-like, default=(None, None)
        Groups of source and target samples, which stay together in folds and resamples. If None, each sample is one.
    random_state : int, RandomState or None, default=None
        Seeds folds and resampling; an int gives the same numbers every time.

    Returns
    -------
    Measurement
        ``"risk_bound"``: the sum, cut at 1. ``details`` has ``source_error``, ``half_distance``, ``joint_error``,
        ``joint_error_known`` and ``words``.

    Notes
    -----
    An estimate of each term, without the sample-size terms of the theorem: a thermometer, not a guarantee. The bound
    is loose by nature; a value near 1 says that theory promises nothing, not that transfer must fail.

    References
    ----------
    .. [1] S. Ben-David, J. Blitzer, K. Crammer, A. Kulesza, F. Pereira, J. Vaughan. A theory of learning from
       different domains. Machine Learning 79, 2010.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import risk_bound
    >>> source, target = make_shift("translation", random_state=0)
    >>> m = risk_bound(source.X, source.y, target.X, y_target=target.y, random_state=0)
    >>> terms = [m.details[k] for k in ("source_error", "half_distance", "joint_error")]
    >>> abs(min(sum(terms), 1.0) - m.value) < 1e-12
    True
    """
    rng = random_generator(random_state)
    Xs, Xt = two_samples(X_source, X_target, None, rng)
    classes, codes = label_codes(y_source, len(Xs))
    rows, rows_t = subsample(len(Xs), max_samples, rng, codes), subsample(len(Xt), max_samples, rng)
    Xs, codes, Xt = Xs[rows], codes[rows], Xt[rows_t]
    drawn = [None if g is None else np.asarray(g)[r] for g, r in zip(groups, (rows, rows_t), strict=True)]
    of = common_codes(drawn, (len(Xs), len(Xt)))
    sides = None if of is None else (of[0], of[1])
    posterior = cross_fit_posterior(Xs, codes, Xt, rng, estimator=estimator, n_splits=n_splits, groups=sides)
    # the theorem's distance is the largest that any hypothesis finds
    distance = max(
        (
            proxy_a_distance(
                Xs,
                Xt,
                domain_classifier=classifier,
                n_splits=n_splits,
                n_bootstrap=n_bootstrap,
                max_samples=None,
                groups=None if of is None else np.concatenate(of),
                random_state=rng,
            )
            for classifier in (None, kernel_classifier(int(rng.randint(2**31 - 1))))
        ),
        key=float,
    )
    joint, known = posterior.error, False
    if y_target is not None:
        y_part = _target_part(y_target, np.shape(X_target)[0], rows_t)
        found = _joint_error(Xs, codes, Xt, y_part, classes, rng, groups=of, estimator=estimator, n_splits=n_splits)
        joint, known = (joint, False) if found is None else (found, True)
    half = distance.value / 2
    value = min(posterior.error + half + joint, 1.0)
    low, high = (
        None if end is None else min(posterior.error + end / 2 + joint, 1.0) for end in (distance.low, distance.high)
    )
    words = (
        f"A source model errs in {posterior.error:.0%} of source samples, half the distance of the domains adds "
        f"{half:.2f}, and one model for both would err by {joint:.2f} in sum"
        f"{'' if known else ' at best (no target labels to estimate it)'}: together at most {value:.2f} in the target"
        f"{', which promises nothing' if value >= 1 else ''}."
    )
    details = {
        "source_error": posterior.error,
        "half_distance": half,
        "joint_error": joint,
        "joint_error_known": known,
        "words": words,
    }
    return Measurement("risk_bound", value, low, high, None, None, False, details)


def _target_part(y_target: Any, n_target: int, rows: NDArray[np.intp]) -> NDArray[Any]:
    y_target = np.asarray(unmasked(y_target))
    if len(y_target) != n_target:
        raise InputError(
            f"y_target has {len(y_target)} entries but X_target has {n_target} samples; give one label per sample."
        )
    return y_target[rows]


def _joint_error(
    Xs: NDArray[np.float64],
    codes: NDArray[np.intp],
    Xt: NDArray[np.float64],
    y_part: NDArray[Any],
    classes: NDArray[Any],
    rng: np.random.RandomState,
    *,
    groups: list[NDArray[np.intp]] | None,
    **how: Any,
) -> float | None:
    """Error of one model for both domains, in sum; None with fewer than two labelled target samples."""
    labelled = np.flatnonzero(~missing_labels(y_part))
    labelled = labelled[np.isin(y_part[labelled].astype(classes.dtype), classes)] if len(labelled) else labelled
    if len(labelled) < 2:
        return None
    # one model for both, each domain counting one half: the theorem's ideal joint hypothesis
    both = np.concatenate([codes, np.searchsorted(classes, y_part[labelled].astype(classes.dtype))])
    of = None if groups is None else (np.concatenate([groups[0], groups[1][labelled]]), groups[1][:1])
    model = cross_fit_posterior(np.concatenate([Xs, Xt[labelled]]), both, Xt[:1], rng, groups=of, **how)
    wrong = model.source.argmax(axis=1) != both
    return float(wrong[: len(Xs)].mean() + wrong[len(Xs) :].mean())
