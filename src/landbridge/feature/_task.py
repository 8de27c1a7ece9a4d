"""Whether the labels given to a feature-based method are classes or values."""

from __future__ import annotations

from typing import Any

from landbridge._sklearn_compat import StrOptions
from landbridge.tasks import infer_task

__all__ = ["TASK_CONSTRAINT", "TaskParameter"]

TASK_CONSTRAINT: list[Any] = [StrOptions({"classification", "regression"}), None]


class TaskParameter:
    """Mixin of transformers with a parameter `task`, which have no estimator to infer the task from."""

    task: str | None

    def _task(self, y: Any) -> str:
        """Return `task`, or infer it from the labels if None."""
        return infer_task(y, task=self.task).name
