"""Shared helpers: seeds, scaling, dense layers and batches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landbridge.neural._random import seeded

__all__ = ["Draws", "Scale", "chain", "fresh", "learn_scale"]


class Scale(NamedTuple):
    """Mean and standard deviation of features.

    Parameters
    ----------
    mean, spread : ndarray of shape (n_features,)
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    def apply(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardize samples to mean zero and unit variance.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_features)
        """
        return (X - self.mean) / self.spread


def learn_scale(X: NDArray[np.float64], how: str) -> Scale:
    """Compute the scale of features.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    how : {"per_feature", "global"}
        One spread for each column, or one for the whole table: the root mean square of the columns' spreads.

    Returns
    -------
    Scale
        Columns that do not vary have spread one.
    """
    mean, spread = X.mean(axis=0), X.std(axis=0)
    moves = spread > 1e-12 * np.abs(X).max(axis=0, initial=0.0)
    if how == "global":
        size = float(np.sqrt(np.mean(spread[moves] ** 2))) if moves.any() else 1.0
        return Scale(mean, np.full(X.shape[1], size))
    return Scale(mean, np.where(moves, spread, 1.0))


def chain(widths: Sequence[int]) -> nn.Sequential:
    """Make dense layers with ReLU between them, and none after the last.

    Parameters
    ----------
    widths : sequence of int
        From the input to the output.

    Returns
    -------
    Sequential
    """
    parts: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        parts += [nn.ReLU()] if i else []
        parts.append(nn.Linear(a, b))
    return nn.Sequential(*parts)


def fresh(make: Any, seed: int) -> Any:
    """Build a module from a seed; the global generator is not changed.

    Parameters
    ----------
    make : callable
    seed : int

    Returns
    -------
    Module
    """
    with seeded(seed):
        return make()


class Draws:
    """Batches of sample indices without end, one shuffled pass after another.

    Parameters
    ----------
    rows : Tensor of int64
        To draw from.
    size : int
        Of a batch; all samples where there are no more than that.
    generator : torch.Generator

    Attributes
    ----------
    rest : Tensor of int64
        What is left of the pass; a run that was resumed sets it.
    """

    def __init__(self, rows: Tensor, size: int, generator: torch.Generator) -> None:
        self.rows, self.size, self.generator = rows, size, generator
        self.rest = rows[:0]

    def __next__(self) -> Tensor:
        if len(self.rows) <= self.size:
            return self.rows
        if len(self.rest) < self.size:
            order = torch.randperm(len(self.rows), generator=self.generator)
            self.rest = self.rows[order][: len(self.rows) // self.size * self.size]
        batch, self.rest = self.rest[: self.size], self.rest[self.size :]
        return batch
