"""``landbridge report``: the page of a saved result, written again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from landbridge.cli._options import PrintOptions, takes

__all__ = ["report_command"]

# What `landbridge transfer --json` prints.
FACTS = ("decision", "candidates", "diagnosis", "task", "metric", "settings", "timings", "scores", "expected")


@takes(printing=PrintOptions)
def report_command(
    result_dir: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder that `landbridge transfer` wrote.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Folder or file to write; report.html or report.md in RESULT if omitted."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="html, or markdown for a pull request.")
    ] = "html",
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Heading of the page.")] = None,
    printing: PrintOptions,
) -> None:
    """Write the report of a saved result again; pictures of the data need the run itself."""
    from landbridge.cli._checks import check_file, check_folder
    from landbridge.cli._tables import console, print_json, show_verdict
    from landbridge.exceptions import InputError

    place = result_dir if out is None else out
    if place.suffix.lower() in (".md", ".markdown"):
        form = "markdown"
    if form not in ("html", "markdown"):
        raise InputError(f"--format {form} is unknown; give html or markdown.")
    if place.suffix.lower() in (".html", ".htm", ".md", ".markdown"):
        check_file(place, "--out")
    else:
        check_folder(place)
    from landbridge.report import write_report
    from landbridge.results import load_result

    result = load_result(result_dir)
    page = write_report(result, place, title=title, format=form)
    if printing.as_json:
        facts = json.loads((result_dir / "result.json").read_text(encoding="utf-8"))
        print_json({"report": str(page)} | {name: facts.get(name) for name in FACTS})
        return
    if not printing.quiet:
        show_verdict(console(), result)
    print(f"report: {page}")
