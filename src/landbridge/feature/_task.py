"""Whether the labels given to a feature-based method are classes or values."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge._sklearn_compat import StrOptions
from landbridge.base import _is_classes

__all__ = ["TASK_CONSTRAINT", "TaskParameter", "infer_task"]

TASK_CONSTRAINT: list[Any] = [StrOptions({"classification", "regression"}), None]


def infer_task(y: Any) -> str:
    """Infer the task from the labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels or values.

    Returns
    -------
    {"classification", "regression"}
    """
    return "classification" if _is_classes(np.asarray(y)) else "regression"


class TaskParameter:
    """Mixin of transformers with a parameter `task`, which have no estimator to infer the task from."""

    task: str | None

    def _task(self, y: Any) -> str:
        """Return `task`, or infer it from the labels if None."""
        return infer_task(y) if self.task is None else self.task
