"""Files of a result: written completely or not at all, and JSON without NaN."""

from __future__ import annotations

import math
import os
import uuid
from pathlib import Path
from typing import Any

__all__ = ["strict", "write_atomically"]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file completely or not at all, with the permissions of the user's umask.

    Parameters
    ----------
    path : Path
    data : bytes
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    # os.open heeds the umask; tempfile and chmod do not, and a result may be about patients.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def strict(value: Any) -> Any:
    """Reduce to plain JSON types; NaN and infinity, which JSON has not, become null.

    Parameters
    ----------
    value : object

    Returns
    -------
    object
    """
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [strict(v) for v in value]
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
