"""Saving and loading results: skops for the model, JSON for the rest, never pickle.

A result is two files, ``model.skops`` and ``result.json``, which holds the checksum of the model. A new model is first
written under the name of its checksum, then ``result.json`` is replaced, and then the model takes its usual name: at
every moment, the model that ``result.json`` describes is in the folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
import zipfile
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.exceptions import InputError, ReadError, UntrustedModelError
from landbridge.performance._predictions import Predictions
from landbridge.results._candidate import Candidate, Decision
from landbridge.results._expected import Expected
from landbridge.results._files import (
    make_folder,
    one_line_errors,
    refuse_other_kinds,
    remove_leftovers,
    strict,
    write_atomically,
)
from landbridge.results._lock import FolderLock
from landbridge.results._rebuild import rebuild
from landbridge.results._result import Result
from landbridge.trusted import check_archive, check_trees, foreign_types, import_skops

__all__ = ["load", "save"]

FORMAT = 2
MODEL, FACTS = "model.skops", "result.json"
# A model that has not taken its usual name yet.
PENDING = re.compile(r"model-[0-9a-f]{64}\.skops")
CHECKSUM = re.compile(r"[0-9a-f]{64}")
# Largest JSON that is read, in bytes; a million samples need a tenth of it.
MOST_FACTS = 256 * 2**20
# Attempts to read both files while another process replaces them.
ATTEMPTS = 5
ENTRIES = ("decision", "candidates", "diagnosis", "task", "metric", "settings", "timings", "sha256")
# Settings that are read again, by type.
SETTINGS = {"notes": list, "inferred": list, "label": str, "n_source": int, "n_target": int, "command": str}


class _Unreadable(ValueError):
    """Content that no result has."""


def save(result: Result, folder: Path) -> Path:
    """Write a result into a folder; a kill at any moment leaves the new result or the one before.

    Parameters
    ----------
    result : Result
    folder : Path
        Made if it does not exist.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the model holds a type that `load` would refuse; nothing is written then.
    WriteError
        If the folder cannot be written, or another process writes it; the result before is unchanged.
    """
    model, needed = _packed(result)
    checksum = hashlib.sha256(model).hexdigest()
    facts = _facts(result, needed, checksum)
    pending = folder / f"model-{checksum}.skops"
    make_folder(folder)
    with FolderLock(folder):
        remove_leftovers(folder)
        with one_line_errors(folder):
            for name in (MODEL, FACTS):
                refuse_other_kinds(folder / name)
            there = pending.exists()
            write_atomically(pending, model)
            try:
                write_atomically(folder / FACTS, facts)
            except BaseException:
                if not there:
                    pending.unlink(missing_ok=True)
                raise
        _rename(pending, folder / MODEL)
        for other in _pending(folder):
            if other != pending:
                other.unlink(missing_ok=True)
    return folder


def load(folder: Path) -> Result:
    """Read a result back, after checking that nothing foreign is in it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Result

    Raises
    ------
    ReadError
        If the folder holds no result.
    UntrustedModelError
        If the model was changed after saving, is damaged, or holds types that are not allowed.
    """
    facts, data = _read_both(folder)
    held = _model(data, folder / MODEL)
    try:
        held_out = _held_out(facts.get("held_out"))
        expected = facts.get("expected")
        if expected is not None:
            expected = rebuild(Expected, {**expected, "held_out": held_out})
        made = {
            "decision": rebuild(Decision, facts["decision"]),
            "candidates": rebuild(tuple[Candidate, ...], facts["candidates"]),
            "diagnosis": rebuild(Diagnosis, _numbered(facts["diagnosis"])),
            "task": rebuild(str, facts["task"]),
            "metric": rebuild(str, facts["metric"]),
            "settings": _settings(facts["settings"]),
            "timings": {str(k): float(v) for k, v in facts["timings"].items()},
            "scores": rebuild(dict, facts.get("scores", {})),
            "expected": expected,
            **_inspection(facts),
        }
        return Result(model=held["model"], encoder=held["encoder"], **made)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _no_result(folder / FACTS) from error


def _packed(result: Result) -> tuple[bytes, list[str]]:
    """The model and encoder as skops data, and the types that are to be confirmed."""
    skops_io = import_skops()
    try:
        model = skops_io.dumps({"model": result.model, "encoder": result.encoder})
        needed = skops_io.get_untrusted_types(data=model)
    except Exception as error:
        raise InputError(
            f"the model cannot be saved ({' '.join(str(error).split())[:200]}); use estimators of scikit-learn and "
            "landbridge as estimator and methods."
        ) from error
    if foreign := foreign_types(needed):
        raise InputError(
            f"the model holds the type {foreign[0]}, which loading would refuse; use estimators of scikit-learn and "
            "landbridge as estimator and methods."
        )
    return model, needed


def _facts(result: Result, needed: list[str], checksum: str) -> bytes:
    held_out = None if result.expected is None else result.expected.held_out
    facts = strict(result.to_dict()) | {
        "held_out": strict(held_out),
        "format": FORMAT,
        "versions": _versions(),
        "types": [t for t in needed if t.startswith("landbridge.")],
        "sha256": checksum,
    }
    inspection = getattr(result, "inspection", None)
    if inspection is not None:
        facts["inspection"] = strict(inspection.to_dict())
    data = _as_json(facts)
    return data if len(data) <= MOST_FACTS else _as_json(facts | {"held_out": None})


def _as_json(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, allow_nan=False, default=str).encode()


def _pending(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if PENDING.fullmatch(p.name)]


def _rename(pending: Path, model: Path) -> None:
    """Give the model its usual name; where that fails, it is found under the name of its checksum."""
    try:
        os.replace(pending, model)
    except OSError:
        pass


def _read_both(folder: Path) -> tuple[dict[str, Any], bytes]:
    """The facts, and the model that they describe; another process may replace both meanwhile."""
    before = ""
    for _ in range(ATTEMPTS):
        facts = _read_facts(folder)
        checksum = facts["sha256"]
        data = _read(folder / f"model-{checksum}.skops")
        if data is None or hashlib.sha256(data).hexdigest() != checksum:
            data = _read(folder / MODEL)
        if data is not None and hashlib.sha256(data).hexdigest() == checksum:
            return facts, data
        if checksum == before:
            break
        before = checksum
    if data is None:
        raise _missing(folder, MODEL)
    if not zipfile.is_zipfile(BytesIO(data)):
        raise UntrustedModelError(f"{folder / MODEL} is damaged: it is no skops file; run the transfer again.")
    raise UntrustedModelError(
        f"{folder / MODEL} was changed after saving (its checksum differs from {FACTS}); get the folder again from "
        "whoever made it, or run the transfer again."
    )


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / FACTS
    data = _read(path, MOST_FACTS)
    if data is None:
        raise _missing(folder, FACTS)
    try:
        facts = json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
        if not isinstance(facts, dict):
            raise _Unreadable(type(facts).__name__)
    except (ValueError, RecursionError, MemoryError) as error:
        raise _no_result(path) from error
    if facts.get("format") != FORMAT or set(ENTRIES) - set(facts):
        raise ReadError(
            f"{path} is of format {str(facts.get('format'))[:40]!r}, and this version reads format {FORMAT}; run the "
            "transfer again."
        )
    if not isinstance(facts["sha256"], str) or not CHECKSUM.fullmatch(facts["sha256"]):
        raise _no_result(path)
    return facts


def _read(path: Path, most: int | None = None) -> bytes | None:
    """Content of a regular file; None where there is none. Pipes and devices are not waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            held = os.fstat(handle)
            if not stat.S_ISREG(held.st_mode):
                return None
            if most is not None and held.st_size > most:
                raise ReadError(f"{path} has {held.st_size:,} bytes, more than any result; run the transfer again.")
            return file.read() if most is None else file.read(most)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except (OSError, ValueError, MemoryError, OverflowError) as error:
        if isinstance(error, ReadError):
            raise
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ReadError(f"{path} cannot be read: {why}; check the path.") from error


def _model(data: bytes, path: Path) -> dict[str, Any]:
    """The model and encoder in skops data, every type of which is trusted."""
    skops_io = import_skops()
    try:
        check_archive(data)
        needed = skops_io.get_untrusted_types(data=data)
        if foreign := foreign_types(needed):
            raise UntrustedModelError(
                f"{path} holds the type {foreign[0]}, which a result of landbridge never needs; do not load it."
            )
        held = skops_io.loads(data, trusted=needed)
        check_trees(held)
        if not isinstance(held, dict) or not hasattr(held["model"], "predict"):
            raise _Unreadable("no model")
        if held["encoder"] is not None and not hasattr(held["encoder"], "transform"):
            raise _Unreadable("no encoder")
    except UntrustedModelError as error:
        line = str(error)
        raise error if line.startswith(str(path)) else UntrustedModelError(f"{path}: {line}") from error
    except Exception as error:
        raise UntrustedModelError(
            f"{path} is not a model that can be read ({type(error).__name__}); run the transfer again."
        ) from error
    return held


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("landbridge", "numpy", "scipy", "scikit-learn", "skops")}


def _missing(folder: Path, name: str) -> ReadError:
    return ReadError(f"{folder} holds no {name}; name the folder that `landbridge transfer --out` wrote.")


def _no_result(path: Path) -> ReadError:
    return ReadError(f"{path} is not the JSON of a result; run the transfer again.")


def _no_constant(name: str) -> Any:
    raise _Unreadable(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Unreadable(f"{text[:20]} is too large")
    return value


def _held_out(data: Any) -> dict[str, Any] | None:
    """Held-out predictions as they were saved, if they can be read again."""
    if data is None:
        return None
    if not isinstance(data, dict):
        raise _Unreadable("held_out")
    n = len(Predictions.from_dict(data))
    rows, codes = data["rows"], data["predicted"] if "classes" in data else []
    whole = all(type(i) is int and i >= 0 for values in (rows, codes) for i in values)
    if not whole or len(rows) != n:
        raise _Unreadable("held_out")
    return data


def _numbered(diagnosis: dict[str, Any]) -> dict[str, Any]:
    """Positions of moved features, which older files do not hold."""
    columns = diagnosis.get("columns", {})
    return diagnosis | {"columns": {k: {"index": i, **v} for i, (k, v) in enumerate(columns.items())}}


def _settings(settings: Any) -> dict[str, Any]:
    for name, kind in SETTINGS.items():
        value = rebuild(dict, settings).get(name)
        if value is not None and not isinstance(value, kind):
            raise _Unreadable(name)
        if isinstance(value, list) and not all(isinstance(v, str) for v in value):
            raise _Unreadable(name)
    return dict(settings)


def _inspection(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts about the data, where the result was saved with them."""
    if facts.get("inspection") is None or "inspection" not in Result.__dataclass_fields__:
        return {}
    # By name: readers and results do not need one another otherwise.
    return {"inspection": import_module("landbridge.data._inspection").Inspection.from_dict(facts["inspection"])}
