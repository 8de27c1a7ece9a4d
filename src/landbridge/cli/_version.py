"""``landbridge version``."""

from __future__ import annotations

__all__ = ["version_command"]


def version_command() -> None:
    """Print the version of landbridge."""
    import landbridge

    print(landbridge.__version__)
