"""Ctrl-C and SIGTERM: what they end, and what is printed then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopped", "stoppable"]

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(BaseException):
    """The command was stopped by a signal; no handler of errors below the command line may take it.

    Parameters
    ----------
    number : int
        Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.kept = "nothing was written"

    @property
    def exit_code(self) -> int:
        """Exit code, as a shell has it: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.number

    @property
    def line(self) -> str:
        """What happened, and what is kept."""
        what = "interrupted" if self.number == signal.SIGINT else f"ended by {signal.Signals(self.number).name}"
        return f"{what}; {self.kept}."


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise :class:`Stopped` for the first signal that ends a program; a second one ends it at once.

    Signals that are ignored, as under ``nohup``, stay ignored.

    Yields
    ------
    None

    Examples
    --------
    >>> import signal
    >>> from landbridge.cli._signals import Stopped, stoppable
    >>> try:
    ...     with stoppable():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except Stopped as stopped:
    ...     print(stopped.exit_code, stopped.line)
    143 ended by SIGTERM; nothing was written.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.getsignal(n) for n in SIGNALS}
    before = {n: handler for n, handler in before.items() if handler not in (signal.SIG_IGN, None)}

    def stop(number: int, frame: FrameType | None) -> None:
        for n in before:
            signal.signal(n, signal.SIG_DFL)
        raise Stopped(number)

    for n in before:
        signal.signal(n, stop)
    try:
        yield
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
