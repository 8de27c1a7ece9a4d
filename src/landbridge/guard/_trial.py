"""What one fitted candidate or baseline shows the guard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.guard._evidence import EvidenceKind
from landbridge.measurement import Measurement

__all__ = ["CONDITIONAL_SHIFTS", "Role", "Trial", "source_model"]

Role = Literal["candidate", "source-only", "target-only", "prior"]
# Shifts under which equal samples of the two domains differ in their labels, so that no reweighting can be right.
CONDITIONAL_SHIFTS = frozenset({"concept", "subspace"})


@dataclass(frozen=True)
class Trial:
    """What one candidate or baseline showed.

    Parameters
    ----------
    name, family : str
    shifts : frozenset of str, default=frozenset()
        Shifts the method is made for; if empty, any.
    role : {"candidate", "source-only", "target-only", "prior"}, default="candidate"
        All but the first are baselines; ``"prior"`` is the most frequent class or the mean of the source, where no
        source model applies to the target.
    model : estimator, optional
        Fitted on all samples; None if it failed.
    predicted : ndarray of shape (n_target,), optional
        Its predictions for the target samples.
    proba : ndarray of shape (n_target, n_classes), optional
        Its class probabilities, in the order of `classes`; None for regression.
    classes : ndarray of shape (n_classes,), optional
        Classes of the source.
    splits : ndarray of shape (n_splits,), optional
        Its score on each split of the labelled target samples.
    validated : ndarray of shape (n_labelled,), optional
        Its prediction for each labelled target sample when the label was held out.
    validated_proba : ndarray of shape (n_labelled, n_classes), optional
        Class probabilities likewise.
    held_out : ndarray of shape (n_source,), optional
        Its prediction for each source sample when that was held out.
    evidence : mapping of EvidenceKind to Measurement
    intermediate : bool, default=False
        Whether it was fitted over given intermediate domains.
    preference : int, default=0
        Lower is simpler: among candidates that do not differ significantly, the simpler is chosen.
    advantage : float, default=0.0
        Of the source model: by how much its learner is better on the source than that of the candidates.
    seconds : float, default=0.0
    error, traceback : str, default=""
        Why it failed; empty if it did not.
    warnings : tuple of str, default=()
    """

    name: str
    family: str
    shifts: frozenset[str] = frozenset()
    role: Role = "candidate"
    model: Any = None
    predicted: Any = None
    proba: Any = None
    classes: Any = None
    splits: NDArray[np.float64] | None = None
    validated: Any = None
    validated_proba: Any = None
    held_out: Any = None
    evidence: Mapping[EvidenceKind, Measurement] = field(default_factory=dict)
    intermediate: bool = False
    preference: int = 0
    advantage: float = 0.0
    seconds: float = 0.0
    error: str = ""
    traceback: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def baseline(self) -> bool:
        """Whether it is a way of not transferring."""
        return self.role != "candidate"

    @property
    def suits_conditional_shift(self) -> bool:
        """Whether the method is made for concept or subspace shift, or for no shift in particular."""
        return not self.shifts or bool(self.shifts & CONDITIONAL_SHIFTS)


def source_model(trials: Iterable[Trial]) -> Trial:
    """Return the baseline that needs no target labels: source-only, or the prior where no source model applies.

    Parameters
    ----------
    trials : iterable of Trial

    Returns
    -------
    Trial

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> from landbridge.guard import Trial, source_model
    >>> source_model([Trial("CORAL", "feature"), Trial("source-only", "baseline", role="source-only")]).name
    'source-only'
    """
    for trial in trials:
        if trial.role in ("source-only", "prior"):
            return trial
    raise InputError("trials hold no fitted baseline of role 'source-only' or 'prior'; add one to compare with.")
