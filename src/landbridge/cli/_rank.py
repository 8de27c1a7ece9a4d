"""``landbridge rank``: which source, or which model, suits a target best?"""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from landbridge.cli._completion import complete_sides, complete_tasks
from landbridge.cli._options import ColumnOptions, ConfigOptions, PrintOptions, ReadingOptions, Seed, takes
from landbridge.exceptions import InputError

__all__ = ["rank_command"]


@takes(columns=ColumnOptions, reading=ReadingOptions, config=ConfigOptions, printing=PrintOptions)
def rank_command(
    sides: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE... TARGET",
            help="Files, folders or builtin:NAME: the labelled sources or trained networks, and last the target.",
            autocompletion=complete_sides,
        ),
    ],
    *,
    columns: ColumnOptions,
    reading: ReadingOptions,
    score: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="One of leep, nce, logme, h_score, regularised_h_score, transrate, gbc, parc, mean_z_score, "
            "risk_bound and distance_and_agreement.",
        ),
    ] = "auto",
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="A task with structured labels, such as tagging; SOURCE then are networks.",
            autocompletion=complete_tasks,
        ),
    ] = None,
    seed: Seed = 0,
    config: ConfigOptions,
    printing: PrintOptions,
) -> None:
    """WHAT: which of several sources, or of several trained networks, suits the target best?"""
    from landbridge.cli._checks import check_side, check_task
    from landbridge.cli._progress import print_inspections, working
    from landbridge.cli._tables import console, print_json, show_ranking

    if len(sides) < 2:
        raise typer.BadParameter("give one source at least, and last the target.")
    options = reading.keywords()
    check_task(task)
    if task is not None:
        options["task"] = task
    for source in sides[:-1] if task is None else ():
        check_side(source, "SOURCE", model=True)
    check_side(sides[-1], "TARGET")
    from landbridge.verbs._rank import SCORES, rank

    if score not in ("auto", *SCORES) and (near := difflib.get_close_matches(score, SCORES, n=1)):
        raise InputError(f"--score {score!r} is unknown; did you mean {near[0]}?")
    with working("reading and scoring", printing):
        ranking = rank(
            sides[:-1],
            sides[-1],
            label=columns.label,
            groups=columns.groups,
            score=score,
            random_state=seed,
            on_inspection=print_inspections(printing),
            **options,
        )
    if printing.as_json:
        print_json(ranking.to_dict())
    else:
        show_ranking(console(), ranking, quiet=printing.quiet)
