"""``landbridge version``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["version_command"]

SHOWN = ("numpy", "scipy", "scikit-learn", "pandas", "torch")


def version_command(
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print JSON and nothing else.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", metavar="", help="Also print the versions of what landbridge uses.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", metavar="", help="Print the version of landbridge only.")
    ] = False,
) -> None:
    """Print the version of landbridge."""
    import json
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {"landbridge": version("landbridge")}
    if not (as_json or verbose) or quiet:
        print(found["landbridge"])
        return
    found["python"] = platform.python_version()
    for name in SHOWN:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(f"{name} {number or 'not installed'}" for name, number in found.items()))
