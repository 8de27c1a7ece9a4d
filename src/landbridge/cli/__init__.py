"""The command line: one file a command; nothing heavy is imported before a command runs."""

from landbridge.cli._app import app, main

__all__ = ["app", "main"]
