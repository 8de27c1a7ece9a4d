"""Saving and loading results: skops for the model, JSON for the rest, never pickle."""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from pathlib import Path
from typing import Any

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.exceptions import InputError, ReadError, UntrustedModelError
from landbridge.measurement import Measurement
from landbridge.results._candidate import Candidate, Decision
from landbridge.results._expected import Expected
from landbridge.results._files import strict, write_atomically
from landbridge.results._result import Result
from landbridge.trusted import foreign_types, import_skops

__all__ = ["load", "save"]

FORMAT = 2
MODEL, FACTS = "model.skops", "result.json"


def save(result: Result, folder: Path) -> Path:
    """Write a result into a folder, each file complete or not at all.

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
    """
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
    held_out = None if result.expected is None else result.expected.held_out
    facts = strict(result.to_dict()) | {
        "held_out": strict(held_out),
        "format": FORMAT,
        "versions": _versions(),
        "types": [t for t in needed if t.startswith("landbridge.")],
        "sha256": hashlib.sha256(model).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / MODEL, model)
    write_atomically(folder / FACTS, json.dumps(facts, indent=1, allow_nan=False, default=str).encode())
    return folder


def load(folder: Path) -> Result:
    """Read a result back, after checking that nothing foreign is in it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Result
    """
    skops_io = import_skops()
    facts, model = _read_both(folder)
    data = model.read_bytes()
    if hashlib.sha256(data).hexdigest() != facts.get("sha256"):
        raise UntrustedModelError(
            f"{model} was changed after saving (its checksum differs from {FACTS}); get the folder again from whoever "
            "made it, or run the transfer again."
        )
    try:
        needed = skops_io.get_untrusted_types(data=data)
        if foreign := foreign_types(needed):
            raise UntrustedModelError(
                f"{model} holds the type {foreign[0]}, which a result of landbridge never needs; do not load it."
            )
        held = skops_io.loads(data, trusted=needed)
    except UntrustedModelError:
        raise
    except Exception as error:
        raise UntrustedModelError(
            f"{model} is not a model that can be read ({type(error).__name__}); run the transfer again."
        ) from error
    try:
        return Result(
            model=held["model"],
            encoder=held["encoder"],
            decision=_decision(facts["decision"]),
            candidates=tuple(_candidate(c) for c in facts["candidates"]),
            diagnosis=_diagnosis(facts["diagnosis"]),
            task=facts["task"],
            metric=facts["metric"],
            settings=dict(facts["settings"]),
            timings=dict(facts["timings"]),
            scores=dict(facts.get("scores", {})),
            expected=_expected(facts.get("expected"), facts.get("held_out")),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReadError(f"{folder / FACTS} is not the JSON of a result; run the transfer again.") from error


def _read_both(folder: Path) -> tuple[dict[str, Any], Path]:
    for name in (FACTS, MODEL):
        if not (folder / name).is_file():
            raise ReadError(f"{folder} holds no {name}; name the folder that `landbridge transfer --out` wrote.")
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        missing = {"decision", "candidates", "diagnosis", "task", "metric", "settings", "timings", "sha256"} - set(
            facts
        )
    except (ValueError, TypeError) as error:
        raise ReadError(f"{folder / FACTS} is not the JSON of a result; run the transfer again.") from error
    if missing or facts.get("format") != FORMAT:
        raise ReadError(
            f"{folder / FACTS} is of format {facts.get('format')!r}, and this version reads format {FORMAT}; "
            "run the transfer again."
        )
    if not zipfile.is_zipfile(folder / MODEL):
        raise UntrustedModelError(f"{folder / MODEL} is damaged: it is no skops file; run the transfer again.")
    return facts, folder / MODEL


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("landbridge", "numpy", "scipy", "scikit-learn", "skops")}


def _measured(data: Any) -> Measurement | None:
    if data is None:
        return None
    return Measurement(**{**data, "value": math.nan if data["value"] is None else data["value"]})


def _decision(data: dict[str, Any]) -> Decision:
    return Decision(**{**data, "gain": _measured(data["gain"])})


def _candidate(data: dict[str, Any]) -> Candidate:
    measured = {k: _measured(data[k]) for k in ("estimate", "gain", "hidden")}
    evidence = {k: m for k, v in data["evidence"].items() if (m := _measured(v)) is not None}
    return Candidate(**{**data, **measured, "evidence": evidence, "warnings": tuple(data["warnings"])})


def _diagnosis(data: dict[str, Any]) -> Diagnosis:
    taken = {k: m for k, v in data["measurements"].items() if (m := _measured(v)) is not None}
    return Diagnosis(**{**data, "measurements": taken})


def _expected(data: dict[str, Any] | None, held_out: dict[str, Any] | None) -> Expected | None:
    if data is None:
        return None
    taken = {k: m for k, v in data["estimates"].items() if (m := _measured(v)) is not None}
    return Expected(**{**data, "estimates": taken, "held_out": held_out})
