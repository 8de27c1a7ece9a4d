"""Your data: what was read, as far as the result holds an inspection."""

from __future__ import annotations

from typing import Any

from landbridge.report._words import between, count, number
from landbridge.results import Result

__all__ = ["data_section"]

MOST_COLUMNS = 12


def data_section(result: Result) -> dict[str, Any] | None:
    """Return what the section on the data shows.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict or None
        None without an inspection.
    """
    inspection = getattr(result, "inspection", None)
    if inspection is None:
        return None
    columns = list(inspection.columns)
    if len(columns) > MOST_COLUMNS:
        # those that need attention must not be among the folded ones
        columns.sort(key=lambda c: -_attention(c))
    rows = [_row(c) for c in columns]
    lines = inspection.lines(1000)
    notes = list(inspection.notes)
    facts = lines[: len(lines) - len(notes)] if notes and lines[-len(notes) :] == notes else lines
    if inspection.n_shared_samples:
        facts.append(f"{count(inspection.n_shared_samples, 'target sample')} also stand in the source.")
    facts += [
        f"{count(s.n_duplicates, 'sample')} of the {s.side} repeat an earlier one in every feature."
        for s in inspection.sides
        if s.n_duplicates
    ]
    return {
        "facts": facts,
        "notes": notes if facts is not lines else [],
        "columns": rows[:MOST_COLUMNS],
        "more": rows[MOST_COLUMNS:],
        "n": len(rows),
        "has_separates": any(c.separates is not None for c in columns),
        "labels": [_labels(s) for s in inspection.sides],
    }


def _attention(c: Any) -> float:
    flags = bool(c.unit) + bool(c.not_numbers and any(c.not_numbers.values()))
    return 2.0 * flags + (c.separates or 0.5 if c.used else 0.4)


def _row(c: Any) -> dict[str, Any]:
    remarks = [s.rstrip(".") for s in (c.unit, c.reason) if s]
    texts = sum(c.not_numbers.values())
    if texts:
        examples = ", ".join(repr(e) for e in c.examples[:3])
        remarks.append(f"{count(texts, 'cell is', 'cells are')} no number" + (f" ({examples})" if examples else ""))
    gaps = "; ".join(f"{side} {n:,}" for side, n in c.gaps.items() if n)
    if gaps and c.fill:
        gaps += f", filled with {c.fill}"
    share = None if c.separates is None else 100 * min(max(2 * (c.separates - 0.5), 0.0), 1.0)
    return {
        "name": c.name,
        "kind": c.kind,
        "used": ("yes" if c.n_features == 1 else f"yes, as {c.n_features:,} features") if c.used else "no",
        "is_used": c.used,
        "gaps": gaps or "none",
        "share": share,
        "separates": "" if c.separates is None else number(c.separates),
        "attention": bool(c.unit) or (c.separates or 0.0) >= 0.9 or texts > 0,
        "remark": ". ".join(r[:1].upper() + r[1:] for r in remarks) + ("." if remarks else ""),
    }


def _labels(side: Any) -> dict[str, Any]:
    rows = []
    total = sum(side.labels.values())
    for name, n in sorted(side.labels.items(), key=lambda item: (-item[1], item[0]))[:MOST_COLUMNS]:
        rows.append(
            {"name": name, "share": 100 * n / max(total, 1), "value": f"{n:,} ({100 * n / max(total, 1):.0f} %)"}
        )
    spread = "" if side.label_range is None else between(*side.label_range)
    more = max(len(side.labels) - MOST_COLUMNS, 0)
    return {"side": side.side, "name": side.name, "rows": rows, "range": spread, "more": more}
