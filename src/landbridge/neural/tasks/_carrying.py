"""What a task says of trained networks: what their heads know, how they are trained further and adapted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from torch import nn

__all__ = ["Carrying"]


class Carrying:
    """Part of the contract of tasks that trained networks need; the defaults carry over the stages alone.

    Attributes
    ----------
    writes_folder : bool
        Whether ``write_file`` makes a folder, not a file.
    """

    writes_folder: ClassVar[bool] = False

    @classmethod
    def options_of(cls, held: Any) -> dict[str, Any]:
        """Return the options of the task that a file or folder states, such as the names of its classes.

        Parameters
        ----------
        held : object
            As ``read_file`` returned it; None for samples that were given otherwise.

        Returns
        -------
        dict
            As ``from_labels`` takes them.
        """
        return {}

    @classmethod
    def adopt(cls, network: Any, **options: Any) -> Any:
        """Make the task that a trained network can do with its own head, which is fitted to it in place.

        Parameters
        ----------
        network : Network
        **options : object
            As ``options_of`` returned them.

        Returns
        -------
        Task, or None
            None where the network has no head of its own, or knows nothing that is asked for.
        """
        return None

    def kept(self, network: Any) -> Sequence[str]:
        """Return what the head of a network knows from an earlier training, such as names of classes.

        Parameters
        ----------
        network : Network

        Returns
        -------
        sequence of str
        """
        return ()

    @classmethod
    def n_positions(cls, label: Any) -> int:
        """Return how many positions of a label ``position_features`` takes.

        Parameters
        ----------
        label : object

        Returns
        -------
        int
        """
        return int(np.size(label))

    @classmethod
    def training_defaults(cls) -> dict[str, Any]:
        """Return parameters of the estimator that suit the task where nothing else was asked for.

        Returns
        -------
        dict
            Such as ``batch_size``, ``methods`` and ``task_options``.
        """
        return {"batch_size": 8}  # small: a label per position teaches more than one per sample

    @classmethod
    def adaptation(cls, *, source_free: bool) -> dict[str, list[Any]]:
        """Return methods that learn from unlabelled target samples, by name.

        Parameters
        ----------
        source_free : bool
            Whether there are no source samples.

        Returns
        -------
        dict of str to list of Method
        """
        return {}

    def make_head(self, network: Any) -> nn.Module:
        """Make a new head for a network, which may carry over what the network's own head knows.

        Parameters
        ----------
        network : Network

        Returns
        -------
        Module
        """
        return self.head(network.in_features)

    def fit_to(self, X: Sequence[Any], predictions: Any) -> Any:
        """Bring predictions to the form of their samples, such as masks to the sizes of the images.

        Parameters
        ----------
        X : sequence
            Checked samples.
        predictions : ndarray or list

        Returns
        -------
        ndarray or list
        """
        return predictions

    def head(self, in_features: int) -> nn.Module:
        """Make a new head.

        Parameters
        ----------
        in_features : int

        Returns
        -------
        Module
        """
        raise NotImplementedError
