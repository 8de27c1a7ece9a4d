"""Pages about methods, from their docstrings and tags; networks are read as text, so that torch need not be there."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import InputError

if TYPE_CHECKING:
    from landbridge.catalogue import Entry

__all__ = ["MethodPage", "Parameter", "families", "find_page", "method_names", "pages"]

ROOT = Path(__file__).parents[1]
# Families of the methods that ``landbridge transfer --methods`` takes.
TRANSFER = ("instance", "feature", "parameter", "relation", "stepwise")


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
    made_for, tasks, reads, needs : tuple of str
        Kinds of shift, tasks, what it uses beside labelled source samples, and what it cannot do without.
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
    reads: tuple[str, ...] = ()
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
    from landbridge.catalogue import entries

    return tuple(dict.fromkeys(e.family for e in entries()))


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
    from landbridge.catalogue import entries

    known = families()
    wanted = [f for f in known if f == family] or [f for f in known if family is None or f.startswith(family)]
    if not wanted or family == "":
        raise InputError(f"family must be one of {', '.join(known)}; got {family!r}.")
    return [_page_of(e) for e in entries() if e.family in wanted]


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
    found = set()
    for file in ROOT.rglob("*.py"):
        place, text = file.relative_to(ROOT).parts, file.read_text(encoding="utf-8")
        # Learners such as NeuralClassifier have tags too; they lie in the package of networks itself.
        tag = "method_tags" if place[0] == "neural" else "transfer_tags"
        if f"{tag} = " not in text or (place[0] == "neural" and len(place) == 2):
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and _is_method(node, tag):
                found.add(node.name)
    return sorted(found)


def _is_method(node: ast.ClassDef, tag: str) -> bool:
    """Whether a class has tags that name one of the families of transfer."""
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            if tag in [ast.unparse(t) for t in statement.targets]:
                call = statement.value
                given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "family")]
                return bool(given) and ast.literal_eval(given[0]) in TRANSFER
    return False


@functools.cache
def _page_of(entry: Entry) -> MethodPage:
    from landbridge.base import TransferTags

    use = f"from {entry.package} import {entry.name}"
    if type(entry.tags) is TransferTags and entry.family in TRANSFER:
        use = f"landbridge transfer ... --methods {entry.name}"
    elif entry.family.startswith("network "):
        use = f"landbridge transfer ... --network NETWORK --methods {entry.name}"
    page, tags = _page(entry.name, entry.family, entry.doc, use), entry.tags
    known = {
        "made_for": tuple(sorted(tags.shifts)),
        "tasks": tuple(sorted(tags.tasks)),
        "reads": tuple(sorted(tags.reads)),
        "needs": tuple(sorted(tags.needs)),
        "growth": tags.growth,
        "reference": tags.reference or page["reference"],
        "requires": entry.requires,
        "available": entry.available,
    }
    return MethodPage(**{**page, **known})


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
