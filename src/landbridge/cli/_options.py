"""Options of the commands, in groups: each group is a dataclass, and a command takes whole groups."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from landbridge.cli._checks import check_seed, names_in, renamed
from landbridge.cli._completion import complete_columns, complete_methods, complete_tasks
from landbridge.cli._config import apply_config

__all__ = [
    "ColumnOptions",
    "ConfigOptions",
    "Groups",
    "Label",
    "NetworkOptions",
    "OutputOptions",
    "PrintOptions",
    "ReadingOptions",
    "RunOptions",
    "Seed",
    "SideOptions",
    "Sources",
    "takes",
]


# Panels of the help.
READING, TRYING, NETWORKS, OUTPUT = "Reading", "What is tried", "Networks", "Output"

Label = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Label column, or a rule on one: 'num>0'.",
        rich_help_panel=READING,
        autocompletion=complete_columns,
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column of all tables that identifies samples that belong together, such as a person; it is no feature, "
        "and no group is on both sides of a split.",
        rich_help_panel=READING,
        autocompletion=complete_columns,
    ),
]
Sources = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column of SOURCE that identifies several source domains; it is no feature.",
        rich_help_panel=READING,
        autocompletion=complete_columns,
    ),
]
Seed = Annotated[
    int, typer.Option(metavar="N", help="Seed of everything random, from 0 to 4294967295.", callback=check_seed)
]


@dataclass(frozen=True)
class SideOptions:
    """How the two sides are read."""

    label: Label = None
    sources: Sources = None
    groups: Groups = None
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="classification or regression, inferred from the labels if omitted; tagging (a tag per word); or "
            "segmentation (a class per pixel).",
            rich_help_panel=READING,
            autocompletion=complete_tasks,
        ),
    ] = None
    intermediate: Annotated[
        list[str] | None,
        typer.Option(
            "--intermediate",
            metavar="FILE",
            help="Domain between source and target; repeat it, nearest to SOURCE first.",
            rich_help_panel=READING,
        ),
    ] = None


@dataclass(frozen=True)
class ColumnOptions:
    """Columns of the tables that are no features."""

    label: Label = None
    groups: Groups = None


@dataclass(frozen=True)
class ReadingOptions:
    """How files are read; what is not given, the content of the files decides."""

    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column that is no feature; repeat it, or separate names by commas.",
            rich_help_panel=READING,
            autocompletion=complete_columns,
        ),
    ] = None
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column that is a feature although it looks like an identifier, a constant or the name of the domain; "
            "like --drop.",
            rich_help_panel=READING,
            autocompletion=complete_columns,
        ),
    ] = None
    id: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column that identifies samples: no feature, and written beside predictions.",
            rich_help_panel=READING,
            autocompletion=complete_columns,
        ),
    ] = None
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of sample weights of the source.",
            rich_help_panel=READING,
            autocompletion=complete_columns,
        ),
    ] = None
    missing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VALUE", help="Cell that means a missing value, such as -999; repeat it.", rich_help_panel=READING
        ),
    ] = None
    not_missing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD",
            help="Word such as NA that is a category or a class, not a missing value; repeat it.",
            rich_help_panel=READING,
        ),
    ] = None
    decimal: Annotated[
        str | None,
        typer.Option(
            metavar="MARK",
            help="Decimal mark of text files, '.' or ','; inferred if omitted.",
            rich_help_panel=READING,
        ),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Encoding of text files, such as latin-1; inferred if omitted.",
            rich_help_panel=READING,
        ),
    ] = None
    sheet: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Sheet of a workbook, or table of a database; else the first.", rich_help_panel=READING
        ),
    ] = None
    no_header: Annotated[
        bool,
        typer.Option(
            "--no-header",
            metavar="",
            help="The first line holds values, not names; columns are called column_1, column_2 and so on.",
            rich_help_panel=READING,
        ),
    ] = False
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="New name of a column, in any file; repeat it.", rich_help_panel=READING),
    ] = None
    text: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of running text; inferred if omitted.",
            rich_help_panel=READING,
            autocompletion=complete_columns,
        ),
    ] = None
    features: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What describes images: pixels, gradients, or a trained network (folder, file or name on the hub).",
            rich_help_panel=READING,
        ),
    ] = None
    skip_corrupt: Annotated[
        bool,
        typer.Option(
            "--skip-corrupt",
            metavar="",
            help="Skip images and sounds that cannot be read, instead of naming the first.",
            rich_help_panel=READING,
        ),
    ] = False

    def given(self) -> dict[str, Any]:
        """Return the options that were given, by the names that ``landbridge.data.ReadOptions`` has for them.

        Returns
        -------
        dict
            Empty where none was given.
        """
        named: dict[str, Any] = {n: names_in(n, getattr(self, n)) for n in ("drop", "keep")}
        named |= {"missing": list(self.missing or ()), "not_missing": list(self.not_missing or ())}
        named |= {"rename": renamed(self.rename)}
        named |= {n: getattr(self, n) for n in ("id", "weights", "decimal", "encoding", "sheet", "text", "features")}
        named |= {"header": False} if self.no_header else {}
        named |= {"skip_corrupt": True} if self.skip_corrupt else {}
        return {n: v for n, v in named.items() if v is False or v not in (None, [], {})}

    def keywords(self) -> dict[str, Any]:
        """Return the argument ``read_options`` of a verb; nothing where no option was given.

        Returns
        -------
        dict
        """
        found = self.given()
        if not found:
            return {}
        from landbridge.data import ReadOptions

        ReadOptions.of({name: value for name, value in found.items() if name != "text"})  # raises before files are read
        return {"read_options": found}


@dataclass(frozen=True)
class RunOptions:
    """What is tried, and how."""

    methods: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Only these methods, separated by commas; see `landbridge methods`.",
            rich_help_panel=TRYING,
            autocompletion=complete_methods,
        ),
    ] = None
    target_labels: Annotated[
        str,
        typer.Option(
            metavar="USE",
            help="Labels of TARGET: 'use' them, 'hide' them (they only score the outcome), or a number per class to "
            "use while the rest is hidden.",
            rich_help_panel=TRYING,
        ),
    ] = "use"
    scoring: Annotated[
        str | None,
        typer.Option(
            metavar="SCORER",
            help="What target labels are scored by: the name of a scorer of scikit-learn.",
            rich_help_panel=TRYING,
        ),
    ] = None
    assume: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="What is known without labels: 'shares-kept' if labels have the same distribution in both.",
            rich_help_panel=TRYING,
        ),
    ] = None
    confidence: Annotated[
        float,
        typer.Option(
            metavar="P", help="Confidence that a gain is positive, at least 0.5 and below 1.", rich_help_panel=TRYING
        ),
    ] = 0.9
    exhaustive: Annotated[
        bool,
        typer.Option(
            "--exhaustive",
            metavar="",
            help="Also try methods that the diagnosed shift rules out.",
            rich_help_panel=TRYING,
        ),
    ] = False
    time_budget: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Time after which no further candidate is begun.", rich_help_panel=TRYING),
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Candidates tried in parallel, -1 for all cores; as many as are worthwhile if omitted.",
            rich_help_panel=TRYING,
        ),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Seed of everything random, from 0 to 4294967295.",
            callback=check_seed,
            rich_help_panel=TRYING,
        ),
    ] = 0
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", metavar="", help="Continue an interrupted run with the same --out.", rich_help_panel=TRYING
        ),
    ] = False
    require_transfer: Annotated[
        bool,
        typer.Option(
            "--require-transfer", metavar="", help="Exit with 3 if the guard does not transfer.", rich_help_panel=TRYING
        ),
    ] = False


@dataclass(frozen=True)
class NetworkOptions:
    """Options of networks."""

    network: Annotated[
        str | None,
        typer.Option(
            metavar="NETWORK",
            help="Network as the base learner: 'builtin' for small images, 'mlp' for tables, a folder with "
            "config.json, a name on the hub.",
            rich_help_panel=NETWORKS,
        ),
    ] = None
    n_seeds: Annotated[
        int,
        typer.Option("--n-seeds", metavar="N", help="Runs averaged per adversarial method.", rich_help_panel=NETWORKS),
    ] = 1
    epochs: Annotated[int, typer.Option(metavar="N", help="Epochs of a network.", rich_help_panel=NETWORKS)] = 20


@dataclass(frozen=True)
class PrintOptions:
    """What is printed."""

    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print JSON and nothing else.", rich_help_panel=OUTPUT)
    ] = False
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", metavar="", help="Print the answer only: no progress.", rich_help_panel=OUTPUT),
    ] = False
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", metavar="", help="Print each step and every detail.", rich_help_panel=OUTPUT),
    ] = False


@dataclass(frozen=True)
class ConfigOptions:
    """Where further options stand."""

    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE.toml",
            help="File of options, such as the run.toml of a run; the command line has precedence.",
            callback=apply_config,
            is_eager=True,
            rich_help_panel=READING,
        ),
    ] = None


@dataclass(frozen=True)
class OutputOptions(PrintOptions):
    """What is written and printed."""

    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder for report.html, result.json, run.toml and the model.",
            rich_help_panel=OUTPUT,
        ),
    ] = Path("landbridge-report")


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
    ['source', 'network', 'n_seeds', 'epochs']
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
