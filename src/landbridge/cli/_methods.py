"""``landbridge methods``: what is there."""

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
    from landbridge.cli._show import console, print_json

    found = methods(family)
    if as_json:
        print_json(
            [
                {
                    "name": m.name,
                    "family": m.family,
                    "summary": m.summary,
                    "made_for": sorted(m.tags.answers),
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

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("method", "family", "made for", "what it does"):
        table.add_column(column, no_wrap=column in ("method", "family"))
    for m in found:
        table.add_row(m.name, m.family, Text(", ".join(sorted(m.tags.answers)) or "any shift"), Text(m.summary))
    console().print(table)
