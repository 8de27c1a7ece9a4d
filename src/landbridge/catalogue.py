"""The catalogue of methods, collected from the packages by their class tags; nothing is listed by hand.

:func:`methods` lists those that the plan tries on tables. :func:`entries` lists these and all others: the methods of
network training, which are read as text so that torch need not be installed, and the estimators of other settings.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landbridge._method_tags import MethodTags
from landbridge.base import TransferEstimator, TransferTags
from landbridge.exceptions import InputError

__all__ = ["FAMILIES", "Entry", "Method", "entries", "find", "methods"]

FAMILIES = ("instance", "feature", "parameter", "relation", "stepwise")
# Of the methods of network training, before the family's name.
NETWORK = "network "
ROOT = Path(__file__).parent
TAGS: dict[str, type[TransferTags]] = {kind.__name__: kind for kind in (TransferTags, MethodTags)}


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


@dataclass(frozen=True)
class Entry:
    """One method of any kind, described without importing it.

    Parameters
    ----------
    name : str
        Name of the class.
    family : str
        A family of ``FAMILIES``, ``"network feature"`` and the like for methods of network training, or a setting such
        as ``"zero-shot"``.
    module : str
        Where the class is.
    doc : str
        Its docstring.
    tags : TransferTags
    """

    name: str
    family: str
    module: str
    doc: str
    tags: TransferTags

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.split("\n")[0]

    @property
    def package(self) -> str:
        """Package that the class is imported from."""
        return self.module.rpartition(".")[0]

    @property
    def requires(self) -> tuple[str, ...]:
        """Optional libraries, by import name."""
        shared = ("torch", "lightning_fabric") if self.module.startswith("landbridge.neural.") else ()
        return (*shared, *self.tags.requires)

    @property
    def available(self) -> bool:
        """Whether every library it requires is installed."""
        return all(importlib.util.find_spec(r) is not None for r in self.requires)

    @property
    def cls(self) -> Any:
        """The class, which is imported for it."""
        return getattr(importlib.import_module(self.module), self.name)


def entries(family: str | None = None) -> list[Entry]:
    """Return every method of landbridge with its tags, those of networks and of other settings included.

    Parameters
    ----------
    family : str, default=None
        If None, all families.

    Returns
    -------
    list of Entry
        Sorted by family, then name: first the families of :func:`methods`, then those of networks, then the others.

    Examples
    --------
    >>> from landbridge.catalogue import entries
    >>> "DANN" in [e.name for e in entries("network feature")]
    True
    """
    found = [Entry(m.name, m.family, m.cls.__module__, inspect.getdoc(m.cls) or "", m.tags) for m in methods()]
    found = sorted([*found, *_read_as_text()], key=_place)
    return [e for e in found if family in (None, e.family)]


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


@functools.cache
def _read_as_text() -> tuple[Entry, ...]:
    """Classes with ``method_tags``; importing them may need libraries that are not installed."""
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "method_tags = " not in text:
            continue
        place = file.relative_to(ROOT).with_suffix("").parts
        for node, tags in _tagged(ast.parse(text)):
            trained_with = place[0] == "neural" and tags.family in FAMILIES
            family = NETWORK + tags.family if trained_with else tags.family
            doc = ast.get_docstring(node) or ""
            found.append(Entry(node.name, family, ".".join(("landbridge", *place)), doc, tags))
    return tuple(found)


def _tagged(module: ast.Module) -> Iterator[tuple[ast.ClassDef, TransferTags]]:
    for node in module.body:
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
                continue
            if "method_tags" in [t.id for t in statement.targets if isinstance(t, ast.Name)]:
                call = statement.value
                given = {str(k.arg): _literal(k.value) for k in call.keywords}
                assert isinstance(node, ast.ClassDef)
                yield node, TAGS[ast.unparse(call.func)](*map(_literal, call.args), **given)


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "frozenset":
        return frozenset(ast.literal_eval(node.args[0]) if node.args else ())
    return ast.literal_eval(node)


def _place(entry: Entry) -> tuple[int, bool, str, str]:
    at = FAMILIES.index(entry.family) if entry.family in FAMILIES else len(FAMILIES)
    return at, not entry.family.startswith(NETWORK), entry.family, entry.name


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
