"""Strategy: how one situation is read, diagnosed and planned. One file per situation; found in the package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from typing import ClassVar

from landbridge.candidates._specification import CandidateSpec
from landbridge.discrepancy import Diagnosis
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides

__all__ = ["Strategy", "find_strategy", "strategies"]


class Strategy(ABC):
    """Base class of the situations that ``transfer`` knows.

    Attributes
    ----------
    name : str
        Name of the situation.
    clause : str
        What the situation is, as a clause for messages.
    accepts : frozenset of str
        Arguments of ``transfer`` that apply beside those that always do.
    order : int
        Strategies of lower order are asked first.
    """

    name: ClassVar[str]
    clause: ClassVar[str]
    accepts: ClassVar[frozenset[str]]
    order: ClassVar[int]

    @abstractmethod
    def recognises(self, sides: Sides) -> bool:
        """Return whether the two sides are in this situation.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """

    @abstractmethod
    def read(self, sides: Sides) -> Problem:
        """Read the sides as a problem.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """

    @abstractmethod
    def diagnose(self, problem: Problem) -> Diagnosis:
        """Measure the shift between the domains, as far as the situation allows.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Diagnosis
        """

    @abstractmethod
    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List what to try, baselines first.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """

    def preface(self, problem: Problem) -> str:
        """Return what the reason of every verdict in this situation begins with.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        str
        """
        return ""


def strategies() -> list[Strategy]:
    """Return one strategy per situation, in the order in which they are asked.

    Returns
    -------
    list of Strategy

    Examples
    --------
    >>> from landbridge.candidates import strategies
    >>> "tables" in [s.name for s in strategies()]
    True
    """
    package = importlib.import_module("landbridge.candidates")
    found = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"landbridge.candidates.{info.name}")
        for cls in vars(module).values():
            own = inspect.isclass(cls) and issubclass(cls, Strategy) and cls.__module__ == module.__name__
            if own and not inspect.isabstract(cls):
                found[cls.name] = cls()
    return sorted(found.values(), key=lambda s: s.order)


def find_strategy(sides: Sides) -> Strategy:
    """Return the first strategy that recognises the situation, after checking that every argument applies.

    Parameters
    ----------
    sides : Sides

    Returns
    -------
    Strategy

    Raises
    ------
    InputError
        If an argument was given that does not apply in this situation.
    """
    strategy = next(s for s in strategies() if s.recognises(sides))
    sides.arguments.check_applies(strategy.accepts, strategy.clause)
    return strategy
