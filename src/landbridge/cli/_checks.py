"""Checks of options before anything is read: each ends in one line that names the option."""

from __future__ import annotations

import csv
import difflib
import errno
import math
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from landbridge.cli._text import one_line
from landbridge.exceptions import InputError, ReadError

__all__ = [
    "check_file",
    "check_folder",
    "check_jobs",
    "check_methods",
    "check_own_files",
    "check_scoring",
    "check_seed",
    "check_side",
    "check_task",
    "check_time_budget",
    "names_in",
    "renamed",
    "say",
    "warn_of_few_labels",
]

# Processes per core that are allowed.
MOST_PER_CORE = 4
BUILTIN = "builtin:"
# Files that a result writes, and how much of one says whose it is.
OWN_FILES = ("result.json", "report.html", "run.toml")
OWN_BYTES = 1 << 16


def say(line: str) -> None:
    """Print one line for the user on standard error.

    Parameters
    ----------
    line : str
    """
    print("landbridge: " + one_line(line), file=sys.stderr)


def check_seed(value: int | None) -> int | None:
    """Refuse seeds that no generator of random numbers takes.

    Parameters
    ----------
    value : int or None

    Returns
    -------
    int or None
    """
    if value is not None and not 0 <= value < 2**32:
        raise typer.BadParameter(f"{value} is no seed; give a whole number from 0 to {2**32 - 1}")
    return value


def names_in(option: str, values: Iterable[str] | None) -> list[str]:
    """Return the names of an option that is repeated, or holds several separated by commas.

    Parameters
    ----------
    option : str
    values : iterable of str or None

    Returns
    -------
    list of str

    Examples
    --------
    >>> from landbridge.cli._checks import names_in
    >>> names_in("drop", ["visit,site", '"height, cm"'])
    ['visit', 'site', 'height, cm']
    """
    found: list[str] = []
    for value in values or ():
        names = [n.strip() for n in next(csv.reader([value], skipinitialspace=True), [])]
        if not any(names):
            raise InputError(f"--{option} is empty; name a column.")
        found += [n for n in names if n]
    return found


def renamed(pairs: Iterable[str] | None) -> dict[str, str]:
    """Return old and new names of ``--rename OLD=NEW``.

    Parameters
    ----------
    pairs : iterable of str or None

    Returns
    -------
    dict of str to str
    """
    found: dict[str, str] = {}
    for pair in pairs or ():
        old, sign, new = pair.partition("=")
        if not sign or not old.strip() or not new.strip():
            raise InputError(f"--rename {pair!r} must be OLD=NEW, such as --rename Age=age.")
        if old.strip() in found:
            raise InputError(f"--rename names the column {old.strip()!r} twice; give it one new name.")
        found[old.strip()] = new.strip()
    return found


def check_side(path: str, what: str, *, model: bool = False) -> None:
    """Refuse a file or folder that does not exist, before anything is loaded.

    Parameters
    ----------
    path : str
        File, folder or ``builtin:NAME``.
    what : str
        ``"SOURCE"`` or ``"TARGET"``, for the message.
    model : bool, default=False
        Whether the name of a network on the hub may be given.
    """
    if not path.strip():
        raise ReadError(f"{what} is empty; name a file, a folder or builtin:NAME.")
    if path.startswith(BUILTIN):
        from landbridge.data._builtin import builtin_names

        name = path.removeprefix(BUILTIN)
        if name not in builtin_names():
            near = difflib.get_close_matches(name, builtin_names(), n=1)
            hint = f" did you mean {near[0]}?" if near else ""
            raise InputError(f"there is no built-in domain {name!r};{hint} choose from {', '.join(builtin_names())}.")
        return
    there = Path(path)
    if _exists(there, what) or (model and _may_be_on_hub(path)):
        return
    folder = there.parent if there.parent.is_dir() else Path()
    beside = [p.name for p in _listed(folder)]
    near = difflib.get_close_matches(there.name, beside, n=1, cutoff=0.7)
    hint = f"did you mean {folder / near[0]}?" if near else "check the name and the folder you are in."
    raise ReadError(f"{path} does not exist; {hint}")


def check_file(path: Path | None, option: str) -> None:
    """Refuse a file that cannot be written.

    Parameters
    ----------
    path : Path or None
    option : str
    """
    if path is None:
        return
    if _exists(path, option) and path.is_dir():
        raise InputError(f"{option} {path} is a folder; name a file.")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{option} {path} lies in a folder that does not exist; make it first.")
    allowed = os.access(path, os.W_OK) if path.exists() else os.access(folder, os.W_OK | os.X_OK)
    if not allowed:
        raise InputError(f"{option} {path} cannot be written, because {folder} does not allow it; name another file.")


def check_folder(out: Path, option: str = "--out") -> None:
    """Refuse a folder that cannot be written.

    Parameters
    ----------
    out : Path
    option : str, default="--out"
    """
    if _exists(out, option) and not out.is_dir():
        raise InputError(f"{option} {out} is a file; name a folder.")
    there = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{option} {out} cannot be written, because {there} does not allow it; name another folder.")
    try:
        for part in out.absolute().relative_to(there.absolute()).parts:
            if len(os.fsencode(part)) > os.pathconf(there, "PC_NAME_MAX"):
                raise InputError(f"{option}: the name {part[:40]}... is too long; give a shorter one.")
    except (AttributeError, OSError, ValueError):
        return


def check_own_files(out: Path, option: str = "--out") -> None:
    """Refuse a folder that holds files of other programs under the names of a result's.

    Parameters
    ----------
    out : Path
    option : str, default="--out"
    """
    for name in OWN_FILES:
        place = out / name
        if not place.is_file():
            continue
        with open(place, encoding="utf-8", errors="replace") as file:
            text = file.read(OWN_BYTES)
        if text.strip() and "landbridge" not in text.lower() and '"decision"' not in text:
            raise InputError(
                f"{option} {out} holds a {name} of another program, which would be overwritten; name another folder."
            )


def check_jobs(jobs: int | None) -> int | None:
    """Refuse a number of processes of 0, and bound it by four per core.

    Parameters
    ----------
    jobs : int or None

    Returns
    -------
    int or None
    """
    if jobs is None:
        return None
    if jobs == 0:
        raise InputError("--jobs is 0; give 1 or more, or -1 for all cores.")
    most = MOST_PER_CORE * (os.cpu_count() or 1)
    if jobs > most:
        say(f"--jobs {jobs} is more than {MOST_PER_CORE} processes per core; {most} are used.")
        return most
    return max(jobs, -(os.cpu_count() or 1))


def check_time_budget(seconds: float | None) -> None:
    """Refuse a time budget that is no positive, finite number of seconds.

    Parameters
    ----------
    seconds : float or None
    """
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        raise InputError(f"--time-budget is {seconds:g}; give a positive number of seconds, or omit it for no limit.")


def check_task(task: str | None) -> None:
    """Refuse an unknown task.

    Parameters
    ----------
    task : str or None
    """
    if task is None or task in ("classification", "regression"):
        return
    from landbridge.tasks import structured_tasks

    tasks = ("classification", "regression", *structured_tasks())
    if task in tasks:
        return
    near = difflib.get_close_matches(task.lower(), tasks, n=1)
    hint = f"did you mean {near[0]}?" if near else f"give {', '.join(tasks)}, or omit it."
    raise InputError(f"--task {task!r} is unknown; {hint}")


def check_scoring(scoring: str | None) -> None:
    """Refuse the name of a scorer that scikit-learn has not.

    Parameters
    ----------
    scoring : str or None
    """
    if scoring is None:
        return
    from sklearn.metrics import get_scorer_names

    from landbridge.tasks._scoring import get_scoring

    if scoring not in get_scorer_names():
        get_scoring(scoring, "classification")  # raises, with the name that was meant


def check_methods(names: str | None, *, network: bool) -> None:
    """Refuse unknown names of methods.

    Parameters
    ----------
    names : str or None
        Separated by commas.
    network : bool
        Whether a network is the base learner or the source: its methods are looked up where they are used.
    """
    if names is None:
        return
    wanted = [n.strip() for n in names.split(",") if n.strip()]
    if not wanted:
        raise InputError("--methods names no method; `landbridge methods` lists them all.")
    if network:
        return
    from landbridge.catalogue import find

    for name in wanted:
        find(name)


def warn_of_few_labels(target_labels: Any, counts: Mapping[str, int]) -> None:
    """Print a warning where a class has fewer labelled samples than are to be used.

    Parameters
    ----------
    target_labels : int or str
    counts : mapping of str to int
        Labelled target samples by class.
    """
    if not isinstance(target_labels, int) or not counts:
        return
    name, least = min(counts.items(), key=lambda item: item[1])
    if least < target_labels:
        say(
            f"--target-labels {target_labels}: class {name!r} has {least} labelled target samples only; all of them "
            "are used, and none of them is hidden."
        )


def _exists(path: Path, what: str) -> bool:
    try:
        return path.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ReadError(f"{what}: the path {str(path)[:40]}... is too long; give a shorter one.") from None
        raise
    except ValueError as error:  # a NUL character
        raise ReadError(f"{what} {one_line(path)!r} is no path ({error}); check the name.") from None


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _may_be_on_hub(name: str) -> bool:
    # Read as problem.is_network does, which loads more than this check may.
    owner, stroke, rest = name.partition("/")
    known = {".csv", ".tsv", ".parquet", ".jsonl", ".npz", ".mat", ".svmlight", ".txt", ".skops", ".safetensors"}
    return bool(owner and stroke and rest) and "/" not in rest and Path(name).suffix.lower() not in known
