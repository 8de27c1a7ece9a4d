"""Pages about methods, from their docstrings and tags; networks are read as text, so that torch need not be there."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from landbridge.exceptions import InputError

__all__ = ["MethodPage", "Parameter", "families", "find_page", "method_names", "pages"]

# Families beside those of the catalogue: folder to name, what they need, and how they are used.
OTHERS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "neural/feature": ("network feature", ("torch",), "landbridge transfer ... --network NETWORK --methods {name}"),
    "neural/parameter": ("network parameter", ("torch",), "landbridge transfer ... --network NETWORK --methods {name}"),
    "neural/fewshot": ("few-shot", ("torch",), "from landbridge.neural.fewshot import {name}"),
    "neural/multitask": ("multitask", ("torch",), "from landbridge.neural.multitask import {name}"),
    "neural/progressive": ("progressive", ("torch",), "from landbridge.neural.progressive import {name}"),
    "neural/selftaught": ("self-taught", ("torch",), "from landbridge.neural.selftaught import {name}"),
    "selftaught": ("self-taught", (), "from landbridge.selftaught import {name}"),
    "zeroshot": ("zero-shot", (), "from landbridge.zeroshot import {name}"),
}
CATALOGUE = ("instance", "feature", "parameter", "relation", "stepwise")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method.

    Parameters
    ----------
    name : str
    type : str
    default : str
        Empty where there is none.
    description : str
    """

    name: str
    type: str
    default: str
    description: str


@dataclass(frozen=True)
class MethodPage:
    """What is known of one method.

    Parameters
    ----------
    name, family, summary, description : str
    helps, hurts, notes : str
        When it helps, when it hurts, and what else there is to know.
    parameters : tuple of Parameter
    reference : str
        The paper.
    use : str
        How it is used.
    made_for, tasks, needs : tuple of str
        Kinds of shift, tasks, and what it cannot do without; empty where it has no tags.
    growth : str
        Growth in time and memory.
    requires : tuple of str
        Optional libraries.
    available : bool
        Whether these are installed.
    """

    name: str
    family: str
    summary: str
    description: str
    helps: str
    hurts: str
    notes: str
    parameters: tuple[Parameter, ...]
    reference: str
    use: str
    made_for: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    growth: str = ""
    requires: tuple[str, ...] = ()
    available: bool = True

    def to_dict(self, *, long: bool) -> dict[str, Any]:
        """Return the page as a JSON-ready dict.

        Parameters
        ----------
        long : bool
            Whether to include what only the page of one method shows.

        Returns
        -------
        dict
        """
        held = asdict(self)
        return held if long else {k: held[k] for k in SHORT}


SHORT = ("name", "family", "summary", "made_for", "tasks", "needs", "growth", "reference", "available")


def families() -> tuple[str, ...]:
    """Return the names of all families.

    Returns
    -------
    tuple of str
    """
    return (*CATALOGUE, *dict.fromkeys(family for family, _, _ in OTHERS.values()))


def pages(family: str | None = None) -> list[MethodPage]:
    """Return the pages of all methods, or of one family; its name may be shortened.

    Parameters
    ----------
    family : str, optional
        If None, all.

    Returns
    -------
    list of MethodPage
        By family, then name.

    Raises
    ------
    InputError
        If there is no such family.
    """
    if family is None:
        return [*_of_catalogue(None), *_others()]
    wanted = [f for f in families() if f == family] or [f for f in families() if family and f.startswith(family)]
    if not wanted:
        raise InputError(f"family must be one of {', '.join(families())}; got {family!r}.")
    found = [p for f in wanted if f in CATALOGUE for p in _of_catalogue(f)]
    return found + [p for p in _others() if p.family in wanted]


def find_page(name: str) -> MethodPage:
    """Return the page of a method by name, ignoring case, hyphens and underscores.

    Parameters
    ----------
    name : str

    Returns
    -------
    MethodPage

    Raises
    ------
    InputError
        If there is none; the message names similar ones.
    """
    import difflib

    everything = {_plain(p.name): p for p in pages()}
    if (key := _plain(name)) in everything:
        return everything[key]
    near = [n for n in everything if key and n.startswith(key)][:3]
    near = near or difflib.get_close_matches(key, everything, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(everything[n].name for n in near)}?" if near else "."
    raise InputError(f"there is no method {name!r}{hint} `landbridge methods` lists them all.")


def method_names() -> list[str]:
    """Return the names of the methods that ``landbridge transfer --methods`` takes, without importing them.

    Returns
    -------
    list of str
    """
    folders = [*CATALOGUE, "neural/feature", "neural/parameter"]
    return sorted({name for folder in folders for name, _ in _classes(ROOT / folder)})


def _of_catalogue(family: str | None) -> list[MethodPage]:
    from landbridge.catalogue import methods

    found = []
    for m in methods(family):
        page = _page(m.name, m.family, inspect.getdoc(m.cls) or "", f"landbridge transfer ... --methods {m.name}")
        tags = {
            "made_for": tuple(sorted(m.tags.shifts)),
            "tasks": tuple(sorted(m.tags.tasks)),
            "needs": tuple(sorted(m.tags.needs)),
            "growth": m.tags.growth,
            "reference": m.tags.reference or page["reference"],
            "requires": m.tags.requires,
            "available": m.available,
        }
        found.append(MethodPage(**{**page, **tags}))
    return found


@functools.cache
def _others() -> tuple[MethodPage, ...]:
    found = []
    for folder, (family, requires, use) in OTHERS.items():
        available = all(importlib.util.find_spec(r) is not None for r in requires)
        for name, doc in _classes(ROOT / folder):
            page = _page(name, family, doc, use.format(name=name))
            found.append(MethodPage(**page, requires=requires, available=available))
    order = families()
    return tuple(sorted(found, key=lambda p: (order.index(p.family), p.name)))


def _classes(folder: Path) -> Iterator[tuple[str, str]]:
    """Public classes of a folder that cite a paper, with their docstrings."""
    for file in sorted(folder.glob("_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            if any(ast.unparse(base) in ("nn.Module", "Network") for base in node.bases):  # part of a method
                continue
            doc = ast.get_docstring(node) or ""
            if re.search(r"^References\n-+$", doc, re.MULTILINE) and re.search(r"^Parameters\n-+$", doc, re.MULTILINE):
                yield node.name, doc


def _page(name: str, family: str, doc: str, use: str) -> dict[str, Any]:
    sections = _sections(doc)
    summary, _, more = sections[""].partition("\n\n")
    helps, hurts, notes = _when(_prose(sections.get("Notes", "")))
    return {
        "name": name,
        "family": family,
        "summary": _prose(summary),
        "description": _prose(more),
        "helps": helps,
        "hurts": hurts,
        "notes": notes,
        "parameters": tuple(_parameters(sections.get("Parameters", ""))),
        "reference": "\n".join(_references(sections.get("References", ""))),
        "use": use,
    }


def _sections(doc: str) -> dict[str, str]:
    """Sections of a docstring in numpydoc's form, by heading; the first one has none."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", doc + "\n", flags=re.MULTILINE)
    return {"": parts[0].strip()} | {
        heading: inspect.cleandoc("\n" + body) for heading, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def _parameters(section: str) -> Iterator[Parameter]:
    for block in re.split(r"\n(?=\S)", section.strip()):
        head, _, body = block.partition("\n")
        names, _, kind = head.partition(" : ")
        if not names.strip():
            continue
        kind, _, default = kind.partition(", default=")
        for name in names.split(","):
            yield Parameter(
                name.strip(), _prose(kind), default.strip().strip('"'), _prose(inspect.cleandoc("\n" + body))
            )


def _references(section: str) -> list[str]:
    found = re.split(r"^\.\. \[\d+\] ", section, flags=re.MULTILINE)
    return [" ".join(r.split()) for r in found if r.strip()]


def _when(notes: str) -> tuple[str, str, str]:
    """Sentences of the notes on when a method helps, on when it hurts, and the others."""
    found: dict[str, list[str]] = {"Helps": [], "Hurts": [], "": []}
    for paragraph in notes.split("\n\n"):
        for sentence in re.split(r"(?<=[a-z0-9)\]][.])\s+(?=[A-Z])", paragraph):
            found[next((k for k in ("Helps", "Hurts") if sentence.startswith(k)), "")].append(sentence)
    return " ".join(found["Helps"]), " ".join(found["Hurts"]), " ".join(found[""]).strip()


def _prose(text: str) -> str:
    """Text of a docstring without the marks of reStructuredText; displayed formulas are omitted."""
    text = re.sub(r"^\.\. (math|rubric|versionadded|note)::.*(?:\n(?:[ \t].*)?)*", "", text, flags=re.MULTILINE)
    text = re.sub(r":[a-z]+:`~?([^`]*)`", lambda m: _role(m.group(1)), text)
    text = re.sub(r"``?([^`]*)``?", r"\1", text)
    text = re.sub(r" ?\[\d+\]_", "", text)
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text)]
    return "\n\n".join(p for p in paragraphs if p)


def _role(content: str) -> str:
    if content.startswith("landbridge."):
        return content.rpartition(".")[2]
    return re.sub(r"\\(?:mathrm|text|mathbf|top|[a-zA-Z]+)\{?|[{}$]", lambda m: _TEX.get(m.group(0), ""), content)


_TEX = {r"\alpha": "alpha", r"\beta": "beta", r"\lambda": "lambda", r"\gamma": "gamma", r"\sigma": "sigma"}


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
