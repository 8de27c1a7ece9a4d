"""Parquet, Feather and Arrow files."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

from landbridge.data._cells import tidy_cells
from landbridge.data._content import Content
from landbridge.data._read_options import ReadOptions
from landbridge.exceptions import MissingExtraError

__all__ = ["plain_objects", "read_columnar"]


def read_columnar(content: Content, options: ReadOptions) -> Any:
    """Read a parquet, Feather or Arrow file.

    Parameters
    ----------
    content : Content
    options : ReadOptions

    Returns
    -------
    DataFrame

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    """
    import pandas as pd

    try:
        import pyarrow as pa
        import pyarrow.feather
    except ImportError as error:
        raise MissingExtraError(
            f'{content.path} needs pyarrow to be read; install it with: pip install "landbridge[parquet]"'
        ) from error
    data = content.read() if content.format == "arrow" or content.packing else b""
    if content.format == "parquet":
        frame = pd.read_parquet(io.BytesIO(data) if content.packing else content.path)
    elif data.startswith(b"\xff\xff\xff\xff"):
        with pa.ipc.open_stream(pa.BufferReader(data)) as file:
            frame = file.read_all().to_pandas()
    else:
        frame = pyarrow.feather.read_table(pa.BufferReader(data)).to_pandas()
    return tidy_cells(plain_objects(frame), options, typed=True)


def plain_objects(frame: Any) -> Any:
    """Return a table with decimal numbers as floats, and bytes as text.

    Parameters
    ----------
    frame : DataFrame
        It is not modified.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data.formats._columnar import plain_objects
    >>> plain_objects(pd.DataFrame({"a": [b"x", None]}))["a"].tolist()[0]
    'x'
    """
    changed = {}
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        if column.dtype != object:
            continue
        kinds = {type(v) for v in column if v is not None} - {float}
        if kinds == {Decimal}:
            changed[name] = column.map(lambda v: float("nan") if v is None else float(v)).astype(float)
        elif kinds and kinds <= {bytes, bytearray}:
            try:
                changed[name] = column.map(lambda v: bytes(v).decode() if isinstance(v, bytes | bytearray) else None)
            except UnicodeDecodeError:
                continue
    return frame.assign(**changed) if changed else frame
