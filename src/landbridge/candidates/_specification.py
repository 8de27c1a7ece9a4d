"""Specification of one candidate: an unfitted model, what it is fitted on, and why it is tried or skipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from landbridge.guard import Role

__all__ = ["CandidateSpec", "numbered"]


@dataclass(frozen=True)
class CandidateSpec:
    """One way to get a model for the target, before it is tried.

    Parameters
    ----------
    name : str
    family : str
        ``"baseline"``, ``"instance"``, ``"feature"``, ``"parameter"``, ...
    model : estimator or None
        Unfitted; None where the candidate is skipped.
    reason : str
        Why it is tried or skipped.
    shifts : frozenset of str
        Shifts that it is made for; empty for any.
    role : {"candidate", "source-only", "target-only", "prior"}, default="candidate"
        Every role but ``"candidate"`` is a way of not transferring.
    fit_on : {"both", "target", "adapt"}, default="both"
        ``"target"``: on the labelled target samples alone. ``"adapt"``: from a source model, by ``adapt``.
    preference : int, default=0
        A candidate of lower preference is kept unless another is significantly better.
    reseed : bool, default=False
        Whether every split gets a random state of its own.
    prepare : callable, optional
        ``prepare() -> estimator`` in place of `model`, run with the candidate, for models that are costly to make.
    cluster : callable, optional
        ``cluster(indices) -> labels`` for a clustering of target samples, judged by its stability.
    """

    name: str
    family: str
    model: Any
    reason: str
    shifts: frozenset[str] = frozenset()
    role: Role = "candidate"
    fit_on: str = "both"
    preference: int = 0
    reseed: bool = False
    prepare: Callable[[], Any] | None = None
    cluster: Callable[[Any], Any] | None = None

    @property
    def skipped(self) -> bool:
        """Whether nothing is to be tried."""
        return self.model is None and self.prepare is None and self.cluster is None


def numbered(specs: list[CandidateSpec]) -> list[CandidateSpec]:
    """Number candidates that share a name, so that each keeps its own assessment.

    Parameters
    ----------
    specs : list of CandidateSpec

    Returns
    -------
    list of CandidateSpec

    Examples
    --------
    >>> from landbridge.candidates._specification import CandidateSpec, numbered
    >>> [s.name for s in numbered([CandidateSpec("CORAL", "feature", None, "")] * 2)]
    ['CORAL', 'CORAL (2)']
    """
    seen: dict[str, int] = {}
    out = []
    for one in specs:
        seen[one.name] = seen.get(one.name, 0) + 1
        out.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name} ({seen[one.name]})"))
    return out
