"""Docstrings, messages, comments, identifiers and pages use the words of ``docs/glossary.md``."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Folders that are not held to the glossary yet.
PENDING: tuple[str, ...] = ()

THINGS = "sample row class side column feature file candidate source target step split fold person model method image"
COUNTS = "labels? entry entries weights? rows? numbers? values? measurements? files? columns? one times once share"
UNIT, COUNTED = (f"(?:{'|'.join(words.split())})" for words in (THINGS, COUNTS))
# pattern -> what to write instead
WORDS: dict[str, str] = {
    r"told": "given, inferred, known, printed",
    r"jury|jurors?": "ensemble",
    r"voices?": "votes, weights",
    r"witness(?:es)?": "evidence, score",
    r"(?:stepping[ -])?stones?": "intermediate domains",
    r"left out": "None, omitted, excluded, held out",
    r"weigh(?:s|ed|ing)?": "weight, reweight",
    r"dots": "pixels",
    r"dice": "random number generator",
    r"law|laws": "distribution, rule",
    r"hear(?:d|s)?|listens?": "receive, use",
    r"standing": "mean z-score",
    r"walk(?:s|ed|ing)?": "path, iterate",
    r"way (?:there and )?back": "reverse validation",
    r"(?:not |un|more |less )?sure(?:ly)?": "statistically significant, confident",
    r"committee": "ensemble",
    r"opinions?": "prediction, estimate",
    r"(?:source|target|labelled|unlabelled)[ -]rows?": "source samples, target samples",
    r"n_rows|n_columns|max_rows": "n_samples, n_features, max_samples",
    rf"{COUNTED} an? {UNIT}": "per sample, per class",
}
PATTERN = re.compile(r"(?<![\w`])(?:" + "|".join(f"({p})" for p in WORDS) + r")(?!\w)", re.IGNORECASE)
# Identifiers are split at underscores and capitals before they are compared.
PARTS = "told jury voices? witness(?:es)? stones? weigh dice heard standing walk committee opinion"
IDENTIFIER = re.compile("|".join(PARTS.split()), re.IGNORECASE)
# Authors and titles that hold a word of the list.
CITED = re.compile(r"(?:P\.|Pardoe,) Stone\b|using\s+uncertainty\s+to\s+weigh\s+losses")
# Words that other libraries chose.
FOREIGN = re.compile(r"\.walk\(|walk_packages|os\.walk|ast\.walk")


def offences(file: Path) -> list[str]:
    """List what stands in a file that the glossary says otherwise, one line each."""
    if file.suffix == ".py":
        return _in_code(file)
    found = []
    fenced = False
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        fenced ^= line.startswith("```")
        found += [] if fenced else [f"{file.relative_to(ROOT)}:{number}: {m}" for m in _in_prose(line)]
    return found


def _in_code(file: Path) -> list[str]:
    found = []
    source = file.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        where = f"{file.relative_to(ROOT)}:{token.start[0]}"
        if token.type in (tokenize.STRING, tokenize.COMMENT) or token.type == getattr(tokenize, "FSTRING_MIDDLE", -1):
            text = re.sub(r"\s*\n\s*", " ", token.string)
            found += [f"{where}: {m}" for m in _in_prose(text)]
        elif token.type == tokenize.NAME and not FOREIGN.search(token.line):
            parts = re.sub(r"([a-z])([A-Z])", r"\1_\2", token.string).split("_")
            if bad := [p for p in parts if IDENTIFIER.fullmatch(p)]:
                found.append(f"{where}: identifier {token.string!r} has {bad[0]!r}")
            elif token.string in ("n_rows", "n_columns", "max_rows"):
                found.append(f"{where}: identifier {token.string!r}")
    return found


def _in_prose(text: str) -> list[str]:
    out = []
    for match in PATTERN.finditer(CITED.sub("", text)):
        which = next(i for i, g in enumerate(match.groups()) if g is not None)
        out.append(f"{match.group(0)!r}; write {list(WORDS.values())[which]}")
    return out


def _rooms() -> dict[str, list[Path]]:
    source = ROOT / "src" / "landbridge"
    rooms = {"root": sorted(source.glob("*.py"))}
    for folder in sorted(p for p in source.iterdir() if p.is_dir() and p.name not in ("__pycache__", *PENDING)):
        rooms[folder.name] = sorted(folder.rglob("*.py"))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    rooms["docs"] = [p for p in pages if p.name not in ("glossary.md", "ledger.md")]
    return rooms


ROOMS = _rooms()


@pytest.mark.parametrize("room", list(ROOMS))
def test_words_of_the_glossary(room):
    found = [line for file in ROOMS[room] for line in offences(file)]
    assert not found, "\n".join(found[:60])


@pytest.mark.parametrize("line", ["the weights are told apart", "one label a row", "source rows", "a stepping stone"])
def test_the_lint_finds_what_it_is_for(line):
    assert _in_prose(line)


@pytest.mark.parametrize("line", ["one label per sample", "a row of the table", "leave one out", "np.dot(a, b)"])
def test_the_lint_leaves_plain_words_alone(line):
    assert not _in_prose(line)
