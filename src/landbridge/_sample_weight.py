"""Fit any estimator with sample weights, also where they have to pass through meta-estimators and pipelines.

Three ways, tried in this order:

1. ``model.fit(X, y, sample_weight=...)``, or ``step__sample_weight`` for (nested) pipelines, where this reaches
   every learner that is fitted on samples;
2. metadata routing: every inner learner requests ``sample_weight``, and so does every scorer;
3. the prefixed name again, for searches over learners that metadata routing does not support.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any

from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE
from sklearn.linear_model import LinearRegression, RANSACRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import BaseCrossValidator
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import has_fit_parameter

from landbridge._random_state import seed_unseeded
from landbridge._sklearn_compat import (
    BAGGING_DRAWS_BY_WEIGHT,
    BaseSearchCV,
    _RoutingNotSupportedMixin,
)
from landbridge.exceptions import InputError

__all__ = ["fit_weighted"]

NAME = "sample_weight"
# Meta-estimators whose fit takes ``**params`` and passes ``sample_weight`` to every learner without routing.
ENSEMBLES = (StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor)
PASSES_ON = (BaseSearchCV, TransformedTargetRegressor, RFE, *ENSEMBLES)
# Those of them that pass any keyword on.
SINGLE = (BaseSearchCV, TransformedTargetRegressor)
# Parameters that hold what is fitted on something else than weighted samples.
UNWEIGHTED = ("transformer", "transformers", "kernel", "cv", "scoring", "param_grid", "param_distributions")
BAGGING = (BaggingClassifier, BaggingRegressor)


def fit_weighted(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    """Fit a clone of an estimator with sample weights.

    Weights pass through meta-estimators (searches, voting, stacking, calibration, bagging, transformed targets,
    multi-output) and pipelines, nested to any depth. In a pipeline the last step is fitted with them; the
    transformers before it are not.

    Parameters
    ----------
    estimator : estimator
        A learner whose ``fit`` takes ``sample_weight``, or a meta-estimator or pipeline around such learners. It is
        not changed.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,)
        Labels or values.
    sample_weight : array-like of shape (n_samples,)
        One weight per sample.

    Returns
    -------
    estimator
        The fitted clone.

    Raises
    ------
    InputError
        If a learner takes no ``sample_weight``, or cannot be given any where it is.

    Notes
    -----
    Searches score with the weights too, where their scorer takes them.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from landbridge.base import fit_weighted
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]
    >>> fit_weighted(search, X, y, [1.0, 1.0, 2.0, 2.0]).predict([[3.0]])
    array([1])
    """
    model = seed_unseeded(clone(estimator))
    refused = _without_weights(model)
    if refused is not None:
        who = _name(refused) if refused is model else f"{type(model).__name__}: {_name(refused)}"
        raise InputError(
            f"estimator={who} takes no sample_weight, so its samples cannot be weighted; choose a learner that does, "
            "for example LogisticRegression or Ridge."
        )
    keyword, complete = _keyword(model)
    if keyword is None or not complete:
        obstacle = _not_routable(model)
        if obstacle is None:
            return _fit_routed(model, X, y, sample_weight)
        if keyword is None:
            raise InputError(
                f"estimator={type(model).__name__} cannot pass sample_weight on to {_name(obstacle)} inside it; "
                f"use {_name(obstacle)} without a pipeline around it, or another learner."
            )
    # A surrounding pipeline may have enabled routing; this call names its argument itself.
    with config_context(enable_metadata_routing=False):
        return model.fit(X, y, **{keyword: sample_weight})


def _name(learner: Any) -> str:
    return type(learner).__name__ if hasattr(learner, "get_params") else repr(learner)


def _learners(model: Any) -> list[Any]:
    """Return what a meta-estimator fits on the samples: its inner estimators, the last step of a pipeline."""
    if isinstance(model, Pipeline):
        last = model.steps[-1][1]
        return ["passthrough" if last is None else last]
    if not hasattr(model, "get_params") or isinstance(model, type):
        return []
    params = model.get_params(deep=False)
    found = [e for k, v in params.items() if k not in UNWEIGHTED for e in _estimators_in(v)]
    if isinstance(model, BaseSearchCV):
        found += [e for k, v in _grid(model) if _is_weighted(model.estimator, k) for e in _estimators_in(v)]
    return found


def _estimators_in(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _estimators_in(part)
    elif hasattr(value, "fit") and hasattr(value, "get_params") and not isinstance(value, (type, BaseCrossValidator)):
        yield value


def _grid(search: Any) -> list[tuple[str, Any]]:
    """Return the lists of candidates of a search, one pair of name and values per entry."""
    params = search.get_params(deep=False)
    grids = params.get("param_grid", params.get("param_distributions", []))
    return [pair for grid in ([grids] if hasattr(grids, "items") else grids) for pair in grid.items()]


def _is_weighted(estimator: Any, key: str) -> bool:
    """Return whether an estimator that replaces the parameter `key` is fitted on weighted samples."""
    for part in key.split("__"):
        if part in UNWEIGHTED or (isinstance(estimator, Pipeline) and part != estimator.steps[-1][0]):
            return False
        estimator = estimator.get_params(deep=True).get(part) if hasattr(estimator, "get_params") else None
    return True


def _draws(model: Any) -> bool:
    """Return whether weights are used by drawing samples, so that the inner learner need not take any."""
    return BAGGING_DRAWS_BY_WEIGHT and isinstance(model, BAGGING)


def _without_weights(model: Any) -> Any:
    """Return the first inner learner that takes no weights, or None."""
    inner = _learners(model)
    if _draws(model):
        return None
    for learner in inner:
        if (refused := _without_weights(learner)) is not None:
            return refused
    return None if inner or _takes(model) else model


def _takes(model: Any) -> bool:
    if isinstance(model, TransformedTargetRegressor) and model.regressor is None:
        return True  # the default learner is LinearRegression
    return hasattr(model, "fit") and has_fit_parameter(model, NAME)


def _keyword(model: Any) -> tuple[str | None, bool]:
    """Return the keyword of ``fit`` that reaches every learner without routing, and whether it reaches scorers too."""
    if isinstance(model, Pipeline):
        last, step = model.steps[-1]
        keyword, complete = _keyword(step)
        overridden = type(model).fit is not Pipeline.fit
        return (f"{last}__{keyword}" if keyword else None), complete and not overridden
    inner = [] if _draws(model) else _learners(model)
    if isinstance(model, PASSES_ON) and inner:
        keywords = {_keyword(learner) for learner in inner}
        if len(keywords) > 1:
            return None, False
        keyword, complete = keywords.pop()
        if isinstance(model, BaseSearchCV):
            complete = complete and all(_takes(learner) for learner in inner)
        return (keyword if keyword == NAME or isinstance(model, SINGLE) else None), complete
    # Other meta-estimators look at the signature of the inner learner.
    return (NAME, True) if _takes(model) and all(_takes(learner) for learner in inner) else (None, False)


def _not_routable(model: Any, *, outermost: bool = True) -> Any:
    """Return the first inner estimator that metadata routing cannot give weights to, or None."""
    inner = _learners(model)
    if not outermost and (isinstance(model, _RoutingNotSupportedMixin) or not hasattr(model, "get_metadata_routing")):
        return model
    for learner in inner:
        if (obstacle := _not_routable(learner, outermost=False)) is not None:
            return obstacle
    if not inner and not isinstance(model, TransformedTargetRegressor) and not hasattr(model, "set_fit_request"):
        return model
    # Nested, bagging is given weights only where its inner learner asks for them.
    if not outermost and _draws(model) and (refused := next((e for e in inner if not _takes(e)), None)) is not None:
        return refused
    return None


def _fit_routed(model: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    with config_context(enable_metadata_routing=True):
        _request(model, wanted=True)
        return model.fit(X, y, **{NAME: sample_weight})


def _request(model: Any, *, wanted: bool) -> None:
    """Make every estimator in `model` request the weights, or not where it is fitted without them."""
    _set_defaults(model)
    for method in ("fit", "score"):
        setter = getattr(model, f"set_{method}_request", None)
        if setter is not None and NAME in signature(setter).parameters:
            setter(**{NAME: wanted})
    weighted = {id(learner) for learner in _learners(model)}
    grid = _grid(model) if isinstance(model, BaseSearchCV) else []
    for value in [*model.get_params(deep=False).values(), *(v for _, v in grid)]:
        for inner in _estimators_in(value):
            _request(inner, wanted=wanted and id(inner) in weighted)
    if wanted and getattr(model, "scoring", None) is not None:
        model.set_params(scoring=_requesting(model.scoring))


def _set_defaults(model: Any) -> None:
    """Name the default learner where routing has to ask it."""
    if isinstance(model, BAGGING) and model.estimator is None:
        model.set_params(estimator=DecisionTreeClassifier() if is_classifier(model) else DecisionTreeRegressor())
    elif isinstance(model, RANSACRegressor) and model.estimator is None:
        model.set_params(estimator=LinearRegression())
    elif isinstance(model, TransformedTargetRegressor) and model.regressor is None:
        model.set_params(regressor=LinearRegression())


def _requesting(scoring: Any) -> Any:
    if isinstance(scoring, str):
        return _requesting(get_scorer(scoring))
    if isinstance(scoring, (list, tuple, set)):
        return {name: _requesting(name) for name in scoring}
    if isinstance(scoring, dict):
        return {name: _requesting(scorer) for name, scorer in scoring.items()}
    if hasattr(scoring, "set_score_request") and NAME in signature(scoring._score_func).parameters:
        return scoring.set_score_request(**{NAME: True})
    return scoring
