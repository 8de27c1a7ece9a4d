"""The typer application and the one place where errors become a line and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import sys
from typing import Any

import typer

from landbridge.cli._estimate import estimate_command
from landbridge.cli._measure import measure_command
from landbridge.cli._methods import methods_command
from landbridge.cli._predict import predict_command
from landbridge.cli._rank import rank_command
from landbridge.cli._transfer import transfer_command
from landbridge.cli._version import version_command

__all__ = ["app", "main"]

app = typer.Typer(
    name="landbridge",
    help="Transfer learning that can say no: measure WHEN, rank WHAT, transfer HOW, estimate HOW GOOD, and predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("measure")(measure_command)
app.command("rank")(rank_command)
app.command("transfer")(transfer_command)
app.command("estimate")(estimate_command)
app.command("predict")(predict_command)
app.command("methods")(methods_command)
app.command("version")(version_command)

# typer carries its own click or uses the installed one, by version; its public error leads to the right base class.
_UsageError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "UsageError")


def main() -> None:
    """Run the command line.

    Bad input ends with exit code 2 and one line on stderr; anything unforeseen keeps its traceback.
    """
    from landbridge.exceptions import LandbridgeError

    # Almost nothing that is loaded is ever freed: looking for it a thousand times is a tenth of a short run.
    gc.set_threshold(50_000, 20, 20)
    # The transport library would import torch, jax and others for arrays that are never passed to it here.
    for backend in ("PYTORCH", "JAX", "CUPY", "TENSORFLOW"):
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{backend}", "1")
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="landbridge", standalone_mode=False)
    except _UsageError as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "landbridge"
        _stop(f"{error.format_message().rstrip('.')}; `{command} --help` says what there is.")
    except LandbridgeError as error:
        _stop(str(error))
    except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        where = f"{error.filename}: " if error.filename else ""
        _stop(f"{where}{error.strerror or error}; check the path.")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _stop(f"{error.filename or 'the disk'}: no space is left; free some, or write elsewhere with --out.")
    except (KeyboardInterrupt, typer.Abort):
        _stop("interrupted", 130)
    sys.exit(code if isinstance(code, int) else 0)


def _stop(line: str, code: int = 2) -> None:
    print("landbridge: " + " ".join(line.split()), file=sys.stderr)
    sys.exit(code)
