"""Label shift: class priors of the unlabelled target, and a test whether they alone explain the difference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._domain_classifier import balanced_error, cross_fitted_domain
from landbridge.discrepancy._mmd import mixture_kernel, weighted_mmd2
from landbridge.discrepancy._posterior import Posterior, cross_fit_posterior
from landbridge.discrepancy._samples import label_codes, two_samples, within_scale
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import resample_counts, shuffle_groups
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.label_shift import bbse_priors, em_priors, shift_posterior
from landbridge.numerics.resampling import percentile_interval, permutation_p_value, random_generator, subsample

__all__ = ["label_shift", "label_shift_fit"]


def label_shift(
    X_source: Any,
    y_source: Any,
    X_target: Any,
    *,
    method: str = "em",
    estimator: Any = None,
    n_splits: int = 5,
    n_permutations: int = 200,
    n_bootstrap: int = 100,
    max_samples: int | None = 2000,
    random_state: Any = None,
) -> Measurement:
    """Estimate how far the class priors of the unlabelled target are from the source's, assuming the same P(x | y).

    Parameters
    ----------
    X_source : array-like or sparse matrix of shape (n_source, n_features)
        Source samples.
    y_source : array-like of shape (n_source,)
        Classes of the source samples.
    X_target : array-like or sparse matrix of shape (n_target, n_features)
        Target samples, with the same features.
    method : {"em", "bbse"}, default="em"
        Maximum likelihood on calibrated, cross-fitted probabilities, or matching of predicted classes. The other
        estimate is in ``details`` either way.
    estimator : classifier, optional
        Needs ``predict_proba``. If None, the better, by held-out log loss, of logistic regression on the features and
        on Gaussian kernel features.
    n_splits : int, default=5
        Folds of the cross-fitting.
    n_permutations : int, default=200
        Draws of two samples from the source's own held-out scores, for the p-value against "no label shift".
    n_bootstrap : int, default=100
        Replicates over target samples for the 95 % intervals; the models are not refitted.
    max_samples : int or None, default=2000
        Larger domains are reduced to this many samples each.
    random_state : int, RandomState or None, default=None
        Seeds folds, permutations and resampling; an int gives the same numbers every time.

    Returns
    -------
    Measurement
        ``"label_shift"``: total variation distance of the class shares, from 0 to 1. ``details`` has ``classes``,
        ``source_priors``, ``target_priors`` with ``target_low`` and ``target_high``, and ``other_method``.

    Notes
    -----
    Any other shift between the domains also moves these estimates: ask :func:`label_shift_fit` whether label shift is
    what happened. A class that is missing in the source cannot be found in the target.

    Time is that of two times ``n_splits`` fits and (n_permutations + n_bootstrap) short EM runs, each linear in
    samples.

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
       probabilities. Neural Computation 14, 2002.
    .. [2] Z. Lipton, Y.-X. Wang, A. Smola. Detecting and correcting for label shift with black box predictors.
       ICML 2018.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import label_shift
    >>> source, target = make_shift("label", random_state=0)
    >>> m = label_shift(source.X, source.y, target.X, random_state=0)
    >>> [round(s, 1) for s in m.details["target_priors"]], m.p_value < 0.01
    ([0.2, 0.8], True)
    """
    if method not in ("em", "bbse"):
        raise InputError(f"method must be em or bbse; got {method!r}.")
    rng = random_generator(random_state)
    Xs, Xt, classes, codes = _read(X_source, y_source, X_target, max_samples, rng)
    posterior = cross_fit_posterior(Xs, codes, Xt, rng, estimator=estimator, n_splits=n_splits)
    return measure_priors(
        posterior, classes, rng, method=method, n_permutations=n_permutations, n_bootstrap=n_bootstrap
    )


def label_shift_fit(
    X_source: Any,
    y_source: Any,
    X_target: Any,
    *,
    estimator: Any = None,
    n_splits: int = 5,
    n_permutations: int = 200,
    max_samples: int | None = 1000,
    random_state: Any = None,
) -> Measurement:
    r"""Test whether label shift alone explains the difference between the domains (goodness of fit).

    The source samples are weighted by :math:`\pi_T(y) / \pi_S(y)` with the estimated target shares. Under pure label
    shift the weighted source and the target are then one population.

    Parameters
    ----------
    X_source : array-like or sparse matrix of shape (n_source, n_features)
        Source samples.
    y_source : array-like of shape (n_source,)
        Classes of the source samples.
    X_target : array-like or sparse matrix of shape (n_target, n_features)
        Target samples, with the same features.
    estimator : classifier, optional
        As in :func:`label_shift`.
    n_splits : int, default=5
        Folds of the cross-fitting.
    n_permutations : int, default=200
        For the p-value of misfit.
    max_samples : int or None, default=1000
        Larger domains are reduced to this many samples each.
    random_state : int, RandomState or None, default=None
        Seeds folds, permutations and resampling; an int gives the same numbers every time.

    Returns
    -------
    Measurement
        ``"label_shift_fit"``: the share of the difference that the class weights remove, from 0 to 1; the smallest of
        the shares of the squared MMD of the samples, of that of their class scores, and of the domain classifier's
        advantage, after allowing each its noise. The p-value is for *misfit*: small means
        that something else differs too. With many samples it is small for harmless reasons; read the share then.

    Notes
    -----
    The null comes from exchanging source and target samples within each class, the target's classes being drawn from
    their probabilities, so that the class shares of both sides stay what they are. The kernel matrix is computed
    once: time grows with r² n_permutations, memory with r² for r samples of both sides.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import label_shift_fit
    >>> source, target = make_shift("label", random_state=0)
    >>> m = label_shift_fit(source.X, source.y, target.X, random_state=0)
    >>> m.value > 0.9, m.p_value > 0.05
    (True, True)
    """
    rng = random_generator(random_state)
    Xs, Xt, _, codes = _read(X_source, y_source, X_target, max_samples, rng)
    scale = within_scale(Xs, Xt)
    Xs, Xt = Xs / scale, Xt / scale
    posterior = cross_fit_posterior(Xs, codes, Xt, rng, estimator=estimator, n_splits=n_splits)
    K = mixture_kernel(np.concatenate([Xs, Xt]), gammas=[median_gamma(Xs, Xt, random_state=rng)])
    shares = em_priors(posterior.target, posterior.priors)
    raw = balanced_error(cross_fitted_domain(Xs, Xt, rng), len(Xs))
    return measure_fit(Xs, Xt, K, posterior, shares, raw, rng, n_permutations=n_permutations)


def measure_priors(
    posterior: Posterior,
    classes: NDArray[Any],
    rng: np.random.RandomState,
    *,
    method: str = "em",
    n_permutations: int,
    n_bootstrap: int,
    groups: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
) -> Measurement:
    """Estimate the target's class priors from given probabilities; see :func:`label_shift`.

    Parameters
    ----------
    posterior : Posterior
    classes : ndarray of shape (n_classes,)
        Names of the classes.
    rng : RandomState
    method : {"em", "bbse"}
    n_permutations, n_bootstrap : int
    groups : tuple of ndarray of int, optional
        Groups of source and target samples, drawn whole. If None, each sample is a group.

    Returns
    -------
    Measurement
    """
    p_s, p_t, source_shares = posterior.source, posterior.target, posterior.priors
    estimates = {"em": em_priors(p_t, source_shares), "bbse": _moment_shares(p_s, posterior.codes, p_t)}
    shares = estimates[method]
    value = _total_variation(shares, source_shares)
    n, m, k = len(p_s), len(p_t), len(source_shares)

    def draw(p: NDArray, counts: NDArray, priors: NDArray) -> NDArray:
        if method == "em":
            return em_priors(p, priors, sample_weight=counts, tol=1e-5, max_iter=100)
        return _moment_shares(p_s, posterior.codes, p, counts)

    low = high = p_value = null = None
    details: dict[str, Any] = {
        "classes": [_plain(c) for c in classes],
        "source_priors": source_shares.tolist(),
        "target_priors": shares.tolist(),
        "method": method,
        "other_method": estimates["bbse" if method == "em" else "em"].tolist(),
        "model": posterior.model,
        "source_error": posterior.error,
        "n_samples": [n, m],
    }
    if n_bootstrap:
        counts = resample_counts(m, n_bootstrap, rng, None if groups is None else groups[1])
        draws = np.array([draw(p_t, c, source_shares) for c in counts])
        low, high = percentile_interval(np.abs(draws - source_shares).sum(axis=1) / 2)
        ends = np.quantile(draws, [0.025, 0.975], axis=0)
        details |= {"target_low": ends[0].tolist(), "target_high": ends[1].tolist()}
    if n_permutations:
        # two samples from the source itself, as large as the real ones: what the distance is when nothing shifted
        null_draws = np.empty(n_permutations)
        for i in range(n_permutations):
            if groups is None:
                here = np.bincount(posterior.codes[rng.randint(n, size=n)], minlength=k) / n
                counts = np.bincount(rng.randint(n, size=m), minlength=n).astype(float)
            else:
                drawn = resample_counts(n, 1, rng, groups[0])[0]
                here = np.bincount(posterior.codes, weights=drawn, minlength=k) / drawn.sum()
                counts = _counts_of_target(*groups, rng)
            null_draws[i] = _total_variation(draw(p_s, counts, source_shares), here)
        null, p_value = float(null_draws.mean()), permutation_p_value(value, null_draws)
    return Measurement("label_shift", value, low, high, null, p_value, False, details)


def measure_fit(
    Xs: NDArray[np.float64],
    Xt: NDArray[np.float64],
    K: NDArray[np.float64],
    posterior: Posterior,
    shares: NDArray[np.float64],
    raw_error: float,
    rng: np.random.RandomState,
    *,
    n_permutations: int,
    groups: NDArray[np.intp] | None = None,
) -> Measurement:
    """Test the goodness of fit of label shift from given parts; see :func:`label_shift_fit`.

    Parameters
    ----------
    Xs, Xt : ndarray of shape (n_samples, n_features)
        Samples of the kernel matrix.
    K : ndarray of shape (n_source + n_target, n_source + n_target)
    posterior : Posterior
        Of the same samples.
    shares : ndarray of shape (n_classes,)
        Estimated class shares of the target.
    raw_error : float
        Balanced error of the unweighted domain classifier.
    rng : RandomState
    n_permutations : int
    groups : ndarray of int, shape (n_source + n_target,), optional
        Samples that are exchanged together. If None, each sample is a group.

    Returns
    -------
    Measurement
    """
    n, m = len(Xs), len(Xt)
    ratio = np.divide(shares, posterior.priors, out=np.zeros(len(shares)), where=posterior.priors > 0)
    weights = ratio[posterior.codes]
    member = np.repeat([1.0, 0.0], [n, m])
    A = codes = None
    if n_permutations:
        at_target = shift_posterior(posterior.target, posterior.priors, shares)
        drawn = (at_target.cumsum(axis=1) < rng.uniform(size=(m, 1))).sum(axis=1)
        codes = np.append(posterior.codes, np.minimum(drawn, len(shares) - 1))
        A = _exchange_within(codes, member, n_permutations, rng, groups)

    explained: dict[str, float] = {}
    p_values: list[float] = []
    details: dict[str, Any] = {}
    for view, kernel in (("rows", K), ("scores", _score_kernel(posterior, rng))):
        before = float(weighted_mmd2(kernel, member, 1 - member))
        after = float(weighted_mmd2(kernel, np.append(weights, np.zeros(m)), 1 - member))
        noise = 0.0
        if A is not None:
            draws = weighted_mmd2(kernel, A * ratio[codes][:, None], 1 - A)
            noise = float(draws.std())
            p_values.append(permutation_p_value(after, draws))
        explained[view] = float(1 - max(after - noise, 0.0) / before) if before > 0 else 0.0
        details |= {f"mmd_before_{view}": before, f"mmd_after_{view}": after}

    error = balanced_error(cross_fitted_domain(Xs, Xt, rng, source_weights=weights, groups=groups), n, weights)
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    # a classifier that hardly beat chance before has no advantage to lose, and its share would be noise
    if raw_error < 0.45:
        noise = 0.5 * np.sqrt(1 / effective + 1 / m)  # two standard errors
        explained["classifier"] = float(1 - max(0.5 - error - noise, 0.0) / (0.5 - raw_error))
    details |= {
        "explained": explained,
        "accuracy_before": 1 - raw_error,
        "accuracy_after": 1 - error,
        "effective_samples": effective,
        "n_samples": [n, m],
    }
    # the worse of two tests, each counted twice (Bonferroni)
    p_value = min(2 * min(p_values), 1.0) if p_values else None
    value = float(np.clip(min(explained.values()), 0.0, 1.0))
    return Measurement("label_shift_fit", value, None, None, None, p_value, None, details)


def _score_kernel(posterior: Posterior, rng: np.random.RandomState) -> NDArray[np.float64]:
    """Compute a kernel on the class scores, in which the shift of one class is easier to see than in all features."""
    scores = np.log(np.clip(np.concatenate([posterior.source, posterior.target]), 1e-6, None))
    scores -= scores.mean(axis=1, keepdims=True)
    gamma = median_gamma(scores, random_state=rng)
    return mixture_kernel(scores, gammas=[0.25 * gamma, gamma, 4 * gamma])


def _exchange_within(
    codes: NDArray[np.intp], member: NDArray[np.float64], n: int, rng: np.random.RandomState, groups: Any = None
) -> NDArray[np.float64]:
    A = np.empty((len(codes), n))
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        of = None if groups is None else groups[rows]
        A[rows] = np.stack([shuffle_groups(member[rows], of, rng) for _ in range(n)], axis=1)
    return A


def _counts_of_target(
    source_groups: NDArray[np.intp], target_groups: NDArray[np.intp], rng: np.random.RandomState
) -> NDArray[np.float64]:
    """How often each source sample is in a draw of as many source groups as the target has."""
    codes = np.unique(source_groups, return_inverse=True)[1]
    k = int(codes.max()) + 1
    return np.bincount(rng.randint(k, size=len(np.unique(target_groups))), minlength=k)[codes].astype(float)


def _read(X_source: Any, y_source: Any, X_target: Any, max_samples: int | None, rng: Any) -> Any:
    Xs, Xt = two_samples(X_source, X_target, None, rng)
    classes, codes = label_codes(y_source, len(Xs))
    rows = subsample(len(Xs), max_samples, rng, codes)
    return Xs[rows], Xt[subsample(len(Xt), max_samples, rng)], classes, codes[rows]


def _moment_shares(
    p_source: NDArray, codes: NDArray[np.intp], p_target: NDArray, counts: NDArray | None = None
) -> NDArray[np.float64]:
    # the mean probability of each class in place of counts of hard predictions: the same equations, less variance
    confusion = np.stack([p_source[codes == c].sum(axis=0) for c in range(p_source.shape[1])], axis=1)
    return bbse_priors(confusion, np.average(p_target, axis=0, weights=counts))


def _total_variation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.abs(a - b).sum() / 2)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
