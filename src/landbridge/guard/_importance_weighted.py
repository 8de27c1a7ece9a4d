"""Importance-weighted validation: held-out source rows count as much as they look like the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.base import TransferEstimator
from landbridge.domain import Domain
from landbridge.guard._views import last_step, predict_source, rows_before_last_step, stones_of
from landbridge.instance._density_ratio import probability_ratio
from landbridge.measurement import Measurement
from landbridge.pipeline import TransferPipeline, reads_sources

__all__ = ["fit_transfer", "held_out_answers", "importance_weighted", "source_losses_and_weights"]


def importance_weighted(
    estimator: Any,
    source: Domain,
    target: Domain,
    *,
    cv: int = 3,
    refit: bool = True,
    n_bootstrap: int = 0,
    random_state: Any = 0,
) -> Measurement:
    """Estimate the target error by importance-weighted cross-validation (IWCV).

    Parameters
    ----------
    estimator : estimator
        Fitted on source and target.
    source : Domain
        Labelled source rows; held out already if `refit` is False.
    target : Domain
        Target rows.
    cv : int, default=3
        Folds.
    refit : bool, default=True
        Fit a clone without each fold; False takes all rows of `source` as held out.
    n_bootstrap : int, default=0
        Resamples for the interval.
    random_state : int, default=0
        Cuts the folds and draws the resamples.

    Returns
    -------
    Measurement
        Estimated error rate (classification) or squared error over variance (regression); lower is better.

    Notes
    -----
    Unbiased under covariate shift if the ratio is right; its variance grows with that of the weights, which is why
    they are divided by their sum and clipped here. The ratio is taken in the space the model's last step sees.

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
        rows = rng.integers(len(losses), size=(n_bootstrap, len(losses)))
        draws = (losses[rows] * weights[rows]).sum(1) / weights[rows].sum(1)
        low, high = (float(v) for v in np.quantile(draws, [0.025, 0.975]))
    return Measurement("importance-weighted risk", value, low=low, high=high, higher_is_better=False)


def held_out_answers(
    estimator: Any, source: Domain, target: Domain, *, cv: int = 3, random_state: Any = 0
) -> NDArray[Any]:
    """Prediction for each source row by a clone that was fitted without it.

    Parameters
    ----------
    estimator : estimator
    source : Domain
        Labelled source rows.
    target : Domain
        Target rows.
    cv : int, default=3
    random_state : int, default=0
        Cuts the folds: the same for every model, so that losses can be compared row by row.

    Returns
    -------
    ndarray of shape (n_source,)
        Labels or values.
    """
    answers: Any = None
    for model, test in _held_out(estimator, source, target, cv, random_state):
        predicted = predict_source(model, _take(source.frame(), test))
        answers = np.empty(len(source), dtype=predicted.dtype) if answers is None else answers
        if predicted.dtype.kind in "SU":  # strings of one fold may be longer than those of another
            answers = answers.astype(object)
        answers[test] = predicted
    return np.array(answers.tolist())


def source_losses_and_weights(
    estimator: Any, source: Domain, target: Domain, *, cv: int = 3, refit: bool = True, random_state: Any = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Losses of held-out source rows, and how much each looks like the target to the model's last step.

    Parameters
    ----------
    estimator : estimator
        Fitted on source and target.
    source : Domain
        Labelled source rows.
    target : Domain
        Target rows.
    cv : int, default=3
    refit : bool, default=True
        False takes all rows of `source` as held out.
    random_state : int, default=0

    Returns
    -------
    losses, weights : ndarray of shape (n_source,)
    """
    losses, weights = np.zeros(len(source)), np.zeros(len(source))
    everything = [(estimator, np.arange(len(source)))]
    for model, test in _held_out(estimator, source, target, cv, random_state) if refit else everything:
        losses[test] = _losses(model, source, test)
        weights[test] = _ratio(model, _take(source.frame(), test), target.frame())
    return losses, weights


def _held_out(estimator: Any, source: Domain, target: Domain, cv: int, seed: Any) -> Any:
    Xs, ys, Xt = source.frame(), source.y, target.frame()
    for train, test in _folds(estimator, source, cv, seed):
        origin = None if source.source_domain is None else source.source_domain[train]
        between = stones_of(estimator)
        model = clone(estimator)
        fit_transfer(model, _take(Xs, train), ys[train], Xt, source_domain=origin, intermediate_domains=between)
        yield model, test


def _losses(model: Any, source: Domain, test: NDArray[np.intp]) -> NDArray[np.float64]:
    ys = source.y
    assert ys is not None
    predicted = predict_source(model, _take(source.frame(), test))
    if is_regressor(model):
        return (predicted - ys[test]) ** 2 / max(float(np.var(ys)), 1e-12)
    return (predicted != ys[test]).astype(float)


def fit_transfer(
    model: Any,
    Xs: Any,
    ys: Any,
    Xt: Any,
    yt: Any = None,
    *,
    source_domain: Any = None,
    intermediate_domains: Any = None,
) -> Any:
    """Fit any model on source and target; a plain estimator sees the source only.

    Parameters
    ----------
    model : estimator
    Xs, ys : source rows and labels
    Xt : target rows
    yt : target labels, optional
    source_domain : array-like of shape (n_source,), optional
        Which source each source row came from; given to models that know several sources.
    intermediate_domains : list of array-like, optional
        Domains between source and target, nearest to the source first; given to models that use them.

    Returns
    -------
    estimator
        The same object, fitted.
    """
    if not reads_target(model):
        return model.fit(Xs, ys)
    told = {"X_target": Xt} if yt is None else {"X_target": Xt, "y_target": yt}
    if source_domain is not None and reads_sources(model):
        told["source_domain"] = source_domain
    if intermediate_domains and reads_intermediate(model):
        told["intermediate_domains"] = intermediate_domains
    return model.fit(Xs, ys, **told)


def reads_intermediate(model: Any) -> bool:
    """Say whether a model, or a step of it, takes ``intermediate_domains`` in ``fit``.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    bool
    """
    if isinstance(model, TransferPipeline):
        return any(reads_intermediate(step) for _, step in model.steps)
    return isinstance(model, TransferEstimator) and "intermediate_domains" in model.transfer_tags.reads


def reads_target(model: Any) -> bool:
    """Say whether a model, or a step of it, takes a target.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    bool
    """
    if isinstance(model, TransferPipeline):
        return any(reads_target(step) for _, step in model.steps)
    return isinstance(model, TransferEstimator)


def _ratio(model: Any, rows: Any, Xt: Any) -> NDArray[np.float64]:
    Zs, Zt = rows_before_last_step(model, rows, side="source"), rows_before_last_step(model, Xt, side="target")
    # A network sees its rows as what its head is given.
    embed = getattr(last_step(model), "embed", lambda Z: Z)
    Zs, Zt = np.asarray(embed(Zs), dtype=float), np.asarray(embed(Zt), dtype=float)
    domain = np.repeat([0, 1], [len(Zs), len(Zt)])
    judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300)).fit(
        np.concatenate([Zs, Zt]), domain
    )
    return probability_ratio(judge.predict_proba(Zs)[:, 1], len(Zs), len(Zt), clip=20.0)


def _folds(estimator: Any, source: Domain, cv: int, random_state: Any) -> Any:
    if is_regressor(last_step(estimator)):
        return KFold(cv, shuffle=True, random_state=random_state).split(source.X)
    smallest = int(np.unique(source.y, return_counts=True)[1].min())
    if smallest < 2:
        return KFold(cv, shuffle=True, random_state=random_state).split(source.X)
    return StratifiedKFold(min(cv, smallest), shuffle=True, random_state=random_state).split(source.X, source.y)


def _take(X: Any, rows: Any) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
