"""``landbridge predict`` for structured labels: the samples with their predictions, in the form of the input."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landbridge.cli._options import PrintOptions
    from landbridge.results import Result

__all__ = ["predict_structured"]


def predict_structured(result: Result, rows: str, out: Path | None, printing: PrintOptions, given: list[str]) -> None:
    """Predict the samples of a file and write them.

    Parameters
    ----------
    result : Result
    rows : str
        File of new samples.
    out : Path or None
        Standard output if None.
    printing : PrintOptions
    given : list of str
        Options that were given and do not apply.

    Raises
    ------
    InputError
        If an option does not apply.
    """
    from landbridge.cli._checks import check_file
    from landbridge.exceptions import InputError
    from landbridge.tasks import get_task

    if given:
        raise InputError(f"{given[0]} does not apply, because the task is {result.task}; omit it.")
    if printing.as_json:
        raise InputError(
            f"--json does not apply, because the task is {result.task}; predictions have the form of FILE."
        )
    kind: Any = get_task(result.task).kind  # type: ignore[attr-defined]
    if kind.writes_folder and out is None:
        raise InputError(f"--out is missing: predictions of {result.task} are a folder; name one.")
    if not kind.writes_folder:
        check_file(out, "--out")
    X, _, held = result.encoder.held(rows)
    predicted = list(result.model.predict(X))
    if out is not None:
        kind.write_file(out, held, predicted)
        if not printing.quiet:
            print(f"{len(predicted):,} sample{'' if len(predicted) == 1 else 's'} predicted: {out}")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = kind.write_file(Path(folder) / "predictions", held, predicted)
        sys.stdout.write(path.read_text(encoding="utf-8"))
