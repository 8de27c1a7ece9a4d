"""The typer application and the one place where errors become a line and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from landbridge.cli._checks import say
from landbridge.cli._data import data_command
from landbridge.cli._estimate import estimate_command
from landbridge.cli._inspect import inspect_command
from landbridge.cli._measure import measure_command
from landbridge.cli._methods import methods_command
from landbridge.cli._predict import predict_command
from landbridge.cli._rank import rank_command
from landbridge.cli._report import report_command
from landbridge.cli._signals import Stopped, stoppable
from landbridge.cli._text import one_line
from landbridge.cli._transfer import transfer_command
from landbridge.cli._version import version_command

__all__ = ["app", "main"]

app = typer.Typer(
    name="landbridge",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXAMPLES = {
    "inspect": (
        "landbridge inspect clinic_a.csv clinic_b.csv --label ill",
        "landbridge inspect clinic_a.csv --missing -999 --drop visit,site --json",
    ),
    "measure": (
        "landbridge measure clinic_a.csv clinic_b.csv --label ill",
        "landbridge measure builtin:printed builtin:handwritten",
    ),
    "rank": (
        "landbridge rank clinic_a.csv clinic_b.csv clinic_c.csv --label ill   (the last one is the target)",
        "landbridge rank builtin:tumours-small builtin:tumours-large --score nce",
    ),
    "transfer": (
        "landbridge transfer clinic_a.csv clinic_b.csv --label ill --out clinic_b",
        "landbridge transfer clinic_a.csv clinic_b.csv --label 'grade>2' --target-labels 20 --methods CORAL,JDA",
        "landbridge transfer clinic_a.csv clinic_b.csv --label ill --groups person --time-budget 600",
        "landbridge transfer --config clinic_b/run.toml",
    ),
    "estimate": (
        "landbridge estimate clinic_b clinic_c.csv",
        "landbridge estimate model.skops clinic_c.csv --source clinic_a.csv --label ill --metric R2",
    ),
    "predict": (
        "landbridge predict clinic_b new.csv --out predictions.csv",
        "landbridge predict clinic_b new.csv --id person --coverage 0.9 --all-columns",
    ),
    "report": ("landbridge report clinic_b", "landbridge report clinic_b --out page.html --title 'Clinic B'"),
    "methods": ("landbridge methods", "landbridge methods CORAL", "landbridge methods --family instance --json"),
    "data": ("landbridge data", "landbridge transfer builtin:printed builtin:handwritten --target-labels hide"),
    "version": ("landbridge version", "landbridge version --json"),
}
COMMANDS = {
    "inspect": inspect_command,
    "measure": measure_command,
    "rank": rank_command,
    "transfer": transfer_command,
    "estimate": estimate_command,
    "predict": predict_command,
    "report": report_command,
    "methods": methods_command,
    "data": data_command,
    "version": version_command,
}


def _help(command: Callable[..., Any]) -> str:
    """The docstring of a command, each paragraph on one line, so that it is wrapped to the terminal."""
    return "\n\n".join(" ".join(p.split()) for p in (command.__doc__ or "").split("\n\n"))


for _name, _command in COMMANDS.items():
    app.command(_name, help=_help(_command), epilog="\n\n".join(["Examples:", *EXAMPLES[_name]]))(_command)

# Errors of the system that a user can do something about, and what.
REMEDIES = {
    errno.ENOSPC: "no space is left; free some, or write elsewhere with --out",
    errno.EDQUOT: "the quota is used up; free some space, or write elsewhere with --out",
    errno.ENAMETOOLONG: "the name is too long; give a shorter one",
    errno.EROFS: "the disk cannot be written; write elsewhere with --out",
    errno.ELOOP: "a link leads back to itself; check the path",
    errno.EMFILE: "too many files are open; raise the limit with ulimit -n",
    errno.EIO: "the disk cannot be read or written; check it",
}
# Options whose value is a path; an empty one would be the current folder.
PATH_OPTIONS = ("--out", "-o", "--config")
# How the parser says that a value is of another type, and how it is said here.
PLAINER = {
    "Input should be a valid integer, unable to parse string as an integer": "give a whole number",
    "Input should be a valid number, unable to parse string as a number": "give a number",
}
# typer carries its own click or uses the installed one, by version; its public error leads to the right base class.
_UsageError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "UsageError")


def _print_version(asked: bool) -> None:
    if asked:
        version_command()
        raise typer.Exit()


@app.callback()
def landbridge(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            metavar="",
            help="Print the version and exit.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """Transfer learning that can say no: measure WHEN, rank WHAT, transfer HOW, estimate HOW GOOD, and predict.

    Exit codes: 0 the command ran, 2 bad input, 3 not transferred under --require-transfer, 130 Ctrl-C, 143 SIGTERM.
    """


def main() -> None:
    """Run the command line.

    Bad input ends with exit code 2 and one line on stderr, a signal with 128 and its number; anything unforeseen keeps
    its traceback.
    """
    # Almost nothing that is loaded is ever freed: looking for it a thousand times is a tenth of a short run.
    gc.set_threshold(50_000, 20, 20)
    # The transport library would import torch, jax and others for arrays that are never passed to it here.
    for backend in ("PYTORCH", "JAX", "CUPY", "TENSORFLOW"):
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{backend}", "1")
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character shows its number
        if hasattr(stream, "reconfigure") and (stream.encoding or "").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(errors="backslashreplace")
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(words: list[str]) -> int:
    from landbridge.exceptions import LandbridgeError

    try:
        return _run(words)
    except _UsageError as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "landbridge"
        said = error.format_message().rstrip(".")
        for words_of_parser, plain in PLAINER.items():
            said = said.replace(words_of_parser, plain)
        say(f"{said}; `{command} --help` says what there is.")
    except LandbridgeError as error:
        say(str(error))
    except Stopped as stopped:
        say(stopped.line)
        return stopped.exit_code
    except typer.Abort:
        say("interrupted; nothing was written.")
        return 130
    except BrokenPipeError:  # `landbridge methods | head`
        return _pipe_closed()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # libraries for terminals turn it into exit code 1
            return _pipe_closed()
        raise
    except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"{where}{error.strerror or error}; check the path.")
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        say(f"{_shortened(error.filename or 'the disk')}: {REMEDIES[error.errno]}.")
    except MemoryError:
        say("the memory does not suffice; give fewer samples, fewer --methods, or --jobs 1.")
    return 2


def _pipe_closed() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141


def _run(words: list[str]) -> int:
    from landbridge.exceptions import InputError
    from landbridge.processes import end_processes

    if any("\0" in word for word in words):
        raise InputError("an argument holds a NUL character, which no name can; remove it.")
    for option, value in zip(words, [*words[1:], "-"], strict=False):
        if (option in PATH_OPTIONS and not value.strip()) or option in {f"{name}=" for name in PATH_OPTIONS}:
            raise InputError(f"{option.rstrip('=')} is empty; name a file or a folder.")
    with stoppable():
        try:
            code = app(words or ["--help"], prog_name="landbridge", standalone_mode=False)
            sys.stdout.flush()
        except BaseException:
            end_processes()
            raise
    return code if isinstance(code, int) else 0


def _show_warning(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
    say(f"warning: {one_line(message)}")


def _shortened(name: Any) -> str:
    text = one_line(name)
    return text if len(text) <= 80 else f"{text[:60]}..."
