"""Arrays of NumPy: npz and npy; pickled objects in them are never loaded."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.data._content import Content
from landbridge.data.formats._arrays import Unreadable
from landbridge.exceptions import ReadError

__all__ = ["load_numpy"]

OBJECTS = "holds Python objects, which are never loaded; save it as numbers or text, such as with .astype(str)"
SPARSE = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "bsr": sparse.bsr_matrix}


def load_numpy(content: Content) -> dict[str, Any]:
    """Load the arrays of an npz or npy file by name; that of an npy file is called X.

    Parameters
    ----------
    content : Content

    Returns
    -------
    dict of str to ndarray, sparse matrix or Unreadable

    Raises
    ------
    ReadError
        If an npy file holds objects, or named fields.
    """
    path = content.path
    if content.format == "npy":
        try:
            array = np.load(io.BytesIO(content.read()), allow_pickle=False)
        except ValueError as error:
            if "pickle" in str(error).lower():
                raise ReadError(f"{path} cannot be read: it {OBJECTS}.") from error
            raise
        return {"X": array[:, None] if array.ndim == 1 and array.dtype.names is None else array}
    held: dict[str, Any] = {}
    with np.load(content.file(), allow_pickle=False) as file:
        for name in file.files:
            try:
                held[name] = file[name]
            except ValueError as error:
                if "pickle" not in str(error).lower():
                    raise
                held[name] = Unreadable(OBJECTS)
    return _sparse(held)


def _sparse(held: dict[str, Any]) -> dict[str, Any]:
    """Put a matrix together that ``scipy.sparse.save_npz`` took apart."""
    if not {"format", "shape", "data"} <= set(held) or np.size(held["format"]) != 1:
        return held
    form = held["format"].item()
    form = form.decode() if isinstance(form, bytes) else str(form)
    shape = tuple(int(n) for n in held["shape"])
    if form in SPARSE:
        X = SPARSE[form]((held["data"], held["indices"], held["indptr"]), shape=shape)
    elif form == "coo":
        X = sparse.coo_matrix((held["data"], (held["row"], held["col"])), shape=shape)
    else:
        return held
    parts = ("format", "shape", "data", "indices", "indptr", "row", "col", "_is_array")
    return {"X": X.tocsr(), **{k: v for k, v in held.items() if k not in parts}}
