"""Progress on standard error: a bar with the remaining time on a terminal, plain lines elsewhere if asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from landbridge.cli._options import PrintOptions
from landbridge.cli._text import one_line

if TYPE_CHECKING:
    from landbridge.data import Inspection

__all__ = ["Remaining", "RunProgress", "in_words", "print_inspections", "working"]

# Seconds that reading, measuring and judging take of a small run, and those per cell of the tables.
FIXED, PER_CELL = 8.0, 1.5e-4
# Share of the time of all candidates that the guard needs after the last of them.
AFTER = 0.1


class Remaining:
    """Estimate of the remaining seconds: a first guess from the size, then from the candidates that are finished.

    Parameters
    ----------
    guess : float
        Seconds of the whole run.
    budget : float, optional
        Seconds after which no further candidate is begun. If None, there is no limit.

    Examples
    --------
    >>> from landbridge.cli._progress import Remaining
    >>> remaining = Remaining(60.0)
    >>> remaining.seconds(10.0)
    50.0
    >>> remaining.advance(20.0, 0, 10)
    >>> remaining.advance(30.0, 5, 10)
    >>> round(remaining.seconds(30.0))
    12
    """

    def __init__(self, guess: float, budget: float | None = None) -> None:
        self.guess, self.budget = guess, budget
        self.begun: float | None = None
        self.last, self.first, self.done, self.total = 0.0, 0, 0, 0

    def advance(self, elapsed: float, done: int, total: int) -> None:
        """Note how many candidates are finished.

        Parameters
        ----------
        elapsed : float
            Seconds since the start.
        done, total : int
        """
        if self.begun is None:
            self.begun, self.first = elapsed, done
        self.last, self.done, self.total = elapsed, done, total

    def seconds(self, elapsed: float) -> float:
        """Return the remaining seconds.

        Parameters
        ----------
        elapsed : float
            Seconds since the start.

        Returns
        -------
        float
        """
        if self.begun is None or self.done - self.first < 2:
            # A guess that turned out too low: as much again as a third of what has passed.
            left = max(self.guess - elapsed, elapsed / 3)
        else:
            each = (self.last - self.begun) / (self.done - self.first)
            left = each * (self.total - self.done) + AFTER * each * self.total - (elapsed - self.last)
            left = max(left, AFTER * each * self.total if self.done == self.total else each)
        if self.budget is not None:
            left = min(left, max(self.budget - elapsed, 0.0) + AFTER * self.budget)
        return max(left, 0.0)


def in_words(seconds: float) -> str:
    """Write a duration in one or two units.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.cli._progress import in_words
    >>> in_words(0.4), in_words(75), in_words(7260)
    ('1 s', '1 min 15 s', '2 h 1 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 and whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


@contextmanager
def working(what: str, printing: PrintOptions) -> Iterator[None]:
    """Show that a command works: a spinner on a terminal, a line before and after elsewhere if verbose.

    Parameters
    ----------
    what : str
    printing : PrintOptions

    Yields
    ------
    None
    """
    if printing.quiet or printing.as_json or not (sys.stderr.isatty() or printing.verbose):
        yield
        return
    started = time.monotonic()
    if not sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr)
        yield
        print(f"done in {in_words(time.monotonic() - started)}", file=sys.stderr)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from landbridge.cli._tables import console

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        bar.add_task(what, total=None)
        yield


def print_inspections(printing: PrintOptions) -> Callable[[Inspection], None]:
    """Return a function that prints what was read on standard error, each line once, before anything is measured.

    Parameters
    ----------
    printing : PrintOptions

    Returns
    -------
    callable
        Takes an :class:`~landbridge.data.Inspection`.
    """
    seen: set[str] = set()

    def show(inspection: Inspection) -> None:
        if printing.quiet or printing.as_json:
            return
        from rich.text import Text

        from landbridge.cli._tables import console

        screen = console(stderr=True)
        for line in inspection.lines(10_000 if printing.verbose else 8):
            if line not in seen:
                seen.add(line)
                screen.print(Text(one_line(line), style="dim"))

    return show


class RunProgress:
    """Progress of a run: what is being done, how many candidates are finished, and the remaining time.

    Parameters
    ----------
    printing : PrintOptions
    n_cells : float
        About how many cells the tables have.
    budget : float, optional
        Time budget in seconds. If None, there is no limit.
    """

    def __init__(self, printing: PrintOptions, n_cells: float, budget: float | None = None) -> None:
        self.printing = printing
        self.silent = printing.quiet or printing.as_json
        self.remaining = Remaining(FIXED + PER_CELL * n_cells, budget)
        self.started = time.monotonic()
        self.bar: Any = None
        self.job: Any = None

    def __enter__(self) -> Self:
        if not self.silent and sys.stderr.isatty():
            from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
            from rich.text import Text

            from landbridge.cli._tables import console

            left = self._left

            class Left(ProgressColumn):
                """Remaining time, counted down between two candidates."""

                max_refresh = 0.5

                def render(self, task: Any) -> Text:
                    return Text(left(), style="cyan")

            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[count]}"),
                Left(),
                console=console(stderr=True),
                transient=True,
            )
            self.bar.start()
            self.job = self.bar.add_task("reading".ljust(24), total=None, count="")
        elif not self.silent and self.printing.verbose:
            print(f"reading; {self._left()}", file=sys.stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def inspected(self, inspection: Inspection) -> None:
        """Print what was read, before anything is learned.

        Parameters
        ----------
        inspection : Inspection
        """
        if self.silent:
            return
        from rich.text import Text

        from landbridge.cli._tables import console

        screen = self.bar.console if self.bar is not None else console(stderr=True)
        for line in inspection.lines(10_000 if self.printing.verbose else 8):
            screen.print(Text(one_line(line), style="dim"))
        cells = sum(s.n_samples for s in inspection.sides) * max(inspection.n_features, 1)
        self.remaining.guess = FIXED + PER_CELL * cells
        self._show("measuring the shift", "")

    def advance(self, done: int, total: int, name: str) -> None:
        """Note a candidate that was tried.

        Parameters
        ----------
        done, total : int
        name : str
        """
        elapsed = time.monotonic() - self.started
        self.remaining.advance(elapsed, done, total)
        what = "judging the candidates" if done == total else f"tried {one_line(name)}"
        if self.bar is not None:
            self.bar.update(self.job, completed=done, total=total)
        self._show(what, f"{done}/{total}")

    def _show(self, what: str, count: str) -> None:
        if self.bar is not None:
            self.bar.update(self.job, description=what[:24].ljust(24), count=count)
        elif not self.silent and self.printing.verbose:
            elapsed = in_words(time.monotonic() - self.started)
            print(f"{count + ' ' if count else ''}{what}; {elapsed} so far, {self._left()}", file=sys.stderr)

    def _left(self) -> str:
        return f"about {in_words(self.remaining.seconds(time.monotonic() - self.started))} left"
