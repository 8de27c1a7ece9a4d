"""``landbridge measure``: how alike are two domains, and will transfer hurt?"""

from __future__ import annotations

from typing import Annotated

import typer

from landbridge.cli._completion import complete_sides
from landbridge.cli._options import ColumnOptions, ConfigOptions, PrintOptions, ReadingOptions, Seed, takes

__all__ = ["measure_command"]


@takes(columns=ColumnOptions, reading=ReadingOptions, config=ConfigOptions, printing=PrintOptions)
def measure_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="File, folder or builtin:NAME with labels.", autocompletion=complete_sides
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="File, folder or builtin:NAME to transfer to.", autocompletion=complete_sides
        ),
    ],
    *,
    columns: ColumnOptions,
    reading: ReadingOptions,
    seed: Seed = 0,
    config: ConfigOptions,
    printing: PrintOptions,
) -> None:
    """WHEN: how alike are source and target, which shift is it, and how risky is transfer?"""
    from landbridge.cli._checks import check_side
    from landbridge.cli._progress import print_inspections, working
    from landbridge.cli._tables import console, print_json, show_diagnosis

    options = reading.keywords()
    check_side(source, "SOURCE")
    check_side(target, "TARGET")
    from landbridge.verbs._measure import measure

    with working("reading and measuring", printing):
        diagnosis = measure(
            source,
            target,
            label=columns.label,
            groups=columns.groups,
            random_state=seed,
            on_inspection=print_inspections(printing),
            **options,
        )
    if printing.as_json:
        print_json(diagnosis.to_dict())
    else:
        show_diagnosis(console(), diagnosis, quiet=printing.quiet)
