"""The verdict as Markdown, for a pull request or an issue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from landbridge.report._candidates import evidence_column, evidence_in_percent, in_order
from landbridge.report._headline import expected_table, headline, hidden_check
from landbridge.report._next import next_steps
from landbridge.report._words import between, journal, plain, shown
from landbridge.results import Result, rows_shown
from landbridge.tasks import is_share

__all__ = ["to_markdown"]

BEST = 8
# What Markdown, or HTML within it, would read as markup.
SPECIAL = re.compile(r"([\\`*_\[\]<>|~#!$@&])")


def to_markdown(result: Result, *, title: str | None = None) -> str:
    """Return the verdict as Markdown: headline, expected quality, the best candidates, what to do next, and notes.

    Parameters
    ----------
    result : Result
    title : str, optional
        Heading. If None, the names of source and target.

    Returns
    -------
    str
        Names are escaped, so that they are text and never markup.

    Examples
    --------
    >>> from landbridge import transfer
    >>> from landbridge.data import make_shift
    >>> from landbridge.report._markdown import to_markdown
    >>> source, target = make_shift("translation", n_source=60, n_target=60, random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["DomainScaler"])
    >>> to_markdown(result, title="Ward 3").splitlines()[0]
    '## Ward 3'
    """
    settings, decision = result.settings, result.decision
    names = [str(settings.get(side) or side) for side in ("source", "target")]
    parts = [f"## {_text(title or ' → '.join(names))}", f"**{_text(headline(result))}**"]
    verdict = f"Transferred with {decision.chosen}." if decision.transferred else f"Not transferred: {decision.chosen}."
    parts.append(_text(f"{verdict} {journal(decision.reason)}"))
    if check := hidden_check(result):
        parts.append(f"> **Caution.** {_text(check)}")
    found = expected_table(result)
    for table in [] if found is None else found["tables"]:
        lines = [[r["name"], r["value"], r["between"], r["basis"]] for r in table["rows"]]
        head = ["model", table["metric"] + (" (%)" if table["percent"] else ""), f"{table['level']} interval", "from"]
        parts += [f"### {_text(table['title'])}", _table(head, lines)]
    if listed := _candidates(result):
        parts += ["### Candidates", listed]
    steps = next_steps(result)
    parts += ["### What to do next", "\n".join(_step(s) for s in steps)]
    if result.notes:
        parts += ["### Notes", "\n".join(f"- {_text(note)}" for note in result.notes)]
    version = (settings.get("versions") or {}).get("landbridge", "")
    parts.append(f"landbridge {_text(str(version))}".strip())
    return "\n\n".join(parts) + "\n"


def _candidates(result: Result) -> str:
    tried = [c for c in result.candidates if c.status == "tried"]
    failed = sum(c.status == "failed" for c in result.candidates)
    groups = rows_shown(tried, result.decision.chosen)
    twins = {c.name: others for c, others in groups}
    ordered = in_order([c for c, _ in groups], result.decision.chosen)
    n = sum(c.family == "baseline" or c.name == result.decision.chosen for c in ordered) + BEST
    percent, of_evidence = is_share(result.metric), evidence_in_percent(result)
    hidden = any(c.hidden is not None for c in tried)
    head = ["candidate", evidence_column(result), "gain"] + (
        [f"{plain(result.metric)}, hidden labels"] if hidden else []
    )
    lines = []
    for c in ordered[:n]:
        name = c.name + (f" (+ {len(twins[c.name])})" if twins[c.name] else "")
        cells = [("✓ " if c.name == result.decision.chosen else "") + name]
        for m, share, sign in ((c.estimate, of_evidence, False), (c.gain, of_evidence, True)):
            ends = "" if m is None else between(m.low, m.high, share, sign=sign)
            cells.append(shown(m, share, sign=sign) + (f" ({ends})" if ends else ""))
        if hidden:
            ends = "" if c.hidden is None else between(c.hidden.low, c.hidden.high, percent)
            cells.append(shown(c.hidden, percent) + (f" ({ends})" if ends else ""))
        lines.append(cells)
    if not lines:
        return ""
    rest = [f"{len(ordered) - n} more were tried"] if len(ordered) > n else []
    rest += [f"{failed} failed"] if failed else []
    units = "Shares are in percent; intervals are of 95 %." if of_evidence or percent else "Intervals are of 95 %."
    return _table(head, lines) + f"\n\n{units}" + (f" {', '.join(rest)}." if rest else "")


def _step(step: dict[str, Any]) -> str:
    lines = [f"- **{_text(step['title'])}.** {_text(step['words'])}"]
    return "\n".join([*lines, *(f"  - {_text(item)}" for item in step.get("items", ()))])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, *rows]
    texts = ["| " + " | ".join(_text(cell) for cell in line) + " |" for line in lines]
    texts.insert(1, "|" + " --- |" * len(head))
    return "\n".join(texts)


def _text(text: str) -> str:
    """One line of text, in which nothing is markup."""
    return SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
