"""New samples for the model of a result: whatever a user has is brought to the features of the run, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.data.formats._frames import as_table
from landbridge.domain import Domain, refuse_masked
from landbridge.exceptions import InputError

__all__ = ["samples_for"]


def samples_for(X: Any, model: Any, encoder: Any, *, same_features: bool = True) -> Any:
    """Return samples as the model takes them.

    Parameters
    ----------
    X : array-like, DataFrame, Domain or path
        Raw samples where there is an encoder.
    model : estimator
        Fitted.
    encoder : Encoder or None
        What encoded the sides of the run.
    same_features : bool, default=True
        Whether the features that the model was fitted on are those of the samples.

    Returns
    -------
    DataFrame, ndarray or csr_matrix

    Raises
    ------
    InputError
        If the samples have other features, or are no numbers where numbers are needed.
    """
    names = getattr(model, "feature_names_in_", None) if same_features else None
    wanted = getattr(model, "n_features_in_", None) if same_features else None
    if isinstance(X, Domain):
        return _matched(X, wanted, names)
    if isinstance(X, str | Path):
        return _read(X, encoder)
    X = _plain(X, table=encoder is not None and getattr(encoder, "kind_", "table") == "table")
    if encoder is None:
        refuse_masked(X, "X")
        return _of_arrays(X, wanted, names)
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        gaps = np.ma.getmaskarray(X)
        X = np.array(X.data, dtype=object if X.dtype.kind in "OUS" else float)
        X[gaps] = np.nan  # as other gaps are
    if hasattr(encoder, "check_types"):
        encoder.check_types(X)
    rows = encoder.transform(X)
    if getattr(encoder, "keeps_rows", False):
        return rows
    # With the names that the model was fitted with; images and arrays have none.
    return Domain(rows)._with_columns(list(encoder.columns_) or None).frame()


def _plain(X: Any, *, table: bool) -> Any:
    """Tables of other libraries, and rows or columns in plain containers, as a DataFrame."""
    import pandas as pd

    if isinstance(X, tuple) and any(hasattr(part, "shape") for part in X):
        raise InputError("X is a tuple; give the samples alone, without labels.")
    if table and isinstance(X, Mapping):
        X = dict(X)
        if not X or not all(hasattr(v, "__len__") and not isinstance(v, str | bytes) for v in X.values()):
            raise InputError("X is a mapping; give columns of equal length by name, or a DataFrame.")
        if len({len(v) for v in X.values()}) > 1:
            raise InputError("X holds columns of different lengths; give columns of equal length by name.")
        return pd.DataFrame(X)
    if table and isinstance(X, list) and X and all(isinstance(row, Mapping) for row in X):
        return pd.DataFrame(X)
    found = None if isinstance(X, list | tuple | np.ndarray) or sparse.issparse(X) else as_table(X, "X")
    return X if found is None else found[0] if isinstance(found, tuple) else found


def _read(path: str | Path, encoder: Any) -> Any:
    """Samples of a file or folder, encoded as those of the run."""
    if not hasattr(encoder, "read"):
        raise InputError(f"X={str(path)!r} is a path, but the model was fitted on arrays; give the samples.")
    rows = encoder.read(path)[0]
    if getattr(encoder, "keeps_rows", False):
        return rows
    return Domain(rows)._with_columns(list(encoder.columns_) or None).frame()


def _of_arrays(X: Any, wanted: int | None, names: Any) -> Any:
    """Samples of a run on arrays or domains; the columns of a table may stand in any order."""
    if hasattr(X, "columns") and names is not None:
        columns = [str(c) for c in X.columns]
        if missing := [n for n in names if n not in columns]:
            raise InputError(f"X lacks the column {missing[0]!r}, which the model was fitted on; add it.")
        return Domain(X.set_axis(columns, axis=1)[list(names)]).frame()
    if getattr(X, "ndim", 2) > 2:  # images, which networks take as they are
        return X
    return _matched(Domain(X), wanted, names)


def _matched(domain: Domain, wanted: int | None, names: Any) -> Any:
    """Samples of a domain, with the names that the model knows where it has none."""
    n = int(domain.X.shape[1])
    if wanted is not None and n != wanted:
        raise InputError(f"X has {n} features but the model was fitted on {wanted}; give the same ones.")
    if names is not None and domain.columns is None and n == len(names):
        return Domain(domain.X)._with_columns(list(names)).frame()
    return domain.frame()
