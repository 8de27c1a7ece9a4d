"""MATLAB files of all versions, and other HDF5 files."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from landbridge.data._content import Content
from landbridge.data.formats._arrays import Unreadable
from landbridge.exceptions import MissingExtraError

__all__ = ["load_hdf5", "load_mat"]

OPAQUE = "is a MATLAB object (table, string or categorical); save it as numbers or a cell array of characters"


def load_mat(content: Content) -> dict[str, Any]:
    """Load the variables of a MATLAB file before version 7.3.

    Parameters
    ----------
    content : Content

    Returns
    -------
    dict of str to ndarray, sparse matrix or Unreadable
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatlabOpaque

    file = content.file()
    found = loadmat(file if content.packing else str(file))
    held = {k: v for k, v in found.items() if not (k.startswith("__") or k == "None")}
    opaque = {k: Unreadable(OPAQUE) for k, v in found.items() if isinstance(v, MatlabOpaque) and not k.startswith("__")}
    return held | opaque


def load_hdf5(content: Content) -> dict[str, Any]:
    """Load the arrays of a MATLAB file of version 7.3, which stores them transposed, or of another HDF5 file.

    Parameters
    ----------
    content : Content

    Returns
    -------
    dict of str to ndarray, sparse matrix or Unreadable
        Arrays in groups under ``group.name``, or their own names where these are unique.

    Raises
    ------
    MissingExtraError
        If h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError(
            f'{content.path} needs h5py to be read; install it with: pip install "landbridge[hdf5]"'
        ) from error
    held: dict[str, Any] = {}
    with h5py.File(content.file(), "r") as file:
        _collect(file, "", held, file)
    bare = [k.rpartition(".")[2] for k in held]
    return {b if bare.count(b) == 1 else k: v for (k, v), b in zip(held.items(), bare, strict=True)}


def _collect(group: Any, prefix: str, held: dict[str, Any], file: Any) -> None:
    import h5py

    for name in group:
        if name.startswith("#"):  # cells and objects of MATLAB, found by reference
            continue
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):  # links may lead to other files
            continue
        item = group[name]
        if isinstance(item, h5py.Group):
            if "MATLAB_sparse" in item.attrs:
                held[prefix + name] = _sparse(item)
            elif len(prefix) < 200:
                _collect(item, f"{prefix}{name}.", held, file)
        else:
            held[prefix + name] = _array(item, file)


def _sparse(group: Any) -> Any:
    rows, ends = int(group.attrs["MATLAB_sparse"]), np.asarray(group["jc"])
    shape = (rows, len(ends) - 1)
    if "data" not in group:
        return sparse.csc_matrix(shape)
    return sparse.csc_matrix((np.asarray(group["data"]), np.asarray(group["ir"]), ends), shape=shape)


def _array(item: Any, file: Any) -> Any:
    import h5py

    kind = _text(item.attrs.get("MATLAB_class", b""))
    if getattr(item, "external", None) or getattr(item, "is_virtual", False):
        return Unreadable("is stored in another file, which is not read")
    if "MATLAB_object_decode" in item.attrs or kind in ("table", "string", "categorical"):
        return Unreadable(OPAQUE)
    if "MATLAB_empty" in item.attrs:
        return np.empty((0, 0))
    if h5py.check_ref_dtype(item.dtype) is not None:
        cells = [_array(file[ref], file) for ref in np.asarray(item).T.ravel()]
        out = np.empty(len(cells), dtype=object)
        for i, cell in enumerate(cells):
            out[i] = cell
        return out
    if h5py.check_string_dtype(item.dtype) is not None:
        return np.asarray(item.asstr()[()], dtype=str)
    values = np.asarray(item[()])
    if kind == "char":
        rows = values.T if values.ndim > 1 else values[None]
        words = np.array(["".join(chr(int(c)) for c in row) for row in rows])
        return words[0] if len(words) == 1 else words
    if values.dtype.names == ("real", "imag"):
        values = values["real"] + 1j * values["imag"]
    return values.T if kind else values


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
