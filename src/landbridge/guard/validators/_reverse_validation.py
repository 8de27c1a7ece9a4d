"""Reverse validation: label the target with a model, transfer back, and score on the source."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor

from landbridge._random_state import seed_unseeded
from landbridge.domain import Domain
from landbridge.guard._fitting import fit_transfer
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import resample_groups

__all__ = ["reverse_validation"]


def reverse_validation(
    estimator: Any,
    source: Domain,
    target: Domain,
    *,
    intermediate_domains: Any = None,
    n_bootstrap: int = 0,
    random_state: int | None = None,
    **_: Any,
) -> Measurement:
    """Score a model by reverse validation (circular validation): label the target, transfer back, score on the source.

    Parameters
    ----------
    estimator : estimator
        Fitted on source and target.
    source : Domain
        Labelled source samples.
    target : Domain
        Target samples.
    intermediate_domains : sequence of array-like, optional
        Those that the model was fitted over, the one nearest to the source first; the reverse fit is given them in the
        opposite order. If None, those that the estimator itself, no pipeline, has kept as ``intermediate_domains_``.
    n_bootstrap : int, default=0
        Resamples for the interval, of whole groups where the source has any. If 0, there is no interval.
    random_state : int, optional
        Draws the resamples.
    **_
        Ignored; every validator is called alike.

    Returns
    -------
    Measurement
        Accuracy of the reverse model on the source, averaged over the classes, or R²; higher is better. 0 for a
        classifier that predicts one class for the whole target.

    Notes
    -----
    One more fit of the whole method. It detects labels that are lost or merged in the transfer, and cannot detect
    labels that are swapped consistently: under label shift it is deceived by methods that align the domains, so the
    guard tests for label shift first.

    References
    ----------
    .. [1] E. Zhong, W. Fan, Q. Yang, O. Verscheure, J. Ren. Cross validation framework to choose amongst models and
       datasets for transfer learning. ECML PKDD 2010.
    .. [2] L. Bruzzone, M. Marconcini. Domain adaptation problems: a DASVM classification technique and a circular
       validation strategy. IEEE TPAMI 32(5), 2010.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import reverse_validation
    >>> from landbridge.instance import ClassifierDensityRatio
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = ClassifierDensityRatio().fit(source.X, source.y, X_target=target.X)
    >>> float(reverse_validation(model, source, target)) > 0.5
    True
    """
    Xs, ys, Xt = source.frame(), np.asarray(source.y), target.frame()
    predicted = estimator.predict(Xt)
    regression = is_regressor(estimator)
    name = "reverse validation R²" if regression else "reverse validation accuracy"
    if not regression and len(np.unique(predicted)) < 2:
        return Measurement(name, 0.0, higher_is_better=True, details={"collapsed": True})
    path = getattr(estimator, "intermediate_domains_", None) if intermediate_domains is None else intermediate_domains
    opposite = None if path is None else list(path)[::-1]
    reverse = fit_transfer(
        seed_unseeded(clone(estimator), 0), Xt, predicted, Xs, intermediate_domains=opposite
    ).predict(Xs)
    if regression:
        loss = (reverse - ys) ** 2 / np.var(ys)
        weights = np.ones(len(loss))
    else:
        loss = (reverse != ys).astype(float)
        codes, counts = np.unique(ys, return_inverse=True, return_counts=True)[1:]
        weights = 1.0 / counts[codes]
    value = 1.0 - float(np.average(loss, weights=weights))
    low = high = None
    if n_bootstrap:
        rng = np.random.default_rng(random_state)
        if source.groups is None:
            resamples = rng.integers(len(loss), size=(n_bootstrap, len(loss)))
        else:
            resamples = resample_groups(source.groups, n_bootstrap, rng)
        drawn = np.append(weights, 0.0)[resamples]
        means = 1.0 - (np.append(loss, 0.0)[resamples] * drawn).sum(1) / drawn.sum(1)
        low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    return Measurement(name, value, low=low, high=high, higher_is_better=True)
