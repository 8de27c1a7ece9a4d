"""Options of the commands, in groups: each group is a dataclass, and a command takes whole groups."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

__all__ = ["ColumnOptions", "NetworkOptions", "OutputOptions", "RunOptions", "SideOptions", "takes"]


@dataclass(frozen=True)
class SideOptions:
    """How the two sides are read."""

    label: Annotated[str | None, typer.Option(help="Label column, or a rule on one: 'num>0'.")] = None
    sources: Annotated[
        str | None, typer.Option(help="Column of SOURCE that identifies several source domains; it is no feature.")
    ] = None
    groups: Annotated[
        str | None,
        typer.Option(help="Column of both tables that identifies samples that belong together, such as a person; it is "
                     "no feature, and no group is on both sides of a split."),
    ] = None  # fmt: skip
    task: Annotated[
        str | None, typer.Option(help="classification or regression; inferred from the labels if omitted.")
    ] = None
    intermediate: Annotated[
        list[str] | None,
        typer.Option("--intermediate", help="Domain between source and target; repeat it, nearest to SOURCE first."),
    ] = None


@dataclass(frozen=True)
class ColumnOptions:
    """Columns of the tables that are no features."""

    label: Annotated[str | None, typer.Option(help="Label column, or a rule on one: 'num>0'.")] = None
    groups: Annotated[
        str | None,
        typer.Option(help="Column of all tables that identifies samples that belong together, such as a person."),
    ] = None


@dataclass(frozen=True)
class RunOptions:
    """What is tried, and how."""

    methods: Annotated[str | None, typer.Option(help="Only these methods, separated by commas.")] = None
    target_labels: Annotated[
        str,
        typer.Option(help="Labels of TARGET: 'use' them, 'hide' them (they only score the outcome), or a number per "
                     "class to use while the rest is hidden."),
    ] = "use"  # fmt: skip
    scoring: Annotated[
        str | None, typer.Option(help="What target labels are scored by: the name of a scorer of scikit-learn.")
    ] = None
    assume: Annotated[
        str | None,
        typer.Option(help="What is known without labels: 'shares-kept' if labels have the same distribution in both."),
    ] = None
    confidence: Annotated[float, typer.Option(help="Confidence that a gain is positive, in [0.5, 1).")] = 0.9
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Also try methods that the diagnosed shift rules out.")
    ] = False
    time_budget: Annotated[float | None, typer.Option(help="Seconds after which no further candidate is begun.")] = None
    jobs: Annotated[
        int | None, typer.Option(help="Candidates tried in parallel; all cores if omitted and worthwhile.")
    ] = None
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything random.")] = 0
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run with the same --out.")] = False


@dataclass(frozen=True)
class NetworkOptions:
    """Options of networks."""

    network: Annotated[
        str | None,
        typer.Option(
            help="Network as the base learner: 'builtin' for small images, 'mlp' for tables, a folder with "
            "config.json, a name on the hub."
        ),
    ] = None
    n_seeds: Annotated[int, typer.Option("--n-seeds", help="Runs averaged per adversarial method.")] = 1
    epochs: Annotated[int, typer.Option(help="Epochs of a network.")] = 20
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Skip images that cannot be read, instead of naming the first.")
    ] = False


@dataclass(frozen=True)
class OutputOptions:
    """What is written and printed."""

    out: Annotated[Path, typer.Option(help="Folder for report.html, result.json and the model.")] = Path(
        "landbridge-report"
    )
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False


def takes(**groups: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a command take groups of options, each as one argument.

    Parameters
    ----------
    **groups : type
        Name of the command's argument to the dataclass that it holds.

    Returns
    -------
    callable
        Decorator; the decorated command has one option per field.

    Examples
    --------
    >>> import inspect
    >>> from landbridge.cli._options import NetworkOptions, takes
    >>> @takes(network=NetworkOptions)
    ... def command(source: str, *, network):
    ...     return network.epochs
    >>> list(inspect.signature(command).parameters)
    ['source', 'network', 'n_seeds', 'epochs', 'skip_corrupt']
    >>> command("a", epochs=3)
    3
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = [p for n, p in inspect.signature(command, eval_str=True).parameters.items() if n not in groups]
        parameters = list(own)
        for group in groups.values():
            hints = get_type_hints(group, include_extras=True)
            for field in fields(group):
                default = field.default if field.default is not MISSING else inspect.Parameter.empty
                parameters.append(
                    inspect.Parameter(
                        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name]
                    )
                )
        signature = inspect.Signature(parameters)

        @functools.wraps(command)
        def run(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            values = dict(bound.arguments)
            held = {n: g(**{f.name: values.pop(f.name) for f in fields(g)}) for n, g in groups.items()}
            return command(**values, **held)

        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        del run.__wrapped__
        return run

    return decorate
