"""Tasks: head, loss, metric, and conversion of labels to tensors."""

from landbridge.neural.tasks._classification import Classification
from landbridge.neural.tasks._multilabel import MultiLabel
from landbridge.neural.tasks._regression import Regression
from landbridge.neural.tasks._task import Task

__all__ = ["Classification", "MultiLabel", "Regression", "Task"]
