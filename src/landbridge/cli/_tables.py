"""Tables of results for a terminal."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from landbridge.cli._text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text as RichText

    from landbridge.data import Inspection
    from landbridge.discrepancy import Diagnosis
    from landbridge.measurement import Measurement
    from landbridge.results import Expected, Ranking, Result

__all__ = [
    "console",
    "figure",
    "interval",
    "p_value",
    "print_json",
    "show_candidates",
    "show_diagnosis",
    "show_expected",
    "show_inspection",
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


def figure(value: float | None) -> str:
    """Round a number to three significant digits, without an exponent.

    Parameters
    ----------
    value : float or None

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.cli._tables import figure
    >>> figure(0.084432), figure(1404.4), figure(2.0), figure(float("nan"))
    ('0.0844', '1,404', '2.00', 'undefined')
    """
    if value is None:
        return ""
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "infinite"
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return "< 0.0001" if 0 < value < 1e-4 else f"{value:,.{min(max(digits, 0), 6)}f}"


def p_value(p: float | None) -> str:
    """Round a p-value as a journal does.

    Parameters
    ----------
    p : float or None

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.cli._tables import p_value
    >>> p_value(0.00002), p_value(0.0099), p_value(0.048), p_value(0.91)
    ('< 0.001', '0.010', '0.048', '0.91')
    """
    if p is None or math.isnan(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


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
    if not math.isfinite(measured.value):
        return "undefined"
    times, form = (100, ".1f") if percent else (1, ".3f")
    text = f"{times * measured.value:{form}}"
    if measured.low is not None and measured.high is not None:
        text += f" [{times * measured.low:{form}}, {times * measured.high:{form}}]"
    return text


def show_verdict(out: Console, result: Result, *, quiet: bool = False) -> None:
    """Print the verdict.

    Parameters
    ----------
    out : Console
    result : Result
    quiet : bool, default=False
        Whether to print what was decided, and nothing else.
    """
    from rich.text import Text

    from landbridge.report._write import hidden_check

    if result.decision.transferred:
        head = Text(f"Transferred with {result.decision.chosen}.", style="bold green")
    else:
        head = Text(f"Not transferred: {result.decision.chosen} is kept.", style="bold yellow")
    out.print(head)
    if quiet:
        return
    out.print(_text(result.decision.reason))
    for note in result.notes:
        out.print(Text.assemble(("Note. ", "bold yellow"), printable(note)))
    if result.expected is not None:
        out.print(_text(result.expected.words))
    if warning := hidden_check(result):
        out.print(Text.assemble(("Caution. ", "bold red"), printable(warning)))
    out.print()


def show_candidates(out: Console, result: Result, *, verbose: bool = False) -> None:
    """Print the table of candidates.

    Parameters
    ----------
    out : Console
    result : Result
    verbose : bool, default=False
        Whether to print why each of the others was not tried, warnings, and the seconds of each step.
    """
    from rich.table import Table

    from landbridge.report._write import evidence_column, evidence_in_percent
    from landbridge.results import rows_shown
    from landbridge.tasks import is_share

    percent, of_evidence = is_share(result.metric), evidence_in_percent(result)
    hidden = any(c.hidden is not None for c in result.candidates)
    table = Table(box=None, pad_edge=False, header_style="bold")
    rows = rows_shown([c for c in result.candidates if c.status != "skipped"], result.decision.chosen)
    judged = any(c.estimate is not None or c.status == "failed" for c, _ in rows)
    gains = any(c.gain is not None for c, _ in rows)
    table.add_column("candidate", overflow="fold")
    if judged:
        table.add_column(evidence_column(result), justify="right")
    if gains:
        table.add_column("gain", justify="right")
    if hidden:
        table.add_column(f"{result.metric.replace('_', ' ')} (hidden labels)", justify="right")
    table.add_column("s", justify="right")
    for c, twins in rows:
        style = "bold" if c.name == result.decision.chosen else "" if c.defensible else "dim"
        mark = "> " if c.name == result.decision.chosen else "  "
        cells = ["failed" if c.status == "failed" else interval(c.estimate, percent=of_evidence)] if judged else []
        cells += [_signed(c.gain, of_evidence)] if gains else []
        cells += [interval(c.hidden, percent=percent)] if hidden else []
        more = f" (+ {len(twins)})" if twins else ""
        table.add_row(_text(mark + c.name + more), *(_text(cell) for cell in cells), f"{c.seconds:.1f}", style=style)
    out.print(table)
    for c, twins in rows:
        if twins:
            out.print(_text(f"{c.name} (+ {len(twins)}): the same predictions as {', '.join(twins)}.", style="dim"))
    if result.scores:
        from landbridge.report._scores import scores_in_words

        out.print(_text(scores_in_words(result.scores), style="dim"))
    failed = [c for c in result.candidates if c.status == "failed"]
    for c in failed:
        out.print(_text(f"{c.name} failed: {c.why}", style="dim"))
    skipped = [c for c in result.candidates if c.status == "skipped"]
    if skipped and not verbose:
        n = len(skipped)
        out.print(
            _text(f"{n} method{'s were' if n > 1 else ' was'} not tried; the report says why, or -v.", style="dim")
        )
    if verbose:
        for c in skipped:
            out.print(_text(f"{c.name} was not tried: {c.why}", style="dim"))
        for c in result.candidates:
            for warning in c.warnings:
                out.print(_text(f"{c.name}: {warning}", style="dim"))
        steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.timings.items())
        out.print(_text(f"Time: {steps}.", style="dim"))
    out.print()


def show_diagnosis(out: Console, diagnosis: Diagnosis, *, quiet: bool = False) -> None:
    """Print a diagnosis with its measurements.

    Parameters
    ----------
    out : Console
    diagnosis : Diagnosis
    quiet : bool, default=False
        Whether to print kind and risk, and nothing else.
    """
    from rich.table import Table
    from rich.text import Text

    colour = {"low": "green", "moderate": "yellow", "high": "red"}.get(diagnosis.risk, "")
    out.print(Text.assemble(("Shift: ", "bold"), diagnosis.kind, ("   Risk: ", "bold"), (diagnosis.risk, colour)))
    if quiet:
        return
    out.print(_text(diagnosis.words))
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("measured", "left"), ("value", "right"), ("95 % interval", "right"), ("p", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name, m in diagnosis.measurements.items():
        between = "" if m.low is None or m.high is None else f"[{figure(m.low)}, {figure(m.high)}]"
        table.add_row(
            _text(NAMES.get(name, name.replace("_", " "))), figure(m.value), _text(between), p_value(m.p_value)
        )
    out.print(table)


# Names of measurements, where the plain name is an abbreviation.
NAMES = {
    "mmd": "squared MMD",
    "proxy_a_distance": "proxy A-distance",
    "coral_distance": "CORAL distance",
    "sliced_wasserstein": "sliced Wasserstein distance",
    "domain_accuracy": "accuracy of a domain classifier",
    "explained_by_row_weights": "explained by sample weights",
    "cbpe": "CBPE",
}


def show_expected(out: Console, expected: Expected, *, quiet: bool = False) -> None:
    """Print an expected score with the single estimates.

    Parameters
    ----------
    out : Console
    expected : Expected
    quiet : bool, default=False
        Whether to print the sentence, and nothing else.
    """
    from rich.table import Table

    out.print(_text(expected.words))
    if quiet:
        return
    out.print()
    percent = expected.metric in ("accuracy", "balanced accuracy")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("single estimate")
    table.add_column(f"{expected.metric}{' in %' if percent else ''} [90 %, sampling only]", justify="right")
    for name, m in expected.estimates.items():
        table.add_row(_text(NAMES.get(name, name.replace("_", " "))), _text(interval(m, percent=percent)))
    out.print(table)


def show_ranking(out: Console, ranking: Ranking, *, quiet: bool = False) -> None:
    """Print a ranking.

    Parameters
    ----------
    out : Console
    ranking : Ranking
    quiet : bool, default=False
        Whether to print the names, best first, and nothing else.
    """
    from rich.table import Table

    if quiet:
        for name in ranking.names:
            out.print(_text(name))
        return
    out.print(_text(ranking.words))
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
            cells += [f"{c.score.null:.3f}" if c.score.null is not None else "", p_value(c.score.p_value)]
        if first:
            cells.append("" if c.first is None else f"{c.first:.0%}")
        table.add_row(*(_text(cell) for cell in cells), style="bold" if number == 1 else "")
    out.print(table)
    for name, why in ranking.skipped.items():
        out.print(_text(f"{name} was not scored: {why.rstrip('.')}.", style="dim"))


# Columns that are shown without -v.
MOST_COLUMNS = 40


def show_inspection(out: Console, inspection: Inspection, *, quiet: bool = False, verbose: bool = False) -> None:
    """Print what was read: the facts in lines, then a table of the columns.

    Parameters
    ----------
    out : Console
    inspection : Inspection
    quiet : bool, default=False
        Whether to print the lines, and nothing else.
    verbose : bool, default=False
        Whether to print every line and every column.
    """
    from rich.table import Table

    for line in inspection.lines(10_000):
        out.print(_text(line))
    if quiet or not inspection.columns:
        return
    out.print()
    sides = [s.side for s in inspection.sides]
    separates = any(c.separates is not None for c in inspection.columns)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("column", overflow="fold", max_width=22)
    table.add_column("kind", max_width=10)
    table.add_column("used")
    for side in sides:
        table.add_column("gaps" if len(sides) == 1 else f"gaps {side}", justify="right", max_width=6)
    if separates:
        table.add_column("separates", justify="right")
    table.add_column("remark")
    shown = inspection.columns if verbose else inspection.columns[:MOST_COLUMNS]
    for c in shown:
        cells = [c.name, c.kind, "yes" if c.used else "no"]
        cells += [f"{c.gaps[s]:,}" if c.gaps.get(s) else "" for s in sides]
        cells += ["" if c.separates is None else f"{c.separates:.2f}"] if separates else []
        table.add_row(*(_text(cell) for cell in cells), _text(_remark(c)), style="" if c.used else "dim")
    out.print(table)
    if len(shown) < len(inspection.columns):
        out.print(_text(f"{len(inspection.columns) - len(shown)} more columns: -v shows them.", style="dim"))
    if separates:
        out.print(_text("separates: AUC of separating the two files by this column alone; 0.5 is chance.", "dim"))


def _remark(column: Any) -> str:
    parts = [column.reason, column.unit]
    if column.fill and any(column.gaps.values()):
        parts.append(f"gaps filled with {column.fill}")
    if n := sum(column.not_numbers.values()):
        examples = ", ".join(repr(e) for e in column.examples[:3])
        parts.append(f"{n:,} cells are no numbers" + (f": {examples}" if examples else ""))
    return "; ".join(part.strip().rstrip(".") for part in parts if part.strip())


def _text(content: str, style: str = "") -> RichText:
    """Text without markup, control characters and escape sequences."""
    from rich.text import Text

    return Text(printable(content), style=style)


def _signed(measured: Measurement | None, percent: bool) -> str:
    if measured is None:
        return ""
    return f"{100 * measured.value:+.1f}" if percent else f"{measured.value:+.3f}"
