"""Writing the report: gather what the page shows, and render it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landbridge._checks import shown
from landbridge.exceptions import InputError
from landbridge.report._again import call, command, settings_rows, timing_rows
from landbridge.report._candidates import candidate_table, evidence_column, evidence_in_percent
from landbridge.report._carried import carried, counted, members
from landbridge.report._checked import check_section, subgroup_section
from landbridge.report._data import data_section
from landbridge.report._headline import expected_table, headline, hidden_check
from landbridge.report._markdown import to_markdown
from landbridge.report._next import next_steps
from landbridge.report._pictures import class_marks, domains_before, domains_shared, example_strip
from landbridge.report._shift import evidence_rows, measured_rows, regime
from landbridge.report._words import journal
from landbridge.results import Result
from landbridge.results._files import strict, write_atomically

__all__ = ["evidence_column", "evidence_in_percent", "hidden_check", "report_json", "write_report"]

# Ends of file names by format; the first is the one that is given.
ENDINGS = {"html": (".html", ".htm"), "markdown": (".md", ".markdown")}


def report_json(result: Result) -> dict[str, Any]:
    """Return the content of the report as a JSON-ready dict.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
    """
    return strict(result.to_dict())


def write_report(result: Result, path: str | Path, *, title: str | None = None, format: str = "html") -> Path:
    """Write the report: one HTML file that needs nothing else, no network and no script; or a short Markdown text.

    Parameters
    ----------
    result : Result
        Fresh from ``transfer``, or loaded (then without pictures of the data).
    path : str or Path
        A folder (``report.html`` or ``report.md`` is put there) or the name of a file that ends in ``.html`` or
        ``.md``.
    title : str, optional
        Heading of the page.
    format : {"html", "markdown"}, default="html"

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the format is unknown, or `path` is a file of another kind.

    Examples
    --------
    >>> import tempfile
    >>> from landbridge import transfer
    >>> from landbridge.data import make_shift
    >>> from landbridge.report import write_report
    >>> source, target = make_shift("translation", n_source=60, n_target=60, random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["DomainScaler"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(result, folder).name
    'report.html'
    """
    if not isinstance(format, str) or format not in ENDINGS:
        raise InputError(f"format must be 'html' or 'markdown'; got {shown(format)}.")
    path, endings = Path(path), ENDINGS[format]
    if path.suffix.lower() not in endings:
        if path.is_file():
            raise InputError(
                f"path {path} is a file that does not end in {endings[0]}; name a folder or an {endings[0]} file."
            )
        path = path / f"report{endings[0]}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"path {path.parent} is no folder; name a folder or an {endings[0]} file.") from error
    text = to_markdown(result, title=title) if format == "markdown" else _page(result, title)
    write_atomically(path, text.encode("utf-8", "replace"))
    return path


def _page(result: Result, title: str | None) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("landbridge.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("template.html").render(**_gather(result, title))


def _gather(result: Result, title: str | None) -> dict[str, Any]:
    settings = dict(result.settings)
    names = (str(settings.get("source") or "source"), str(settings.get("target") or "target"))
    return {
        "title": title or f"{names[0]} → {names[1]}",
        "headline": headline(result),
        "decision": result.decision,
        "reason": journal(result.decision.reason),
        "check": hidden_check(result),
        "expected": expected_table(result),
        "steps": next_steps(result),
        "data": data_section(result),
        "regime": regime(settings),
        "notes": list(result.notes),
        "inferred": list(settings.get("inferred", ())),
        "diagnosis": result.diagnosis,
        "measured": measured_rows(result),
        "evidence": evidence_rows(result),
        "carried": carried(result),
        "n_carried": len(members(result)),
        "counted": counted(result),
        "classes": result.task == "classification",
        "labels_used": result.decision.evidence == "target labels",
        "table": candidate_table(result),
        "failed": [c for c in result.candidates if c.status == "failed"],
        "skipped": [c for c in result.candidates if c.status == "skipped"],
        "before": domains_before(result),
        "after": domains_shared(result),
        "marks": class_marks(result),
        "strips": _strips(result, names),
        "checked": check_section(result),
        "subgroups": subgroup_section(result),
        "call": call(settings),
        "command": command(settings),
        "settings": settings_rows(settings),
        "versions": settings.get("versions") or {},
        "timings": timing_rows(result.timings),
    }


def _strips(result: Result, names: tuple[str, str]) -> list[dict[str, str]]:
    sides = zip(names, ("source", "target"), (result.source, result.target), strict=True)
    found = [(n, s, example_strip(d)) for n, s, d in sides if d is not None]
    return [{"name": n, "side": s, "uri": uri} for n, s, uri in found if uri is not None]
