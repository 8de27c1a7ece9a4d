"""Base of the methods that learn from unlabelled images of the target, with or without labelled source images."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network

__all__ = ["MapTargetMethod"]


class MapTargetMethod(Method):
    """Base of methods for unlabelled images; ``source_free`` says whether they are all there is.

    With ``source_free=False`` the images of the target accompany labelled source images. With ``True`` the batches
    themselves are unlabelled images, and the term of the method stands in place of the task's loss.
    """

    source_free: bool

    @property
    def reads_target(self) -> bool:  # type: ignore[override]
        """Whether there are target samples beside the source's."""
        return not self.source_free

    @property
    def replaces_task_loss(self) -> bool:  # type: ignore[override]
        """Whether there are no labels for the task's loss."""
        return self.source_free

    def check_task(self, task: Any) -> None:
        """Refuse tasks without maps.

        Parameters
        ----------
        task : Task
        """
        if getattr(task, "takes", "") != "map":
            raise InputError(f"methods holds {type(self).__name__}, which needs maps of pixels; omit it.")

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        unlabelled = source if self.source_free else target
        return {} if unlabelled is None else self._terms(network, source, unlabelled, progress)

    def _terms(self, network: Network, source: Batch, unlabelled: Batch, progress: float) -> dict[str, Tensor]:
        raise NotImplementedError
