"""Circular validation: transfer there and back again, and see whether the source's labels survive."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor

from landbridge.domain import Domain
from landbridge.guard._importance_weighted import fit_transfer
from landbridge.guard._views import stones_of
from landbridge.measurement import Measurement

__all__ = ["circular"]


def circular(
    estimator: Any,
    source: Domain,
    target: Domain,
    *,
    n_bootstrap: int = 0,
    random_state: Any = 0,
    **_: Any,
) -> Measurement:
    """Label the target with the model, transfer back to the source, and score there (reverse validation).

    Parameters
    ----------
    estimator : estimator
        Fitted on source and target.
    source : Domain
        Labelled source rows.
    target : Domain
        Target rows.
    n_bootstrap : int, default=0
        Resamples for the interval.
    random_state : int, default=0
        Draws them.
    **_
        Not used; every validator is called alike.

    Returns
    -------
    Measurement
        Accuracy on the source of the way back, balanced over the classes (classification), or R²; higher is better.
        0 for a model that gives the whole target one label.

    Notes
    -----
    One more fit of the whole method. It notices when labels are lost or merged on the way, and cannot notice when
    they are swapped consistently: pure label shift under a mapping method deceives it, so the guard tests for that
    first.

    References
    ----------
    .. [1] E. Zhong, W. Fan, Q. Yang, O. Verscheure, J. Ren. Cross validation framework to choose amongst models and
       datasets for transfer learning. ECML PKDD 2010.
    .. [2] L. Bruzzone, M. Marconcini. Domain adaptation problems: a DASVM classification technique and a circular
       validation strategy. IEEE TPAMI 32(5), 2010.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import circular
    >>> from landbridge.instance import ClassifierDensityRatio
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = ClassifierDensityRatio().fit(source.X, source.y, X_target=target.X)
    >>> float(circular(model, source, target)) > 0.5
    True
    """
    Xs, Xt = source.frame(), target.frame()
    guessed = estimator.predict(Xt)
    regression = is_regressor(estimator)
    name = "circular R²" if regression else "circular accuracy"
    if not regression and len(np.unique(guessed)) < 2:
        return Measurement(name, 0.0, higher_is_better=True, details={"collapsed": True})
    between = (stones_of(estimator) or [])[::-1]  # in the opposite order
    back = fit_transfer(clone(estimator), Xt, guessed, Xs, intermediate_domains=between)
    returned = back.predict(Xs)
    if regression:
        loss = (returned - source.y) ** 2 / np.var(source.y)
        weights = np.ones(len(loss))
    else:
        loss = (returned != source.y).astype(float)
        codes, counts = np.unique(source.y, return_inverse=True, return_counts=True)[1:]
        weights = 1.0 / counts[codes]
    value = 1.0 - float(np.average(loss, weights=weights))
    low = high = None
    if n_bootstrap:
        rows = np.random.default_rng(random_state).integers(len(loss), size=(n_bootstrap, len(loss)))
        draws = 1.0 - (loss[rows] * weights[rows]).sum(1) / weights[rows].sum(1)
        low, high = (float(v) for v in np.quantile(draws, [0.025, 0.975]))
    return Measurement(name, value, low=low, high=high, higher_is_better=True)
