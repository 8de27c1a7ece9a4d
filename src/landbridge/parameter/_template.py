"""Template of parameter methods: the source model, fitted or given, and its adaptation to a target."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import _fit_context
from landbridge.base import TransferEstimator, split_labelled
from landbridge.exceptions import InputError, LabelError

__all__ = ["ParameterClassifier", "ParameterRegressor", "ParameterTransfer", "encode_labels", "fit_seeded"]


class ParameterTransfer(TransferEstimator):
    """Template of parameter methods: fit a model on the source, then adapt it to the target.

    ``fit``, ``adapt`` and ``predict`` read the input, encode the labels and call the hooks of the method:

    * ``_fit_source(Xs, ys, rng)`` returns the source model; not called if `source_estimator` is given;
    * ``_start(model)`` keeps what the adaptation starts from; the method then equals the source model;
    * ``_adapt(Xt, yt, rows, rng)`` adapts it to the target samples `Xt`, of which `rows` have the labels `yt` (class
      codes or floats); called if there is a target.

    Extend :class:`ParameterClassifier` or :class:`ParameterRegressor`, which add the hooks of the prediction.
    """

    source_estimator: Any
    # Attributes that the source model must have; alternatives in one tuple. And how to name such a model.
    _source_attributes: ClassVar[tuple[tuple[str, ...], ...]] = ()
    _source_kind: ClassVar[str] = "estimator"

    @abstractmethod
    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> Any: ...

    @abstractmethod
    def _start(self, model: Any) -> None: ...

    @abstractmethod
    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None: ...

    @abstractmethod
    def _encode(self, labels: NDArray[Any]) -> NDArray[Any]: ...

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the source model and adapt it to the target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples; only validated if `source_estimator` is given.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples. If None, the source model is not adapted.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples, the marker of a missing label elsewhere.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(getattr(self, "random_state", None))
        if self.source_estimator is None:
            ys = read.ys.astype(np.float64) if isinstance(self, RegressorMixin) else read.ys
            self._set_source(self._fit_source(read.Xs, ys, rng))
        else:
            self._set_source(self.source_estimator)
            self._check_features("X")
        if X_target is not None:
            self._adapt(read.Xt, self._encode(read.yt), read.rows, rng)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Adapt the source model to a target without source samples; every call starts from the source model.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target samples.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples, the marker of a missing label elsewhere.

        Returns
        -------
        self : object
            Adapted estimator.
        """
        first = not hasattr(self, "source_estimator_")
        if first and self.source_estimator is None:
            check_is_fitted(self, "source_estimator_")
        self._set_source(self.source_estimator if first else self.source_estimator_)
        X = self._read_target(X_target, reset=first)
        self._check_features("X_target")
        rows, labels = split_labelled(y_target, X.shape[0], getattr(self, "classes_", None))
        self._adapt(X, self._encode(labels), rows, check_random_state(getattr(self, "random_state", None)))
        return self

    def _set_source(self, model: Any) -> None:
        for names in self._source_attributes:
            if not any(hasattr(model, name) for name in names):
                inner = model.estimator if isinstance(model, FrozenEstimator) else model
                lacks = f"={type(inner).__name__} has no {' or '.join(names)}"
                if self.source_estimator is None:
                    raise InputError(f"estimator{lacks} once fitted; pass a {self._source_kind}.")
                raise InputError(
                    f"source_estimator{lacks}; pass a fitted {self._source_kind}, wrapped in "
                    "sklearn.frozen.FrozenEstimator so that clones keep it fitted."
                )
        self.source_estimator_ = model
        self._start(model)

    def _check_features(self, name: str) -> None:
        """Compare the features of the samples with those that the source model was fitted on."""
        expected = getattr(self.source_estimator_, "n_features_in_", self.n_features_in_)
        if expected != self.n_features_in_:
            raise InputError(
                f"source_estimator was fitted on {expected} features but {name} has {self.n_features_in_}; pass the "
                "same features in the same order."
            )
        names, mine = (getattr(e, "feature_names_in_", None) for e in (self.source_estimator_, self))
        if names is not None and mine is not None and list(names) != list(mine):
            raise InputError(
                f"source_estimator was fitted on features with other names, or in another order, than {name} has; pass "
                "the same features in the same order."
            )


class ParameterRegressor(RegressorMixin, ParameterTransfer):
    """Template of parameter methods for regression; the hook ``_predict(X)`` returns the values."""

    @abstractmethod
    def _predict(self, X: Any) -> NDArray[np.float64]: ...

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the values of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predicted values.
        """
        X = self._read_rows(X)
        return self._predict(X)

    def _encode(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(labels, dtype=np.float64)


def _implements(hook: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        getattr(self, hook)  # raises AttributeError if the method lacks it
        return True

    return check


class ParameterClassifier(ClassifierMixin, ParameterTransfer):
    """Template of parameter methods for classification, with at least one of two hooks for the prediction.

    ``_decision(X)`` returns an array of shape ``(n_samples, 1)`` for two classes, else ``(n_samples, n_classes)``;
    ``_proba(X)`` returns class probabilities of shape ``(n_samples, n_classes)``.
    """

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predicted classes.
        """
        X = self._read_rows(X)
        if not hasattr(self, "_decision"):
            return self.classes_[self._proba(X).argmax(axis=1)]
        scores = self._decision(X)
        codes = (scores[:, 0] > 0).astype(np.intp) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return self.classes_[codes]

    @available_if(_implements("_decision"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute the decision values of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Decision values; one per sample for two classes.
        """
        X = self._read_rows(X)
        scores = self._decision(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @available_if(_implements("_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict the class probabilities of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Class probabilities.
        """
        X = self._read_rows(X)
        return self._proba(X)

    def _set_source(self, model: Any) -> None:
        if hasattr(model, "classes_"):
            self.classes_ = np.asarray(model.classes_)
        super()._set_source(model)

    def _encode(self, labels: NDArray[Any]) -> NDArray[np.intp]:
        return encode_labels(labels, self.classes_)


def encode_labels(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Return the position of each label among the classes of the source model.

    Parameters
    ----------
    labels : ndarray of shape (n_labelled,)
        Target labels.
    classes : ndarray of shape (n_classes,)
        Classes of the source model.

    Returns
    -------
    codes : ndarray of int, shape (n_labelled,)
        Class codes.

    Raises
    ------
    LabelError
        If a label is not among the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter._template import encode_labels
    >>> encode_labels(np.array(["b", "a"]), np.array(["a", "b", "c"])).tolist()
    [1, 0]
    """
    lookup = {label: code for code, label in enumerate(classes.tolist())}
    unknown = [label for label in labels.tolist() if label not in lookup]
    if unknown:
        raise LabelError(
            f"y_target holds the class {unknown[0]!r}, which the source model does not have; its classes are "
            f"{classes.tolist()} (same spelling and type)."
        )
    return np.array([lookup[label] for label in labels.tolist()], dtype=np.intp)


def fit_seeded(estimator: Any, X: Any, y: Any, rng: np.random.RandomState) -> Any:
    """Fit a clone of an estimator, with ``random_state`` drawn from a generator if the estimator has None.

    Parameters
    ----------
    estimator : estimator
        Unfitted base learner.
    X : array of shape (n_samples, n_features)
        Training samples.
    y : ndarray of shape (n_samples,)
        Labels or values.
    rng : RandomState
        Random number generator.

    Returns
    -------
    estimator
        The fitted clone.
    """
    model = clone(estimator)
    if model.get_params(deep=False).get("random_state", 0) is None:
        model.set_params(random_state=rng.randint(2**31 - 1))
    return model.fit(X, y)
