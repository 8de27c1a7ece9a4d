"""A scikit-learn pipeline that carries the target through its steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline as _make_pipeline
from sklearn.utils.metaestimators import available_if

from landbridge.base import TransferEstimator
from landbridge.exceptions import InputError

__all__ = ["TransferPipeline", "make_pipeline", "reads_sources"]


def _has(name: str) -> Any:
    def check(self: Any) -> bool:
        last = self.steps[-1][1]
        if last is None or last == "passthrough":
            return name in ("transform", "fit_transform")
        getattr(last, name)
        return True

    return check


class TransferPipeline(Pipeline):
    """A ``Pipeline`` whose ``X_target`` goes through every step before the method sees it.

    Made by :func:`make_pipeline`. The stock Pipeline needs a global switch for this and, without it, hands the target
    over unscaled and in silence; here the switch is set for the length of each call only.

    Parameters
    ----------
    steps : list of (str, estimator)
        As in :class:`sklearn.pipeline.Pipeline`.
    transform_input : list of str, optional
        What goes through the steps along with `X`; :func:`make_pipeline` gives ``["X_target"]``.
    memory : str or joblib.Memory, optional
        Cache of fitted steps.
    verbose : bool, default=False
        Print the time each step takes.
    """

    def fit(self, X: Any, y: Any = None, *, X_target: Any = None, y_target: Any = None, **params: Any) -> Any:
        """Fit every step; each transformation is applied to the target, too.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,), optional
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows.
        **params
            Further metadata, routed as scikit-learn does.

        Returns
        -------
        self
        """
        with config_context(enable_metadata_routing=True), _named_steps():
            return super().fit(X, y, **_target(X_target, y_target), **params)

    @available_if(_has("fit_transform"))
    def fit_transform(self, X: Any, y: Any = None, *, X_target: Any = None, y_target: Any = None, **params: Any) -> Any:
        """Fit every step and return the source as the last step leaves it.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,), optional
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows.
        **params
            Further metadata.

        Returns
        -------
        array of shape (n_source, n_components)
        """
        with config_context(enable_metadata_routing=True), _named_steps():
            return super().fit_transform(X, y, **_target(X_target, y_target), **params)


def make_pipeline(*steps: Any, memory: Any = None, verbose: bool = False) -> TransferPipeline:
    """Make a pipeline in which the target is scaled, reduced and mapped by the same steps as the source.

    Parameters
    ----------
    *steps : estimators
        As in :func:`sklearn.pipeline.make_pipeline`.
    memory : str or joblib.Memory, optional
        Cache of fitted steps.
    verbose : bool, default=False
        Print the time each step takes.

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
    return TransferPipeline(named, transform_input=["X_target"], memory=memory, verbose=verbose)


@contextmanager
def _named_steps() -> Iterator[None]:
    """Say in our words that no step reads what was given."""
    try:
        yield
    except TypeError as error:
        if "not routed to any object" not in str(error):
            raise
        given = " and ".join(n for n in ("X_target", "y_target", "source_domain") if n in str(error)) or "an argument"
        raise InputError(
            f"{given} was given, but no step of the pipeline reads it; add a method that does, or fit without."
        ) from error


def _target(X_target: Any, y_target: Any) -> dict[str, Any]:
    given = {"X_target": X_target, "y_target": y_target}
    return {k: v for k, v in given.items() if v is not None}


def reads_sources(model: Any) -> bool:
    """Whether a model, or any step of a pipeline, takes ``source_domain`` in ``fit``.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    bool
    """
    if isinstance(model, TransferPipeline):
        return any(reads_sources(step) for _, step in model.steps)
    return isinstance(model, TransferEstimator) and "source_domain" in model.transfer_tags.reads
