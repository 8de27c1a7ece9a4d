"""What all zero-shot classifiers share: classes described by attributes, seen and unseen ones, calibrated stacking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import _fit_context
from landbridge.base import TransferEstimator
from landbridge.exceptions import InputError, LabelError
from landbridge.zeroshot._stacking import best_calibration

__all__ = ["ATTRIBUTES", "ZeroShotClassifier", "read_attributes"]

# Fewest seen classes of which some can be held out to calibrate on.
FEWEST = 5
ATTRIBUTES: dict[str, Any] = {
    "attributes": [dict, "array-like", None],
    "candidates": [str, "array-like"],
    "calibration": "no_validation",
}


def read_attributes(attributes: Any, seen: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Read a table of class attributes.

    Parameters
    ----------
    attributes : dict, DataFrame or None
        Class to vector; a DataFrame has the classes for its index. None makes one attribute a seen class.
    seen : ndarray of shape (n_seen,)
        Classes with rows, sorted.

    Returns
    -------
    names : ndarray of shape (n_classes,)
        The seen ones first, in their order.
    table : ndarray of shape (n_classes, n_attributes)

    Raises
    ------
    InputError
        If a seen class has no attributes, or the vectors do not fit.
    """
    if attributes is None:
        return seen, np.eye(len(seen))
    if hasattr(attributes, "to_numpy"):
        held = {k: row for k, row in zip(attributes.index.tolist(), attributes.to_numpy(), strict=True)}
    elif isinstance(attributes, Mapping):
        held = dict(attributes)
    else:
        raise InputError(
            f"attributes is a {type(attributes).__name__}; give a dict of class to vector, or a DataFrame whose index "
            "are the classes."
        )
    wanted = seen.tolist()
    if missing := [c for c in wanted if c not in held]:
        raise InputError(f"attributes lacks the class {missing[0]!r} of y; give a vector for each class.")
    names = [*wanted, *(c for c in held if c not in set(wanted))]
    lengths = {np.size(held[c]) for c in names}
    if len(lengths) != 1:
        raise InputError(
            f"attributes has vectors of {' and '.join(map(str, sorted(lengths)))} entries; give all the same."
        )
    table = np.array([np.asarray(held[c], dtype=np.float64).ravel() for c in names])
    if not np.isfinite(table).all():
        bad = names[int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])]
        raise InputError(f"attributes of {bad!r} hold NaN or infinity; fill or drop such attributes.")
    kinds = np.array(names) if len({type(n) for n in names}) == 1 else np.array(names, dtype=object)
    return kinds, table


class ZeroShotClassifier(ClassifierMixin, TransferEstimator):
    """Base of classifiers that name classes without a row, by the attributes of the classes."""

    attributes: Any
    candidates: Any
    calibration: Any

    @abstractmethod
    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        """Learn from rows of seen classes; row k of `S` describes class k."""

    @abstractmethod
    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score classes described by the rows of `S`, the higher the better."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Learn from rows of seen classes.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Rows of seen classes.
        y : array-like of shape (n_source,)
            Their classes.
        X_target : array-like of shape (n_target, n_features), optional
            Not used.
        y_target : array-like of shape (n_target,), optional
            Not used.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the attributes do not fit the classes.
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        check_classification_targets(read.ys)
        self.seen_, codes = np.unique(read.ys, return_inverse=True)
        names, table = read_attributes(self.attributes, self.seen_)
        if len(self.seen_) < 2:
            raise LabelError(f"y holds one class only, {self.seen_[0]!r}; give rows of two classes or more.")
        known = len(self.seen_)
        unseen = np.arange(known, len(names))
        if isinstance(self.candidates, str) and self.candidates in ("unseen", "all"):
            chosen = unseen if self.candidates == "unseen" and len(unseen) else np.arange(len(names))
        else:
            listed = np.atleast_1d(np.asarray(self.candidates)).tolist()
            where = {name: i for i, name in enumerate(names.tolist())}
            if foreign := [c for c in listed if c not in where]:
                raise InputError(
                    f"candidates names {foreign[0]!r}, which has no attributes; give one of those that have."
                )
            chosen = np.array([where[c] for c in listed])
        order = np.argsort(names[chosen], kind="stable") if names.dtype != object else np.arange(len(chosen))
        chosen = chosen[order]
        self.classes_, self.class_attributes_ = names[chosen], table[chosen]
        self._was_seen = chosen < known
        both = bool(self._was_seen.any() and not self._was_seen.all())
        if isinstance(self.calibration, str):
            if self.calibration != "auto":
                raise InputError(f"calibration={self.calibration!r} is unknown; give a number, or 'auto'.")
            self.calibration_ = self._calibrate(read.Xs, codes, table[:known]) if both and known >= FEWEST else 0.0
        else:
            self.calibration_ = float(self.calibration)
        self._learn(read.Xs, codes, table[:known])
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Score the candidates; what calibration takes from seen classes is taken.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Name the class that fits best.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def _scores(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self, "classes_")
        scores = self._score(self._read_rows(X), self.class_attributes_)
        return scores - self.calibration_ * self._was_seen

    def _calibrate(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> float:
        """What to take from seen classes, found on seen classes some of which play the unseen."""
        rng = np.random.RandomState(0)
        order = rng.permutation(len(S))
        found = []
        for held in np.array_split(order, min(5, len(S))):
            hidden = np.isin(codes, held)
            kept = np.setdiff1d(np.arange(len(S)), held)
            apart = ~hidden & (rng.uniform(size=len(codes)) < 0.2)
            train = ~hidden & ~apart
            if len(kept) < 2 or len(np.unique(codes[train])) < len(kept) or not apart.any():
                continue
            self._learn(X[train], np.searchsorted(kept, codes[train]), S[kept])
            test = hidden | apart
            scores = self._score(X[test], S)
            found.append(best_calibration(scores, codes[test], np.isin(np.arange(len(S)), kept)))
        return float(np.median(found)) if found else 0.0
