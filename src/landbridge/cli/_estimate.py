"""``landbridge estimate``: how good will a model be on a target without labels?"""

from __future__ import annotations

from typing import Annotated

import typer

from landbridge.cli._completion import complete_sides
from landbridge.cli._options import Label, PrintOptions, ReadingOptions, Seed, takes

__all__ = ["estimate_command"]


@takes(reading=ReadingOptions, printing=PrintOptions)
def estimate_command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL_OR_RESULT",
            help="Folder that `landbridge transfer` wrote, or a fitted scikit-learn model (a .skops file).",
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="File, folder or builtin:NAME of target samples.", autocompletion=complete_sides
        ),
    ],
    *,
    source: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Labelled source samples; of a result, those that it was made from."),
    ] = None,
    label: Label = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC", help="accuracy, 'balanced accuracy', R2 or RMSE; by the kind of model if omitted."
        ),
    ] = None,
    reading: ReadingOptions,
    seed: Seed = 0,
    printing: PrintOptions,
) -> None:
    """HOW GOOD: estimate a model's quality on a target without labels, or with few, with an interval of 90 %."""
    from landbridge.cli._checks import check_side
    from landbridge.cli._progress import working
    from landbridge.cli._tables import console, print_json, show_expected

    options = reading.keywords()
    check_side(model, "MODEL_OR_RESULT")
    check_side(target, "TARGET")
    if source is not None:
        check_side(source, "--source")
    from landbridge.verbs._estimate import estimate

    metric = {"r2": "R²", "rmse": "RMSE", "balanced_accuracy": "balanced accuracy"}.get((metric or "").lower(), metric)
    with working("reading and estimating", printing):
        expected = estimate(
            model,
            target,
            source=source,
            label=label,
            metric=metric,
            random_state=seed,
            **options,
        )
    if printing.as_json:
        print_json(expected.to_dict())
    else:
        show_expected(console(), expected, quiet=printing.quiet)
