"""New samples for ``landbridge predict``: whole, or in parts where a text file is larger than fits into memory."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import InputError

if TYPE_CHECKING:
    from landbridge.results import Result

__all__ = ["Chunk", "chunks"]

# Bytes of a text file from which it is read in parts, and records of a part.
LARGE, RECORDS = 32_000_000, 50_000
BUILTIN = "builtin:"


@dataclass(frozen=True)
class Chunk:
    """Some new samples, as the model takes them.

    Parameters
    ----------
    X : array or DataFrame
    names : list
        Number of each row, from 0, or the names of image files.
    frame : DataFrame or None
        The columns as they were read; None where the input is no table.
    """

    X: Any
    names: list[Any]
    frame: Any = None


def chunks(result: Result, rows: str, *, frame: bool) -> Iterator[Chunk]:
    """Read new samples part by part.

    Parameters
    ----------
    result : Result
    rows : str
        File, folder or ``builtin:NAME``.
    frame : bool
        Whether the columns as they were read are needed.

    Yields
    ------
    Chunk
    """
    path = Path(rows)
    if rows.startswith(BUILTIN) or result.encoder is None or not _is_large_text(path):
        yield _whole(result, rows, frame)
        return
    options = result.settings.get("read_options") or {}
    header = 0 if options.get("header") is False or ".jsonl" in path.name or ".ndjson" in path.name else 1
    first = 0
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / path.name.removesuffix(".gz")
        for number, records in enumerate(_records(path, header)):
            part.write_bytes(records)
            try:
                found = _whole(result, str(part), frame)
            except InputError as error:
                where = f"{path} (rows from {first:,} on)" if number else str(path)
                raise type(error)(str(error).replace(str(part), where)) from None
            yield Chunk(found.X, [str(first + int(n)) for n in found.names], found.frame)
            first += len(found.names)


def _whole(result: Result, rows: str, frame: bool) -> Chunk:
    if result.encoder is None:
        return _plain(result, rows)
    table = _table(result, rows) if frame else None
    X, names = result.encoder.read(rows)
    columns = list(getattr(result.encoder, "columns_", []))
    if len(columns) == X.shape[1]:  # the model was fitted with feature names, and warns without them
        import pandas as pd

        X = pd.DataFrame(X, columns=columns, copy=False)
    if table is not None and len(table) != len(names):
        raise InputError(
            f"{rows} has {len(table):,} rows but {len(names):,} samples, so its columns cannot stand beside the "
            "predictions; omit --id and --all-columns."
        )
    return Chunk(X, names, table)


def _plain(result: Result, rows: str) -> Chunk:
    from landbridge.data import read

    domain = read(rows)
    expected = getattr(result.model, "n_features_in_", domain.X.shape[1])
    if domain.X.shape[1] != expected:
        raise InputError(
            f"{rows} has {domain.X.shape[1]} columns but the model was fitted on {expected}; give the same."
        )
    return Chunk(domain.frame(), list(range(len(domain))), domain.frame() if domain.columns else None)


def _table(result: Result, rows: str) -> Any:
    """The columns of a file as they were read, with the options of the run; None where it is no table."""
    from landbridge.data import ReadOptions
    from landbridge.data._files import existing, kind_of, read_table

    if rows.startswith(BUILTIN) or kind_of(existing(rows)) != "table":
        return None
    options = ReadOptions.of(result.settings.get("read_options"))
    reader: Any = read_table
    more = (options,) if options != ReadOptions() and len(signature(reader).parameters) > 1 else ()
    return _as_written(Path(rows), reader(Path(rows), *more), options)


def _as_written(path: Path, table: Any, options: Any) -> Any:
    """Cells of a text file as they stand in it, such as 007; the table as it was read where they cannot be matched."""
    import pandas as pd

    if not path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt")):
        return table
    try:
        with _opened(path) as stream:
            head = stream.readline().decode("utf-8-sig", errors="replace")
        raw = pd.read_csv(
            path,
            sep=max("\t;,|", key=head.count),
            dtype=str,
            header=0 if options.header else None,
            keep_default_na=False,
            skipinitialspace=True,
            encoding=options.encoding or "utf-8-sig",
        )
    except (ValueError, OSError, LookupError):
        return table
    if not options.header:
        raw.columns = [f"column_{i}" for i in range(1, raw.shape[1] + 1)]
    raw = raw.rename(columns=lambda c: str(c).strip()).rename(columns=dict(options.rename))
    return raw if len(raw) == len(table) and list(raw.columns) == [str(c) for c in table.columns] else table


def _is_large_text(path: Path) -> bool:
    name = path.name.lower()
    text = name.removesuffix(".gz").endswith((".csv", ".tsv", ".txt", ".jsonl", ".ndjson"))
    if not text or not path.is_file():
        return False
    size = path.stat().st_size * (8 if name.endswith(".gz") else 1)
    if size < LARGE:
        return False
    with _opened(path) as stream:
        return b"\0" not in stream.read(4096)  # two bytes per character: line ends cannot be found as bytes


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def _records(path: Path, n_header: int) -> Iterator[bytes]:
    """Parts of a text file, each below the header; a line end within quotes ends no record."""
    with _opened(path) as stream:
        head: list[bytes] = []
        held: list[bytes] = []
        n, quoted = 0, False
        for line in stream:
            quoted ^= bool(line.count(b'"') % 2)
            into = head if n_header else held
            into.append(line)
            if quoted:
                continue
            if n_header:
                n_header -= 1
                continue
            n += 1
            if n == RECORDS:
                yield b"".join(head + held)
                held, n = [], 0
        if held:
            yield b"".join(head + held)
