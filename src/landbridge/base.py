"""The contract every method obeys: ``fit(X, y, *, X_target, y_target)`` on source rows, ``predict(X)`` on target rows.

Two templates carry most methods: :class:`FeatureTransfer` (three hooks) and :class:`InstanceTransfer` (one hook).
Parameter and relation methods extend :class:`TransferEstimator` directly.
"""

from __future__ import annotations

import importlib.util
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
    is_regressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from landbridge._sample_weight import fit_weighted
from landbridge._sklearn_compat import _check_feature_names_in, _fit_context, _num_features
from landbridge.domain import split_labelled
from landbridge.exceptions import InputError, LabelError, MissingExtraError

__all__ = [
    "FeatureTransfer",
    "InstanceTransfer",
    "Read",
    "TransferEstimator",
    "TransferTags",
    "fit_weighted",
    "split_labelled",
]

# library to import -> the extra of landbridge that brings it
EXTRAS = {"duckdb": "relational", "pyarrow": "parquet", "distributed": "cluster", "ot": "", "torch": "neural"}


@dataclass(frozen=True)
class TransferTags:
    """What a method is, reads and needs: the planner, the table of methods, the kit and the docs are made from it.

    Parameters
    ----------
    family : str
        ``"instance"``, ``"feature"``, ``"parameter"`` or ``"relation"``.
    reads : frozenset of str
        Which of ``X_target``, ``y_target``, ``source_domain`` the mathematics uses; the others are ignored.
    needs : frozenset of str
        Which of them it cannot do without.
    tasks : frozenset of str
        ``"classification"``, ``"regression"``.
    shifts : frozenset of str
        Kinds of shift it is made for: ``"covariate"``, ``"label"``, ``"concept"``, ``"subspace"``.
    source_free : bool
        True where a fitted source model is enough (the class then has ``adapt``).
    requires : tuple of str
        Optional libraries, by import name.
    growth : str
        Time and memory growth.
    reference : str
        The paper.
    new_classes : bool
        True where labelled target rows may have classes that the source does not know.
    max_samples : int or None
        Rows a side beyond which the planner leaves the method out.
    heterogeneous : bool
        True where the target may have other columns than the source.
    costly : bool
        True where a fit takes seconds on a thousand samples; not tried where the diagnosed shift rules the method out.
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
    costly: bool = False


class Read(NamedTuple):
    """Checked input: source rows and labels, target rows, and the labelled part of the target.

    Parameters
    ----------
    Xs : ndarray or csr_matrix of shape (n_source, n_features)
        Source rows.
    ys : ndarray of shape (n_source,) or None
        Source labels.
    Xt : ndarray or csr_matrix of shape (n_target, n_features)
        Target rows; the source rows where no target was given.
    rows : ndarray of int, shape (n_labelled,)
        Which target rows have a label.
    yt : ndarray of shape (n_labelled,)
        Their labels.
    """

    Xs: Any
    ys: Any
    Xt: Any
    rows: NDArray[np.intp]
    yt: NDArray[Any]


class TransferEstimator(BaseEstimator, ABC):
    """Base of every method: reads and checks source and target, and declares what is routed.

    Subclasses implement ``fit(X, y=None, *, X_target=None, y_target=None)`` and give ``transfer_tags``.
    """

    transfer_tags: ClassVar[TransferTags]
    _parameter_constraints: ClassVar[dict[str, Any]] = {}
    # Class-level requests: a pipeline hands the target to whichever step asks for it.
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True}
    _accept_sparse: ClassVar[bool] = False
    # True where the method scales the columns itself, so that no scaler should come before it.
    own_scaling: ClassVar[bool] = False
    # Remembers the source's columns where the target has columns of its own; the estimator itself knows the target's.
    _source_side: Any = None

    def _read(self, X: Any, y: Any, X_target: Any, y_target: Any, *, supervised: bool = False) -> Read:
        """Check everything that comes in, once, with messages that name the argument at fault."""
        check_requires(type(self))
        options = self._reading()
        if supervised or y is not None:
            X, y = validate_data(self, X, y, multi_output=False, y_numeric=False, **options)
            if y.dtype.kind == "f" and not np.isfinite(y).all():
                raise LabelError("y holds NaN or infinity; every source row needs a label. Drop the rows without one.")
        else:
            X = validate_data(self, X, **options)
        apart = self.transfer_tags.heterogeneous and X_target is not None
        self._source_side = _columns_apart(self, X_target) if apart else None
        width = X.shape[1] if self._source_side is None else None
        Xt = X if X_target is None else _validate_target(self, X_target, width, options, reset=width is None)
        classes = np.unique(y) if y is not None and self._task(y) == "classification" else None
        if y_target is not None and X_target is None:
            raise InputError("y_target was given without X_target; pass the target's rows with their labels.")
        rows, yt = split_labelled(y_target, Xt.shape[0], classes)
        # Without any target the source is its own target, so that generic tools can fit every method.
        if "y_target" in self._needs() and X_target is not None and len(rows) == 0:
            name = type(self).__name__
            raise LabelError(f"{name} needs y_target: label at least one target row, or choose another method.")
        reads_labels = "y_target" in self.transfer_tags.reads and not self.transfer_tags.new_classes
        if classes is not None and reads_labels and len(yt) and (unknown := set(yt.tolist()) - set(classes.tolist())):
            raise LabelError(
                f"y_target holds the class {sorted(map(str, unknown))[0]!r}, which y does not have; "
                "source and target must share their classes (same spelling and type)."
            )
        return Read(X, y, Xt, rows, yt)

    def _task(self, y: Any) -> str:
        """Return "classification" or "regression", from the kind of the estimator or else from the labels."""
        return "classification" if _is_classes(y) and not is_regressor(self) else "regression"

    def _needs(self) -> frozenset[str]:
        """What this instance cannot do without; a parameter may stand in for what the tags name."""
        return self.transfer_tags.needs

    def _read_rows(self, X: Any, *, side: str = "target") -> Any:
        """Check rows given after fitting."""
        check_is_fitted(self)
        checker = self if side == "target" or self._source_side is None else self._source_side
        return validate_data(checker, X, reset=False, **self._reading())

    def _read_target(self, X_target: Any, *, reset: bool = False) -> Any:
        """Check target rows given to ``adapt``; with `reset` they are the first rows that the method sees."""
        width = None if reset else getattr(self, "n_features_in_", None)
        return _validate_target(self, X_target, width, self._reading(), reset=reset)

    def _reading(self) -> dict[str, Any]:
        return {"accept_sparse": "csr" if self._accept_sparse else False, "dtype": np.float64}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._accept_sparse
        return tags


class FeatureTransfer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TransferEstimator):
    """Template of feature methods: bring both domains into one space.

    ``fit``, ``fit_transform`` and ``transform`` are final. A method gives three hooks:

    * ``_fit(Xs, ys, Xt, yt)`` learns; ``yt`` has one entry a target row, ``None``/NaN where there is no label, or is
      None altogether;
    * ``_map_source(X)`` takes source rows, ``_map_target(X)`` target rows to the common space.

    ``fit_transform`` returns the *source* in the common space (what the next step of a pipeline learns from) and
    ``transform`` takes *target* rows there, so that any pipeline is a transfer pipeline.
    """

    # True where the output has the input's columns, so that their names carry over.
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
            Source rows.
        y : array-like of shape (n_source,), optional
            Source labels; used by the methods whose tags say so.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the source is its own target.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows; ``None``, NaN or -1 where there is none.

        Returns
        -------
        self
        """
        self._learn(X, y, X_target, y_target)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, X_target: Any = None, y_target: Any = None) -> Any:
        """Learn the common space and return the source in it.

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

        Returns
        -------
        ndarray of shape (n_source, n_components)
            The source rows in the common space.
        """
        return self._map_source(self._learn(X, y, X_target, y_target))

    def transform(self, X: Any) -> Any:
        """Take target rows, seen or new, to the common space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        return self._map_target(self._read_rows(X))

    def transform_source(self, X: Any) -> Any:
        """Take source rows, seen or new, to the common space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source rows.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        return self._map_source(self._read_rows(X, side="source"))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Name the output columns.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the input columns.

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


def _predicts(name: str) -> Any:
    def check(self: Any) -> bool:
        inner = getattr(self, "estimator_", None)
        getattr(inner if inner is not None else self._base(), name)  # raises AttributeError where it is missing
        return True

    return check


class InstanceTransfer(MetaEstimatorMixin, TransferEstimator):
    """Template of instance methods: weigh source rows, then fit any estimator that takes ``sample_weight``.

    A method gives the hook ``_compute_weights(Xs, ys, Xt, yt)``, which returns one non-negative weight a source row; the rest
    is final. Weights are scaled to mean one. Subclasses take ``estimator=None`` (logistic regression then).
    """

    estimator: Any

    @abstractmethod
    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]: ...

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Weigh the source rows and fit the estimator on them.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the source is its own target.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        weights = np.clip(self._compute_weights(read.Xs, read.ys, read.Xt, _spread(read)), 0.0, None).astype(np.float64)
        total = weights.sum()
        self.source_weights_ = weights * (len(weights) / total) if total > 0 else np.ones(len(weights))
        self.estimator_ = fit_weighted(self._base(), read.Xs, read.ys, self.source_weights_)
        if hasattr(self.estimator_, "classes_"):
            self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows, seen or new.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._read_rows(X)  # first of all: it says so if nothing was fitted
        return self.estimator_.predict(X)

    @available_if(_predicts("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities for target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return self.estimator_.predict_proba(X)

    @available_if(_predicts("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the decision values of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return self.estimator_.decision_function(X)

    @available_if(_predicts("score"))
    def score(self, X: Any, y: Any) -> float:
        """Return the estimator's own score on labelled target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        float
        """
        X = self._read_rows(X)
        return self.estimator_.score(X, y)

    def _base(self) -> Any:
        return LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator

    def __sklearn_tags__(self) -> Any:
        inner = get_tags(self._base())
        tags = predicts_as(super().__sklearn_tags__(), inner)
        tags.input_tags.sparse = self._accept_sparse and inner.input_tags.sparse
        return tags


def predicts_as(tags: Any, inner: Any) -> Any:
    """Give an estimator that predicts by another one the other's tags, for a single output a row.

    Parameters
    ----------
    tags, inner : sklearn.utils.Tags
        Of the estimator, which are changed, and of the one within.

    Returns
    -------
    sklearn.utils.Tags
        The former.
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
    """Raise one clear error if a library that a method requires is not installed.

    Parameters
    ----------
    cls : type
        A method class with ``transfer_tags``.

    Raises
    ------
    MissingExtraError
        With the line to install.
    """
    for library in cls.transfer_tags.requires:  # type: ignore[attr-defined]
        if importlib.util.find_spec(library) is None:
            extra = EXTRAS.get(library, library)
            line = f'pip install "landbridge[{extra}]"' if extra else f"pip install {library}"
            raise MissingExtraError(f"{cls.__name__} needs the library {library!r}; install it with: {line}")


def _spread(read: Read) -> Any:
    """Target labels with one entry a row again, None or NaN where there is none; None without any label."""
    if len(read.rows) == 0:
        return None
    blank, dtype = (np.nan, float) if read.yt.dtype.kind == "f" else (None, object)
    full: Any = np.full(read.Xt.shape[0], blank, dtype=dtype)
    full[read.rows] = read.yt
    return full


def _is_classes(y: NDArray[Any]) -> bool:
    return y.dtype.kind in "OSUbiu" or bool(
        y.dtype.kind == "f" and np.all(y == np.floor(y)) and len(np.unique(y)) <= 50
    )


def _columns_apart(estimator: Any, X_target: Any) -> Any:
    """Where a target has columns of its own: an unfitted copy of the estimator that knows the source's. Else None."""
    names, mine = getattr(X_target, "columns", None), getattr(estimator, "feature_names_in_", None)
    try:
        if names is not None and mine is not None:  # the source's in another order are the source's
            apart = {str(c) for c in names} != set(mine.tolist())
        else:
            apart = _num_features(X_target) != estimator.n_features_in_
    except TypeError:  # not rows of columns: told by the check of the rows
        return None
    side = clone(estimator) if apart else None
    if side is not None:
        vars(side).update({k: v for k, v in vars(estimator).items() if k in ("n_features_in_", "feature_names_in_")})
    return side


def _validate_target(
    estimator: Any, X_target: Any, n_features: int | None, options: dict[str, Any], *, reset: bool = False
) -> Any:
    try:
        shape = X_target.shape if hasattr(X_target, "shape") else np.shape(X_target)
        if n_features is not None and len(shape) == 2 and shape[1] != n_features and not hasattr(X_target, "columns"):
            raise InputError(
                f"X_target has {shape[1]} columns but X has {n_features}; give both the same columns in the same order."
            )
        return validate_data(estimator, X_target, reset=reset, **options)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        text = re.sub(r"^X has", "X_target has", re.sub(r"\bInput X\b", "Input X_target", str(error)))
        raise type(error)(text if "X_target" in text else f"X_target: {text}") from error
