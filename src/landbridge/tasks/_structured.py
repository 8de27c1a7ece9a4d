"""Tasks whose labels are more than one class or value per sample, as the engine knows them: name, score, agreement."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.tasks._base import Task

__all__ = ["StructuredTask", "structured_tasks"]

# Where each structured task has its file.
FOLDER = Path(__file__).parent.parent / "neural" / "tasks"


@cache
def structured_tasks() -> tuple[str, ...]:
    """Return the names of the structured tasks, found by their class attributes without importing torch.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from landbridge.tasks import structured_tasks
    >>> "tagging" in structured_tasks()
    True
    """
    found = []
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            held = {} if not isinstance(node, ast.ClassDef) else dict(filter(None, map(_constant, node.body)))
            if held.get("structured") is True and isinstance(held.get("name"), str):
                found.append(held["name"])
    return tuple(found)


class StructuredTask(Task):
    """Structured task: scores whole labels, such as the tags of a sentence, by the metric of its network.

    Parameters
    ----------
    name : str
        One of :func:`structured_tasks`.

    Attributes
    ----------
    metric : str
        Such as ``"entity F1"``; a share.

    Examples
    --------
    >>> from landbridge.tasks import get_task
    >>> get_task("tagging").score([["B-PER", "O"]], [["B-PER", "O"]])
    1.0
    """

    structured: ClassVar[bool] = True
    default_scorer = ""

    def __init__(self, name: str) -> None:
        self.name: str = name  # type: ignore[misc]
        self.default_metric: str = self.kind.metric_name  # type: ignore[misc]
        super().__init__()

    @property
    def kind(self) -> Any:
        """The class of the task of the network."""
        # By name: networks stand above tasks.
        return import_module("landbridge.neural.tasks").find_task(self.name)

    @property
    def is_share(self) -> bool:
        """Whether the score is a share, from 0 to 1."""
        return True

    def with_scoring(self, scoring: Any) -> StructuredTask:
        """Return the task; it has one score only.

        Parameters
        ----------
        scoring : None

        Returns
        -------
        StructuredTask

        Raises
        ------
        InputError
            If another scorer is given.
        """
        if scoring is not None:
            raise InputError(f"scoring does not apply, because {self.name} is scored by {self.metric}; omit it.")
        return self

    def in_words(self, difference: float, *, sign: bool = False) -> str:
        """Write a difference of scores in points.

        Parameters
        ----------
        difference : float
        sign : bool, default=False

        Returns
        -------
        str
        """
        return f"{100 * difference:{'+' if sign else ''}.1f} points of {self.metric}"

    def score(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Score predictions; the greater the better, 1 for perfect ones.

        Parameters
        ----------
        y_true, y_pred : sequence of length n_samples
        sample_weight : None

        Returns
        -------
        float
        """
        return float(self.kind.score_labels(list(y_true), list(y_pred)))

    def score_predictions(
        self, y_true: Any, predicted: Any, proba: Any = None, classes: Any = None, *, all_labels: Any = None
    ) -> float:
        """Score predictions by the metric of the task.

        Parameters
        ----------
        y_true, predicted : sequence of length n_samples
        proba, classes, all_labels : object, optional
            Not used.

        Returns
        -------
        float
        """
        return self.score(y_true, predicted)

    def _default_score(self, y_true: NDArray[Any], predicted: NDArray[Any], all_labels: Any) -> float:
        return self.score(y_true, predicted)

    def sample_scores(self, y_true: Any, y_pred: Any) -> NDArray[np.float64]:
        """Score each prediction by itself; a metric over all samples is not their mean.

        Parameters
        ----------
        y_true, y_pred : sequence of length n_samples

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return np.array([self._one(a, b) for a, b in zip(y_true, y_pred, strict=True)])

    def agreement(self, a: Any, b: Any) -> NDArray[np.float64]:
        """Compare two predictions of the same samples, each by the metric of the task.

        Parameters
        ----------
        a, b : sequence of length n_samples

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.sample_scores(a, b)

    def learner(self) -> Any:
        """Raise: only networks learn structured labels.

        Raises
        ------
        InputError
        """
        raise InputError(f"task={self.name!r} has no learner but networks; name one with network=.")

    def __repr__(self) -> str:
        return f"StructuredTask({self.name!r})"

    def _one(self, a: Any, b: Any) -> float:
        return 1.0 if np.array_equal(a, b) else self.score([a], [b])


def _constant(node: ast.stmt) -> tuple[str, Any] | None:
    """Name and value of an assignment of a constant."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value.value
    return None
