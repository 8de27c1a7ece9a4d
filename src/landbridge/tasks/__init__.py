"""Prediction tasks: what kind of labels a data set has, and what goes with each kind.

* :func:`infer_task` decides between classification and regression, everywhere in landbridge;
* :func:`get_task` returns the :class:`Task` of a name: its metric, its scores and its default learner;
* :class:`StructuredTask` is a task whose labels are more than one class or value, such as a tag per word;
* :func:`get_scoring` returns a :class:`Scoring`: a scorer of scikit-learn in place of accuracy or R².
"""

from landbridge.tasks._base import Task
from landbridge.tasks._classification import Classification
from landbridge.tasks._infer import InferredTask, check_labels_fit, infer_task
from landbridge.tasks._registry import TASKS, get_task
from landbridge.tasks._regression import Regression
from landbridge.tasks._scoring import Scoring, difference_in_words, get_scoring, is_share, scoring_name
from landbridge.tasks._structured import StructuredTask, structured_tasks

__all__ = [
    "TASKS",
    "Classification",
    "InferredTask",
    "Regression",
    "Scoring",
    "StructuredTask",
    "Task",
    "check_labels_fit",
    "difference_in_words",
    "get_scoring",
    "get_task",
    "infer_task",
    "is_share",
    "scoring_name",
    "structured_tasks",
]
