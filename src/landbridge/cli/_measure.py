"""``landbridge measure``: how alike are two domains, and will transfer hurt?"""

from __future__ import annotations

from typing import Annotated

import typer

from landbridge.cli._options import ColumnOptions, takes

__all__ = ["measure_command"]


@takes(columns=ColumnOptions)
def measure_command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="File, folder or builtin:NAME with labels.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="File, folder or builtin:NAME to transfer to.")],
    *,
    columns: ColumnOptions,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """WHEN: how alike are source and target, which shift is it, and how risky is transfer?"""
    from landbridge.cli._tables import console, print_json, show_diagnosis
    from landbridge.verbs._measure import measure

    diagnosis = measure(source, target, label=columns.label, groups=columns.groups, random_state=seed)
    if as_json:
        print_json(diagnosis.to_dict())
    else:
        show_diagnosis(console(), diagnosis)
