"""Tasks by their names, found in the files of this package."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from landbridge.exceptions import InputError
from landbridge.neural.tasks._task import Task

__all__ = ["find_task", "task_classes"]


@cache
def task_classes() -> dict[str, type[Task]]:
    """Collect the tasks that the files of this package define.

    Returns
    -------
    dict of str to type
        By name; a class counts where it has a ``name`` of its own.

    Examples
    --------
    >>> from landbridge.neural.tasks import task_classes
    >>> sorted(task_classes())[:2]
    ['classification', 'multilabel']
    """
    package = __name__.rpartition(".")[0]
    found: dict[str, type[Task]] = {}
    for entry in sorted(pkgutil.iter_modules([str(Path(__file__).parent)]), key=lambda e: e.name):
        if entry.name in ("_task", "_registry"):
            continue
        module = importlib.import_module(f"{package}.{entry.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Task) and value.__module__ == module.__name__:
                name = vars(value).get("name")
                if isinstance(name, str) and not value.__name__.startswith("_"):
                    if name in found:
                        raise TypeError(f"two tasks are named {name!r}: {found[name].__name__}, {value.__name__}")
                    found[name] = value
    return found


def find_task(name: str) -> type[Task]:
    """Return the class of a task.

    Parameters
    ----------
    name : str

    Returns
    -------
    type

    Raises
    ------
    InputError
        If there is no task of that name.

    Examples
    --------
    >>> from landbridge.neural.tasks import find_task
    >>> find_task("regression").metric_name
    'R2'
    """
    known = task_classes()
    if name not in known:
        raise InputError(f"task={name!r} is unknown; choose from {', '.join(sorted(known))}.")
    return known[name]
