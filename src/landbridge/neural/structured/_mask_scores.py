"""Scores of predicted masks: pixel accuracy and mean intersection over union, from a confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landbridge._checks import check_count
from landbridge.exceptions import InputError

__all__ = ["MaskScores"]


class MaskScores:
    """Count pixels by true and predicted class.

    Parameters
    ----------
    n_classes : int
    ignored : int, default=255
        Of true masks: pixels that do not count.

    Attributes
    ----------
    confusion : ndarray of shape (n_classes, n_classes)
        Number of pixels by true class (row) and predicted class (column).

    Notes
    -----
    Linear in the number of pixels; holds ``n_classes ** 2`` numbers, whatever the number of images.

    References
    ----------
    .. [1] M. Everingham, S. M. A. Eslami, L. Van Gool, C. K. I. Williams, J. Winn, A. Zisserman. The Pascal visual
       object classes challenge: a retrospective. International Journal of Computer Vision 111, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.structured import MaskScores
    >>> scores = MaskScores(3)
    >>> scores.update(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 1]]))
    >>> scores.iou().round(2), round(scores.pixel_accuracy(), 2)
    (array([0.5, 0.5, nan]), 0.67)
    """

    def __init__(self, n_classes: int, ignored: int = 255) -> None:
        check_count("n_classes", n_classes, 1)
        self.n_classes, self.ignored = n_classes, ignored
        self.confusion: NDArray[np.int64] = np.zeros((n_classes, n_classes), dtype=np.int64)

    def update(self, true: ArrayLike, predicted: ArrayLike) -> None:
        """Count the pixels of further masks.

        Parameters
        ----------
        true, predicted : array-like of int, shape (..., height, width)
            Class numbers.

        Raises
        ------
        InputError
            If the sizes differ, or a number is no class.
        """
        y, found = np.asarray(true), np.asarray(predicted)
        if y.shape != found.shape:
            raise InputError(f"predicted has the shape {found.shape} and true {y.shape}; give masks of the same size.")
        counted = y != self.ignored
        y, found = self._classes("true", y[counted]), self._classes("predicted", found[counted])
        pairs = np.bincount(y * self.n_classes + found, minlength=self.n_classes**2)
        self.confusion += pairs.reshape(self.n_classes, self.n_classes)

    def __add__(self, other: MaskScores) -> MaskScores:
        """Return the counts of both."""
        if self.n_classes != other.n_classes:
            raise InputError(f"other has {other.n_classes} classes, not {self.n_classes}; add scores of the same ones.")
        both = MaskScores(self.n_classes, self.ignored)
        both.confusion = self.confusion + other.confusion
        return both

    def pixel_accuracy(self) -> float:
        """Return the share of pixels that have their class.

        Returns
        -------
        float
            NaN without pixels.
        """
        n = int(self.confusion.sum())
        return float(np.trace(self.confusion) / n) if n else float("nan")

    def iou(self) -> NDArray[np.float64]:
        """Return the intersection over union of each class.

        Returns
        -------
        ndarray of shape (n_classes,)
            NaN where a class is in neither mask.
        """
        hits = np.diag(self.confusion).astype(float)
        union = self.confusion.sum(0) + self.confusion.sum(1) - hits
        return np.divide(hits, union, out=np.full(self.n_classes, np.nan), where=union > 0)

    def mean_iou(self) -> float:
        """Return the mean intersection over union of the classes that are in either mask.

        Returns
        -------
        float
            NaN without pixels.
        """
        each = self.iou()
        known = ~np.isnan(each)
        return float(each[known].mean()) if known.any() else float("nan")

    def rows(self) -> list[dict[str, Any]]:
        """Return number, IoU and share of the true pixels of each class that is in either mask.

        Returns
        -------
        list of dict
        """
        n, iou = self.confusion.sum(1), self.iou()
        total = max(int(n.sum()), 1)
        return [
            {"class": str(c), "IoU": round(float(iou[c]), 4), "share of pixels": round(float(n[c] / total), 4)}
            for c in np.flatnonzero(~np.isnan(iou)).tolist()
        ]

    def _classes(self, name: str, values: NDArray[Any]) -> NDArray[np.int64]:
        if values.dtype.kind not in "iu" and values.size:
            raise InputError(f"{name} must hold whole numbers; got {values.dtype}.")
        out = values.astype(np.int64)
        if out.size and (out.min() < 0 or out.max() >= self.n_classes):
            odd = out[(out < 0) | (out >= self.n_classes)][0]
            raise InputError(
                f"{name} holds the number {odd}, which is no class; classes are 0 to {self.n_classes - 1}."
            )
        return out
