"""SQLite and DuckDB databases, opened for reading only."""

from __future__ import annotations

import difflib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from landbridge.data._cells import tidy_cells
from landbridge.data._content import Content
from landbridge.data._read_options import ReadOptions
from landbridge.data.formats._columnar import plain_objects
from landbridge.exceptions import MissingExtraError, ReadError

__all__ = ["choose", "read_database"]


def read_database(content: Content, options: ReadOptions) -> Any:
    """Read a table of a database.

    Parameters
    ----------
    content : Content
    options : ReadOptions
        `sheet` is the name of the table.

    Returns
    -------
    DataFrame

    Raises
    ------
    ReadError
        If there is no such table, or several and none is named.
    MissingExtraError
        If it is a DuckDB database, and duckdb is not installed.
    """
    read = _read_sqlite if content.format == "sqlite" else _read_duckdb
    frame = read(content.path, options.sheet)
    return tidy_cells(plain_objects(frame), options, typed=True)


def choose(names: list[str], wanted: str | None, path: Path, what: str = "table") -> str:
    """Choose the table that is named, or the only one.

    Parameters
    ----------
    names : list of str
    wanted : str or None
    path : Path
    what : str, default="table"

    Returns
    -------
    str

    Raises
    ------
    ReadError
        If there is no such table, or several and none is named.
    """
    listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    if wanted is not None:
        if wanted in names:
            return wanted
        near = difflib.get_close_matches(wanted, names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ReadError(f"{path} has no {what} {wanted!r}; {hint}It has {listed or 'none'}.")
    if len(names) != 1:
        raise ReadError(
            f"{path} has {len(names)} {what}s{': ' * bool(names)}{listed}; choose one with sheet= (--sheet)."
            if names
            else f"{path} has no {what}; give a database with one."
        )
    return names[0]


def _read_sqlite(path: Path, wanted: str | None) -> Any:
    import pandas as pd

    where = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(where, uri=True)) as database:
            database.execute("PRAGMA trusted_schema=OFF")
            found = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY rowid")
            names = [str(name) for (name,) in found if not str(name).startswith("sqlite_")]
            table = choose(names, wanted, path)
            cursor = database.execute(f"SELECT * FROM {_quoted(table)}")
            columns = [str(d[0]) for d in cursor.description]
            return pd.DataFrame(cursor.fetchall(), columns=columns)
    except sqlite3.Error as error:
        raise ReadError(f"{path} cannot be read as an SQLite database: {error}.") from error


def _read_duckdb(path: Path, wanted: str | None) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError(
            f'{path} needs duckdb to be read; install it with: pip install "landbridge[relational]"'
        ) from error
    try:
        with closing(duckdb.connect(str(path), read_only=True, config={"enable_external_access": "false"})) as database:
            found = database.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_catalog = current_database()"
            ).fetchall()
            names = {table if schema == "main" else f"{schema}.{table}": (schema, table) for schema, table in found}
            schema, table = names[choose(list(names), wanted, path)]
            return database.execute(f"SELECT * FROM {_quoted(schema)}.{_quoted(table)}").df()
    except duckdb.Error as error:
        raise ReadError(f"{path} cannot be read as a DuckDB database: {str(error).splitlines()[0]}.") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
