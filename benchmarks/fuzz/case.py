"""One case: what is called, what must come of it, and what is checked whatever comes of it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.exceptions import LandbridgeError

__all__ = ["SECONDS", "Case", "Outcome", "Place", "Wrong", "run_case"]

# Seconds after which a case has failed.
SECONDS = 60
LONGEST_LINE = 700
# Libraries that add warning filters when they are imported.
IMPORTING = {"torch", "transformers", "sklearn", "pandas", "dask", "distributed", "h5py", "soundfile", "matplotlib"}


class Wrong(AssertionError):
    """The answer is wrong."""


class TooLong(BaseException):
    """The case takes too long."""


@dataclass
class Case:
    """What is called, and what must come of it.

    Parameters
    ----------
    name : str
    call : callable
        Without arguments.
    check : callable, optional
        Takes the answer and raises :class:`Wrong`.
    must : {"either", "answer", "refusal"}
    kept : tuple
        Objects of the caller's that must not be changed.
    """

    name: str
    call: Callable[[], Any]
    check: Callable[[Any], None] | None = None
    must: str = "either"
    kept: tuple[Any, ...] = ()


@dataclass
class Outcome:
    """What came of a case.

    Parameters
    ----------
    kind, name : str
    index : int
    status : {"right", "refused", "failed"}
    words : str
        The line, or what failed.
    seconds : float
    """

    kind: str
    index: int
    name: str
    status: str
    words: str = ""
    seconds: float = 0.0
    trace: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as a plain dict."""
        return asdict(self)


@dataclass
class Place:
    """Where a case is made: a generator of numbers, and a folder for files.

    Parameters
    ----------
    rng : Generator
    folder : Path
    index : int
        Running number of the case within its kind.
    """

    rng: np.random.Generator
    folder: Path
    index: int = 0
    written: list[Path] = field(default_factory=list)

    def file(self, name: str, content: bytes | str) -> Path:
        """Write a file and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def pick(self, values: Any) -> Any:
        """Return one of some values."""
        values = list(values)
        return values[int(self.rng.integers(len(values)))]

    def chance(self, share: float = 0.5) -> bool:
        """Return True with a probability."""
        return bool(self.rng.random() < share)


def run_case(kind: str, make: Callable[[Place], Case], index: int, seed: int, *, seconds: int = SECONDS) -> Outcome:
    """Make a case, run it and check what came of it.

    Parameters
    ----------
    kind : str
    make : callable
    index, seed : int
    seconds : int

    Returns
    -------
    Outcome
    """
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    (folder / "out").mkdir()
    place = Place(np.random.default_rng([seed, zlib.crc32(kind.encode()), index]), folder, index)
    began, name = time.perf_counter(), "making the case"
    home = os.getcwd()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case = make(place)
        name = case.name
        os.chdir(folder / "out")
        began = time.perf_counter()
        status, words, trace = _judged(case, folder, seconds)
    except Exception as error:
        status, words, trace = "failed", f"{type(error).__name__}: {error}"[:500], traceback.format_exc()[-3000:]
    finally:
        os.chdir(home)
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(kind, index, name, status, words, round(time.perf_counter() - began, 3), trace)


def _judged(case: Case, folder: Path, seconds: int) -> tuple[str, str, str]:
    before = _state(folder), [_print_of(k) for k in case.kept]
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        filters, loaded = list(warnings.filters), len(IMPORTING & sys.modules.keys())
        try:
            with _limit(seconds):
                value = case.call()
            status, words = "right", ""
        except LandbridgeError as error:
            status, words = "refused", str(error)
        except TooLong:
            return "failed", f"more than {seconds} s", ""
        except (Exception, SystemExit) as error:
            return "failed", f"{type(error).__name__}: {error}"[:500], traceback.format_exc()[-4000:]
        if list(warnings.filters) != filters and not (len(IMPORTING & sys.modules.keys()) > loaded):
            return "failed", "the warning filters were changed", ""
    if changed := _changed(before[0], _state(folder)):
        return "failed", f"changed: {changed}", ""
    if [_print_of(k) for k in case.kept] != before[1]:
        return "failed", "an object of the caller's was changed", ""
    foreign = [w for w in shown if not _is_ours(w)]
    if foreign:
        where = f"{foreign[0].filename.split('site-packages/')[-1]}:{foreign[0].lineno}"
        return "failed", f"warning shown: {foreign[0].category.__name__}: {foreign[0].message} ({where})", ""
    if status == "refused":
        if why := unclear(words):
            return "failed", f"{why}: {words!r}", ""
        return ("failed", f"refused: {words}", "") if case.must == "answer" else (status, words, "")
    try:
        with _limit(seconds):
            if gap := not_finite(value):
                return "failed", f"not finite: {gap}", ""
            if case.must == "refusal":
                return "failed", f"answered although it must be refused: {value!r}"[:300], ""
            if case.check is not None:
                case.check(value)
    except Wrong as error:
        return "failed", f"wrong: {error}", ""
    except LandbridgeError as error:
        return "failed", f"refused in the check: {error}", ""
    return status, words, ""


def _is_ours(warning: Any) -> bool:
    return "landbridge" in warning.filename and not issubclass(
        warning.category, RuntimeWarning | FutureWarning | DeprecationWarning
    )


def unclear(words: str) -> str:
    """Return what is unclear about the line of an error, empty if nothing is.

    Parameters
    ----------
    words : str

    Returns
    -------
    str
    """
    if "\n" in words or "\r" in words:
        return "several lines"
    if any(ord(c) < 32 and c != "\t" for c in words):
        return "control characters"
    if not 15 <= len(words) <= LONGEST_LINE:
        return f"a line of {len(words)} characters"
    if " object at 0x" in words or "Traceback" in words:
        return "no words for a user"
    return ""


def not_finite(value: Any, where: str = "answer") -> str:
    """Return where an answer holds a number that is not finite, empty where none is.

    Parameters
    ----------
    value : object
    where : str

    Returns
    -------
    str
    """
    if isinstance(value, float | np.floating):
        return "" if math.isfinite(value) else where
    if isinstance(value, dict):
        return next((f for k, v in value.items() if (f := not_finite(v, f"{where}.{k}"))), "")
    if isinstance(value, list | tuple):
        return next((f for i, v in enumerate(value) if (f := not_finite(v, f"{where}[{i}]"))), "")
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return "" if np.isfinite(value).all() else where
    if type(value).__name__ == "Domain":
        X = value.X.data if hasattr(value.X, "tocsr") else value.X
        return not_finite(np.asarray(X), f"{where}.X")
    return ""


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _state(folder: Path) -> dict[str, Any]:
    """What belongs to the caller: files, seeds, environment, folder."""
    import pandas as pd

    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder).parts[0] != "out")
    return {
        "files": {str(p.relative_to(folder)): hashlib.md5(p.read_bytes()).hexdigest() for p in files},
        "seed of numpy": hashlib.md5(np.random.get_state()[1].tobytes()).hexdigest(),  # noqa: NPY002
        "seed of random": hash(random.getstate()),
        "environment": dict(os.environ),
        "working folder": os.getcwd(),
        "handling of floating-point errors": np.geterr(),
        "options of pandas": pd.get_option("mode.sim_interactive"),
        "showwarning": warnings.showwarning,
        "print options": json.dumps(np.get_printoptions(), default=str),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)],
    }


def _changed(before: dict[str, Any], after: dict[str, Any]) -> str:
    found = [name for name in before if before[name] != after[name] and name != "showwarning"]
    if "files" in found:
        one, two = before["files"], after["files"]
        return f"files {sorted(k for k in {*one, *two} if one.get(k) != two.get(k))[:3]}"
    return ", ".join(found)


def _print_of(value: Any) -> Any:
    """What an object holds, to be compared with itself later."""
    if hasattr(value, "columns") and hasattr(value, "dtypes") and hasattr(value, "index"):
        cells = [repr(value.iloc[:, i].tolist()) for i in range(value.shape[1])]
        return [repr(list(value.columns)), repr(list(value.index)), repr(list(value.dtypes)), cells, repr(value.attrs)]
    if isinstance(value, np.ndarray):
        mask = repr(np.ma.getmaskarray(value).tolist()) if isinstance(value, np.ma.MaskedArray) else ""
        return [value.dtype, value.shape, value.flags.writeable, repr(np.asarray(value).tolist()), mask]
    if isinstance(value, list | tuple):
        return [_print_of(v) for v in value]
    if isinstance(value, dict):
        return {k: _print_of(v) for k, v in value.items()}
    if hasattr(value, "tocsr"):
        return [value.format, value.shape, repr(value.toarray().tolist())]
    return repr(value) if "object at 0x" not in repr(value) else type(value).__name__
