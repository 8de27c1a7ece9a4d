"""``landbridge transfer``: transfer to a target, or say why not."""

from __future__ import annotations

import os
import shlex
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landbridge.cli._options import NetworkOptions, OutputOptions, RunOptions, SideOptions, takes

if TYPE_CHECKING:
    from landbridge.results import Result

__all__ = ["transfer_command"]

# Bytes of two files whose candidates are tried in several processes.
LARGE = 1_000_000


@takes(sides=SideOptions, run=RunOptions, networks=NetworkOptions, output=OutputOptions)
def transfer_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="File, folder or builtin:NAME with labels; or a trained network (a folder with config.json, a "
            ".safetensors file, a name on the hub); or a fitted scikit-learn model (a .skops file).",
        ),
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="File, folder or builtin:NAME to transfer to.")],
    *,
    sides: SideOptions,
    run: RunOptions,
    networks: NetworkOptions,
    output: OutputOptions,
) -> None:
    """HOW: try every method that fits, let the guard decide, and write model and report.

    Exits with 0 whether the guard transferred or not (it says which), and with 2 for bad input.
    """
    _check_out(output.out)  # now, not after minutes of work
    arguments = _arguments(sides, run, networks)
    arguments |= {"work_dir": output.out / "unfinished", "resume": run.resume}
    with _processes(source, target, arguments):
        result = _run(output.quiet or output.as_json, source, target, **arguments)
    command = shlex.join(["landbridge", "transfer", source, target, *_words(sides, run, networks, result)])
    result = replace(result, settings={**result.settings, "command": command})
    result.save(output.out)
    page = result.report(output.out)
    _show(result, page, output)


def _arguments(sides: SideOptions, run: RunOptions, networks: NetworkOptions) -> dict[str, Any]:
    """Keywords of ``transfer`` for the options that differ from their defaults."""
    from landbridge.exceptions import InputError

    if run.jobs == 0:
        raise InputError("--jobs is 0; give 1 or more, or -1 for all cores.")
    labels = int(run.target_labels) if run.target_labels.lstrip("-").isdigit() else run.target_labels
    named: dict[str, Any] = {
        "label": sides.label,
        "sources": sides.sources,
        "groups": sides.groups,
        "scoring": run.scoring,
        "assume": run.assume,
        "task": sides.task,
        "intermediate_domains": sides.intermediate or None,
        "methods": run.methods,
        "target_labels": labels,
        "confidence": run.confidence,
        "exhaustive": run.exhaustive or None,
        "time_budget": run.time_budget,
        "n_jobs": run.jobs,
        "random_state": run.seed,
        "network": networks.network,
        "n_seeds": networks.n_seeds if networks.n_seeds != NetworkOptions().n_seeds else None,
        "epochs": networks.epochs if networks.epochs != NetworkOptions().epochs else None,
        "skip_corrupt": networks.skip_corrupt or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _words(sides: SideOptions, run: RunOptions, networks: NetworkOptions, result: Result) -> list[str]:
    """Words of the command line that repeat the run."""
    named: dict[str, Any] = {"label": sides.label, "sources": sides.sources, "methods": run.methods}
    named |= {"target-labels": run.target_labels, "confidence": run.confidence, "seed": run.seed}
    named |= {"groups": sides.groups, "scoring": run.scoring, "assume": run.assume}
    named |= {"task": sides.task, "network": networks.network, "time-budget": run.time_budget}
    if networks.network is not None:
        named["n-seeds"] = networks.n_seeds
    if "epochs" in result.settings:
        named["epochs"] = networks.epochs
    words = [w for k, v in named.items() if v is not None for w in (f"--{k}", str(v))]
    words += [w for domain in sides.intermediate or () for w in ("--intermediate", domain)]
    return [
        *words,
        *(["--exhaustive"] if run.exhaustive else []),
        *(["--skip-corrupt"] if networks.skip_corrupt else []),
    ]


def _show(result: Result, page: Path, output: OutputOptions) -> None:
    from landbridge.cli._tables import console, print_json, show_candidates, show_verdict

    if output.as_json:
        print_json(result.to_dict())
        return
    screen = console()
    show_verdict(screen, result)
    show_candidates(screen, result)
    print(f"report: {page}")
    print(f"predict new samples: landbridge predict {shlex.quote(str(output.out))} FILE")


def _check_out(out: Path) -> None:
    from landbridge.exceptions import InputError

    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file; name a folder.")
    there = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"--out {out} cannot be written, because {there} does not allow it; name another folder.")


def _processes(source: str, target: str, arguments: dict[str, Any]) -> AbstractContextManager[None]:
    """Start further processes before anything is loaded here, if the files are likely to need them."""
    from landbridge.processes import start_processes

    paths = [Path(p) for p in (source, target)]
    one = "network" in arguments or "methods" in arguments or paths[0].suffix in (".safetensors", ".skops")
    if one or not all(p.exists() or str(p).startswith("builtin:") for p in paths):
        return nullcontext()
    large = any(not p.is_file() for p in paths) or sum(p.stat().st_size for p in paths) > LARGE
    return start_processes(arguments.get("n_jobs", -1) if large else 1)


def _run(quiet: bool, source: str, target: str, **arguments: Any) -> Result:
    from landbridge.verbs._transfer import transfer

    if quiet:
        return transfer(source, target, **arguments)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from landbridge.cli._tables import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    screen = console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        job = bar.add_task("reading and measuring", total=None)

        def advance(done: int, total: int, name: str) -> None:
            bar.update(job, completed=done, total=total, description=f"tried {name}"[:28].ljust(28))

        return transfer(source, target, **arguments, progress=advance)
