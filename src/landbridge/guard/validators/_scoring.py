"""Validators as scikit-learn scoring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landbridge.binding import TargetBound
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement

__all__ = ["as_scoring"]


def as_scoring(validator: Callable[..., Measurement], **options: Any) -> Callable[[Any, Any, Any], float]:
    """Make a validator a ``scoring`` for searches over models bound by :func:`landbridge.with_target`.

    Parameters
    ----------
    validator : callable
        ``validator(estimator, source, target) -> Measurement``.
    **options
        Passed on to it.

    Returns
    -------
    callable
        ``scoring(estimator, X, y)``; `X`, `y` are the held-out source samples. Higher is better: risks are negated.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from landbridge import make_pipeline, with_target
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import CORAL
    >>> from landbridge.guard import as_scoring, importance_weighted
    >>> source, target = make_shift("translation", random_state=0)
    >>> model = with_target(make_pipeline(CORAL(), LogisticRegression()), target.X)
    >>> cross_val_score(model, source.X, source.y, cv=3, scoring=as_scoring(importance_weighted)).shape
    (3,)
    """

    def scoring(estimator: Any, X: Any, y: Any) -> float:
        if not isinstance(estimator, TargetBound):
            raise InputError(
                "estimator is not bound to a target, which this scoring needs; bind it by "
                "landbridge.with_target(model, X_target)."
            )
        source, target = Domain(X, y), Domain(estimator.X_target)
        # the samples are held out already, so that nothing needs to be fitted again
        measured = validator(estimator.estimator_, source, target, refit=False, **options)
        return -float(measured) if measured.higher_is_better is False else float(measured)

    return scoring
