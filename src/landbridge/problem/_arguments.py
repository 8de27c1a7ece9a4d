"""Arguments of ``transfer``: checked once, and compared with what the situation can use."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, TypedDict

import numpy as np

from landbridge._checks import (
    check_column,
    check_flag,
    check_function,
    check_learner,
    check_path,
    check_seed,
    is_whole,
    shown,
)
from landbridge._random_state import drawn_seed
from landbridge.data import ReadOptions
from landbridge.exceptions import InputError
from landbridge.tasks import scoring_name

__all__ = ["Arguments", "TransferOptions"]


class TransferOptions(TypedDict, total=False):
    """Further keywords of :func:`landbridge.transfer`; each is described there."""

    sources: str | None
    groups: str | None
    scoring: Any
    assume: str | None
    intermediate_domains: Sequence[Any]
    network: Any
    epochs: int
    n_seeds: int
    skip_corrupt: bool
    exhaustive: bool
    n_jobs: int | None
    time_budget: float | None
    progress: Callable[[int, int, str], None] | None
    work_dir: Any
    resume: bool
    error_score: Any
    read_options: Any
    on_inspection: Callable[[Any], None] | None


# Names that other tools have for an argument.
OTHER_NAMES = {
    "seed": "random_state",
    "jobs": "n_jobs",
    "metric": "scoring",
    "model": "estimator",
    "learner": "estimator",
}


@dataclass(frozen=True)
class Arguments:
    """Everything that was passed to ``transfer`` beside the two sides.

    Parameters
    ----------
    label : str or None
    task : str or None
    estimator : estimator or None
    methods : list or None
        One entry per candidate.
    target_labels : {"use", "hide"} or int
    confidence : float
    random_state : int or None
    sources, groups, scoring, assume, intermediate_domains, network, epochs, n_seeds, skip_corrupt, exhaustive, \
n_jobs, time_budget, progress, work_dir, resume, error_score, read_options, on_inspection
        As in :class:`TransferOptions`.
    given : frozenset of str
        Names of the arguments whose value differs from the default.
    """

    label: str | None = None
    task: str | None = None
    estimator: Any = None
    methods: Any = None
    target_labels: Any = "use"
    confidence: float = 0.9
    random_state: int | None = 0
    sources: str | None = None
    groups: str | None = None
    scoring: Any = None
    assume: str | None = None
    intermediate_domains: Sequence[Any] = ()
    network: Any = None
    epochs: int = 20
    n_seeds: int = 1
    skip_corrupt: bool = False
    exhaustive: bool = False
    n_jobs: int | None = None
    time_budget: float | None = None
    progress: Callable[[int, int, str], None] | None = None
    work_dir: Any = None
    resume: bool = False
    error_score: Any = np.nan
    read_options: Any = None
    on_inspection: Callable[[Any], None] | None = None
    given: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, **values: Any) -> Arguments:
        """Check values and keep them.

        Parameters
        ----------
        **values
            Arguments by name.

        Returns
        -------
        Arguments

        Raises
        ------
        InputError
            If a name is unknown or a value is out of range.

        Examples
        --------
        >>> from landbridge.problem import Arguments
        >>> sorted(Arguments.of(label="ill", epochs=5).given)
        ['epochs', 'label']
        """
        known = [name for name in cls.__dataclass_fields__ if name != "given"]
        for name in values:
            if name not in known:
                near = [OTHER_NAMES[name]] if name in OTHER_NAMES else difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}."
                raise InputError(f"transfer() has no argument {name!r}; {hint}")
        if isinstance(values.get("methods"), str):
            values["methods"] = [m.strip() for m in values["methods"].split(",") if m.strip()]
        made = cls(**values)
        made._check()
        given = frozenset(n for n in known if not _same(getattr(made, n), cls.__dataclass_fields__[n].default))
        # A run without a seed draws one, and its settings name it.
        return cls(**values | {"random_state": drawn_seed(made.random_state), "given": given})

    def _check(self) -> None:
        if not isinstance(self.confidence, int | float) or not 0.5 <= self.confidence < 1:
            raise InputError(f"confidence must lie in [0.5, 1); got {shown(self.confidence)}.")
        self._check_types()
        use = self.target_labels
        if isinstance(use, bool) or not (
            (isinstance(use, str) and use in ("use", "hide")) or (is_whole(use) and use > 0)
        ):
            raise InputError(f"target_labels must be 'use', 'hide' or a positive number per class; got {shown(use)}.")
        for name in ("epochs", "n_seeds"):
            if not is_whole(value := getattr(self, name)) or value < 1:
                raise InputError(f"{name} must be a whole number of at least 1; got {shown(value)}.")
        if self.n_jobs is not None and (not is_whole(self.n_jobs) or self.n_jobs == 0):
            raise InputError(f"n_jobs must be a whole number other than 0, or None; got {shown(self.n_jobs)}.")
        budget = self.time_budget
        if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int | float) or not budget > 0):
            raise InputError(f"time_budget must be a positive number of seconds; got {shown(budget)}.")
        check_seed(self.random_state, generator=False)
        raised = isinstance(self.error_score, str) and self.error_score == "raise"
        if not raised and not (isinstance(self.error_score, float) and np.isnan(self.error_score)):
            raise InputError(f"error_score must be 'raise' or numpy.nan; got {shown(self.error_score)}.")
        if self.assume is not None and not (isinstance(self.assume, str) and self.assume == SHARES_KEPT):
            raise InputError(
                f"assume={shown(self.assume)} is unknown; give {SHARES_KEPT!r}, if the labels have the same "
                "distribution in both domains, or None."
            )
        if self.resume and self.work_dir is None:
            raise InputError("resume=True needs work_dir, the folder of the run to go on with.")

    def _check_types(self) -> None:
        ReadOptions.of(self.read_options)
        for name in ("label", "sources"):
            check_column(name, getattr(self, name))
        if self.groups is not None and not isinstance(self.groups, str):
            raise InputError(
                f"groups must be the name of a column of both tables; got {type(self.groups).__name__}. For arrays "
                "give landbridge.Domain(X, y, groups=...)."
            )
        if self.network is not None and self.estimator is not None:
            raise InputError("network and estimator were both given; the network is the base learner, give one.")
        check_learner("estimator", self.estimator)
        for name in ("skip_corrupt", "exhaustive", "resume"):
            check_flag(name, getattr(self, name))
        for name in ("progress", "on_inspection"):
            check_function(name, getattr(self, name))
        if self.work_dir is not None:
            check_path("work_dir", self.work_dir)
        network = self.network
        if network is not None and not hasattr(network, "parameters"):
            if not isinstance(network, str | PathLike):
                raise InputError(f"network must be a name, a folder or a torch module; got {shown(network)}.")
            check_path("network", network)
        methods = self.methods
        if methods is not None and (isinstance(methods, Mapping | bytes | type) or not hasattr(methods, "__len__")):
            raise InputError(f"methods must be a list of names or estimators; got {shown(methods)}.")

    def check_applies(self, accepted: frozenset[str], situation: str) -> None:
        """Refuse arguments that the situation cannot use.

        Parameters
        ----------
        accepted : frozenset of str
            Names that apply.
        situation : str
            Clause that says what the situation is.

        Raises
        ------
        InputError
            Naming the first argument that does not apply, and why.
        """
        for name in sorted(self.given - accepted - ALWAYS):
            raise InputError(f"{name}={shown(getattr(self, name))} does not apply, because {situation}; omit it.")

    def settings(self, accepted: frozenset[str]) -> dict[str, Any]:
        """Return every argument that was used, as plain data.

        Parameters
        ----------
        accepted : frozenset of str
            Names that apply in the situation.

        Returns
        -------
        dict
        """
        used = {n: getattr(self, n) for n in self.__dataclass_fields__ if n in accepted | ALWAYS and n not in RUN_ONLY}
        used["methods"] = None if self.methods is None else [m if isinstance(m, str) else repr(m) for m in self.methods]
        used["estimator"] = None if self.estimator is None else repr(self.estimator)
        used["intermediate_domains"] = [_side_name(side) for side in self.intermediate_domains]
        used["network"] = None if self.network is None else _side_name(self.network)
        used["scoring"] = None if self.scoring is None else scoring_name(self.scoring)
        used["read_options"] = ReadOptions.of(self.read_options).to_dict()
        used["error_score"] = "raise" if self.error_score == "raise" else "nan"
        keep = {
            *self.given,
            "label",
            "sources",
            "groups",
            "scoring",
            "methods",
            "estimator",
            "task",
            "target_labels",
            "confidence",
        }
        keep |= {"random_state", "intermediate_domains"}
        if "network" in self.given or ("epochs" in accepted and "network" not in accepted):
            keep.add("epochs")
        return {n: v for n, v in used.items() if n in keep and n in accepted | ALWAYS}


# What a user may know: the labels have the same distribution in both domains.
SHARES_KEPT = "shares-kept"
# Arguments that apply whatever the source and the target are.
ALWAYS = frozenset(
    {
        "task",
        "target_labels",
        "scoring",
        "confidence",
        "random_state",
        "n_jobs",
        "time_budget",
        "progress",
        "error_score",
        "on_inspection",
    }
    | {"work_dir", "resume"}
)
# Arguments that change how a run goes, not what it finds.
RUN_ONLY = frozenset({"progress", "on_inspection", "work_dir", "resume", "given"})


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if isinstance(default, tuple):
        return hasattr(value, "__len__") and not isinstance(value, str) and len(value) == 0
    plain = isinstance(value, str | int | float | bool) and isinstance(default, str | int | float | bool)
    return plain and type(value) is type(default) and (value == default or (value != value and default != default))


def _side_name(side: Any) -> str:
    if isinstance(side, str):
        return side
    return str(getattr(side, "name", None) or (side if hasattr(side, "__fspath__") else type(side).__name__))
