"""``landbridge inspect``: what is in the files, before anything is learned."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from landbridge.cli._completion import complete_sides
from landbridge.cli._options import ColumnOptions, ConfigOptions, PrintOptions, ReadingOptions, Sources, takes

__all__ = ["inspect_command"]


@takes(columns=ColumnOptions, reading=ReadingOptions, config=ConfigOptions, printing=PrintOptions)
def inspect_command(
    source: Annotated[
        str,
        typer.Argument(metavar="FILE", help="File, folder or builtin:NAME.", autocompletion=complete_sides),
    ],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE2", help="File to compare with it, such as the target.", autocompletion=complete_sides
        ),
    ] = None,
    *,
    columns: ColumnOptions,
    sources: Sources = None,
    reading: ReadingOptions,
    config: ConfigOptions,
    printing: PrintOptions,
) -> None:
    """What is in the files: samples, labels, columns, gaps, units, and which columns will be used."""
    from landbridge.cli._checks import check_side
    from landbridge.cli._progress import working
    from landbridge.cli._tables import console, print_json, show_inspection

    options = reading.keywords()
    check_side(source, "FILE")
    if target is not None:
        check_side(target, "FILE2")
    from landbridge.verbs._inspect import inspect

    named: dict[str, Any] = {"label": columns.label, "groups": columns.groups, "sources": sources}
    with working("reading", printing):
        found = inspect(source, target, **{k: v for k, v in named.items() if v is not None}, **options)
    if printing.as_json:
        print_json(found.to_dict())
        return
    show_inspection(console(), found, quiet=printing.quiet, verbose=printing.verbose)
