"""Tasks: head, loss, metric, and conversion of labels to tensors. Each file that defines a task is found by itself."""

from typing import TYPE_CHECKING

from landbridge.neural.tasks._registry import find_task, task_classes
from landbridge.neural.tasks._task import Metric, Task

if TYPE_CHECKING:
    from landbridge.neural.tasks._classification import Classification as Classification
    from landbridge.neural.tasks._multilabel import MultiLabel as MultiLabel
    from landbridge.neural.tasks._regression import Regression as Regression
    from landbridge.neural.tasks._tagging import Tagging as Tagging

globals().update({found.__name__: found for found in task_classes().values()})

__all__ = ["Metric", "Task", "find_task", "task_classes"]
__all__ += sorted(found.__name__ for found in task_classes().values())
