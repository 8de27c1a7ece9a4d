"""``landbridge predict``: labels and probabilities for new samples."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["predict_command"]


def predict_command(
    result_dir: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder that `landbridge transfer` wrote.")],
    rows: Annotated[str, typer.Argument(metavar="FILE", help="File or folder of new target samples.")],
    out: Annotated[Path | None, typer.Option(help="CSV file to write; standard output if omitted.")] = None,
) -> None:
    """Predict new target samples with a saved result: a csv of row, label and one probability per class."""
    from landbridge.exceptions import InputError
    from landbridge.results import load_result

    if out is not None and not out.absolute().parent.is_dir():
        raise InputError(f"--out {out} lies in a folder that does not exist; make it first.")
    result = load_result(result_dir)
    X, names = _read_rows(result, rows)
    labels = result.model.predict(X)
    table: list[list[Any]] = [["row", "label"]]
    proba = result.model.predict_proba(X) if hasattr(result.model, "predict_proba") else None
    if proba is not None:
        table[0] += [f"p({c})" for c in result.model.classes_]
    for i, (name, label) in enumerate(zip(names, labels, strict=True)):
        table.append([name, label, *([] if proba is None else [f"{p:.6g}" for p in proba[i]])])
    if out is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(table)
        return
    with out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    print(f"{len(names)} samples predicted: {out}")


def _read_rows(result: Any, rows: str) -> tuple[Any, list[Any]]:
    if result.encoder is not None:
        X, names = result.encoder.read(rows)
        columns = list(getattr(result.encoder, "columns_", []))
        if len(columns) == X.shape[1]:  # the model was fitted with feature names, and warns without them
            import pandas as pd

            X = pd.DataFrame(X, columns=columns, copy=False)
        return X, names
    from landbridge.data import read
    from landbridge.exceptions import InputError

    domain = read(rows)
    expected = getattr(result.model, "n_features_in_", domain.X.shape[1])
    if domain.X.shape[1] != expected:
        raise InputError(
            f"{rows} has {domain.X.shape[1]} columns but the model was fitted on {expected}; give the same."
        )
    return domain.frame(), list(range(len(domain)))
