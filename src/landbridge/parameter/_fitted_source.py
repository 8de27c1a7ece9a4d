"""A fitted scikit-learn model as the source, and what the methods that start from one have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import _fit_context
from landbridge.base import TransferEstimator, predicts_as, split_labelled
from landbridge.exceptions import InputError, LabelError
from landbridge.fitted_models import check_fitted_model, match_features

__all__ = ["FittedSource"]


def _source_has(name: str) -> Any:
    def check(self: Any) -> bool:
        getattr(self._source(), name)  # raises AttributeError where it is missing
        return True

    return check


class FittedSource(MetaEstimatorMixin, BaseEstimator):
    """Fitted scikit-learn model that predicts the target without any adaptation (the source-only baseline).

    ``fit`` checks that the model and the target belong together and leaves the model as it is; clones share it.

    Parameters
    ----------
    source_estimator : estimator
        Fitted classifier or regressor, for example a ``Pipeline``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the model; classification only.
    n_features_in_ : int
        Number of features that the model expects, where it says so.

    Notes
    -----
    Features are matched by name where model and samples have names; otherwise their number is compared. Values are
    passed on unchanged, so that a model that encodes text features or missing values itself receives them. Time and
    memory are those of the model's ``predict``.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import FittedSource
    >>> from sklearn.linear_model import LogisticRegression
    >>> source, target = make_shift("label", random_state=0)
    >>> model = FittedSource(LogisticRegression().fit(source.X, source.y)).fit(X_target=target.X)
    >>> bool(model.score(target.X, target.y) > 0.9)
    True
    """

    # Class-level request: a pipeline hands the target to whichever step asks for it.
    __metadata_request__fit = {"X_target": True, "y_target": True}

    def __init__(self, source_estimator: Any) -> None:
        self.source_estimator = source_estimator

    def fit(self, X: Any = None, y: Any = None, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Check the model against the samples; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features), optional
            Source samples, if there are any; only their features are checked.
        y : array-like of shape (n_source,), optional
            Ignored.
        X_target : array-like of shape (n_target, n_features), optional
            Target samples; only their features are checked.
        y_target : array-like of shape (n_target,), optional
            Labels of some target samples; their classes are checked.

        Returns
        -------
        self
            The same object.

        Raises
        ------
        InputError
            If the model is not fitted or expects other features.
        LabelError
            If `y_target` holds a class that the model does not know.
        """
        model = check_fitted_model(self.source_estimator)
        for samples, name in ((X, "X"), (X_target, "X_target")):
            if samples is not None:
                match_features(model, samples, name)
        if y_target is not None and X_target is None:
            raise InputError("y_target was given without X_target; give the target samples with their labels.")
        if y_target is not None and is_classifier(model):
            labels = split_labelled(y_target, len(match_features(model, X_target)), model.classes_)[1]
            class_codes(model.classes_, labels)
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """Classes of the model."""
        return self.source_estimator.classes_

    @property
    def n_features_in_(self) -> int:
        """Number of features that the model expects."""
        return self.source_estimator.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the features that the model expects."""
        return self.source_estimator.feature_names_in_

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict by the source model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes or values.
        """
        return call_source(self.source_estimator, "predict", X)

    @available_if(_source_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities by the source model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return call_source(self.source_estimator, "predict_proba", X)

    @available_if(_source_has("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the decision values of the source model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the model returns them.
        """
        return call_source(self.source_estimator, "decision_function", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return accuracy or R² on labelled samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the samples.

        Returns
        -------
        float
            Larger is better.
        """
        metric = accuracy_score if is_classifier(self) else r2_score
        return float(metric(y, self.predict(X), sample_weight=sample_weight))

    def _source(self) -> Any:
        return self.source_estimator

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_clone__(self) -> FittedSource:
        return copy_sharing_source(self)

    def __sklearn_tags__(self) -> Any:
        tags = predicts_as(super().__sklearn_tags__(), get_tags(self.source_estimator))
        tags.input_tags = get_tags(self.source_estimator).input_tags
        return tags


class _FromFittedSource(MetaEstimatorMixin, TransferEstimator):
    """Template of methods that adapt the predictions of a fitted source model.

    A method gives ``_adapt(X, rows, labels)``, which learns from target samples, and what it predicts with. The model
    is ``source_estimator`` where given, else a clone of `estimator` fitted on the source samples.
    """

    source_estimator: Any
    estimator: Any

    @abstractmethod
    def _adapt(self, X: Any, rows: NDArray[np.intp], labels: NDArray[Any]) -> None: ...

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the source model unless it is given, then adapt its predictions to the target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples; only checked where `source_estimator` is given.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), optional
            Target samples; if None, the source is its own target.
        y_target : array-like of shape (n_target,), optional
            Labels of some target samples; ``None`` or NaN where there is none.

        Returns
        -------
        self
            Fitted.
        """
        if self.source_estimator is not None:
            return self.adapt(X if X_target is None else X_target, y_target)
        read = self._read(X, y, X_target, y_target, supervised=True)
        self._keep(clone(self._base()).fit(read.Xs, read.ys))
        self._counts = np.unique(read.ys, return_counts=True)[1] if is_classifier(self.source_estimator_) else None
        self._adapt(read.Xt, read.rows, read.yt)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Adapt the source model's predictions to a target, without source samples; always starts from the source.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target samples.
        y_target : array-like of shape (n_target,), optional
            Labels of some target samples; ``None`` or NaN where there is none.

        Returns
        -------
        self
            Fitted.
        """
        if self.source_estimator is not None:
            self._keep(check_fitted_model(self.source_estimator))
            self._counts = None
        else:
            check_is_fitted(self, "source_estimator_")
        X = self._target(X_target)
        rows, labels = split_labelled(y_target, X.shape[0], getattr(self, "classes_", None))
        self._adapt(X, rows, labels)
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return accuracy or R² on labelled samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the samples.

        Returns
        -------
        float
            Larger is better.
        """
        metric = accuracy_score if is_classifier(self) else r2_score
        return float(metric(y, self.predict(X), sample_weight=sample_weight))

    def _keep(self, model: Any) -> None:
        self.source_estimator_ = model
        if is_classifier(model):
            self.classes_ = np.asarray(model.classes_)
        elif hasattr(self, "classes_"):
            del self.classes_
        if self.source_estimator is not None:
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(model, name):
                    setattr(self, name, getattr(model, name))

    def _target(self, X: Any) -> Any:
        """Check target samples: strictly where the source model was fitted here, else as the given model wants them."""
        if self.source_estimator is None:
            return self._read_target(X)
        return match_features(self.source_estimator_, X)

    def _samples(self, X: Any) -> Any:
        """Check samples given to predict."""
        check_is_fitted(self, "source_estimator_")
        return self._read_rows(X) if self.source_estimator is None else match_features(self.source_estimator_, X, "X")

    def _base(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))

    def _source(self) -> Any:
        return self._base() if self.source_estimator is None else self.source_estimator

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "source_estimator_")

    def __sklearn_clone__(self) -> Any:
        return copy_sharing_source(self)

    def __sklearn_tags__(self) -> Any:
        inner = get_tags(self._source())
        tags = predicts_as(super().__sklearn_tags__(), inner)
        tags.input_tags.sparse = False
        return tags


def copy_sharing_source(estimator: Any) -> Any:
    """Clone an estimator, but keep the same fitted `source_estimator`.

    Parameters
    ----------
    estimator : estimator
        With a parameter `source_estimator`.

    Returns
    -------
    estimator
        Unfitted, apart from the source model.
    """
    params = estimator.get_params(deep=False)
    copy = type(estimator)(**{k: v if k == "source_estimator" else clone(v, safe=False) for k, v in params.items()})
    if hasattr(estimator, "_metadata_request"):
        copy._metadata_request = estimator._metadata_request
    return copy


def call_source(model: Any, method: str, X: Any) -> NDArray[Any]:
    """Call a method of a fitted source model; what it raises becomes one line.

    Parameters
    ----------
    model : estimator
        Fitted.
    method : str
        ``"predict"``, ``"predict_proba"`` or ``"decision_function"``.
    X : array-like of shape (n_samples, n_features)
        Samples.

    Returns
    -------
    ndarray
        What the method returns.

    Raises
    ------
    InputError
        If the model cannot predict these samples.
    """
    X = match_features(model, X, "X")
    try:
        out = getattr(model, method)(X)
    except (ValueError, TypeError) as error:
        why = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(f"X_target: source_estimator={type(model).__name__} cannot predict it: {why}.") from error
    return out.toarray() if sparse.issparse(out) else np.asarray(out)


def class_codes(classes: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.intp]:
    """Return the position of each label in the model's classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Classes of the source model.
    labels : ndarray of shape (n_labelled,)
        Labels of target samples.

    Returns
    -------
    ndarray of int, shape (n_labelled,)
        Column numbers of ``predict_proba``.

    Raises
    ------
    LabelError
        If a label is not among the classes.
    """
    place = {c: i for i, c in enumerate(classes.tolist())}
    given = labels.tolist()
    if unknown := [v for v in given if v not in place]:
        raise LabelError(
            f"y_target holds the class {unknown[0]!r}, which the source model does not know; its classes are "
            f"{classes.tolist()} (same spelling and type)."
        )
    return np.array([place[v] for v in given], dtype=np.intp)


def check_kind(model: Any, *, classification: bool, method: str) -> None:
    """Raise one line where a method gets the wrong kind of source model.

    Parameters
    ----------
    model : estimator
        Fitted source model.
    classification : bool
        Whether a classifier is needed; False for a regressor.
    method : str
        Name of the method, for the message.

    Raises
    ------
    InputError
        If the kind is wrong.
    """
    if (is_classifier if classification else is_regressor)(model):
        return
    kind = "classifier" if classification else "regressor"
    raise InputError(f"source_estimator={type(model).__name__} is no {kind}, which {method} needs; give a {kind}.")
