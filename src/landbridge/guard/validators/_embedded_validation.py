"""Deep embedded validation (DEV): the importance-weighted source risk with a control variate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain
from landbridge.guard.validators._importance_weighted import source_losses_and_weights
from landbridge.measurement import Measurement

__all__ = ["dev_risk", "embedded_validation"]


def dev_risk(losses: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    r"""Compute the importance-weighted risk with the mean weight as control variate, equation (10) of [1]_.

    .. math:: \hat R = \overline{w\ell} + \eta \bar w - \eta, \qquad \eta = -\frac{Cov(w\ell, w)}{Var(w)}

    Parameters
    ----------
    losses : ndarray of shape (n_source,)
        Loss of each held-out source sample.
    weights : ndarray of shape (n_source,)
        Density ratio of each, target over source.

    Returns
    -------
    float

    References
    ----------
    .. [1] K. You, X. Wang, M. Long, M. Jordan. Towards accurate model selection in deep unsupervised domain
       adaptation. ICML 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import dev_risk
    >>> round(dev_risk(np.array([1.0, 0.0, 0.0, 1.0]), np.ones(4)), 6)
    0.5
    """
    weighted = losses * weights
    variance = np.var(weights, ddof=1) if len(weights) > 1 else 0.0
    if variance <= 1e-12:
        return float(weighted.mean())
    eta = -np.cov(weighted, weights, ddof=1)[0, 1] / variance
    return float(weighted.mean() + eta * weights.mean() - eta)


def embedded_validation(
    estimator: Any,
    source: Domain,
    target: Domain,
    *,
    cv: int = 3,
    refit: bool = True,
    random_state: Any = None,
) -> Measurement:
    """Estimate the target error by deep embedded validation (DEV): held-out source samples, weighted in feature space.

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
    random_state : int, optional
        Seeds the folds.

    Returns
    -------
    Measurement
        Estimated error rate (classification) or squared error over variance (regression); lower is better.

    Notes
    -----
    The control variate lowers the variance of plain importance weighting; like it, DEV needs domains that overlap, and
    it does not detect a change of P(y given x).

    References
    ----------
    .. [1] K. You, X. Wang, M. Long, M. Jordan. Towards accurate model selection in deep unsupervised domain
       adaptation. ICML 2019.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import embedded_validation
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = LogisticRegression().fit(source.X, source.y)
    >>> float(embedded_validation(model, source, target)) < 0.5
    True
    """
    losses, weights = source_losses_and_weights(
        estimator, source, target, cv=cv, refit=refit, random_state=random_state
    )
    return Measurement("DEV risk", dev_risk(losses, weights), higher_is_better=False)
