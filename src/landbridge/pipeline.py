"""A scikit-learn pipeline whose steps also transform the target and the intermediate domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline as _make_pipeline
from sklearn.utils.metaestimators import available_if

from landbridge.base import METADATA, TransferEstimator
from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError

__all__ = ["TransferPipeline", "make_pipeline", "reads_metadata", "reads_sources"]

# What earlier steps transform before a later step sees it.
TRANSFORMED = ("X_target", "intermediate_domains")


def _has(name: str) -> Any:
    def check(self: Any) -> bool:
        last = self.steps[-1][1]
        if last is None or last == "passthrough":
            return name in ("transform", "fit_transform")
        getattr(last, name)
        return True

    return check


class TransferPipeline(Pipeline):
    """Pipeline that transforms ``X_target`` by every step before the method that uses it.

    Made by :func:`make_pipeline`. A :class:`sklearn.pipeline.Pipeline` needs metadata routing enabled globally for
    this and otherwise passes the target on untransformed; here routing is enabled during each call only.

    Each step receives the metadata that its ``fit`` takes: ``X_target``, ``y_target``, ``source_domain``,
    ``intermediate_domains`` and ``pairs``. The target and each intermediate domain pass through the earlier steps as
    target samples do.

    Parameters
    ----------
    steps : list of (str, estimator)
        As in :class:`sklearn.pipeline.Pipeline`.
    transform_input : list of str, default=None
        Metadata that pass through the steps along with `X`. :func:`make_pipeline` gives
        ``["X_target", "intermediate_domains"]``. If None, none do.
    memory : str or joblib.Memory, default=None
        Cache of fitted steps. If None, nothing is cached.
    verbose : bool, default=False
        Whether to print the time of each step.
    """

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        X_target: Any = None,
        y_target: Any = None,
        source_domain: Any = None,
        intermediate_domains: Any = None,
        pairs: Any = None,
        **params: Any,
    ) -> Any:
        """Fit every step; each transformation is applied to the target, too.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples.
        source_domain : array-like of shape (n_source,), default=None
            Which of several sources each source sample came from.
        intermediate_domains : sequence of array-like of shape (n_samples, n_features), default=None
            Unlabelled domains between source and target, nearest to the source first.
        pairs : array-like of int, shape (n_pairs, 2), default=None
            Indices of source and target samples that belong together.
        **params
            Further metadata, routed as in scikit-learn.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If no step uses what was given.
        """
        given = _given(X_target, y_target, source_domain, intermediate_domains, pairs)
        _refuse_masked(X=X, y=y, **given)
        with config_context(enable_metadata_routing=True), _named_steps():
            return super().fit(X, y, **given, **params)

    @available_if(_has("fit_transform"))
    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        *,
        X_target: Any = None,
        y_target: Any = None,
        source_domain: Any = None,
        intermediate_domains: Any = None,
        pairs: Any = None,
        **params: Any,
    ) -> Any:
        """Fit every step and return the source samples as the last step transforms them.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples.
        source_domain : array-like of shape (n_source,), default=None
            Which of several sources each source sample came from.
        intermediate_domains : sequence of array-like of shape (n_samples, n_features), default=None
            Unlabelled domains between source and target, nearest to the source first.
        pairs : array-like of int, shape (n_pairs, 2), default=None
            Indices of source and target samples that belong together.
        **params
            Further metadata.

        Returns
        -------
        array of shape (n_source, n_components)
        """
        given = _given(X_target, y_target, source_domain, intermediate_domains, pairs)
        _refuse_masked(X=X, y=y, **given)
        with config_context(enable_metadata_routing=True), _named_steps():
            return super().fit_transform(X, y, **given, **params)

    def _refuse_and(self, method: str, X: Any, *args: Any, **params: Any) -> Any:
        """Call a method of scikit-learn's pipeline, whose steps would take what is masked for data."""
        _refuse_masked(X=X)
        return getattr(super(), method)(X, *args, **params)

    @available_if(_has("predict"))
    def predict(self, X: Any, **params: Any) -> Any:
        """Predict for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        **params
            As in :class:`sklearn.pipeline.Pipeline`.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._refuse_and("predict", X, **params)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Predict class probabilities for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        **params
            As in :class:`sklearn.pipeline.Pipeline`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._refuse_and("predict_proba", X, **params)

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any, **params: Any) -> Any:
        """Return the decision values of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        **params
            As in :class:`sklearn.pipeline.Pipeline`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._refuse_and("decision_function", X, **params)

    @available_if(_has("transform"))
    def transform(self, X: Any, **params: Any) -> Any:
        """Transform target samples by every step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        **params
            As in :class:`sklearn.pipeline.Pipeline`.

        Returns
        -------
        array of shape (n_samples, n_components)
        """
        return self._refuse_and("transform", X, **params)

    @available_if(_has("score"))
    def score(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> Any:
        """Return the score of the last step on labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
        sample_weight : array-like of shape (n_samples,), default=None
            If None, all samples count alike.
        **params
            As in :class:`sklearn.pipeline.Pipeline`.

        Returns
        -------
        float
        """
        _refuse_masked(y=y, sample_weight=sample_weight)
        return self._refuse_and("score", X, y, sample_weight, **params)


def make_pipeline(*steps: Any, memory: Any = None, verbose: bool = False) -> TransferPipeline:
    """Make a pipeline whose steps transform the target as they transform the source.

    Parameters
    ----------
    *steps : estimators
        As in :func:`sklearn.pipeline.make_pipeline`.
    memory : str or joblib.Memory, default=None
        Cache of fitted steps. If None, nothing is cached.
    verbose : bool, default=False
        Whether to print the time of each step.

    Returns
    -------
    TransferPipeline

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import StandardScaler
    >>> from landbridge import make_pipeline
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import CORAL
    >>> source, target = make_shift("concept", random_state=0)
    >>> model = make_pipeline(StandardScaler(), CORAL(), LogisticRegression())
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape == target.y.shape
    True
    """
    named = _make_pipeline(*steps).steps
    return TransferPipeline(named, transform_input=list(TRANSFORMED), memory=memory, verbose=verbose)


@contextmanager
def _named_steps() -> Iterator[None]:
    """Replace scikit-learn's message that no step uses what was given."""
    try:
        yield
    except TypeError as error:
        if "not routed to any object" not in str(error):
            raise
        given = " and ".join(n for n in METADATA if n in str(error)) or "an argument"
        raise InputError(
            f"{given} was given, but no step of the pipeline reads it; add a method that does, or fit without."
        ) from error


def _refuse_masked(**given: Any) -> None:
    for name, value in given.items():
        if name == "intermediate_domains":
            for i, domain in enumerate(value):
                refuse_masked(domain, f"{name}[{i}]")
        elif name != "y_target":  # masked entries are samples without label
            refuse_masked(value, name)


def _given(X_target: Any, y_target: Any, source_domain: Any, intermediate_domains: Any, pairs: Any) -> dict[str, Any]:
    if intermediate_domains is not None:
        intermediate_domains = _as_tuple(intermediate_domains)
    values = (X_target, y_target, source_domain, intermediate_domains, pairs)
    return {k: v for k, v in zip(METADATA, values, strict=True) if v is not None}


def _as_tuple(domains: Any) -> tuple[Any, ...]:
    """Return a tuple, whose parts scikit-learn transforms one by one."""
    if isinstance(domains, Mapping) or getattr(domains, "ndim", 3) < 3:
        raise InputError(
            "intermediate_domains must be a sequence of arrays of shape (n_samples, n_features); put them in a list."
        )
    return tuple(domains)


def reads_metadata(model: Any, name: str) -> bool:
    """Return whether a model, or any step of a pipeline, uses some metadata in ``fit``.

    Parameters
    ----------
    model : estimator
        Any estimator or pipeline.
    name : str
        One of ``X_target``, ``y_target``, ``source_domain``, ``intermediate_domains``, ``pairs``.

    Returns
    -------
    bool
    """
    if isinstance(model, Pipeline):
        return any(reads_metadata(step, name) for _, step in model.steps)
    return isinstance(model, TransferEstimator) and name in model.transfer_tags.reads


def reads_sources(model: Any) -> bool:
    """Return whether a model, or any step of a pipeline, uses ``source_domain`` in ``fit``.

    Parameters
    ----------
    model : estimator
        Any estimator or pipeline.

    Returns
    -------
    bool
    """
    return reads_metadata(model, "source_domain")
