"""Tags of the methods beside the families of the plan: parts of network training, and estimators of other settings."""

from __future__ import annotations

from dataclasses import dataclass

from landbridge.base import TransferTags

__all__ = ["MethodTags"]


@dataclass(frozen=True)
class MethodTags(TransferTags):
    """Describe a method of network training, or an estimator of a setting that the plan does not cover.

    The catalogue reads them as text, so that it needs no optional library: write them as one call with literal values
    in the body of the class. A method's ``reads`` names what it uses: ``X_target`` for unlabelled target samples,
    ``y_target`` for labelled ones, ``source_domain`` for several sources.

    Parameters
    ----------
    family, reads, needs, tasks, shifts, source_free, requires, growth, reference : object
        As in :class:`~landbridge.base.TransferTags`.
    new_classes, max_samples, heterogeneous, moved_features : object
        Likewise.
    planned : frozenset of str, default=frozenset()
        Tasks for which the planner tries the method if none was requested.
    reason : str, default=""
        Why the planner tries it; ``{n}`` stands for the number of sources.
    adversarial : bool, default=False
        Whether single runs can fail, so that several are averaged where that is asked for.
    reports_only : bool, default=False
        Whether it observes the training and changes nothing.

    Examples
    --------
    >>> from landbridge._method_tags import MethodTags
    >>> MethodTags("feature", adversarial=True).reads
    frozenset({'X_target'})
    """

    planned: frozenset[str] = frozenset()
    reason: str = ""
    adversarial: bool = False
    reports_only: bool = False
