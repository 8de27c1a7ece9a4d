"""``landbridge methods``: every method, with what it is made for."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["methods_command"]


def methods_command(
    family: Annotated[str | None, typer.Option(help="Only this family: instance, feature, parameter, ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List every method with its family, the shifts it is made for and its paper."""
    from landbridge.catalogue import methods
    from landbridge.cli._tables import console, print_json

    found = methods(family)
    if as_json:
        print_json(
            [
                {
                    "name": m.name,
                    "family": m.family,
                    "summary": m.summary,
                    "made_for": sorted(m.tags.shifts),
                    "tasks": sorted(m.tags.tasks),
                    "needs": sorted(m.tags.needs),
                    "growth": m.tags.growth,
                    "reference": m.tags.reference,
                    "available": m.available,
                }
                for m in found
            ]
        )
        return
    from rich.table import Table
    from rich.text import Text

    screen = console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("method", no_wrap=True)
    table.add_column("made for", max_width=11)
    table.add_column("what it does")
    last = None
    for m in found:
        if m.family != last:
            if last is not None:
                table.add_row()
            table.add_row(Text(m.family, style="bold underline"))
            last = m.family
        name = Text(m.name) if m.available else Text(m.name, style="dim")
        summary = m.summary if m.available else f"{m.summary} Needs {', '.join(m.tags.requires)}."
        table.add_row(name, Text(", ".join(sorted(m.tags.shifts)) or "any shift"), Text(summary))
    screen.print(table)
