"""The catalogue of methods, collected from the families by their class tags; nothing is listed by hand."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import pkgutil
from dataclasses import dataclass

from landbridge.base import TransferEstimator, TransferTags
from landbridge.exceptions import InputError

__all__ = ["FAMILIES", "Method", "find", "methods"]

FAMILIES = ("instance", "feature", "parameter", "relation", "stepwise")


@dataclass(frozen=True)
class Method:
    """One entry of the catalogue.

    Parameters
    ----------
    name : str
        Name of the class, as in the paper.
    family : str
        Its folder.
    cls : type
        The estimator class.
    summary : str
        First line of its docstring.
    """

    name: str
    family: str
    cls: type[TransferEstimator]
    summary: str

    @property
    def tags(self) -> TransferTags:
        """Tags of the class."""
        return self.cls.transfer_tags

    @property
    def available(self) -> bool:
        """Whether every library it requires is installed."""
        return all(importlib.util.find_spec(r) is not None for r in self.tags.requires)


def methods(family: str | None = None, *, task: str | None = None, shift: str | None = None) -> list[Method]:
    """Return every method of landbridge.

    Parameters
    ----------
    family : str, default=None
        One of ``FAMILIES``. If None, all families.
    task : {"classification", "regression"}, default=None
        Task that the methods can be used for. If None, any.
    shift : {"covariate", "label", "concept", "subspace"}, default=None
        Kind of shift that the methods are made for. If None, any.

    Returns
    -------
    list of Method
        Sorted by family, then name.

    Raises
    ------
    InputError
        If `family` is unknown.

    Examples
    --------
    >>> from landbridge.catalogue import methods
    >>> "CORAL" in [m.name for m in methods("feature")]
    True
    """
    if family is not None and family not in FAMILIES:
        raise InputError(f"family must be one of {', '.join(FAMILIES)}; got {family!r}.")
    found = [m for f in FAMILIES if family in (None, f) for m in _collect(f)]
    if task is not None:
        found = [m for m in found if task in m.tags.tasks]
    if shift is not None:
        found = [m for m in found if shift in m.tags.shifts]
    return found


def find(name: str) -> Method:
    """Return a method by name, ignoring case, hyphens and underscores.

    Parameters
    ----------
    name : str
        For example ``"coral"``.

    Returns
    -------
    Method

    Raises
    ------
    InputError
        If there is none; the message names similar ones, if there are any.
    """
    import difflib

    everything = {_plain(m.name): m for m in methods()}
    if (key := _plain(name)) in everything:
        return everything[key]
    near = [everything[n].name for n in difflib.get_close_matches(key, everything, n=3, cutoff=0.6)]
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    raise InputError(f"there is no method {name!r}{hint} `landbridge methods` lists them all.")


@functools.cache
def _collect(family: str) -> tuple[Method, ...]:
    try:
        package = importlib.import_module(f"landbridge.{family}")
    except ModuleNotFoundError as error:
        if error.name == f"landbridge.{family}":
            return ()
        raise
    found = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"landbridge.{family}.{info.name}")
        for name, cls in vars(module).items():
            own = inspect.isclass(cls) and cls.__module__ == module.__name__ and not name.startswith("_")
            if own and issubclass(cls, TransferEstimator) and hasattr(cls, "transfer_tags"):
                found[name] = Method(name, family, cls, (inspect.getdoc(cls) or "").split("\n")[0])
    return tuple(found[n] for n in sorted(found))


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
