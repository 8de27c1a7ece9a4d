"""The tasks by name."""

from __future__ import annotations

from landbridge.exceptions import InputError
from landbridge.tasks._base import Task
from landbridge.tasks._classification import Classification
from landbridge.tasks._regression import Regression
from landbridge.tasks._structured import StructuredTask, structured_tasks

__all__ = ["TASKS", "get_task"]

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Regression())}


def get_task(name: str | Task) -> Task:
    """Return the task of a name.

    Parameters
    ----------
    name : {"classification", "regression"}, the name of a structured task, or Task
        A task is returned as it is.

    Returns
    -------
    Task

    Raises
    ------
    InputError
        If there is no such task.

    Examples
    --------
    >>> from landbridge.tasks import get_task
    >>> get_task("regression").metric
    'R²'
    """
    if isinstance(name, Task):
        return name
    if isinstance(name, str) and name in structured_tasks():
        return StructuredTask(name)
    if not isinstance(name, str) or name not in TASKS:
        known = [*TASKS, *structured_tasks()]
        raise InputError(f"task must be {' or '.join(map(repr, known))}; got {name!r}.")
    return TASKS[name]
