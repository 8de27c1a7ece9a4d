"""Prediction tasks: what kind of labels a data set has, and what goes with each kind.

* :func:`infer_task` decides between classification and regression, everywhere in landbridge;
* :func:`get_task` returns the :class:`Task` of a name: its metric, its scores and its default learner.
"""

from landbridge.tasks._base import Task
from landbridge.tasks._classification import Classification
from landbridge.tasks._infer import InferredTask, infer_task
from landbridge.tasks._registry import TASKS, get_task
from landbridge.tasks._regression import Regression

__all__ = ["TASKS", "Classification", "InferredTask", "Regression", "Task", "get_task", "infer_task"]
