"""``landbridge predict``: labels and probabilities for new samples."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from landbridge.cli._completion import complete_columns
from landbridge.cli._options import PrintOptions, takes
from landbridge.cli._text import defused

if TYPE_CHECKING:
    from landbridge.cli._chunks import Chunk
    from landbridge.cli._prediction_sets import Calibration
    from landbridge.results import Result

__all__ = ["predict_command"]

# What stands between the classes of a set.
BETWEEN = "; "


@takes(printing=PrintOptions)
def predict_command(
    result_dir: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder that `landbridge transfer` wrote.")],
    rows: Annotated[str, typer.Argument(metavar="FILE", help="File or folder of new target samples.")],
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="File to write; standard output if omitted.")
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="COLUMN",
            help="Column to write beside the predictions; that of the run, if it had one.",
            autocompletion=complete_columns,
        ),
    ] = None,
    all_columns: Annotated[
        bool, typer.Option("--all-columns", metavar="", help="Write every column of FILE beside the predictions.")
    ] = False,
    coverage: Annotated[
        float | None,
        typer.Option(
            metavar="P", help="Also write sets of classes, or intervals, that hold the label with this probability."
        ),
    ] = None,
    skip_corrupt: Annotated[
        bool,
        typer.Option("--skip-corrupt", metavar="", help="Skip images and sounds that cannot be read."),
    ] = False,
    printing: PrintOptions,
) -> None:
    """Predict new target samples with a saved result: a csv of row, label and one probability per class.

    Where labels are tags of words, the sentences are written with their tags, in the form of FILE. Where labels are
    masks, --out is a folder for masks and overlays.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    from landbridge.cli._checks import check_file, check_side, say
    from landbridge.cli._chunks import chunks
    from landbridge.cli._prediction_sets import calibrate
    from landbridge.exceptions import InputError
    from landbridge.results import load_result

    if out is None or not out.is_dir():  # some tasks write a folder
        check_file(out, "--out")
    if out is not None and out.exists() and Path(rows).exists() and out.samefile(rows):
        raise InputError(f"--out {out} is the file of the samples, which would be lost; name another file.")
    check_side(rows, "FILE")
    result = load_result(result_dir)
    if hasattr(result.encoder, "held"):
        from landbridge.cli._predict_structured import predict_structured

        apart = {
            "--id": id_column,
            "--all-columns": all_columns,
            "--coverage": coverage,
            "--skip-corrupt": skip_corrupt,
        }
        predict_structured(result, rows, out, printing, [name for name, value in apart.items() if value])
        return
    check_file(out, "--out")
    if skip_corrupt:
        _skip_corrupt(result, rows)
    calibration = None
    if coverage is not None:
        found = calibrate(result, coverage)
        calibration = None if isinstance(found, str) else found
        if not (printing.quiet and calibration):
            say(found if isinstance(found, str) else found.words)
    given = id_column is not None
    id_column = id_column if given else (result.settings.get("read_options") or {}).get("id")
    table = _Table(result, id_column, given, all_columns, calibration)
    with _written(out) as stream:
        writer = _Json(stream) if printing.as_json else _Csv(stream)
        for chunk in chunks(result, rows, frame=bool(id_column) or all_columns):
            writer.write(*table.rows(chunk))
        writer.end()
    if table.lacks_id:
        say(f"{rows} has no column {id_column!r}, which identified the samples of the run; 'row' counts from 0.")
    if table.n_undefined:
        say(f"{table.n_undefined:,} of {table.n_samples:,} predictions are undefined; their labels are empty.")
    if out is not None and not printing.quiet and not printing.as_json:
        print(f"{table.n_samples:,} sample{'' if table.n_samples == 1 else 's'} predicted: {out}")


def _skip_corrupt(result: Result, rows: str) -> None:
    """Let the encoder of a result skip files that cannot be read."""
    from landbridge.exceptions import InputError

    encoder = result.encoder
    if getattr(encoder, "kind_", None) not in ("images", "audio"):
        raise InputError(f"--skip-corrupt applies to images and sounds, which {rows} does not hold; omit it.")
    encoder.read_options = {**(encoder.read_options or {}), "skip_corrupt": True}


class _Table:
    """Rows of the output, in their order.

    Parameters
    ----------
    result : Result
    id_column : str or None
    given : bool
        Whether the column was asked for, so that its absence is an error.
    all_columns : bool
    calibration : Calibration or None
    """

    def __init__(
        self, result: Result, id_column: str | None, given: bool, all_columns: bool, calibration: Calibration | None
    ) -> None:
        self.result, self.id_column, self.given = result, id_column, given
        self.all_columns, self.calibration = all_columns, calibration
        self.n_samples = self.n_undefined = 0
        self.lacks_id = False  # whether the column of the run that identifies samples is not in the file

    def rows(self, chunk: Chunk) -> tuple[list[str], list[list[Any]]]:
        """Return the header and one list per sample.

        Parameters
        ----------
        chunk : Chunk

        Returns
        -------
        header : list of str
        rows : list of list
        """
        import numpy as np

        model = self.result.model
        predicted = np.asarray(model.predict(chunk.X))
        labels = [None if v is None or v != v else v for v in predicted.tolist()]
        self.n_samples += len(labels)
        self.n_undefined += sum(v is None for v in labels)
        beside = self._beside(chunk)
        columns: dict[str, list[Any]] = {"row": list(chunk.names), **beside, "label": labels}
        proba = np.asarray(model.predict_proba(chunk.X)) if hasattr(model, "predict_proba") else None
        if self.calibration is not None:
            columns |= self._calibrated(predicted, proba)
        if proba is not None:
            columns |= {f"p({c})": [f"{p:.6g}" for p in proba[:, j]] for j, c in enumerate(model.classes_)}
        return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]

    def _calibrated(self, predicted: Any, proba: Any) -> dict[str, list[Any]]:
        import numpy as np

        assert self.calibration is not None
        if proba is None:
            low, high = self.calibration.intervals(np.asarray(predicted, dtype=float))
            return {"low": low.tolist(), "high": high.tolist()}
        classes = [str(c) for c in self.result.model.classes_]
        inside = self.calibration.sets(proba)
        return {"set": [[c for c, is_in in zip(classes, row, strict=True) if is_in] for row in inside]}

    def _beside(self, chunk: Chunk) -> dict[str, list[Any]]:
        """Columns of the input that stand beside the predictions."""
        from landbridge.exceptions import InputError

        wanted = [] if self.id_column is None else [self.id_column]
        if not wanted and not self.all_columns:
            return {}
        if chunk.frame is None:
            if self.given or self.all_columns:
                raise InputError("--id and --all-columns need a table; FILE is none.")
            return {}
        there = [str(c) for c in chunk.frame.columns]
        written = self._written_as(there) if wanted else None
        if wanted and written is None:
            if self.given:
                import difflib

                near = difflib.get_close_matches(wanted[0], there, n=3) or there[:8]
                raise InputError(f"--id {wanted[0]!r} is no column of FILE; its columns are like {', '.join(near)}.")
            self.lacks_id, wanted = True, []
        wanted += [c for c in there if self.all_columns and c not in (*wanted, written)]
        classes = getattr(self.result.model, "classes_", ())
        taken = {"row", "label", "set", "low", "high", *(f"p({c})" for c in classes)}
        return {
            f"{c} (input)" if c in taken else c: _cells(chunk.frame[written if c == self.id_column and written else c])
            for c in wanted
        }

    def _written_as(self, there: list[str]) -> str | None:
        """Return the column that identifies samples, as the file writes its name."""
        from landbridge.data._headers import plain_header

        if self.id_column in there:
            return self.id_column
        alike = [c for c in there if plain_header(c) == plain_header(str(self.id_column))]
        return alike[0] if len(alike) == 1 else None


class _Csv:
    def __init__(self, stream: IO[str]) -> None:
        self.writer = csv.writer(stream, lineterminator="\n")
        self.begun = False

    def write(self, header: list[str], rows: list[list[Any]]) -> None:
        if not self.begun:
            self.writer.writerow([defused(name) for name in header])
        self.begun = True
        for row in rows:
            self.writer.writerow([defused(BETWEEN.join(v) if isinstance(v, list) else v) for v in row])

    def end(self) -> None:
        pass


class _Json:
    """One object with a list of samples, written as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream, self.begun = stream, False
        stream.write('{"predictions": [')

    def write(self, header: list[str], rows: list[list[Any]]) -> None:
        from landbridge.results._files import strict

        for row in rows:
            held = dict(zip(header, row, strict=True))
            sample: dict[str, Any] = {k: v for k, v in held.items() if not k.startswith("p(")}
            if proba := {k[2:-1]: float(v) for k, v in held.items() if k.startswith("p(") and k.endswith(")")}:
                sample["probabilities"] = proba
            text = json.dumps(strict(sample), allow_nan=False, default=str)
            self.stream.write((",\n" if self.begun else "\n") + text)
            self.begun = True

    def end(self) -> None:
        self.stream.write("\n]}\n")


@contextmanager
def _written(out: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that is complete or not there at all."""
    if out is None:
        yield sys.stdout
        return
    if out.exists() and not out.is_file():  # a pipe or a device
        with out.open("w", newline="", encoding="utf-8") as stream:
            yield stream
        return
    partial = out.with_name(f".{out.name[:100]}.partial")
    try:
        with partial.open("w", newline="", encoding="utf-8") as stream:
            yield stream
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _cells(column: Any) -> list[Any]:
    """Cells of a column, as they stand in the file as far as that is known; gaps are empty."""
    return [None if v is None or v != v else v for v in column.astype(object).tolist()]
