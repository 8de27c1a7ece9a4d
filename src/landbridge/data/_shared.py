"""Paths of the shared data and weights, which are outside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["shared_data", "shared_weights"]


def shared_data(name: str) -> Path | None:
    """Return the path of a file in the shared data folder.

    The folder is that of the environment variable ``LANDBRIDGE_DATA`` (or its ``data`` subfolder), else ``shared/data``
    next to the checkout or to the working directory.

    Parameters
    ----------
    name : str
        File name, for example ``"office_caltech_surf.npz"``.

    Returns
    -------
    Path or None
        None if the folder or the file does not exist.

    Examples
    --------
    >>> from landbridge.data import shared_data
    >>> shared_data("no such file.npz") is None
    True
    """
    return _find("data", name)


def shared_weights(name: str) -> Path | None:
    """Return the path of a file or folder in the shared weights folder, which is next to the shared data.

    Parameters
    ----------
    name : str
        File or folder name.

    Returns
    -------
    Path or None
        None if it does not exist.

    Examples
    --------
    >>> from landbridge.data import shared_weights
    >>> shared_weights("no such network") is None
    True
    """
    return _find("weights", name)


def _find(part: str, name: str) -> Path | None:
    for folder in _folders(part):
        if name and (path := folder / name).exists():
            return path
    return None


def _folders(part: str) -> list[Path]:
    if given := os.environ.get("LANDBRIDGE_DATA"):
        root = Path(given).expanduser()
        # The variable names the shared folder or its data folder; the weights are next to the data.
        return [root / part, root] if part == "data" else [root / part, root.parent / part]
    checkout = Path(__file__).resolve().parents[3]
    return [base.parent / "shared" / part for base in dict.fromkeys((checkout, Path.cwd()))]
