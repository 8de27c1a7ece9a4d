"""``landbridge version``."""

from __future__ import annotations

__all__ = ["version_command"]


def version_command() -> None:
    """Print the version of landbridge."""
    from importlib.metadata import version

    print(version("landbridge"))
