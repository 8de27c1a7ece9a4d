"""Proxy A-distance: how well a linear classifier separates the domains."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.discrepancy._domain_classifier import balanced_error, cross_fitted_domain, sample_errors
from landbridge.discrepancy._samples import checked_pair_groups, two_samples
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import resample_counts, shuffle_groups
from landbridge.numerics.resampling import bootstrap_mean, percentile_interval, permutation_p_value, random_generator

__all__ = ["proxy_a_distance"]


def proxy_a_distance(
    X_source: Any,
    X_target: Any,
    *,
    domain_classifier: Any = None,
    n_splits: int = 5,
    n_bootstrap: int = 200,
    n_permutations: int = 0,
    max_samples: int | None = 2000,
    groups: Any = None,
    random_state: Any = None,
) -> Measurement:
    r"""Measure the proxy A-distance :math:`2 (1 - 2 \varepsilon)`, from the error of a domain classifier.

    The error is balanced: each domain counts one half, however many samples it has, so that chance is 0.5.

    Parameters
    ----------
    X_source, X_target : array-like or sparse matrix of shape (n_samples, n_features)
        Samples with the same features.
    domain_classifier : classifier, optional
        Separates the domains; needs ``predict_proba`` and takes ``sample_weight``. If None, logistic regression
        on standardised features.
    n_splits : int, default=5
        Folds of the cross-validation.
    n_bootstrap : int, default=200
        Replicates over held-out samples for the 95 % interval; 0 for none. The models are not refitted.
    n_permutations : int, default=0
        For the p-value. Each one refits the classifier `n_splits` times.
    max_samples : int or None, default=2000
        Larger domains are reduced to this many samples each.
    groups : ndarray of shape (n_source + n_target,), optional
        Samples that stay together in folds, permutations and resamples, source samples first; only where
        `max_samples` keeps all samples. If None, each sample is a group.
    random_state : int, RandomState or None, default=None
        Seeds folds and resampling; an int gives the same numbers every time.

    Returns
    -------
    Measurement
        ``"proxy_a_distance"`` from 0 (the domains cannot be separated) to 2 (separated without error). ``details`` has
        the ``error``, the ``accuracy`` and the numbers of samples used.

    Notes
    -----
    A linear classifier sees differences of means above all; with few samples and many features it sees less than there
    is. Time is that of ``n_splits`` (times ``1 + n_permutations``) fits; memory that of the samples used.

    References
    ----------
    .. [1] S. Ben-David, J. Blitzer, K. Crammer, F. Pereira. Analysis of representations for domain adaptation.
       NIPS 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import proxy_a_distance
    >>> rng = np.random.default_rng(0)
    >>> far = proxy_a_distance(rng.normal(size=(100, 2)), rng.normal(9.0, size=(100, 2)), random_state=0)
    >>> far.value
    2.0
    """
    rng = random_generator(random_state)
    Xs, Xt = two_samples(X_source, X_target, max_samples, rng)

    groups = checked_pair_groups(groups, len(Xs) + len(Xt))

    def held_out(A: Any, B: Any, of: Any) -> Any:
        return cross_fitted_domain(A, B, rng, domain_classifier=domain_classifier, n_splits=n_splits, groups=of)

    p = held_out(Xs, Xt, groups)
    null = [
        2 * (1 - 2 * balanced_error(held_out(A, B, of), len(A)))
        for A, B, of in _shuffles(Xs, Xt, groups, n_permutations, rng)
    ]
    return distance_from_probabilities(p, len(Xs), rng, n_bootstrap=n_bootstrap, null=null, groups=groups)


def distance_from_probabilities(
    p_target: Any,
    n_source: int,
    rng: np.random.RandomState,
    *,
    n_bootstrap: int,
    null: list[float] | None = None,
    groups: Any = None,
) -> Measurement:
    """Compute the proxy A-distance from given held-out domain probabilities.

    Parameters
    ----------
    p_target : ndarray of shape (n_source + n_target,)
        Source samples first.
    n_source : int
    rng : RandomState
    n_bootstrap : int
    null : list of float, optional
        The distance under permutations.
    groups : ndarray of shape (n_source + n_target,), optional
        Samples that are drawn together. If None, each sample is a group.

    Returns
    -------
    Measurement
    """
    error = balanced_error(p_target, n_source)
    value, low, high = max(2 * (1 - 2 * error), 0.0), None, None
    if n_bootstrap:
        errors = sample_errors(p_target, n_source)
        of = (None, None) if groups is None else (groups[:n_source], groups[n_source:])
        sides = [_means(side, n_bootstrap, rng, g) for side, g in zip(errors, of, strict=True)]
        low, high = percentile_interval(np.maximum(2 * (1 - sides[0] - sides[1]), 0.0))
    details = {"error": error, "accuracy": 1 - error, "n_samples": [n_source, len(p_target) - n_source]}
    p_value = permutation_p_value(2 * (1 - 2 * error), np.asarray(null)) if null else None
    return Measurement("proxy_a_distance", value, low, high, 0.0, p_value, False, details)


def _means(errors: Any, n_bootstrap: int, rng: np.random.RandomState, groups: Any) -> Any:
    if groups is None:
        return bootstrap_mean(errors, n_bootstrap, rng)
    counts = resample_counts(len(errors), n_bootstrap, rng, groups)
    return counts @ errors / counts.sum(axis=1)


def _shuffles(Xs: Any, Xt: Any, groups: Any, n: int, rng: np.random.RandomState) -> Any:
    X = np.concatenate([Xs, Xt])
    for _ in range(n):
        if groups is not None:
            member = shuffle_groups(np.repeat([1.0, 0.0], [len(Xs), len(Xt)]), groups, rng) == 1.0
            yield X[member], X[~member], np.concatenate([groups[member], groups[~member]])
            continue
        order = rng.permutation(len(X))
        yield X[order[: len(Xs)]], X[order[len(Xs) :]], None
