"""Tables that cases are made of, and oracles: what is read from an odd file is what is read from the plain one."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fuzz.case import Place, Wrong, unclear
from landbridge.exceptions import InputError

__all__ = ["command", "finite_result", "in_range", "measured", "plain_pair", "same_as", "tables", "transferred"]

METHODS = ["CORAL"]


def tables(place: Place, n: int | None = None, *, m: int | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a source with the label ``ill`` and a target, with numbers and a category.

    Parameters
    ----------
    place : Place
    n, m : int, optional
        Numbers of samples of the source and the target. If None, drawn.

    Returns
    -------
    source, target : DataFrame
    """
    rng = place.rng
    n = n or int(rng.integers(14, 30))
    m = m or int(rng.integers(14, 30))
    sides = []
    for size, shift in ((n, 0.0), (m, 3.0)):
        age = rng.integers(20, 60, size)
        weight = np.round(rng.normal(70 + shift, 9, size), 1)
        sex = np.array(["f", "m"])[np.arange(size) % 2]
        ill = np.where(np.arange(size) % 3 == 0, "yes", "no")
        age = age + np.where(ill == "yes", 15, 0)
        sides.append(pd.DataFrame({"age": age, "weight": weight, "sex": rng.permutation(sex), "ill": ill}))
    return sides[0], sides[1].drop(columns="ill")


def plain_pair(place: Place, source: pd.DataFrame, target: pd.DataFrame) -> tuple[str, str]:
    """Write both sides as plain csv files and return their paths."""
    one = place.file("plain/a.csv", source.to_csv(index=False))
    two = place.file("plain/b.csv", target.to_csv(index=False))
    return str(one), str(two)


def same_as(source: Any, target: Any, *, label: str = "ill", tolerance: float = 1e-9) -> Callable[[Any], None]:
    """Return a check that a pair of domains is the one that these sides are read as.

    Parameters
    ----------
    source, target : path or DataFrame
    label : str
    tolerance : float

    Returns
    -------
    callable
    """

    def check(found: Any) -> None:
        from landbridge.data import read_pair

        wanted = read_pair(source, target, label=label)
        for side, one, two in zip(("source", "target"), wanted[:2], found[:2], strict=True):
            if list(one.columns or []) != list(two.columns or []):
                raise Wrong(f"features of the {side} are {two.columns}, not {one.columns}")
            X, Z = (np.asarray(d.X.toarray() if hasattr(d.X, "toarray") else d.X) for d in (one, two))
            if X.shape != Z.shape:
                raise Wrong(f"the {side} is of shape {Z.shape}, not {X.shape}")
            if not np.allclose(X, Z, rtol=tolerance, atol=tolerance):
                i, j = np.argwhere(~np.isclose(X, Z, rtol=tolerance, atol=tolerance))[0]
                raise Wrong(f"feature {one.columns[j]!r} of row {i} of the {side} is {Z[i, j]}, not {X[i, j]}")
            if [str(v) for v in _labels(one)] != [str(v) for v in _labels(two)]:
                raise Wrong(f"labels of the {side} are {_labels(two)[:6]}, not {_labels(one)[:6]}")

    return check


def _labels(domain: Any) -> list[Any]:
    return [] if domain.y is None else list(domain.y)


def in_range(target: Any, *, m: int, classes: Any = None) -> Callable[[Any], None]:
    """Return a check that a result predicts every target sample: finite, of known classes, summing to one.

    Parameters
    ----------
    target : object
        What is predicted for.
    m : int
        Its number of samples.
    classes : sequence, optional
        The classes that may be predicted.

    Returns
    -------
    callable
    """

    def check(result: Any) -> None:
        predictions = np.asarray(result.predict(target))
        if predictions.shape != (m,):
            raise Wrong(f"predictions are of shape {predictions.shape}, not {(m,)}")
        if predictions.dtype.kind == "f" and not np.isfinite(predictions).all():
            raise Wrong("a prediction is not finite")
        if any(v is None or v != v for v in predictions.tolist()):
            raise Wrong("a prediction is missing")
        if classes is not None and not {str(v) for v in predictions.tolist()} <= {str(c) for c in classes}:
            raise Wrong(f"predicted {sorted({str(v) for v in predictions.tolist()})[:5]}, not {list(classes)[:5]}")
        if result.task == "classification":
            shares = np.asarray(result.predict_proba(target))
            if shares.shape[0] != m or not np.isfinite(shares).all() or not np.allclose(shares.sum(axis=1), 1):
                raise Wrong("probabilities do not sum to one")

    return check


def finite_result(result: Any) -> None:
    """Raise if a result holds a decision that is not finite, or cannot be shown."""
    held = result.decision.to_dict()
    if isinstance(held.get("gain"), float) and not np.isfinite(held["gain"]):
        raise Wrong("the gain is not finite")
    for words in (str(result), result.to_markdown()):
        if " nan" in words.lower().replace(" nan-", ""):
            raise Wrong(f"nan in the words: {words[:300]}")


def measured(source: Any, target: Any, **options: Any) -> Any:
    """Return the diagnosis of two sides, by few permutations."""
    import landbridge

    return landbridge.measure(source, target, **{"n_permutations": 9, "n_bootstrap": 9, **options})


def transferred(source: Any, target: Any, **options: Any) -> Any:
    """Return the result of a small transfer."""
    import landbridge

    return landbridge.transfer(source, target, **{"methods": METHODS, "n_jobs": 1, **options})


class Refused(InputError):
    """The command ended with exit code 2; its words are the line on stderr."""


def command(*words: Any, codes: tuple[int, ...] = (0,), stdin: str = "") -> tuple[str, str]:
    """Run the command line in this process.

    Parameters
    ----------
    *words : object
    codes : tuple of int
        Exit codes of an answer.
    stdin : str

    Returns
    -------
    out, err : str

    Raises
    ------
    Refused
        If it ended with exit code 2 and one line.
    """
    from landbridge.cli import main

    out, err = io.StringIO(), io.StringIO()
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["landbridge", *map(str, words)], io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                code = ended.code
    finally:
        sys.argv, sys.stdin = before
    said = err.getvalue()
    if "Traceback" in said or "Warning" in said:
        raise AssertionError(f"stderr: {said[:400]}")
    if code == 2:
        lines = [line for line in said.splitlines() if line.strip() and "warning: " not in line]
        lines = [line for line in lines if not line.endswith(" ...")]  # steps that --verbose prints
        if len(lines) != 1:
            raise AssertionError(f"{len(lines)} lines on stderr: {said[:400]!r}")
        if unclear(lines[0]):
            raise AssertionError(f"{unclear(lines[0])}: {lines[0]!r}")
        raise Refused(lines[0])
    if code not in codes:
        raise AssertionError(f"exit code {code}: {said[:300]!r}")
    return out.getvalue(), said
