"""What a transfer that was interrupted goes on from: scores of finished trainings, and checkpoints of the one begun."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from landbridge.exceptions import InputError
from landbridge.verbs._persist import write_atomically

__all__ = ["Unfinished", "digest"]

SCORES = "scores.json"


class Unfinished:
    """A folder that holds the work done so far, written so that a kill at any moment leaves it readable.

    Parameters
    ----------
    folder : path-like or None
        None keeps nothing.
    run : dict
        What must be the same for a run to go on; plain data.
    resume : bool, default=False
        Go on from what is there; otherwise it is deleted.

    Raises
    ------
    InputError
        If what is there was made with other settings.
    """

    def __init__(self, folder: str | Path | None, run: dict[str, Any], *, resume: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
        self.run = {k: str(v) for k, v in run.items()}
        self.scores: dict[str, float] = {}
        if self.folder is None:
            if resume:
                raise InputError("resume=True needs work_dir, the folder of the run to go on with.")
            return
        held = _read(self.folder / SCORES)
        if resume and held is not None:
            if other := [k for k, v in self.run.items() if held["run"].get(k) != v]:
                raise InputError(
                    f"the run in {self.folder} was begun with another {other[0]} ({held['run'].get(other[0])!r}, now "
                    f"{self.run[other[0]]!r}); give the same, or start anew without resume."
                )
            self.scores = {str(k): float(v) for k, v in held["scores"].items()}
        elif self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write()

    def checkpoints(self, name: str, part: str) -> Path | None:
        """Folder for the checkpoints of one training.

        Parameters
        ----------
        name : str
            Of the candidate.
        part : str
            Which of its trainings.

        Returns
        -------
        Path or None
        """
        return None if self.folder is None else self.folder / f"{_plain(name)}-{part}"

    def keep(self, name: str, part: str, score: float) -> None:
        """Note the score of a finished training, and drop its checkpoints.

        Parameters
        ----------
        name, part : str
        score : float
        """
        self.scores[f"{name} {part}"] = float(score)
        if self.folder is not None:
            self._write()
            shutil.rmtree(self.folder / f"{_plain(name)}-{part}", ignore_errors=True)

    def score(self, name: str, part: str) -> float | None:
        """Score of a training that was finished before.

        Parameters
        ----------
        name, part : str

        Returns
        -------
        float or None
        """
        return self.scores.get(f"{name} {part}")

    def clear(self) -> None:
        """Delete the folder, once all is done."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self) -> None:
        assert self.folder is not None
        story = json.dumps({"run": self.run, "scores": self.scores})
        write_atomically(self.folder / SCORES, story.encode())


def digest(*parts: Any) -> str:
    """Fingerprint of plain data.

    Parameters
    ----------
    *parts : object
        With a repr that says all.

    Returns
    -------
    str
    """
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return held if isinstance(held, dict) and {"run", "scores"} <= set(held) else None
