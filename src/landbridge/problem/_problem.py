"""Problem: what is to be transferred, read once and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain
from landbridge.guard import LabelledSplits
from landbridge.problem._model_target import ModelTarget

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """One transfer problem: two domains, the task and the labels that may be used.

    Parameters
    ----------
    situation : str
        Name of the strategy that read it, such as ``"tables"``.
    target : Domain or ModelTarget
        Target samples, with the labels that may be learned from.
    task : Task
        From :func:`landbridge.tasks.get_task`.
    estimator : estimator or None
        Base learner, unfitted.
    trees : estimator or None
        Boosted trees, where they are better on the source than `estimator`, which was not given: what transferring has
        to be better than.
    advantage : float
        By how much their score on the source is higher.
    source : Domain or None
        Labelled source samples; None where the source is a model.
    source_model : object or None
        The trained network or fitted model that is the source.
    hidden_labels : ndarray of object, shape (n_target,), or None
        Target labels that only score the outcome; None where a label is not hidden.
    hidden_groups : ndarray of shape (n_target,) or None
        Which target samples belong together where hidden labels are scored; None where samples are independent.
    splits : LabelledSplits or None
        Splits of the labelled target samples, the same for every candidate; None where too few are labelled.
    intermediate_domains : tuple of array
        Unlabelled domains between source and target, nearest to the source first.
    encoder : object or None
        Turns raw rows into numbers; None where they were numbers already.
    same_features : bool, default=True
        Whether both domains have the same features.
    inferred : tuple of str
        One sentence for each thing that was inferred, with the argument that overrides it.
    notes : tuple of str
        One sentence for each thing that limits the evidence.
    random_state : int or None

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.problem import Arguments, Problem, Sides
    >>> from landbridge.candidates import find_strategy
    >>> source, target = make_shift("label", random_state=0)
    >>> sides = Sides(source, target, Arguments.of(target_labels="hide"))
    >>> problem = find_strategy(sides).read(sides)
    >>> problem.situation, problem.task.name, problem.n_labelled
    ('tables', 'classification', 0)
    """

    situation: str
    target: Domain | ModelTarget
    task: Any
    estimator: Any = None
    trees: Any = None
    advantage: float = 0.0
    source: Domain | None = None
    source_model: Any = None
    hidden_labels: NDArray[Any] | None = None
    hidden_groups: NDArray[Any] | None = None
    splits: LabelledSplits | None = None
    intermediate_domains: tuple[Any, ...] = ()
    encoder: Any = None
    same_features: bool = True
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    random_state: int | None = 0

    @property
    def baseline_learner(self) -> Any:
        """Learner of the baselines: the better on the source of a linear model and trees, if none was given."""
        return self.estimator if self.trees is None else self.trees

    @property
    def labelled(self) -> NDArray[np.intp]:
        """Indices of the labelled target samples."""
        return np.flatnonzero(self.target.labelled)

    @property
    def n_labelled(self) -> int:
        """Number of target samples with a label that may be used."""
        return int(self.target.labelled.sum())

    @property
    def target_labels(self) -> NDArray[Any]:
        """Labels of the labelled target samples, of a plain type."""
        if not self.n_labelled:
            return np.empty(0)
        return np.asarray(self.target.labelled_part().y)

    @property
    def domains(self) -> tuple[Domain, Domain]:
        """Source and target, where both are domains."""
        assert isinstance(self.source, Domain) and isinstance(self.target, Domain)
        return self.source, self.target

    @property
    def n_sources(self) -> int:
        """Number of source domains."""
        if self.source is None or self.source.source_domain is None:
            return 1
        return len(np.unique(self.source.source_domain))
