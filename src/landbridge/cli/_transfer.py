"""``landbridge transfer``: transfer to a target, or say why not."""

from __future__ import annotations

import os
import shlex
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landbridge.cli._checks import (
    check_folder,
    check_jobs,
    check_methods,
    check_own_files,
    check_scoring,
    check_side,
    check_task,
    check_time_budget,
    say,
    warn_of_few_labels,
)
from landbridge.cli._completion import complete_sides
from landbridge.cli._config import APART, write_config
from landbridge.cli._options import (
    ConfigOptions,
    NetworkOptions,
    OutputOptions,
    ReadingOptions,
    RunOptions,
    SideOptions,
    takes,
)
from landbridge.cli._signals import Stopped

if TYPE_CHECKING:
    from landbridge.data import Inspection
    from landbridge.results import Result

__all__ = ["transfer_command"]

# Bytes of two files whose candidates are tried in several processes.
LARGE = 1_000_000
# Bytes of a file for each cell of its table, about.
BYTES_PER_CELL = 8
# Exit code of --require-transfer where the guard does not transfer.
NOT_TRANSFERRED = 3


@takes(
    sides=SideOptions,
    reading=ReadingOptions,
    run=RunOptions,
    networks=NetworkOptions,
    config=ConfigOptions,
    output=OutputOptions,
)
def transfer_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="File, folder or builtin:NAME with labels; or a trained network (a folder with config.json, a "
            ".safetensors file, a name on the hub); or a fitted scikit-learn model (a .skops file).",
            autocompletion=complete_sides,
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="File, folder or builtin:NAME to transfer to.", autocompletion=complete_sides
        ),
    ],
    *,
    sides: SideOptions,
    reading: ReadingOptions,
    run: RunOptions,
    networks: NetworkOptions,
    config: ConfigOptions,
    output: OutputOptions,
) -> None:
    """HOW: try every method that fits, let the guard decide, and write model and report.

    Exits with 0 whether the guard transferred or not (it says which), with 2 for bad input, and with 3 if the guard did
    not transfer and --require-transfer was given.
    """
    work = output.out / "unfinished"
    run = _check(source, target, sides, run, networks, output.out)
    arguments = _arguments(sides, run, networks) | reading.keywords()
    arguments |= {"work_dir": work, "resume": run.resume}
    if run.resume and not work.is_dir():
        say(f"--resume: {output.out} holds no unfinished run, so the run starts anew.")
    try:
        with _processes(source, target, arguments):
            result = _run(source, target, output, **arguments)
    except Stopped as stopped:
        stopped.kept = _kept(work)
        raise
    command = shlex.join(["landbridge", "transfer", source, target, *_words(sides, reading, run, networks, result)])
    result = replace(result, settings={**result.settings, "command": command})
    result.save(output.out)
    page = result.report(output.out)
    options = {"source": source, "target": target, "out": output.out}
    options |= _options(sides, reading, run, networks)
    write_config(output.out, options, str(result.settings.get("versions", {}).get("landbridge", "")))
    _show(result, page, output)
    if run.require_transfer and not result.decision.transferred:
        say(f"{result.decision.chosen} is kept, and --require-transfer was given.")
        raise typer.Exit(NOT_TRANSFERRED)


def _check(
    source: str, target: str, sides: SideOptions, run: RunOptions, networks: NetworkOptions, out: Path
) -> RunOptions:
    """Refuse what cannot work, now and not after minutes."""
    check_folder(out)
    check_own_files(out)
    check_side(source, "SOURCE", model=True)
    check_side(target, "TARGET")
    for domain in sides.intermediate or ():
        check_side(domain, "--intermediate")
    check_task(sides.task)
    check_time_budget(run.time_budget)
    jobs = check_jobs(run.jobs)
    check_scoring(run.scoring)
    if run.methods is not None:
        from landbridge.problem import is_network

        check_methods(run.methods, network=networks.network is not None or is_network(source))
    return replace(run, jobs=jobs)


def _options(*groups: Any) -> dict[str, Any]:
    """Every option of the groups with its value, by name."""
    return {f.name: getattr(g, f.name) for g in groups for f in fields(g) if f.name not in APART}


def _kept(work: Path) -> str:
    """What an interrupted run has left, and how it goes on."""
    n = len(list(work.glob("[!.]*.npz"))) if work.is_dir() else 0
    if not n and not (work.is_dir() and any(p.is_dir() for p in work.iterdir())):
        with suppress(OSError):
            work.rmdir()  # an empty one
        return "no candidate was finished, so there is nothing to resume"
    done = f"{n} finished candidate{'s' if n != 1 else ''}" if n else "the checkpoints of a network"
    return f"{done} {'are' if n != 1 else 'is'} kept in {work}: add --resume to the same command to go on"


def _arguments(sides: SideOptions, run: RunOptions, networks: NetworkOptions) -> dict[str, Any]:
    """Keywords of ``transfer`` for the options that differ from their defaults."""
    named: dict[str, Any] = {
        "label": sides.label,
        "sources": sides.sources,
        "groups": sides.groups,
        "scoring": run.scoring,
        "assume": run.assume,
        "task": sides.task,
        "intermediate_domains": sides.intermediate or None,
        "methods": run.methods,
        "target_labels": _target_labels(run),
        "confidence": run.confidence,
        "exhaustive": run.exhaustive or None,
        "time_budget": run.time_budget,
        "n_jobs": run.jobs,
        "random_state": run.seed,
        "network": networks.network,
        "n_seeds": networks.n_seeds if networks.n_seeds != NetworkOptions().n_seeds else None,
        "epochs": networks.epochs if networks.epochs != NetworkOptions().epochs else None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _target_labels(run: RunOptions) -> str | int:
    return int(run.target_labels) if run.target_labels.lstrip("-").isdecimal() else run.target_labels


def _words(
    sides: SideOptions, reading: ReadingOptions, run: RunOptions, networks: NetworkOptions, result: Result
) -> list[str]:
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
    for field in fields(reading):
        value, option = getattr(reading, field.name), f"--{field.name.replace('_', '-')}"
        values = [] if value in (None, False) else value if isinstance(value, list | tuple) else [value]
        words += [option] if value is True else [w for v in values for w in (option, v)]
    return [
        *words,
        *(["--exhaustive"] if run.exhaustive else []),
    ]


def _show(result: Result, page: Path, output: OutputOptions) -> None:
    from landbridge.cli._tables import console, print_json, show_candidates, show_verdict

    if output.as_json:
        print_json(result.to_dict())
        return
    screen = console()
    show_verdict(screen, result, quiet=output.quiet)
    if not output.quiet:
        show_candidates(screen, result, verbose=output.verbose)
    print(f"report: {page}")
    if not output.quiet:
        print(f"predict new samples: landbridge predict {shlex.quote(str(output.out))} FILE")
        print(f"repeat this run: landbridge transfer --config {shlex.quote(str(output.out / 'run.toml'))}")


def _processes(source: str, target: str, arguments: dict[str, Any]) -> AbstractContextManager[None]:
    """Start further processes before anything is loaded here, if the files are likely to need them."""
    from landbridge.processes import start_processes

    paths = [Path(p) for p in (source, target)]
    one = "network" in arguments or "methods" in arguments or paths[0].suffix in (".safetensors", ".skops")
    if one or not all(p.exists() or str(p).startswith("builtin:") for p in paths):
        return nullcontext()
    large = any(not p.is_file() for p in paths) or sum(p.stat().st_size for p in paths) > LARGE
    return start_processes(arguments.get("n_jobs", -1) if large else 1)


def _run(source: str, target: str, output: OutputOptions, **arguments: Any) -> Result:
    from landbridge.cli._progress import RunProgress

    labels = arguments.get("target_labels")
    with RunProgress(output, _cells(source, target), arguments.get("time_budget")) as progress:
        from landbridge.problem import TransferOptions
        from landbridge.verbs._transfer import transfer

        seen = False

        def inspected(inspection: Inspection) -> None:
            nonlocal seen
            seen = True
            progress.inspected(inspection)
            warn_of_few_labels(labels, inspection.sides[-1].labels)

        if "on_inspection" in TransferOptions.__annotations__:
            arguments["on_inspection"] = inspected
        result = transfer(source, target, **arguments, progress=progress.advance)
    if not seen:
        warn_of_few_labels(labels, _class_counts(result))
    return result


def _cells(source: str, target: str) -> float:
    """About how many cells the two tables have."""
    sizes = []
    for path in (source, target):
        try:
            sizes.append(os.path.getsize(path) if os.path.isfile(path) else LARGE)
        except OSError:
            sizes.append(LARGE)
    return sum(sizes) / BYTES_PER_CELL


def _class_counts(result: Result) -> dict[str, int]:
    """Labelled target samples by class, hidden ones included; empty for regression."""
    from collections import Counter

    if result.task != "classification" or result.target is None or result.target.y is None:
        return {}
    known = [v for y in (result.target.y, result.hidden_labels) if y is not None for v in list(y)]
    return dict(Counter(str(v) for v in known if v is not None and v == v))
