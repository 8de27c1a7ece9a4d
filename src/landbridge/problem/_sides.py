"""Sides: the two arguments of a verb, read when they are first needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_regressor

from landbridge.data import Inspection
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.fitted_models import check_fitted_model
from landbridge.problem._arguments import Arguments
from landbridge.problem._domains import in_memory, read_domains
from landbridge.problem._inspect import inspect_domains
from landbridge.problem._model_target import ModelTarget, is_network
from landbridge.tasks import InferredTask, check_labels_fit, get_task, infer_task

__all__ = ["Sides", "check_estimator_kind", "infer_pair_task"]


class Sides:
    """Source and target as they were given, and the domains they hold.

    Parameters
    ----------
    source, target : object
        As the caller gave them.
    arguments : Arguments

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.problem import Arguments, Sides
    >>> sides = Sides((np.eye(3), ["a", "b", "a"]), np.eye(3), Arguments.of())
    >>> sides.source_kind, len(sides.domains()[1])
    ('data', 3)
    """

    def __init__(self, source: Any, target: Any, arguments: Arguments) -> None:
        self.source, self.target = in_memory(source, "source"), in_memory(target, "target")
        self.arguments = arguments
        self._read: tuple[Domain, Domain, Any] | None = None

    @property
    def source_kind(self) -> str:
        """``"network"``, ``"fitted model"`` or ``"data"``."""
        from landbridge.data import is_fitted_model, is_fitted_model_file

        if is_fitted_model(self.source) or is_fitted_model_file(self.source):
            return "fitted model"
        if is_network(self.source):
            return "network"
        # An estimator that cannot serve as a source model is refused by fitted_model, not read as data.
        return "fitted model" if hasattr(self.source, "fit") and hasattr(self.source, "predict") else "data"

    def fitted_model(self) -> Any:
        """Return the fitted model that is the source, read from its file if need be.

        Returns
        -------
        estimator

        Raises
        ------
        InputError
            If it is an estimator that is not fitted, or neither a classifier nor a regressor.
        """
        from landbridge.data import read_fitted_model

        if hasattr(self.source, "fit"):
            return check_fitted_model(self.source, "source")
        return read_fitted_model(self.source)

    def domains(self, *, image_size: tuple[int, int] | None = None, other_features: bool = True) -> Any:
        """Read both domains together.

        Parameters
        ----------
        image_size : (height, width), optional
            Common size of images that are read from folders.
        other_features : bool, default=True
            Whether the target may have features of its own.

        Returns
        -------
        source, target : Domain
        encoder : object or None
        """
        if self._read is None:
            self._read = read_domains(
                self.source,
                self.target,
                label=self.arguments.label,
                sources=self.arguments.sources,
                groups=self.arguments.groups,
                read_options=self.arguments.read_options,
                other_features=other_features,
                image_size=image_size,
            )
        return self._read

    def inspection(self) -> Inspection | None:
        """Return the facts about the domains.

        Returns
        -------
        Inspection or None
            None where the sides were not read as two domains.
        """
        if self._read is None:
            return None
        return inspect_domains(*self._read, random_state=self.arguments.random_state)


def infer_pair_task(arguments: Arguments, labelled: Domain | ModelTarget) -> tuple[Any, tuple[str, ...]]:
    """Infer the task of a problem, or check the one that was given.

    Parameters
    ----------
    arguments : Arguments
    labelled : Domain or ModelTarget
        Samples whose labels decide.

    Returns
    -------
    task : Task
    inferred : tuple of str
        What was inferred, in a sentence; empty if the task was given.

    Raises
    ------
    InputError
        If the task is unknown, or the estimator is not made for it.
    """
    y = np.asarray(labelled.labelled_part().y) if labelled.labelled.any() else None
    if y is None and arguments.task is None:
        found = InferredTask("classification", "")
    else:
        found = infer_task(y, arguments.estimator if arguments.task is None else None, task=arguments.task)
    task = get_task(found.name)
    if y is not None:
        check_labels_fit(y, task.name)
    check_estimator_kind(arguments.estimator, task)
    return task, (found.reason,) if arguments.task is None and found.reason else ()


def check_estimator_kind(estimator: Any, task: Any) -> None:
    """Raise if a base learner is made for another task.

    Parameters
    ----------
    estimator : estimator or None
    task : Task

    Raises
    ------
    InputError
    """
    if estimator is not None and bool(is_regressor(estimator)) != (task.name == "regression"):
        raise InputError(f"estimator={type(estimator).__name__} is not made for {task.name}; give a learner for it.")
