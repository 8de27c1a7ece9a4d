"""Completion in the shell: names of methods and of columns, without loading anything heavy."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import typer

__all__ = ["complete_columns", "complete_methods", "complete_pages", "complete_sides", "complete_tasks"]

BUILTIN = ("printed", "handwritten", "tumours-small", "tumours-large", "patients-younger", "patients-older")
# Bytes of a file that are looked at for its header.
HEAD = 100_000


def complete_methods(incomplete: str) -> list[str]:
    """Complete the last of several names of methods.

    Parameters
    ----------
    incomplete : str

    Returns
    -------
    list of str
    """
    from landbridge.cli._method_pages import method_names

    before, comma, begun = incomplete.rpartition(",")
    return [before + comma + n for n in method_names() if n.lower().startswith(begun.strip().lower())]


def complete_pages(incomplete: str) -> list[str]:
    """Complete the name of a method.

    Parameters
    ----------
    incomplete : str

    Returns
    -------
    list of str
    """
    from landbridge.cli._method_pages import method_names

    return [n for n in method_names() if n.lower().startswith(incomplete.lower())]


def complete_columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a column of the first file that was given.

    Parameters
    ----------
    ctx : Context
    incomplete : str

    Returns
    -------
    list of str
    """
    before, comma, begun = incomplete.rpartition(",")
    return [before + comma + n for n in _columns(_files(ctx.params)) if n.startswith(begun)]


def complete_sides(incomplete: str) -> list[str]:
    """Complete ``builtin:NAME``; files are completed by the shell.

    Parameters
    ----------
    incomplete : str

    Returns
    -------
    list of str
    """
    if not incomplete:
        return []
    return [name for name in (f"builtin:{n}" for n in BUILTIN) if name.startswith(incomplete)]


def complete_tasks(incomplete: str) -> list[str]:
    """Complete the task.

    Parameters
    ----------
    incomplete : str

    Returns
    -------
    list of str
    """
    from landbridge.tasks import structured_tasks

    return [t for t in ("classification", "regression", *structured_tasks()) if t.startswith(incomplete)]


def _files(params: dict[str, Any]) -> list[str]:
    given = [params.get(name) for name in ("source", "sides", "rows", "target")]
    flat = [p for value in given for p in (value if isinstance(value, list | tuple) else [value])]
    return [str(p) for p in flat if p]


def _columns(files: list[str]) -> list[str]:
    for file in files:
        path = Path(file)
        try:
            if path.suffix.lower() not in (".csv", ".tsv", ".txt") or not path.is_file():
                continue
            with path.open("rb") as stream:
                head = stream.read(HEAD).decode("utf-8-sig", errors="replace").splitlines()[0]
        except (OSError, IndexError, ValueError):
            continue
        mark = max("\t;,|", key=head.count)
        return [name.strip() for name in next(csv.reader([head], delimiter=mark, skipinitialspace=True), [])]
    return []
