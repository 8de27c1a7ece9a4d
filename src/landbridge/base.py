"""The interface of every method: ``fit(X, y, *, X_target, y_target)``, then ``predict(X)`` on target samples.

Two templates carry most methods: :class:`FeatureTransfer` (three hooks) and :class:`InstanceTransfer` (one hook).
Parameter and relation methods extend :class:`TransferEstimator` directly. :class:`DelegatesToEstimator` gives the
predictions of an inner ``estimator_`` to every method that has one.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
    is_classifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from landbridge._sample_weight import fit_weighted
from landbridge._sklearn_compat import _check_feature_names_in, _fit_context, _num_features
from landbridge.domain import refuse_masked, split_labelled
from landbridge.exceptions import InputError, LabelError, MissingExtraError
from landbridge.tasks import infer_task

__all__ = [
    "METADATA",
    "DelegatesToEstimator",
    "FeatureTransfer",
    "InstanceTransfer",
    "Read",
    "TransferEstimator",
    "TransferTags",
    "fit_weighted",
    "split_labelled",
]

# Fit metadata beside X and y; each class requests those that its ``fit`` takes, and those of zero-shot learning.
METADATA = ("X_target", "y_target", "source_domain", "intermediate_domains", "pairs")
ROUTED = (*METADATA, "attributes")

# library to import -> the extra of landbridge that brings it
EXTRAS = {"duckdb": "relational", "pyarrow": "parquet", "distributed": "cluster", "ot": "", "torch": "neural"}


@dataclass(frozen=True)
class TransferTags:
    """Describe a method: what it is, reads and needs. The planner, the catalogue, the tests and the docs use it.

    Parameters
    ----------
    family : str
        ``"instance"``, ``"feature"``, ``"parameter"``, ``"relation"`` or ``"stepwise"``.
    reads : frozenset of str, default=frozenset({"X_target"})
        Which fit metadata the method uses, among ``X_target``, ``y_target``, ``source_domain``,
        ``intermediate_domains`` and ``pairs``; the others are ignored.
    needs : frozenset of str, default=frozenset()
        Which of them are required.
    tasks : frozenset of str, default=frozenset({"classification", "regression"})
        Tasks it can be used for.
    shifts : frozenset of str, default=frozenset()
        Kinds of shift it is made for: ``"covariate"``, ``"label"``, ``"concept"``, ``"subspace"``.
    source_free : bool, default=False
        Whether a fitted source model is enough (the class then has ``adapt``).
    requires : tuple of str, default=()
        Optional libraries, by import name.
    growth : str, default=""
        Growth in time and memory.
    reference : str, default=""
        The paper.
    new_classes : bool, default=False
        Whether labelled target samples may have classes that the source does not have.
    max_samples : int or None, default=None
        The planner omits the method if a domain has more samples. If None, it never does.
    heterogeneous : bool, default=False
        Whether the target may have other features than the source.
    moved_features : bool, default=False
        Whether the planner tries it only where single features were multiplied or moved.
    """

    family: str
    reads: frozenset[str] = frozenset({"X_target"})
    needs: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset({"classification", "regression"})
    shifts: frozenset[str] = frozenset()
    source_free: bool = False
    requires: tuple[str, ...] = ()
    growth: str = ""
    reference: str = ""
    new_classes: bool = False
    max_samples: int | None = None
    heterogeneous: bool = False
    moved_features: bool = False


class Read(NamedTuple):
    """Checked input: source samples and labels, target samples, and the labels of the target.

    Parameters
    ----------
    Xs : ndarray or csr_matrix of shape (n_source, n_features)
        Source samples.
    ys : ndarray of shape (n_source,) or None
        Source labels.
    Xt : ndarray or csr_matrix of shape (n_target, n_features)
        Target samples; the source samples if no target was given.
    rows : ndarray of int, shape (n_labelled,)
        Indices of the target samples that have a label.
    yt : ndarray of shape (n_labelled,)
        Their labels.
    """

    Xs: Any
    ys: Any
    Xt: Any
    rows: NDArray[np.intp]
    yt: NDArray[Any]


class TransferEstimator(BaseEstimator, ABC):
    """Base class of every method: check source and target, and declare which metadata are routed.

    Subclasses implement ``fit(X, y=None, *, X_target=None, y_target=None)`` and give ``transfer_tags``. Every name of
    ``ROUTED`` that their ``fit`` takes is requested, so that a pipeline passes it to the step that uses it.
    """

    transfer_tags: ClassVar[TransferTags]
    _parameter_constraints: ClassVar[dict[str, Any]] = {}
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True}
    _accept_sparse: ClassVar[bool] = False
    # True if the method scales the features itself, so that no scaler should come before it.
    own_scaling: ClassVar[bool] = False
    # Remembers the source's features if the target has features of its own; the estimator itself knows the target's.
    _source_side: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        fit = vars(cls).get("fit")
        if fit is not None:  # scikit-learn looks for class attributes that contain __metadata_request__
            taken = [name for name in ROUTED if name in inspect.signature(fit).parameters]
            setattr(cls, f"_{cls.__name__}__metadata_request__fit", dict.fromkeys(taken, True))
        super().__init_subclass__(**kwargs)

    def _read(self, X: Any, y: Any, X_target: Any, y_target: Any, *, supervised: bool = False) -> Read:
        """Check all arguments of ``fit``, with messages that name the argument at fault."""
        check_requires(type(self))
        options = self._reading()
        refuse_masked(X, "X")
        if supervised or y is not None:
            refuse_masked(y, "y")
            X, y = validate_data(self, X, y, multi_output=False, y_numeric=False, **options)
            if y.dtype.kind == "f" and not np.isfinite(y).all():
                raise LabelError("y holds NaN or infinity; every source sample needs a label. Drop those without one.")
        else:
            X = validate_data(self, X, **options)
        apart = self.transfer_tags.heterogeneous and X_target is not None
        self._source_side = _columns_apart(self, X_target) if apart else None
        width = X.shape[1] if self._source_side is None else None
        Xt = X if X_target is None else _validate_target(self, X_target, width, options, reset=width is None)
        if self._source_side is None and sparse.issparse(X) != sparse.issparse(Xt):
            Xt = sparse.csr_matrix(Xt) if sparse.issparse(X) else Xt.toarray()
        classes = np.unique(y) if y is not None and self._task(y) == "classification" else None
        if y_target is not None and X_target is None:
            raise InputError("y_target was given without X_target; pass the target samples with their labels.")
        rows, yt = split_labelled(y_target, Xt.shape[0], classes)
        # Without any target the source is its own target, so that generic tools can fit every method.
        if "y_target" in self._needs() and X_target is not None and len(rows) == 0:
            name = type(self).__name__
            raise LabelError(f"{name} needs y_target: label at least one target sample, or choose another method.")
        reads_labels = "y_target" in self.transfer_tags.reads and not self.transfer_tags.new_classes
        if classes is not None and reads_labels and len(yt) and (unknown := set(yt.tolist()) - set(classes.tolist())):
            raise LabelError(
                f"y_target holds the class {sorted(map(str, unknown))[0]!r}, which y does not have; "
                "source and target must share their classes (same spelling and type)."
            )
        return Read(X, y, Xt, rows, yt)

    def _task(self, y: Any) -> str:
        """Return the task: the only one of the method, that of the estimator, or else the one that `y` suggests."""
        tasks = self.transfer_tags.tasks
        return next(iter(tasks)) if len(tasks) == 1 else infer_task(y, self).name

    def _needs(self) -> frozenset[str]:
        """Return what this instance requires; a parameter may replace what the tags name."""
        return self.transfer_tags.needs

    def _read_rows(self, X: Any, *, side: str = "target") -> Any:
        """Check samples given after fitting."""
        check_is_fitted(self)
        refuse_masked(X, "X")
        checker = self if side == "target" or self._source_side is None else self._source_side
        return validate_data(checker, X, reset=False, **self._reading())

    def _read_target(self, X_target: Any, *, reset: bool = False) -> Any:
        """Check target samples given to ``adapt``; with `reset` they are the first that the method sees."""
        width = None if reset else getattr(self, "n_features_in_", None)
        return _validate_target(self, X_target, width, self._reading(), reset=reset)

    def _reading(self) -> dict[str, Any]:
        return {"accept_sparse": "csr" if self._accept_sparse else False, "dtype": np.float64}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._accept_sparse
        return tags


class FeatureTransfer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TransferEstimator):
    """Template of feature methods: map both domains into one space.

    ``fit``, ``fit_transform`` and ``transform`` are final. A method gives three hooks:

    * ``_fit(Xs, ys, Xt, yt)`` learns; ``yt`` has one entry per target sample, ``None`` or NaN if it has no label, or
      is None if no target sample has one;
    * ``_map_source(X)`` maps source samples, ``_map_target(X)`` target samples to the common space.

    ``fit_transform`` returns the *source* samples in the common space (what the next step of a pipeline is fitted on)
    and ``transform`` maps *target* samples there, so that any pipeline is a transfer pipeline.
    """

    # True if the output has the same features as the input, so that their names are kept.
    preserves_columns: ClassVar[bool] = False

    @abstractmethod
    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None: ...

    @abstractmethod
    def _map_source(self, X: Any) -> Any: ...

    @abstractmethod
    def _map_target(self, X: Any) -> Any: ...

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Learn the common space.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels; used by methods whose tags say so.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples; ``None``, NaN or -1 marks those without.

        Returns
        -------
        self
        """
        self._learn(X, y, X_target, y_target)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, X_target: Any = None, y_target: Any = None) -> Any:
        """Learn the common space and return the source samples in it.

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

        Returns
        -------
        ndarray of shape (n_source, n_components)
            The source samples in the common space.
        """
        return self._map_source(self._learn(X, y, X_target, y_target))

    def transform(self, X: Any) -> Any:
        """Map target samples, seen or new, to the common space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        return self._map_target(self._read_rows(X))

    def transform_source(self, X: Any) -> Any:
        """Map source samples, seen or new, to the common space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source samples.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        return self._map_source(self._read_rows(X, side="source"))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the output features.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features. If None, those seen in ``fit``.

        Returns
        -------
        ndarray of str
        """
        if not self.preserves_columns:
            return super().get_feature_names_out(input_features)
        check_is_fitted(self)
        return _check_feature_names_in(self, input_features)

    def _learn(self, X: Any, y: Any, X_target: Any, y_target: Any) -> Any:
        read = self._read(X, y, X_target, y_target)
        self._fit(read.Xs, read.ys, read.Xt, _spread(read))
        self._n_features_out = self._map_target(read.Xt[:1]).shape[1]
        return read.Xs


def _estimator_has(name: str) -> Any:
    """Return a check for ``available_if``: whether the inner estimator, fitted or not, has a method."""

    def check(self: Any) -> bool:
        inner = getattr(self, "estimator_", None)
        getattr(inner if inner is not None else self._base(), name)  # raises AttributeError if it is missing
        return True

    return check


class DelegatesToEstimator:
    """Mixin of methods that predict with an inner fitted ``estimator_``.

    ``predict``, ``predict_proba``, ``predict_log_proba`` and ``decision_function`` exist if the inner estimator has
    them; ``classes_`` is its own; ``score`` is accuracy or R²; the tags are those of the inner estimator.

    A class sets ``estimator_`` in ``fit`` and may override ``_base`` (the unfitted inner estimator) and ``_query``
    (from checked target samples to what the inner estimator takes).
    """

    estimator: Any
    estimator_: Any

    def _base(self) -> Any:
        """Return the unfitted inner estimator."""
        return LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator

    def _query(self, X: Any) -> Any:
        """Return what the inner estimator takes in place of checked target samples."""
        return X

    def _checked_query(self, X: Any) -> Any:
        X = self._read_rows(X)  # type: ignore[attr-defined]  # first, so that it says if nothing was fitted
        return self._query(X)

    @property
    def classes_(self) -> NDArray[Any]:
        """Classes of the fitted inner estimator."""
        return self.estimator_.classes_

    @available_if(_estimator_has("predict"))
    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples, seen or new.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._checked_query(X)
        return self.estimator_.predict(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._checked_query(X)
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict logarithms of class probabilities for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._checked_query(X)
        return self.estimator_.predict_log_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the decision values of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        X = self._checked_query(X)
        return self.estimator_.decision_function(X)

    @available_if(_estimator_has("predict"))
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
        predicted = self.predict(X)
        if is_classifier(self):
            return float(accuracy_score(y, predicted, sample_weight=sample_weight))
        return float(r2_score(y, predicted, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        inner = get_tags(self._base())
        tags = predicts_as(super().__sklearn_tags__(), inner)  # type: ignore[misc]
        tags.input_tags.sparse = getattr(self, "_accept_sparse", False) and inner.input_tags.sparse
        return tags


class InstanceTransfer(DelegatesToEstimator, MetaEstimatorMixin, TransferEstimator):
    """Template of reweighting methods: weight the source samples, then fit any estimator with ``sample_weight``.

    A method gives the hook ``_compute_weights(Xs, ys, Xt, yt)``, which returns one non-negative weight per source
    sample; the rest is final. Weights are scaled to mean one. Subclasses take ``estimator=None`` (logistic regression).
    """

    estimator: Any

    @abstractmethod
    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]: ...

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Compute the weights of the source samples and fit the estimator with them.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        weights = np.clip(self._compute_weights(read.Xs, read.ys, read.Xt, _spread(read)), 0.0, None).astype(np.float64)
        total = weights.sum()
        self.source_weights_ = weights * (len(weights) / total) if total > 0 else np.ones(len(weights))
        self.estimator_ = fit_weighted(self._base(), read.Xs, read.ys, self.source_weights_)
        return self


def predicts_as(tags: Any, inner: Any) -> Any:
    """Copy the tags of the estimator that predicts, for one output per sample.

    Parameters
    ----------
    tags, inner : sklearn.utils.Tags
        Tags of the outer estimator, which are changed, and of the inner one.

    Returns
    -------
    sklearn.utils.Tags
        The tags of the outer estimator.
    """
    tags.estimator_type = inner.estimator_type
    tags.classifier_tags = inner.classifier_tags
    tags.regressor_tags = inner.regressor_tags
    tags.target_tags = inner.target_tags
    tags.target_tags.multi_output = False
    if tags.classifier_tags is not None:
        tags.classifier_tags.multi_label = False
    return tags


def check_requires(cls: type) -> None:
    """Raise an error if a library that a method requires is not installed.

    Parameters
    ----------
    cls : type
        A method class with ``transfer_tags``.

    Raises
    ------
    MissingExtraError
        With the command that installs it.
    """
    for library in cls.transfer_tags.requires:  # type: ignore[attr-defined]
        if importlib.util.find_spec(library) is None:
            extra = EXTRAS.get(library, library)
            line = f'pip install "landbridge[{extra}]"' if extra else f"pip install {library}"
            raise MissingExtraError(f"{cls.__name__} needs the library {library!r}; install it with: {line}")


def _spread(read: Read) -> Any:
    """Return one entry per target sample, None or NaN if it has no label; None if no sample has one."""
    if len(read.rows) == 0:
        return None
    blank, dtype = (np.nan, float) if read.yt.dtype.kind == "f" else (None, object)
    full: Any = np.full(read.Xt.shape[0], blank, dtype=dtype)
    full[read.rows] = read.yt
    return full


def _columns_apart(estimator: Any, X_target: Any) -> Any:
    """Return an unfitted copy that knows the source's features if the target has others, else None."""
    names, mine = getattr(X_target, "columns", None), getattr(estimator, "feature_names_in_", None)
    try:
        if names is not None and mine is not None:  # the source's in another order are the source's
            apart = {str(c) for c in names} != set(mine.tolist())
        else:
            apart = _num_features(X_target) != estimator.n_features_in_
    except TypeError:  # not a matrix: the check of the samples says so
        return None
    side = clone(estimator) if apart else None
    if side is not None:
        vars(side).update({k: v for k, v in vars(estimator).items() if k in ("n_features_in_", "feature_names_in_")})
    return side


def _validate_target(
    estimator: Any, X_target: Any, n_features: int | None, options: dict[str, Any], *, reset: bool = False
) -> Any:
    try:
        refuse_masked(X_target, "X_target")
        shape = X_target.shape if hasattr(X_target, "shape") else np.shape(X_target)
        if n_features is not None and len(shape) == 2 and shape[1] != n_features and not hasattr(X_target, "columns"):
            raise InputError(
                f"X_target has {shape[1]} features but X has {n_features}; give both the same ones in the same order."
            )
        return validate_data(estimator, X_target, reset=reset, **options)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        text = re.sub(r"^X has", "X_target has", re.sub(r"\bInput X\b", "Input X_target", str(error)))
        raise type(error)(text if "X_target" in text else f"X_target: {text}") from error
