"""Importance-weighted cross-validation (IWCV): held-out source samples, weighted by their density ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.domain import Domain
from landbridge.guard._fitting import held_out_fits, take
from landbridge.guard._views import before_last_step, last_step, predict_source
from landbridge.instance._density_ratio import probability_ratio
from landbridge.measurement import Measurement

__all__ = ["importance_weighted", "source_losses_and_weights"]

# Largest density ratio, and inverse penalty of the domain classifier it comes from.
MAX_WEIGHT = 20.0
DOMAIN_CLASSIFIER_C = 0.1


def importance_weighted(
    estimator: Any,
    source: Domain,
    target: Domain,
    *,
    cv: int = 3,
    refit: bool = True,
    n_bootstrap: int = 0,
    random_state: Any = None,
) -> Measurement:
    """Estimate the target error by importance-weighted cross-validation (IWCV).

    Parameters
    ----------
    estimator : estimator
        Fitted on source and target.
    source : Domain
        Labelled source samples; held out already if `refit` is False.
    target : Domain
        Target samples.
    cv : int, default=3
        Number of folds.
    refit : bool, default=True
        Whether to fit a clone without each fold. If False, all samples of `source` count as held out.
    n_bootstrap : int, default=0
        Resamples for the interval. If 0, there is no interval.
    random_state : int, optional
        Seeds the folds and draws the resamples.

    Returns
    -------
    Measurement
        Estimated error rate (classification) or squared error over variance (regression); lower is better.

    Notes
    -----
    Unbiased under covariate shift if the density ratio is right. Its variance grows with that of the weights, so they
    are bounded and divided by their sum here. The ratio is estimated in the space of the model's last step.

    References
    ----------
    .. [1] M. Sugiyama, M. Krauledat, K.-R. Müller. Covariate shift adaptation by importance weighted cross
       validation. JMLR 8, 2007.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import importance_weighted
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = LogisticRegression().fit(source.X, source.y)
    >>> float(importance_weighted(model, source, target)) < 0.5
    True
    """
    losses, weights = source_losses_and_weights(
        estimator, source, target, cv=cv, refit=refit, random_state=random_state
    )
    value = float(np.average(losses, weights=weights))
    low = high = None
    if n_bootstrap:
        rng = np.random.default_rng(random_state)
        resamples = rng.integers(len(losses), size=(n_bootstrap, len(losses)))
        means = (losses[resamples] * weights[resamples]).sum(1) / weights[resamples].sum(1)
        low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    return Measurement("importance-weighted risk", value, low=low, high=high, higher_is_better=False)


def source_losses_and_weights(
    estimator: Any, source: Domain, target: Domain, *, cv: int = 3, refit: bool = True, random_state: Any = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the losses of held-out source samples, and their density ratios in the space of the model's last step.

    Parameters
    ----------
    estimator : estimator
        Fitted on source and target.
    source : Domain
        Labelled source samples.
    target : Domain
        Target samples.
    cv : int, default=3
        Number of folds.
    refit : bool, default=True
        If False, all samples of `source` count as held out.
    random_state : int, optional
        Seeds the folds.

    Returns
    -------
    losses, weights : ndarray of shape (n_source,)
    """
    losses, weights = np.zeros(len(source)), np.zeros(len(source))
    everything = [(estimator, np.arange(len(source)))]
    for model, test in held_out_fits(estimator, source, target, cv, random_state) if refit else everything:
        losses[test] = _losses(model, source, test)
        weights[test] = _ratio(model, take(source.frame(), test), target.frame())
    return losses, weights


def _losses(model: Any, source: Domain, test: NDArray[np.intp]) -> NDArray[np.float64]:
    ys = source.y
    assert ys is not None
    predicted = predict_source(model, take(source.frame(), test))
    if is_regressor(model):
        return (predicted - ys[test]) ** 2 / max(float(np.var(ys)), 1e-12)
    return (predicted != ys[test]).astype(float)


def _ratio(model: Any, X: Any, Xt: Any) -> NDArray[np.float64]:
    """Estimate the density ratio of source samples by a logistic regression between the domains."""
    Zs, Zt = before_last_step(model, X, side="source"), before_last_step(model, Xt, side="target")
    # for a network, the features that its head is given
    embed = getattr(last_step(model), "embed", lambda Z: Z)
    Zs, Zt = np.asarray(embed(Zs), dtype=float), np.asarray(embed(Zt), dtype=float)
    domain = np.repeat([0, 1], [len(Zs), len(Zt)])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=DOMAIN_CLASSIFIER_C, max_iter=300))
    classifier.fit(np.concatenate([Zs, Zt]), domain)
    return probability_ratio(classifier.predict_proba(Zs)[:, 1], len(Zs), len(Zt), MAX_WEIGHT)
