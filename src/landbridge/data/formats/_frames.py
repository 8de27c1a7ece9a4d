"""Tables and data sets in memory that are no pandas DataFrame: polars, Arrow, Hugging Face, torch and the like."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from landbridge.data.formats._columnar import plain_objects
from landbridge.exceptions import InputError, MissingExtraError

__all__ = ["as_table"]


def as_table(obj: Any, where: str = "the data") -> Any:
    """Return a table or data set of another library as a DataFrame, or as arrays.

    Parameters
    ----------
    obj : object
        DataFrame or LazyFrame of polars, Table of pyarrow, Dataset of Hugging Face, Dataset of torch with pairs of
        samples and labels, or anything with the Arrow or the dataframe interchange protocol.
    where : str, default="the data"
        Name of the object in messages.

    Returns
    -------
    DataFrame, (X, y) or None
        None if `obj` is no such thing. A DataFrame of pandas is returned as it is; y is None where there are no labels.

    Raises
    ------
    InputError
        If it is several tables, or its samples are no numbers of one shape.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data.formats._frames import as_table
    >>> as_table(pd.DataFrame({"a": [1]})).shape, as_table("data.csv")
    ((1, 1), None)
    """
    import pandas as pd

    if isinstance(obj, pd.DataFrame):
        return obj
    if obj is None or isinstance(obj, str | bytes | np.ndarray | pd.Series | pd.Index):
        return None
    root = type(obj).__module__.partition(".")[0]
    if root == "datasets":
        return _hugging_face(obj, where)
    if root == "polars":
        return _polars(obj, where)
    if root == "pyarrow" and hasattr(obj, "to_pandas") and hasattr(obj, "schema") and hasattr(obj, "num_columns"):
        return plain_objects(obj.to_pandas())
    torch = sys.modules.get("torch")
    data = getattr(getattr(torch, "utils", None), "data", None)
    if data is not None and isinstance(obj, data.Dataset | data.DataLoader):
        return _torch(obj.dataset if isinstance(obj, data.DataLoader) else obj, where)
    return _by_protocol(obj)


def _by_protocol(obj: Any) -> Any:
    """Return what offers the Arrow stream or the dataframe interchange protocol as a DataFrame, else None."""
    tabular = hasattr(obj, "columns") or hasattr(obj, "column_names") or hasattr(obj, "schema")
    if hasattr(obj, "to_native") and hasattr(obj, "collect_schema"):  # narwhals
        return as_table(obj.to_native())
    if not tabular and not hasattr(obj, "__dataframe__"):
        return None
    if hasattr(obj, "__arrow_c_stream__"):
        try:
            import pyarrow as pa
        except ImportError as error:
            raise _needs_pyarrow(type(obj).__name__) from error
        return plain_objects(pa.table(obj).to_pandas())
    if hasattr(obj, "__dataframe__"):
        return _interchange(obj)
    return None


def _interchange(obj: Any) -> Any:
    import pandas as pd

    try:
        frame = obj.__dataframe__()
        columns = [str(c) for c in frame.column_names()]
        try:
            import pyarrow.interchange as interchange

            return plain_objects(interchange.from_dataframe(obj).to_pandas())
        except ImportError:
            return pd.api.interchange.from_dataframe(obj).set_axis(columns, axis=1)
    except (TypeError, ValueError, NotImplementedError, RuntimeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{type(obj).__name__} cannot be converted to a DataFrame: {why}; convert it yourself."
        ) from error


def _needs_pyarrow(what: str) -> MissingExtraError:
    return MissingExtraError(f'{what} needs pyarrow to be read; install it with: pip install "landbridge[parquet]"')


def _polars(obj: Any, where: str) -> Any:
    import pandas as pd

    kind = type(obj).__name__
    if kind == "LazyFrame":
        obj = obj.collect()
    elif kind != "DataFrame":
        return None
    try:
        return plain_objects(obj.to_pandas())
    except ImportError:
        return pd.DataFrame({c: obj[c].to_list() for c in obj.columns})
    except Exception as error:
        why = str(error).splitlines()[0]
        raise InputError(
            f"{where}: the polars table cannot be converted to pandas: {why}; convert it yourself."
        ) from error


def _hugging_face(obj: Any, where: str) -> Any:
    kind = type(obj).__name__
    if kind in ("DatasetDict", "IterableDatasetDict"):
        names = ", ".join(map(repr, obj))
        raise InputError(f"{where} holds the splits {names}; give one of them, such as data[{next(iter(obj), '')!r}].")
    if kind == "IterableDataset":
        raise InputError(
            f"{where} is a stream without an end that is known; give datasets.Dataset.from_list(list(...))."
        )
    if kind != "Dataset":
        return None
    for name, feature in obj.features.items():
        if type(feature).__name__ in ("Image", "Audio", "Video", "Pdf"):
            what = type(feature).__name__.lower()
            raise InputError(
                f"{where}: column {name!r} holds {what} data; save it as a folder with one subfolder for each class, "
                "or give arrays."
            )
    frame = obj.with_format(None).to_pandas()
    named = {}
    for name, feature in obj.features.items():
        if type(feature).__name__ == "ClassLabel":
            words = list(feature.names)
            named[name] = [
                words[int(v)] if v is not None and v == v and 0 <= v < len(words) else None for v in frame[name]
            ]
    return plain_objects(frame.assign(**named) if named else frame)


def _torch(obj: Any, where: str) -> Any:
    """Return samples and labels of a data set of torch."""
    pairs = _pairs(obj, where)
    if not pairs:
        raise InputError(f"{where} is an empty data set; give at least one sample.")
    two = all(isinstance(p, tuple | list) and len(p) == 2 for p in pairs)
    one = not two and not any(isinstance(p, tuple | list | dict) for p in pairs)
    if not two and not one and not all(isinstance(p, tuple | list) and len(p) == 1 for p in pairs):
        raise InputError(f"{where} must give pairs of a sample and a label; got {_shown(pairs[0])}.")
    X = [_array(p[0] if not one else p, where) for p in pairs]
    if len({x.shape for x in X}) > 1:
        shapes = ", ".join(sorted({str(x.shape) for x in X})[:3])
        raise InputError(f"{where} has samples of different shapes ({shapes}); resize them to one.")
    return np.stack(X), np.array([_label(p[1], where) for p in pairs]) if two else None


def _pairs(obj: Any, where: str) -> list[Any]:
    tensors = getattr(obj, "tensors", None)
    if isinstance(tensors, tuple) and tensors and len(tensors) <= 2:
        rows: list[Any] = list(zip(*(_numpy(t) for t in tensors), strict=True))
        return rows
    try:
        if hasattr(obj, "__len__") and hasattr(obj, "__getitem__"):
            return [obj[i] for i in range(len(obj))]
        return list(obj)
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{where}: the data set raised {type(error).__name__} while it was read: {why}.") from error


def _numpy(value: Any) -> Any:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _array(value: Any, where: str) -> Any:
    array = np.asarray(_numpy(value))
    if array.dtype.kind not in "biuf":
        raise InputError(f"{where} must give samples of numbers of one shape; got {_shown(value)}.")
    return np.atleast_1d(array)


def _label(value: Any, where: str) -> Any:
    value = _numpy(value)
    if np.ndim(value) == 0:
        return np.asarray(value).item()
    if np.size(value) == 1:
        return np.asarray(value).ravel()[0].item()
    raise InputError(f"{where} must give one label per sample; got {_shown(value)}.")


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of {len(value)}"
    return f"array of shape {value.shape}" if hasattr(value, "shape") else type(value).__name__
