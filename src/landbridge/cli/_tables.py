"""Tables of results for a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from landbridge.discrepancy import Diagnosis
    from landbridge.measurement import Measurement
    from landbridge.results import Expected, Ranking, Result

__all__ = [
    "console",
    "interval",
    "print_json",
    "show_candidates",
    "show_diagnosis",
    "show_expected",
    "show_ranking",
    "show_verdict",
]


def console(*, stderr: bool = False) -> Console:
    """Return a console that fits the terminal and respects NO_COLOR.

    Parameters
    ----------
    stderr : bool, default=False

    Returns
    -------
    Console
    """
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def print_json(data: Any) -> None:
    """Print strict JSON and nothing else.

    Parameters
    ----------
    data : dict or list
    """
    from landbridge.results._files import strict

    print(json.dumps(strict(data), indent=1, allow_nan=False, default=str))


def interval(measured: Measurement | None, *, percent: bool) -> str:
    """Format a measurement with its interval.

    Parameters
    ----------
    measured : Measurement or None
    percent : bool
        Whether to write percentage points.

    Returns
    -------
    str
    """
    if measured is None:
        return ""
    times, form = (100, ".1f") if percent else (1, ".3f")
    text = f"{times * measured.value:{form}}"
    if measured.low is not None and measured.high is not None:
        text += f" [{times * measured.low:{form}}, {times * measured.high:{form}}]"
    return text


def show_verdict(out: Console, result: Result) -> None:
    """Print the verdict.

    Parameters
    ----------
    out : Console
    result : Result
    """
    from rich.text import Text

    from landbridge.report._write import hidden_check

    if result.decision.transferred:
        head = Text(f"Transferred with {result.decision.chosen}.", style="bold green")
    else:
        head = Text(f"Not transferred: {result.decision.chosen} is kept.", style="bold yellow")
    out.print(head)
    out.print(Text(result.decision.reason))
    for note in result.notes:
        out.print(Text.assemble(("Note. ", "bold yellow"), note))
    if result.expected is not None:
        out.print(Text(result.expected.words))
    if warning := hidden_check(result):
        out.print(Text.assemble(("Caution. ", "bold red"), warning))
    out.print()


def show_candidates(out: Console, result: Result) -> None:
    """Print the table of candidates.

    Parameters
    ----------
    out : Console
    result : Result
    """
    from rich.table import Table
    from rich.text import Text

    from landbridge.report._write import evidence_column, evidence_in_percent
    from landbridge.results import rows_shown
    from landbridge.tasks import is_share

    percent, of_evidence = is_share(result.metric), evidence_in_percent(result)
    hidden = any(c.hidden is not None for c in result.candidates)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("candidate", no_wrap=True)
    table.add_column(evidence_column(result), justify="right")
    table.add_column("gain", justify="right")
    if hidden:
        table.add_column(f"{result.metric} (hidden labels)", justify="right")
    table.add_column("s", justify="right")
    rows = rows_shown([c for c in result.candidates if c.status != "skipped"], result.decision.chosen)
    for c, twins in rows:
        style = "bold" if c.name == result.decision.chosen else "" if c.defensible else "dim"
        mark = "> " if c.name == result.decision.chosen else "  "
        if c.status == "failed":
            cells = ["failed", ""] + ([""] if hidden else [])
        else:
            cells = [interval(c.estimate, percent=of_evidence), _signed(c.gain, of_evidence)]
            cells += [interval(c.hidden, percent=percent)] if hidden else []
        more = f" (+ {len(twins)})" if twins else ""
        table.add_row(Text(mark + c.name + more), *(Text(cell) for cell in cells), f"{c.seconds:.1f}", style=style)
    out.print(table)
    for c, twins in rows:
        if twins:
            out.print(Text(f"{c.name} (+ {len(twins)}): the same predictions as {', '.join(twins)}.", style="dim"))
    if result.scores:
        from landbridge.report._scores import scores_in_words

        out.print(Text(scores_in_words(result.scores), style="dim"))
    skipped = sum(c.status == "skipped" for c in result.candidates)
    if skipped:
        out.print(Text(f"{skipped} methods were not tried; the report says why, method by method.", style="dim"))
    out.print()


def show_diagnosis(out: Console, diagnosis: Diagnosis) -> None:
    """Print a diagnosis with its measurements.

    Parameters
    ----------
    out : Console
    diagnosis : Diagnosis
    """
    from rich.table import Table
    from rich.text import Text

    colour = {"low": "green", "moderate": "yellow", "high": "red"}[diagnosis.risk]
    out.print(Text.assemble(("Shift: ", "bold"), diagnosis.kind, ("   Risk: ", "bold"), (diagnosis.risk, colour)))
    out.print(Text(diagnosis.words))
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("measured", "left"), ("value", "right"), ("95 % interval", "right"), ("p", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name, m in diagnosis.measurements.items():
        between = "" if m.low is None or m.high is None else f"[{m.low:.3g}, {m.high:.3g}]"
        table.add_row(
            Text(name.replace("_", " ")),
            f"{m.value:.4g}",
            Text(between),
            "" if m.p_value is None else "< 0.001" if m.p_value < 0.001 else f"{m.p_value:.2g}",
        )
    out.print(table)


def show_expected(out: Console, expected: Expected) -> None:
    """Print an expected score with the single estimates.

    Parameters
    ----------
    out : Console
    expected : Expected
    """
    from rich.table import Table
    from rich.text import Text

    out.print(Text(expected.words))
    out.print()
    percent = expected.metric in ("accuracy", "balanced accuracy")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("single estimate")
    table.add_column(f"{expected.metric} [90 %, sampling only]", justify="right")
    for name, m in expected.estimates.items():
        table.add_row(Text(name.replace("_", " ")), Text(interval(m, percent=percent)))
    out.print(table)


def show_ranking(out: Console, ranking: Ranking) -> None:
    """Print a ranking.

    Parameters
    ----------
    out : Console
    ranking : Ranking
    """
    from rich.table import Table
    from rich.text import Text

    out.print(Text(ranking.words))
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    table.add_column("candidate", overflow="fold")
    table.add_column(ranking.score.replace("_", " "), justify="right", no_wrap=True)
    chance = any(c.score.null is not None for c in ranking)
    if chance:
        table.add_column("by chance", justify="right")
        table.add_column("p", justify="right")
    first = any(c.first is not None for c in ranking)
    if first:
        table.add_column("first in", justify="right")
    for number, c in enumerate(ranking, 1):
        cells = [str(number), c.name, interval(c.score, percent=False)]
        if chance:
            p = c.score.p_value
            cells += [f"{c.score.null:.3f}" if c.score.null is not None else "", "" if p is None else f"{p:.2g}"]
        if first:
            cells.append("" if c.first is None else f"{c.first:.0%}")
        table.add_row(*(Text(cell) for cell in cells), style="bold" if number == 1 else "")
    out.print(table)
    for name, why in ranking.skipped.items():
        out.print(Text(f"{name} was not scored: {why}.", style="dim"))


def _signed(measured: Measurement | None, percent: bool) -> str:
    if measured is None:
        return ""
    return f"{100 * measured.value:+.1f}" if percent else f"{measured.value:+.3f}"
