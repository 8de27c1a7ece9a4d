"""The typer application and the one place where errors become a line and an exit code."""

from __future__ import annotations

import sys

import typer

from landbridge.cli._measure import measure_command
from landbridge.cli._methods import methods_command
from landbridge.cli._predict import predict_command
from landbridge.cli._transfer import transfer_command
from landbridge.cli._version import version_command

__all__ = ["app", "main"]

app = typer.Typer(
    name="landbridge",
    help="Transfer learning that can say no: measure WHEN, transfer HOW, and predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("measure")(measure_command)
app.command("transfer")(transfer_command)
app.command("predict")(predict_command)
app.command("methods")(methods_command)
app.command("version")(version_command)


def main() -> None:
    """Run the command line.

    Bad input ends with exit code 2 and one line on stderr; anything unforeseen keeps its traceback.
    """
    from landbridge.exceptions import LandbridgeError

    try:
        app()
    except (LandbridgeError, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError) as error:
        print("landbridge: " + " ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("landbridge: interrupted", file=sys.stderr)
        sys.exit(130)
