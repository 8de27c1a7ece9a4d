"""Bind a domain to a transfer estimator, so that every tool of scikit-learn can use it.

``with_target`` binds the target: the rest is an ordinary ``fit(X, y)`` on *source* samples. ``with_source`` binds the
source: the rest is an ordinary ``fit(X, y)`` on *labelled target* samples. Bound data are no parameters: clones share
them, and cross-validation does not split them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from landbridge.base import METADATA, DelegatesToEstimator, TransferEstimator, _estimator_has
from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError
from landbridge.pipeline import reads_metadata

__all__ = ["RoutedTarget", "SourceBound", "TargetBound", "with_source", "with_target"]


class _Bound(DelegatesToEstimator, BaseEstimator):
    """What all bindings share: the parameters, tags and predictions of the bound estimator."""

    estimator: Any

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return f"{type(self).__name__}({self.estimator.__repr__(N_CHAR_MAX)})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the bound estimator, so that grids need no prefix.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include nested parameters.

        Returns
        -------
        dict
        """
        return self.estimator.get_params(deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the bound estimator.

        Parameters
        ----------
        **params
            Names as in ``get_params``.

        Returns
        -------
        self
        """
        self.estimator.set_params(**params)
        return self

    def _base(self) -> Any:
        return self.estimator

    def _checked_query(self, X: Any) -> Any:
        check_is_fitted(self)
        refuse_masked(X, "X")
        return X

    @available_if(_estimator_has("transform"))
    def transform(self, X: Any) -> Any:
        """Map target samples to the common space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        array of shape (n_samples, n_components)
        """
        return self.estimator_.transform(self._checked_query(X))

    @available_if(_estimator_has("score"))
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy (classification) or R² (regression) on labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.
        y : array-like of shape (n_samples,)
            Their labels or values.
        sample_weight : array-like of shape (n_samples,), default=None
            If None, all samples count alike.

        Returns
        -------
        float
        """
        if is_classifier(self) or is_regressor(self):
            return super().score(X, y, sample_weight=sample_weight)
        return self.estimator_.score(self._checked_query(X), y)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def _fit_estimator(self, X: Any, y: Any, metadata: dict[str, Any], method: str = "fit") -> Any:
        given = {k: v for k, v in metadata.items() if v is not None}
        for name, value in {"X": X, "y": y, **given}.items():
            refuse_masked(None if name == "y_target" else value, name)  # masked target labels are missing ones
            if name not in ("X", "y", "X_target", "y_target") and not _may_read(self.estimator, name):
                raise InputError(f"{name} was given, but {self.estimator!r} does not use it; fit without it.")
        self.estimator_ = clone(self.estimator)
        return getattr(self.estimator_, method)(X, y, **given)


class TargetBound(_Bound):
    """Estimator with its target; made by :func:`with_target`.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X_target : array-like of shape (n_target, n_features)
        All target samples.
    y_target : array-like of shape (n_target,), default=None
        Labels of some of them. If None, there are none.
    intermediate_domains : sequence of array-like of shape (n_samples, n_features), default=None
        Unlabelled domains between source and target, nearest to the source first.
    """

    # The first transformer of a pipeline around this estimator, if its clone was made in there.
    _before: str | None = None

    def __init__(self, estimator: Any, X_target: Any, y_target: Any = None, intermediate_domains: Any = None) -> None:
        self.estimator = estimator
        self.X_target = X_target
        self.y_target = y_target
        self.intermediate_domains = intermediate_domains

    def __sklearn_clone__(self) -> TargetBound:
        copy = TargetBound(clone(self.estimator), self.X_target, self.y_target, self.intermediate_domains)
        # Searches fit their clones in other processes, so the place in the pipeline is looked up when they are made.
        found = _transformers_before(self)
        copy._before = found[1] if found else self._before
        return copy

    def fit(self, X: Any, y: Any = None, *, source_domain: Any = None, pairs: Any = None) -> Self:
        """Fit on source samples, with the whole target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels.
        source_domain : array-like of shape (n_source,), default=None
            Which of several sources each source sample came from.
        pairs : array-like of int, shape (n_pairs, 2), default=None
            Indices of source and target samples that belong together.

        Returns
        -------
        self

        Raises
        ------
        InputError
            In a pipeline whose earlier steps transform `X`: the bound target does not pass through them.
        """
        self._fit_estimator(X, y, self._metadata(source_domain, pairs))
        return self

    @available_if(_estimator_has("fit_transform"))
    def fit_transform(self, X: Any, y: Any = None, *, source_domain: Any = None, pairs: Any = None) -> Any:
        """Fit, and return the source samples in the common space.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels.
        source_domain : array-like of shape (n_source,), default=None
            Which of several sources each source sample came from.
        pairs : array-like of int, shape (n_pairs, 2), default=None
            Indices of source and target samples that belong together.

        Returns
        -------
        array of shape (n_source, n_components)
        """
        return self._fit_estimator(X, y, self._metadata(source_domain, pairs), "fit_transform")

    def _metadata(self, source_domain: Any, pairs: Any) -> dict[str, Any]:
        found = _transformers_before(self)
        if (before := found[1] if found else self._before) is not None:
            raise InputError(
                f"with_target(...) comes after {before} in a pipeline, which would not transform the bound X_target; "
                f"bind the whole pipeline, with_target(landbridge.make_pipeline({before}(), ...), X_target), or route "
                "the target with with_target(..., name='X_target')."
            )
        values = (self.X_target, self.y_target, source_domain, self.intermediate_domains, pairs)
        return dict(zip(METADATA, values, strict=True))

    def get_metadata_routing(self) -> MetadataRequest:
        """Return the metadata that ``fit`` requests: those that the bound estimator uses.

        Returns
        -------
        MetadataRequest
        """
        request = super().get_metadata_routing()
        for name in ("source_domain", "pairs"):
            request.fit.add_request(param=name, alias=_may_read(self.estimator, name))
        return request


class RoutedTarget(_Bound):
    """Estimator that receives its target as fit metadata of any name; made by :func:`with_target`.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    name : str
        Name of the metadata that holds the target samples.
    y_name : str, default=None
        Name of the metadata that holds their labels. If None, there are none.
    """

    def __init__(self, estimator: Any, name: str, y_name: str | None = None) -> None:
        self.estimator = estimator
        self.name = name
        self.y_name = y_name

    def __sklearn_clone__(self) -> RoutedTarget:
        return RoutedTarget(clone(self.estimator), self.name, self.y_name)

    def fit(self, X: Any, y: Any = None, **metadata: Any) -> Self:
        """Fit on source samples, with the target among the metadata.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels.
        **metadata
            The target samples, under the name that was chosen, their labels likewise; ``source_domain``,
            ``intermediate_domains`` and ``pairs``.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If no target was given, other metadata were, or an earlier step of the pipeline does not transform the
            target.
        """
        self._fit_estimator(X, y, self._metadata(metadata))
        return self

    @available_if(_estimator_has("fit_transform"))
    def fit_transform(self, X: Any, y: Any = None, **metadata: Any) -> Any:
        """Fit, and return the source samples in the common space.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels.
        **metadata
            As in :meth:`fit`.

        Returns
        -------
        array of shape (n_source, n_components)
        """
        return self._fit_estimator(X, y, self._metadata(metadata), "fit_transform")

    def _metadata(self, metadata: dict[str, Any]) -> dict[str, Any]:
        names = self._names()
        if unknown := sorted(set(metadata) - set(names.values())):
            raise InputError(f"fit got {unknown[0]!r}; this estimator takes {', '.join(names.values())}.")
        if metadata.get(self.name) is None:
            raise InputError(f"fit needs {self.name}, the target samples; enable metadata routing and pass it to fit.")
        found = _transformers_before(self)
        if found is not None and self.name not in (found[0].transform_input or ()):
            raise InputError(
                f"{self.name} would arrive without passing through {found[1]}; give the pipeline "
                f"transform_input=[{self.name!r}]."
            )
        return {ours: metadata.get(theirs) for ours, theirs in names.items()}

    def get_metadata_routing(self) -> MetadataRequest:
        """Return the metadata that ``fit`` requests.

        Returns
        -------
        MetadataRequest
        """
        request = super().get_metadata_routing()
        for name in self._names().values():
            request.fit.add_request(param=name, alias=True)
        return request

    def _names(self) -> dict[str, str]:
        names = {"X_target": self.name} | ({} if self.y_name is None else {"y_target": self.y_name})
        return names | {n: n for n in METADATA[2:] if _may_read(self.estimator, n)}


class SourceBound(_Bound):
    """Estimator with its source; made by :func:`with_source`.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X_source : array-like of shape (n_source, n_features)
        Source samples.
    y_source : array-like of shape (n_source,)
        Source labels.
    X_unlabelled : array-like of shape (n_unlabelled, n_features), default=None
        Target samples without labels, used in every fit.
    source_domain : array-like of shape (n_source,), default=None
        Which of several sources each source sample came from.
    intermediate_domains : sequence of array-like of shape (n_samples, n_features), default=None
        Unlabelled domains between source and target, nearest to the source first.
    """

    _before: str | None = None

    def __init__(
        self,
        estimator: Any,
        X_source: Any,
        y_source: Any,
        X_unlabelled: Any = None,
        source_domain: Any = None,
        intermediate_domains: Any = None,
    ) -> None:
        self.estimator = estimator
        self.X_source = X_source
        self.y_source = y_source
        self.X_unlabelled = X_unlabelled
        self.source_domain = source_domain
        self.intermediate_domains = intermediate_domains

    def __sklearn_clone__(self) -> SourceBound:
        data = self.X_source, self.y_source, self.X_unlabelled, self.source_domain, self.intermediate_domains
        copy = SourceBound(clone(self.estimator), *data)
        found = _transformers_before(self)
        copy._before = found[1] if found else self._before
        return copy

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on labelled target samples, with the whole source.

        Parameters
        ----------
        X : array-like of shape (n_labelled, n_features)
            Labelled target samples.
        y : array-like of shape (n_labelled,)
            Their labels.

        Returns
        -------
        self

        Raises
        ------
        InputError
            In a pipeline whose earlier steps transform `X`: the bound source does not pass through them.
        """
        found = _transformers_before(self)
        if (before := found[1] if found else self._before) is not None:
            raise InputError(
                f"with_source(...) comes after {before} in a pipeline, which would not transform the bound X_source; "
                f"bind the whole pipeline, with_source(landbridge.make_pipeline({before}(), ...), X_source, y_source)."
            )
        for name, value in {"X": X, "y": y, **self.get_params(deep=False)}.items():
            refuse_masked(value, name)
        labels = np.asarray(y)
        if self.X_unlabelled is None:
            X_target, y_target = X, labels
        else:
            n = self.X_unlabelled.shape[0] if hasattr(self.X_unlabelled, "shape") else len(self.X_unlabelled)
            X_target = _stack_samples(X, self.X_unlabelled)
            blank: Any = np.full(n, np.nan) if labels.dtype.kind == "f" else np.full(n, None, dtype=object)
            y_target = np.concatenate([labels if labels.dtype.kind == "f" else labels.astype(object), blank])
        values = (X_target, y_target, self.source_domain, self.intermediate_domains, None)
        self._fit_estimator(self.X_source, self.y_source, dict(zip(METADATA, values, strict=True)))
        return self


def with_target(
    estimator: Any,
    X_target: Any = None,
    y_target: Any = None,
    *,
    intermediate_domains: Any = None,
    name: str | None = None,
    y_name: str | None = None,
) -> TargetBound | RoutedTarget:
    """Bind a target, so that the rest is an ordinary ``fit(X, y)`` on source samples.

    ``GridSearchCV``, ``cross_val_score``, calibration and stacking then split the source and leave the target whole.

    With `name` instead of `X_target`, the target comes as fit metadata of that name, for plain scikit-learn pipelines
    of other projects: they have to list the name in ``transform_input``, so that their steps transform the target, and
    metadata routing has to be enabled.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X_target : array-like of shape (n_target, n_features), default=None
        All target samples; shared by clones, never copied or split. If None, `name` is required.
    y_target : array-like of shape (n_target,), default=None
        Labels of some target samples; ``None``, NaN or -1 marks those without. If None, there are none.
    intermediate_domains : sequence of array-like of shape (n_samples, n_features), default=None
        Unlabelled domains between source and target, nearest to the source first.
    name : str, default=None
        Name of the fit metadata that holds the target samples. If None, `X_target` is bound.
    y_name : str, default=None
        Name of the fit metadata that holds their labels. If None, there are none.

    Returns
    -------
    TargetBound or RoutedTarget
        Its ``fit`` also takes ``source_domain`` and ``pairs`` if the estimator uses them.

    Raises
    ------
    InputError
        If both or neither of `X_target` and `name` are given.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge import make_pipeline, with_target
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import CORAL
    >>> source, target = make_shift("concept", random_state=0)
    >>> model = make_pipeline(CORAL(), LogisticRegression())
    >>> search = GridSearchCV(with_target(model, target.X), {"logisticregression__C": [0.1, 1.0]}, cv=3)
    >>> sorted(search.fit(source.X, source.y).best_params_)
    ['logisticregression__C']

    Under the name that another project routes:

    >>> import sklearn
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from landbridge.instance import KMM
    >>> steps = [("scale", StandardScaler()), ("kmm", with_target(KMM(), name="X_target_unlabeled"))]
    >>> pipe = Pipeline(steps, transform_input=["X_target_unlabeled"])
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     pipe.fit(source.X, source.y, X_target_unlabeled=target.X).predict(target.X).shape
    (400,)
    """
    if (X_target is None) == (name is None):
        raise InputError("with_target takes either X_target or name=; give one of them.")
    if name is None:
        if y_name is not None:
            raise InputError("y_name goes with name=; give y_target with X_target.")
        return TargetBound(estimator, X_target, y_target, intermediate_domains)
    if y_target is not None or intermediate_domains is not None:
        raise InputError("with name=, y_target and intermediate_domains are fit metadata; pass them to fit.")
    return RoutedTarget(estimator, name, y_name)


def with_source(
    estimator: Any,
    X_source: Any,
    y_source: Any,
    X_unlabelled: Any = None,
    *,
    source_domain: Any = None,
    intermediate_domains: Any = None,
) -> SourceBound:
    """Bind a source, so that the rest is an ordinary ``fit(X, y)`` on labelled target samples.

    Cross-validation then splits the labelled target samples, as it should if a few target labels exist;
    ``learning_curve`` shows how many target labels are worth having.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X_source : array-like of shape (n_source, n_features)
        Source samples.
    y_source : array-like of shape (n_source,)
        Source labels.
    X_unlabelled : array-like of shape (n_unlabelled, n_features), default=None
        Target samples without labels, used in every fit. If None, there are none.
    source_domain : array-like of shape (n_source,), default=None
        Which of several sources each source sample came from. If None, there is one.
    intermediate_domains : sequence of array-like of shape (n_samples, n_features), default=None
        Unlabelled domains between source and target, nearest to the source first.

    Returns
    -------
    SourceBound

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from landbridge import with_source
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import SourcePriorLogistic
    >>> source, target = make_shift("covariate", random_state=0)
    >>> bound = with_source(SourcePriorLogistic(), source.X, source.y)
    >>> cross_val_score(bound, target.X[:40], target.y[:40], cv=4).shape
    (4,)
    """
    return SourceBound(estimator, X_source, y_source, X_unlabelled, source_domain, intermediate_domains)


def _may_read(estimator: Any, name: str) -> bool:
    """Return whether an estimator uses some metadata; of other projects' estimators this is not known."""
    if isinstance(estimator, (TransferEstimator, Pipeline)):
        return reads_metadata(estimator, name)
    inner = getattr(estimator, "estimator", None)
    return inner is None or _may_read(inner, name)


def _transformers_before(bound: Any) -> tuple[Any, str] | None:
    """Find the pipeline that is fitting `bound`, and the first step in it that transforms samples before.

    scikit-learn does not tell an estimator that it is a step of a pipeline, so the calls on the stack are searched.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        pipeline: Any = frame.f_locals.get("self") if frame.f_code.co_name in ("fit", "fit_transform", "_fit") else None
        if isinstance(pipeline, Pipeline) or (
            type(pipeline).__name__ == "Pipeline" and isinstance(getattr(pipeline, "steps", None), list)
        ):
            before: list[str] = []
            for _, step in pipeline.steps:
                if any(_same_data(inner, bound) for inner in _nested(step)):
                    if before:
                        return pipeline, before[0]
                    break
                if step is not None and step != "passthrough":
                    before.append(type(step).__name__)
        frame = frame.f_back
    return None


def _same_data(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, RoutedTarget):
        return one is other or one.name == other.name
    side = "X_target" if isinstance(one, TargetBound) else "X_source"
    return getattr(one, side) is getattr(other, side)


def _nested(step: Any) -> Iterator[Any]:
    """Yield a step and the estimators inside it."""
    yield step
    if hasattr(step, "get_params") and not isinstance(step, (type, _Bound)):
        for value in step.get_params(deep=False).values():
            for part in value if isinstance(value, list) else [value]:
                for inner in part if isinstance(part, tuple) else [part]:
                    if hasattr(inner, "get_params"):
                        yield from _nested(inner)


def _stack_samples(A: Any, B: Any) -> NDArray[Any] | Any:
    if hasattr(A, "columns") != hasattr(B, "columns"):
        raise InputError(
            "X_unlabelled must be of the same type as the labelled samples: both DataFrames or both arrays."
        )
    if hasattr(A, "columns"):
        import pandas as pd

        return pd.concat([A, B], ignore_index=True)
    if sparse.issparse(A) or sparse.issparse(B):
        return sparse.vstack([A, B], format="csr")
    return np.concatenate([np.asarray(A), np.asarray(B)])
