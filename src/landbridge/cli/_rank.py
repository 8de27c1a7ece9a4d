"""``landbridge rank``: which source, or which model, suits a target best?"""

from __future__ import annotations

from typing import Annotated

import typer

from landbridge.cli._options import ColumnOptions, takes

__all__ = ["rank_command"]


@takes(columns=ColumnOptions)
def rank_command(
    sides: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE... TARGET",
            help="Files, folders or builtin:NAME: the labelled sources or trained networks, and last the target.",
        ),
    ],
    *,
    columns: ColumnOptions,
    score: Annotated[
        str,
        typer.Option(
            help="One of leep, nce, logme, h_score, regularised_h_score, transrate, gbc, parc, mean_z_score, "
            "risk_bound and distance_and_agreement."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """WHAT: which of several sources, or of several trained networks, suits the target best?"""
    from landbridge.cli._tables import console, print_json, show_ranking
    from landbridge.verbs._rank import rank

    if len(sides) < 2:
        raise typer.BadParameter("give one source at least, and last the target.")
    ranking = rank(sides[:-1], sides[-1], label=columns.label, groups=columns.groups, score=score, random_state=seed)
    if as_json:
        print_json(ranking.to_dict())
    else:
        show_ranking(console(), ranking)
