"""Targets of fitted scikit-learn models: tables are passed on as they are, because the model encodes them itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator

from landbridge.domain import Domain, missing_labels, refuse_masked, unmasked
from landbridge.exceptions import InputError
from landbridge.problem._model_target import ModelTarget

__all__ = ["TableReader", "read_fitted_model_target"]

BUILTIN = "builtin:"


class TableReader(BaseEstimator):
    """Reader of tables with the features of a fitted model; saved with a result.

    Parameters
    ----------
    features : list of str or None
        Names of the features; None where the model was fitted without names.
    """

    # Samples are passed on as they are, not turned into arrays of numbers.
    keeps_rows = True

    def __init__(self, features: list[str] | None = None) -> None:
        self.features = features

    def read(self, file: str | Path) -> tuple[Any, list[Any]]:
        """Read the samples of a table.

        Parameters
        ----------
        file : str or Path

        Returns
        -------
        X : DataFrame
        names : list
            Row numbers.
        """
        from landbridge.data._files import existing, read_table

        frame = self.transform(read_table(existing(file)))
        return frame, list(range(len(frame)))

    def transform(self, X: Any) -> Any:
        """Return the features that the model expects, in its order.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)

        Returns
        -------
        DataFrame or array-like
        """
        if self.features is None or not hasattr(X, "columns"):
            return X
        if missing := [f for f in self.features if f not in X.columns]:
            raise InputError(f"the table has no column {missing[0]!r}, which the source model was fitted on; add it.")
        return X[self.features]


def read_fitted_model_target(target: Any, model: Any, label: str | None, groups: str | None = None) -> ModelTarget:
    """Read the target in the form that a fitted model takes.

    Parameters
    ----------
    target : path, DataFrame, Domain, (X, y) tuple, array or "builtin:NAME"
    model : estimator
        Fitted.
    label : str or None
        Name of the label column of a table. If None and the model knows its features, a single further column that is
        named like a label.
    groups : str or None
        Name of the column of a table that holds the group of each sample.

    Returns
    -------
    ModelTarget

    Raises
    ------
    InputError
        If the target cannot be read, or `label` names a column and the target is no table.
    """
    names = getattr(model, "feature_names_in_", None)
    features = None if names is None else [str(n) for n in names]
    is_frame = hasattr(target, "columns") and not isinstance(target, Domain)
    is_table = is_frame or (isinstance(target, str | Path) and not str(target).startswith(BUILTIN))
    if not is_table:
        if label is not None:
            raise InputError(f"label={label!r} names a column of a table, but target is no table; omit it.")
        if groups is not None:
            raise InputError(f"groups={groups!r} names a column of a table, but target is no table; omit it.")
        return _from_arrays(target)
    from landbridge.data._files import apply_label_rule, existing, pick_label, read_table, take_groups

    name = "target" if is_frame else Path(target).stem
    frame = target.rename(columns=str) if is_frame else read_table(existing(target))
    of = None
    if groups is not None:
        frame, of = take_groups(frame, groups, name)
    frame, _ = apply_label_rule(frame, label)
    column = pick_label(frame, label, name, required=label is not None)
    if label is None and features is not None and column in features:
        column = None
    y = None if column is None else _labels(frame[column], getattr(model, "classes_", None))
    X = frame if column is None else frame.drop(columns=[column])
    reader = TableReader(features if features is not None else None)
    return ModelTarget(name, reader.transform(X), y, [str(i) for i in range(len(X))], reader, of)


def _rows(X: Any) -> Any:
    """Samples of any form that a model may take, one per row."""
    if hasattr(X, "columns") or sparse.issparse(X):
        return X
    try:
        rows = X if hasattr(X, "ndim") else np.asarray(X)
    except ValueError as error:
        raise InputError("the samples of the target have different numbers of features; give all the same.") from error
    if rows.ndim == 0:
        raise InputError(f"the target is of type {type(X).__name__}; give an array, a DataFrame, a Domain or a path.")
    if getattr(rows, "dtype", None) is not None and getattr(rows.dtype, "kind", "") == "V":
        raise InputError("the target is a structured array; give pandas.DataFrame(X).")
    return rows


def _from_arrays(target: Any) -> ModelTarget:
    if isinstance(target, str | Path):
        from landbridge.data import load_builtin

        target = load_builtin(str(target).removeprefix(BUILTIN))
    if isinstance(target, Domain):
        y = None if target.y is None else _masked(target.y, ~target.labelled)
        names = [str(i) for i in range(len(target))]
        return ModelTarget(target.name or "target", target.frame(), y, names, groups=target.groups)
    X, y = target if isinstance(target, tuple) and len(target) == 2 else (target, None)
    refuse_masked(X, "the target")
    X = _rows(X)
    if y is not None:
        if isinstance(y, str | bytes) or not hasattr(y, "__len__"):
            raise InputError(f"y is of type {type(y).__name__}; give one label per sample, in an array or a list.")
        missing = missing_labels(y)
        y = np.asarray(unmasked(y))
        if y.shape != (X.shape[0],):
            raise InputError(f"y has shape {y.shape} but the target has {X.shape[0]} samples; give one per sample.")
        y = _masked(y, missing)
    return ModelTarget("target", X, y, [str(i) for i in range(X.shape[0])])


def _masked(y: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    labels = np.asarray(y).astype(object)
    labels[missing] = None
    return labels


def _labels(column: Any, classes: Any) -> NDArray[Any]:
    """Labels of a table in the type of the model's classes."""
    missing = missing_labels(column)
    values = np.asarray(column, dtype=object)
    if classes is not None:
        spelled = {str(c): c for c in np.asarray(classes).tolist()}
        values = np.array(
            [None if gap else _class_of(v, spelled) for v, gap in zip(values, missing, strict=True)], object
        )
    return _masked(values, missing)


def _class_of(value: Any, spelled: dict[str, Any]) -> Any:
    """The model's class of the same value, whether it is written 1, 1.0 or "1"."""
    if str(value) in spelled:
        return spelled[str(value)]
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return spelled.get(str(int(value)), value)
    return value
