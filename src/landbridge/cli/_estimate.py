"""``landbridge estimate``: how good will a model be on a target without labels?"""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["estimate_command"]


def estimate_command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL_OR_RESULT",
            help="Folder that `landbridge transfer` wrote, or a fitted scikit-learn model (a .skops file).",
        ),
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="File, folder or builtin:NAME of target samples.")],
    source: Annotated[
        str | None, typer.Option(help="Labelled source samples; of a result, those that it was made from.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Label column, or a rule on one: 'num>0'.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="accuracy, 'balanced accuracy', R2 or RMSE; by the kind of model if omitted.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """HOW GOOD: estimate a model's quality on a target without labels, or with few, with an interval of 90 %."""
    from landbridge.cli._tables import console, print_json, show_expected
    from landbridge.verbs._estimate import estimate

    metric = "R²" if metric in ("R2", "r2") else metric
    expected = estimate(model, target, source=source, label=label, metric=metric, random_state=seed)
    if as_json:
        print_json(expected.to_dict())
    else:
        show_expected(console(), expected)
