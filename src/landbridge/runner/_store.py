"""Store of an unfinished run: finished trials, scores of finished fits, and checkpoints of the one begun."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
import zipfile
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np

from landbridge.candidates._specification import CandidateSpec
from landbridge.exceptions import InputError
from landbridge.guard import Trial
from landbridge.problem._problem import Problem
from landbridge.problem._structured import listed
from landbridge.results._files import make_folder, one_line_errors, remove_leftovers, write_atomically
from landbridge.results._lock import LOCK, FolderLock

__all__ = ["RunStore", "fingerprint"]

SCORES = "scores.json"
ARRAYS = ("predicted", "proba", "classes", "splits", "validated", "validated_proba", "held_out")
# Before lists of several lengths that are kept as text.
JSON = "json:"
FACTS = ("error", "traceback", "warnings", "seconds", "intermediate")
# Locks by folder and thread.
_BEGUN: WeakValueDictionary[tuple[str, int], FolderLock] = WeakValueDictionary()


class RunStore:
    """A folder that holds the work done so far, written so that a kill at any moment leaves it readable.

    One run uses the folder at a time: until :meth:`clear` or the end of a ``with`` block, another one is refused.

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
        If what is there was made with other settings or data, or is no unfinished run.
    WriteError
        If the folder cannot be written, or another run uses it.

    Notes
    -----
    Models are not stored: the one that is chosen is fitted again from the same seed, networks from their last
    checkpoint.
    """

    def __init__(self, folder: str | Path | None, run: dict[str, Any], *, resume: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
        self.run = {k: str(v) for k, v in run.items()}
        self.scores: dict[str, float] = {}
        self._lock: FolderLock | None = None
        if self.folder is None:
            return
        _refuse_foreign(self.folder)
        me = (os.path.realpath(self.folder), threading.get_ident())
        # A run that this thread began before has ended, whatever still refers to it.
        if (before := _BEGUN.get(me)) is not None:
            before.release()
        self._lock = _BEGUN[me] = FolderLock(make_folder(self.folder), keep=True).acquire()
        try:
            self._begin(resume)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()

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
        _delete(self.folder / f"{_plain(name)}-{part}")

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
            self.scores |= _numbers(_read_json(self._score_file(name)))
        return self.scores.get(f"{name} {part}")

    def keep_trial(self, trial: Trial) -> None:
        """Keep what a finished trial found, except its model.

        Parameters
        ----------
        trial : Trial
        """
        if self.folder is None or trial.error:
            return
        arrays = {k: _kept_array(v) for k in ARRAYS if (v := getattr(trial, k)) is not None}
        facts = {k: getattr(trial, k) for k in FACTS}
        stream = BytesIO()
        np.savez(stream, facts=np.array(json.dumps(facts)), **arrays)
        write_atomically(self._trial_file(trial.name), stream.getvalue())

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
                arrays = {k: _found_array(held[k]) for k in ARRAYS if k in held.files}
            facts["warnings"] = tuple(facts["warnings"])
            return Trial(
                spec.name,
                spec.family,
                shifts=spec.shifts,
                role=spec.role,
                preference=spec.preference,
                **arrays,
                **facts,
            )
        except (OSError, EOFError, ValueError, KeyError, TypeError, MemoryError, zipfile.BadZipFile):
            return None  # it is tried again

    def clear(self) -> None:
        """Delete the folder, once the result stands."""
        if self.folder is None:
            return
        _empty(self.folder)
        if self._lock is not None:
            self._lock.keep = False
            self._lock.release()
        try:
            self.folder.rmdir()
        except OSError:  # a link, or somebody else's file in it
            pass

    def _begin(self, resume: bool) -> None:
        assert self.folder is not None
        held = _read(self.folder / SCORES)
        if resume and held is not None:
            begun = held["run"]
            if other := [k for k, v in self.run.items() if begun.get(k) != v]:
                before, now = (str(v)[:60] for v in (begun.get(other[0]), self.run[other[0]]))
                raise InputError(
                    f"the run in {self.folder} was begun with another {other[0]} ({before!r}, now {now!r}); give the "
                    "same, or start anew without resume."
                )
            self.scores = _numbers(held["scores"])
            remove_leftovers(self.folder)
        else:
            with one_line_errors(self.folder):
                _empty(self.folder)
        self._write()

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


def _kept_array(values: Any) -> Any:
    """An array that needs no pickle; lists of several lengths as their JSON."""
    held = np.asarray(values)
    if held.dtype == object and held.ndim == 1 and any(isinstance(v, list | np.ndarray) for v in held):
        plain = [v.tolist() if isinstance(v, np.ndarray) else v for v in held]
        return np.array(JSON + json.dumps(plain))
    return _plain_array(held)


def _found_array(held: Any) -> Any:
    if held.ndim == 0 and held.dtype.kind == "U" and str(held).startswith(JSON):
        return listed(json.loads(str(held).removeprefix(JSON)))
    return held


def _plain(name: str) -> str:
    """A name that files may bear; names that differ stay different."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name)[:80]
    return plain if plain == name else f"{plain}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"


def _refuse_foreign(folder: Path) -> None:
    """A folder that no run has made is not emptied."""
    try:
        held = [p.name for p in folder.iterdir()]
    except FileNotFoundError:
        return
    except OSError:  # make_folder says why it cannot be used
        return
    if held and LOCK not in held and _read(folder / SCORES) is None:
        raise InputError(
            f"work_dir={str(folder)!r} holds {sorted(held)[0]!r} and no unfinished run; name a folder that is empty or "
            "does not exist, because it is deleted in the end."
        )


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name != LOCK:
            _delete(entry)


def _delete(entry: Path) -> None:
    """Delete a file or folder; a link itself, never what it names."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


def _numbers(held: Any) -> dict[str, float]:
    if not isinstance(held, dict):
        return {}
    return {str(k): float(v) for k, v in held.items() if isinstance(v, int | float)}


def _read(file: Path) -> dict[str, Any] | None:
    held = _read_json(file)
    ours = held is not None and isinstance(held.get("run"), dict) and isinstance(held.get("scores"), dict)
    return held if ours else None


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return held if isinstance(held, dict) else None
