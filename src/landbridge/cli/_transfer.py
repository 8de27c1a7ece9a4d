"""``landbridge transfer``: carry knowledge across, or say why not."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from landbridge.verbs._result import Result

__all__ = ["transfer_command"]


def transfer_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="File, folder or builtin:NAME with labelled rows; or a trained network: a folder with config.json, a "
            ".safetensors file, a name on the hub.",
        ),
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="File, folder or builtin:NAME to carry over to.")],
    label: Annotated[str | None, typer.Option(help="Label column, or a rule on one: 'num>0'.")] = None,
    sources: Annotated[
        str | None, typer.Option(help="Column of SOURCE that tells several sources apart; it is no feature.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; told from the labels if left out.")
    ] = (None),
    out: Annotated[Path, typer.Option(help="Folder for report.html, result.json and the model.")] = Path(
        "landbridge-report"
    ),
    methods: Annotated[str | None, typer.Option(help="Only these methods, separated by commas.")] = None,
    through: Annotated[
        list[str] | None, typer.Option(help="Stepping stone between source and target; give it again for the next one.")
    ] = None,
    target_labels: Annotated[
        str,
        typer.Option(
            help="What to do with labels of the target: 'use' them, 'hide' them (they only score the outcome), or a "
            "number of them a class to use while the rest is hidden."
        ),
    ] = "use",
    confidence: Annotated[float, typer.Option(help="How sure a gain must be, in [0.5, 1).")] = 0.9,
    network: Annotated[
        str | None,
        typer.Option(
            help="Learn from data with this network and adapt it: 'builtin' for small images, 'mlp' for tables, a "
            "folder with config.json, a name on the hub."
        ),
    ] = None,
    n_seeds: Annotated[
        int, typer.Option("--n-seeds", min=1, help="Runs that are averaged of each adversarial way of adapting.")
    ] = 1,
    epochs: Annotated[int, typer.Option(help="Of a network.")] = 20,
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Leave images out that cannot be read, instead of naming the first.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with an interrupted training, same --out."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn at random.")] = 0,
    jobs: Annotated[int, typer.Option(help="Candidates tried side by side; -1 for one a core.")] = -1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """HOW: try every method that fits, guard the result, and write model and report.

    Ends with 0 whether the guard transferred or chose not to (it says which), and with 2 for bad input.
    """
    from landbridge.cli._show import console, print_json, show_candidates, show_verdict
    from landbridge.exceptions import InputError
    from landbridge.verbs._model_sides import is_model

    _check_out(out)  # now, not after minutes of work
    if jobs == 0:
        raise InputError("--jobs is 0; give 1 or more, or -1 for one a core.")
    result = _run(
        quiet or as_json,
        source=source,
        target=target,
        label=label,
        sources=sources,
        methods=methods,
        through=through or (),
        target_labels=int(target_labels) if target_labels.isdigit() else target_labels,
        task=task,
        confidence=confidence,
        network=network,
        n_seeds=n_seeds,
        epochs=epochs,
        skip_corrupt=skip_corrupt,
        n_jobs=jobs,
        random_state=seed,
        work_dir=out / "unfinished" if is_model(source) else None,
        resume=resume,
    )
    from landbridge.report import write_report

    words: dict[str, Any] = {"label": label, "sources": sources, "methods": methods}
    words |= {"target-labels": target_labels, "confidence": confidence, "seed": seed}
    if task is not None:
        words["task"] = task
    if network is not None:
        words["network"] = network
        words["n-seeds"] = n_seeds
    if network is not None or result.diagnosis.kind == "model":
        words["epochs"] = epochs
    given = [w for k, v in words.items() if v is not None for w in (f"--{k}", str(v))]
    given += [w for stone in through or () for w in ("--through", stone)]
    command = shlex.join(["landbridge", "transfer", source, target, *given])
    result = replace(result, settings={**result.settings, "command": command})
    result.save(out)
    page = write_report(result, out)
    if as_json:
        print_json(result.to_dict())
        return
    screen = console()
    show_verdict(screen, result)
    show_candidates(screen, result)
    print(f"report: {page}")
    print(f"predict new rows: landbridge predict {shlex.quote(str(out))} ROWS")


def _check_out(out: Path) -> None:
    from landbridge.exceptions import InputError

    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file; name a folder.")
    there = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"--out {out} cannot be written, because {there} does not allow it; name another folder.")


def _run(quiet: bool, **arguments: Any) -> Result:
    from landbridge.cli._show import console
    from landbridge.verbs._transfer import transfer

    if quiet:
        return transfer(**arguments)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    screen = console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        job = bar.add_task("reading and measuring", total=None)

        def tell(done: int, total: int, name: str) -> None:
            bar.update(job, completed=done, total=total, description=f"tried {name}"[:28].ljust(28))

        return transfer(**arguments, progress=tell)
