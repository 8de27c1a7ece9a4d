"""Prediction sets and intervals from held-out predictions: split-conformal prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError

if TYPE_CHECKING:
    from landbridge.results import Result

__all__ = ["Calibration", "calibrate"]


@dataclass(frozen=True)
class Calibration:
    """How wide sets and intervals have to be.

    Parameters
    ----------
    coverage : float
        Share of samples whose label is to be in its set.
    n_samples : int
        Held-out samples that this was set on.
    threshold : float
        Largest score of a class that is in the set, or half the width of the intervals.
    pairwise : bool
        Whether only the probability of the predicted class of held-out samples is known: the other classes then are in
        a set together.
    regression : bool
        Whether values are predicted, so that there are intervals instead of sets.
    """

    coverage: float
    n_samples: int
    threshold: float
    pairwise: bool = False
    regression: bool = False

    def sets(self, proba: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which classes are in the set of each sample; the most probable one always is.

        Parameters
        ----------
        proba : ndarray of shape (n_samples, n_classes)

        Returns
        -------
        ndarray of bool, shape (n_samples, n_classes)
        """
        top = proba.argmax(axis=1)
        scores = 1.0 - proba
        if self.pairwise and proba.shape[1] > 2:
            scores = np.repeat(proba.max(axis=1)[:, None], proba.shape[1], axis=1)
            scores[np.arange(len(proba)), top] = 1.0 - proba.max(axis=1)
        inside = scores <= self.threshold + 1e-12
        inside[np.arange(len(proba)), top] = True
        return inside

    def intervals(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the interval of each value.

        Parameters
        ----------
        values : ndarray of shape (n_samples,)

        Returns
        -------
        low, high : ndarray of shape (n_samples,)
        """
        return values - self.threshold, values + self.threshold

    @property
    def words(self) -> str:
        """What the sets promise, in one line."""
        what = "intervals" if self.regression else "sets"
        return (
            f"{what} hold the label of {100 * self.coverage:g} % of samples like the {self.n_samples:,} held-out "
            "source samples; of target samples fewer where P(y given x) differs."
        )


def calibrate(result: Result, coverage: float) -> Calibration | str:
    """Calibrate sets or intervals on the held-out predictions of a result.

    Parameters
    ----------
    result : Result
    coverage : float
        In (0, 1).

    Returns
    -------
    Calibration or str
        A sentence where there is nothing to calibrate on.

    Raises
    ------
    InputError
        If `coverage` is no share.
    """
    if not 0 < coverage < 1:
        raise InputError(f"--coverage is {coverage:g}; give a share above 0 and below 1, such as 0.9.")
    held_out: Mapping[str, Any] | None = None if result.expected is None else result.expected.held_out
    if not held_out or not held_out.get("y"):
        return (
            "--coverage: the result holds no held-out predictions to calibrate on (its model is an ensemble, a network "
            "or a clustering, or was fitted on the target alone), so no sets are written."
        )
    scores, pairwise = _scores(held_out)
    n = len(scores)
    rank = math.ceil((n + 1) * coverage)
    if rank > n:
        return (
            f"--coverage {coverage:g} needs at least {math.ceil(coverage / (1 - coverage))} held-out samples, and the "
            f"result holds {n}, so no sets are written."
        )
    return Calibration(coverage, n, float(np.sort(scores)[rank - 1]), pairwise, "confidence" not in held_out)


def _scores(held_out: Mapping[str, Any]) -> tuple[NDArray[np.float64], bool]:
    """How little a model expected the label of each held-out sample."""
    y, predicted = np.asarray(held_out["y"]), np.asarray(held_out["predicted"])
    if "confidence" not in held_out:
        return np.abs(y.astype(float) - predicted.astype(float)), False
    if held_out.get("label_confidence") is not None:
        return 1.0 - np.asarray(held_out["label_confidence"], dtype=float), False
    confidence = np.asarray(held_out["confidence"], dtype=float)
    # Of two classes, the other one has the rest; of more, the probability of the label is not known where it is wrong.
    return np.where(y == predicted, 1.0 - confidence, confidence), True
