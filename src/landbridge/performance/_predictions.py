"""Predictions of a model for the samples of one domain, with labels where there are some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError

__all__ = ["Predictions"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicted for the samples of one domain.

    Parameters
    ----------
    predicted : ndarray of shape (n_samples,)
        Labels or values.
    confidence : ndarray of shape (n_samples,), optional
        Probability of the predicted class. If None, there are none, as for regression.
    y : ndarray of shape (n_samples,), optional
        Labels; those of the source are complete. If None, there are none.
    label_confidence : ndarray of shape (n_samples,), optional
        Probability of the label. If None, it is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import Predictions
    >>> made = Predictions.of_probabilities(np.array([[0.2, 0.8], [0.7, 0.3]]), np.array(["a", "b"]))
    >>> made.predicted.tolist(), made.confidence.tolist()
    (['b', 'a'], [0.8, 0.7])
    """

    predicted: NDArray[Any]
    confidence: NDArray[np.float64] | None = None
    y: NDArray[Any] | None = None
    label_confidence: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        n = np.shape(self.predicted)
        for name in ("predicted", "confidence", "y"):
            refuse_masked(getattr(self, name), name)
        for name in ("confidence", "y", "label_confidence"):
            held = getattr(self, name)
            if held is not None and np.shape(held) != n:
                raise InputError(f"{name} has shape {np.shape(held)} but predicted {n}; give one per sample.")

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.predicted)

    @classmethod
    def of_probabilities(cls, proba: NDArray[np.float64], classes: NDArray[Any], y: Any = None) -> Self:
        """Take the most probable class of each sample.

        Parameters
        ----------
        proba : ndarray of shape (n_samples, n_classes)
        classes : ndarray of shape (n_classes,)
        y : ndarray of shape (n_samples,), optional
            Labels. If None, there are none.

        Returns
        -------
        Predictions
        """
        classes = np.asarray(classes)
        of_label = None
        if y is not None and np.isin(y, classes).all():
            place = {c: i for i, c in enumerate(classes.tolist())}
            at = [place[v] for v in np.asarray(y).tolist()]
            of_label = np.asarray(proba, dtype=float)[np.arange(len(proba)), at]
        return cls(classes[proba.argmax(axis=1)], np.asarray(proba.max(axis=1), dtype=float), y, of_label)

    def take(self, indices: Any) -> Self:
        """Select samples.

        Parameters
        ----------
        indices : ndarray of int or bool

        Returns
        -------
        Predictions
        """
        held = (self.predicted, self.confidence, self.y, self.label_confidence)
        parts = (None if a is None else np.asarray(a)[indices] for a in held)
        return type(self)(*parts)  # type: ignore[arg-type]

    @property
    def correct(self) -> NDArray[np.float64]:
        """1 where the prediction is the label, else 0."""
        assert self.y is not None
        return np.asarray(np.asarray(self.predicted) == np.asarray(self.y), dtype=float)

    @property
    def squared_errors(self) -> NDArray[np.float64]:
        """Squared error of each sample."""
        assert self.y is not None
        return np.asarray((np.asarray(self.predicted, dtype=float) - np.asarray(self.y, dtype=float)) ** 2)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a plain, compact, JSON-ready dict.

        Returns
        -------
        dict
        """
        if self.confidence is None:
            y = None if self.y is None else np.asarray(self.y, dtype=float).tolist()
            return {"predicted": np.asarray(self.predicted, dtype=float).tolist(), "y": y}
        parts = [self.predicted] if self.y is None else [self.predicted, self.y]
        classes, codes = np.unique(np.concatenate([np.asarray(p) for p in parts]), return_inverse=True)
        n = len(self)
        found = {
            "classes": classes.tolist(),
            "predicted": codes[:n].tolist(),
            "y": None if self.y is None else codes[n:].tolist(),
            "confidence": np.round(self.confidence, 4).tolist(),
        }
        if self.label_confidence is not None:
            found["label_confidence"] = np.round(self.label_confidence, 4).tolist()
        return found

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned.

        Parameters
        ----------
        data : dict

        Returns
        -------
        Predictions
        """
        if "classes" not in data:
            return cls(np.array(data["predicted"], dtype=float), None, np.array(data["y"], dtype=float))
        classes = np.array(data["classes"])
        y = None if data["y"] is None else classes[np.array(data["y"], dtype=int)]
        known = data.get("label_confidence")
        of_label = None if known is None else np.array(known, dtype=float)
        confidence = np.array(data["confidence"], dtype=float)
        return cls(classes[np.array(data["predicted"], dtype=int)], confidence, y, of_label)
