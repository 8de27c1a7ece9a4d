"""Every exception of landbridge, drawn as a tree.

::

    Exception
    └── LandbridgeError                 anything landbridge raises on purpose
        ├── InputError  (ValueError)    an argument is at fault; the message names it and the remedy
        │   ├── LabelError              labels: missing, unknown, of one class only
        │   └── ReadError               a file or folder could not be read as data
        ├── UntrustedModelError (ValueError)   a saved result was tampered with, or holds foreign types
        └── MissingExtraError (ImportError)    an optional library is needed; the message has the install line

Warnings: :class:`EarlyStoppingWarning` (UserWarning).

A guard that declines to transfer is a *result*, never an exception.
"""

__all__ = [
    "EarlyStoppingWarning",
    "InputError",
    "LabelError",
    "LandbridgeError",
    "MissingExtraError",
    "ReadError",
    "UntrustedModelError",
]


class LandbridgeError(Exception):
    """Base of every error that landbridge raises on purpose."""


class InputError(LandbridgeError, ValueError):
    """An argument is at fault; the message says which, what was wrong and what to do."""


class LabelError(InputError):
    """Labels are missing where needed, unknown, or of one class only."""


class ReadError(InputError):
    """A file or folder could not be read as data."""


class UntrustedModelError(LandbridgeError, ValueError):
    """A saved result was changed after saving or holds types that are not allowed."""


class MissingExtraError(LandbridgeError, ImportError):
    """An optional library is needed and not installed."""


class EarlyStoppingWarning(UserWarning):
    """An iterative method returned fewer iterations than asked for, because the further ones were worse."""
