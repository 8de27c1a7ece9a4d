"""Progress bar and logs of a training run."""

from __future__ import annotations

from typing import Any, Self

__all__ = ["Progress"]


class Progress:
    """A bar on the terminal (``verbose``) and lines in a log (``log_dir``).

    Parameters
    ----------
    fabric : Fabric
    settings : Training
    total : int
        Steps of the run.
    state : State
    """

    def __init__(self, fabric: Any, settings: Any, total: int, state: Any) -> None:
        self.fabric, self.settings, self.total, self.state = fabric, settings, total, state
        self.bar: Any = None

    def __enter__(self) -> Self:
        if self.settings.verbose and self.fabric.is_global_zero:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self.bar = Bar(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar.start()
            self.line = self.bar.add_task(
                f"training on {self.state.history.device}", total=self.total, completed=self.state.step
            )
        return self

    def __exit__(self, *error: Any) -> None:
        if self.bar is not None:
            self.bar.stop()
        for logger in self.fabric._loggers:
            logger.finalize("success" if error[0] is None else "failed")

    def advance(self) -> None:
        """Record a step."""
        if self.bar is not None:
            self.bar.advance(self.line)

    def epoch(self, entry: dict[str, float]) -> None:
        """Record the end of an epoch.

        Parameters
        ----------
        entry : dict of str to float
        """
        if self.fabric._loggers:
            self.fabric.log_dict({k: v for k, v in entry.items() if k != "epoch"}, step=int(entry["epoch"]))
        if self.bar is not None:
            words = ", ".join(f"{k.replace('_', ' ')} {v:.4g}" for k, v in entry.items() if k != "task")
            self.bar.update(self.line, description=words)
