"""Store of an unfinished run: finished trials, scores of finished fits, and checkpoints of the one begun."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.candidates._specification import CandidateSpec
from landbridge.exceptions import InputError
from landbridge.guard import Trial
from landbridge.problem._problem import Problem
from landbridge.results._files import write_atomically

__all__ = ["RunStore", "fingerprint"]

SCORES = "scores.json"
ARRAYS = ("predicted", "proba", "classes", "splits", "validated", "validated_proba", "held_out")
FACTS = ("error", "traceback", "warnings", "seconds", "intermediate")


class RunStore:
    """A folder that holds the work done so far, written so that a kill at any moment leaves it readable.

    Parameters
    ----------
    folder : path-like or None
        None keeps nothing.
    run : dict
        What must be the same for a run to be resumed; plain data.
    resume : bool, default=False
        Continue from what is there; otherwise it is deleted.

    Raises
    ------
    InputError
        If what is there was made with other settings or data.

    Notes
    -----
    Models are not stored: the one that is chosen is fitted again from the same seed, networks from their last
    checkpoint.
    """

    def __init__(self, folder: str | Path | None, run: dict[str, Any], *, resume: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
        self.run = {k: str(v) for k, v in run.items()}
        self.scores: dict[str, float] = {}
        if self.folder is None:
            return
        held = _read(self.folder / SCORES)
        if resume and held is not None:
            if other := [k for k, v in self.run.items() if held["run"].get(k) != v]:
                before, now = (str(v)[:60] for v in (held["run"].get(other[0]), self.run[other[0]]))
                raise InputError(
                    f"the run in {self.folder} was begun with another {other[0]} ({before!r}, now {now!r}); give the "
                    "same, or start anew without resume."
                )
            self.scores = {str(k): float(v) for k, v in held["scores"].items()}
        elif self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write()

    def checkpoints(self, name: str, part: str) -> Path | None:
        """Return the folder for the checkpoints of one fit.

        Parameters
        ----------
        name : str
            Of the candidate.
        part : str
            Which of its fits.

        Returns
        -------
        Path or None
        """
        return None if self.folder is None else self.folder / f"{_plain(name)}-{part}"

    def keep_score(self, name: str, part: str, score: float) -> None:
        """Keep the score of a finished fit, and delete its checkpoints.

        Parameters
        ----------
        name, part : str
        score : float
        """
        if self.folder is None:
            return
        # Other processes write scores of their own candidates.
        self.scores[f"{name} {part}"] = float(score)
        write_atomically(self._score_file(name), json.dumps(self._mine(name)).encode())
        shutil.rmtree(self.folder / f"{_plain(name)}-{part}", ignore_errors=True)

    def score(self, name: str, part: str) -> float | None:
        """Return the score of a fit that was finished before.

        Parameters
        ----------
        name, part : str

        Returns
        -------
        float or None
        """
        if self.folder is None:
            return None
        if f"{name} {part}" not in self.scores:
            held = _read_json(self._score_file(name)) or {}
            self.scores |= {k: float(v) for k, v in held.items()}
        return self.scores.get(f"{name} {part}")

    def keep_trial(self, trial: Trial) -> None:
        """Keep what a finished trial found, except its model.

        Parameters
        ----------
        trial : Trial
        """
        if self.folder is None or trial.error:
            return
        arrays = {k: _plain_array(v) for k in ARRAYS if (v := getattr(trial, k)) is not None}
        facts = {k: getattr(trial, k) for k in FACTS}
        file = self._trial_file(trial.name)
        partial = file.with_name(f".{file.name}")
        with partial.open("wb") as stream:
            np.savez(stream, facts=np.array(json.dumps(facts)), **arrays)
        partial.replace(file)

    def trial(self, spec: CandidateSpec) -> Trial | None:
        """Return a trial that was finished before, without its model.

        Parameters
        ----------
        spec : CandidateSpec

        Returns
        -------
        Trial or None
        """
        if self.folder is None or not (file := self._trial_file(spec.name)).is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as held:
                facts = json.loads(str(held["facts"]))
                arrays = {k: held[k] for k in ARRAYS if k in held.files}
        except (OSError, ValueError, KeyError):
            return None
        facts["warnings"] = tuple(facts["warnings"])
        return Trial(
            spec.name, spec.family, shifts=spec.shifts, role=spec.role, preference=spec.preference, **arrays, **facts
        )

    def clear(self) -> None:
        """Delete the folder, once the result stands."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self) -> None:
        assert self.folder is not None
        state = json.dumps({"run": self.run, "scores": self.scores})
        write_atomically(self.folder / SCORES, state.encode())

    def _mine(self, name: str) -> dict[str, float]:
        return {k: v for k, v in self.scores.items() if k.rpartition(" ")[0] == name}

    def _score_file(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{_plain(name)}.json"

    def _trial_file(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{_plain(name)}.npz"


def fingerprint(problem: Problem) -> str:
    """Return a digest of the samples and labels of a problem.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    str
    """
    digest = hashlib.blake2b(digest_size=8)
    for side in (problem.source, problem.target):
        if side is None:
            continue
        X: Any = side.X
        for part in (X.data, X.indices, X.indptr) if hasattr(X, "indptr") else (X,):
            plain = np.asarray(part)
            digest.update(repr(plain.tolist()).encode() if plain.dtype == object else np.ascontiguousarray(plain).data)
            digest.update(repr(plain.shape).encode())
        digest.update(repr(None if side.y is None else side.y.tolist()).encode())
        digest.update(b"" if side.groups is None else repr(side.groups.tolist()).encode())
    return digest.hexdigest()


def _plain_array(values: Any) -> Any:
    values = np.asarray(values)
    return np.array(values.tolist()) if values.dtype == object else values


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name)


def _read(file: Path) -> dict[str, Any] | None:
    held = _read_json(file)
    return held if held is not None and {"run", "scores"} <= set(held) else None


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return held if isinstance(held, dict) else None
