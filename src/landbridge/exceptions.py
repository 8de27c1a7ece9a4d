"""The exceptions of landbridge.

::

    Exception
    └── LandbridgeError                 base class
        ├── InputError  (ValueError)    an argument is wrong; the message names it and says what to do
        │   ├── LabelError              labels: missing, unknown, of one class only
        │   ├── ReadError               a file or folder could not be read as data
        │   └── WriteError  (OSError)   a file or folder could not be written
        ├── UntrustedModelError (ValueError)   a saved result was changed, or holds types that are not allowed
        └── MissingExtraError (ImportError)    an optional library is missing; the message says how to install it

Warnings: :class:`EarlyStoppingWarning` (UserWarning).

A guard that rejects every transfer is a *result*, not an exception.
"""

import re

__all__ = [
    "EarlyStoppingWarning",
    "InputError",
    "LabelError",
    "LandbridgeError",
    "MissingExtraError",
    "ReadError",
    "UntrustedModelError",
    "WriteError",
]


# Characters that would break a line, or that a terminal acts upon or cannot show; addresses of objects.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=>)")
# Longest message; of a longer one, the middle is omitted.
_LONGEST = 600


class LandbridgeError(Exception):
    """Base class of the exceptions that landbridge raises; its text is one line."""

    def __str__(self) -> str:
        text = " ".join(re.split(r"\s*[\r\n]\s*", super().__str__().strip()))
        text = _ADDRESS.sub("", _CONTROLS.sub(lambda c: c[0].encode("unicode_escape").decode(), text))
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 3 :]}"


class InputError(LandbridgeError, ValueError):
    """An argument is wrong; the message says which, what is wrong and what to do."""


class LabelError(InputError):
    """Labels are missing where needed, unknown, or of one class only."""


class ReadError(InputError):
    """A file or folder could not be read as data."""


class WriteError(InputError, OSError):
    """A file or folder could not be written; what was there before is unchanged."""


class UntrustedModelError(LandbridgeError, ValueError):
    """A saved result was changed after saving or holds types that are not allowed."""


class MissingExtraError(LandbridgeError, ImportError):
    """An optional library is required and not installed."""


class EarlyStoppingWarning(UserWarning):
    """An iterative method returned fewer iterations than asked for, because the further ones were worse."""
