"""Base of the zero-shot classifiers: class attributes, seen and unseen classes, calibrated stacking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import _fit_context
from landbridge.base import TransferEstimator
from landbridge.exceptions import InputError, LabelError
from landbridge.zeroshot._calibrated_stacking import best_seen_class_penalty

__all__ = ["CANDIDATE_CONSTRAINTS", "ZeroShotClassifier", "read_attributes"]

# Fewest seen classes with which some are held out to find the penalty.
MIN_CLASSES_FOR_PENALTY = 5
CANDIDATE_CONSTRAINTS: dict[str, Any] = {
    "candidate_classes": [str, "array-like"],
    "seen_class_penalty": "no_validation",
}


def read_attributes(attributes: Any, seen: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Check class attributes and return them as an array.

    Parameters
    ----------
    attributes : dict, DataFrame or None
        Class to attribute vector; the index of a DataFrame holds the classes. If None, the attributes are the
        indicators of the seen classes.
    seen : ndarray of shape (n_seen,)
        Classes with samples, sorted.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The seen classes first, in their order.
    table : ndarray of shape (n_classes, n_attributes)
        Attribute vectors.

    Raises
    ------
    InputError
        If a seen class has no attributes, or the vectors differ in length or are not finite.
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
            "holds the classes."
        )
    wanted = seen.tolist()
    if missing := [c for c in wanted if c not in held]:
        raise InputError(f"attributes lacks the class {missing[0]!r} of y; give a vector for each class.")
    names = [*wanted, *(c for c in held if c not in set(wanted))]
    lengths = {np.size(held[c]) for c in names}
    if len(lengths) != 1:
        raise InputError(
            f"attributes has vectors of {' and '.join(map(str, sorted(lengths)))} entries; give all the same length."
        )
    table = np.array([np.asarray(held[c], dtype=np.float64).ravel() for c in names])
    if not np.isfinite(table).all():
        bad = names[int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])]
        raise InputError(f"attributes of {bad!r} hold NaN or infinity; impute or drop such attributes.")
    classes = np.array(names) if len({type(n) for n in names}) == 1 else np.array(names, dtype=object)
    return classes, table


class ZeroShotClassifier(ClassifierMixin, TransferEstimator):
    """Base class of zero-shot classifiers, which predict classes without samples from class attributes.

    A subclass implements ``_learn`` and ``_score``. The attributes are metadata of ``fit``.
    """

    # Class-level request: a pipeline passes the attributes to the classifier.
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"attributes": True}
    candidate_classes: Any
    seen_class_penalty: Any

    @abstractmethod
    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        """Fit on samples of the seen classes; ``S[k]`` holds the attributes of class k."""

    @abstractmethod
    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score the classes with attributes `S`; larger is better."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, attributes: Any = None, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the classifier on samples of the seen classes.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Samples of the seen classes.
        y : array-like of shape (n_source,)
            Class labels.
        attributes : dict or DataFrame, default=None
            Class to attribute vector; the index of a DataFrame holds the classes. Classes that are not in `y` are the
            unseen classes. If None, the estimator is an ordinary classifier of the classes in `y`.
        X_target : array-like of shape (n_target, n_features), default=None
            Not used; present for API consistency.
        y_target : array-like of shape (n_target,), default=None
            Not used; present for API consistency.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        InputError
            If `attributes` or `candidate_classes` do not fit the classes.
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        check_classification_targets(read.ys)
        self.seen_, codes = np.unique(read.ys, return_inverse=True)
        names, table = read_attributes(attributes, self.seen_)
        if len(self.seen_) < 2:
            raise LabelError(f"y holds one class only, {self.seen_[0]!r}; give samples of two classes or more.")
        known = len(self.seen_)
        unseen = np.arange(known, len(names))
        if isinstance(self.candidate_classes, str) and self.candidate_classes in ("unseen", "all"):
            chosen = unseen if self.candidate_classes == "unseen" and len(unseen) else np.arange(len(names))
        else:
            listed = np.atleast_1d(np.asarray(self.candidate_classes)).tolist()
            where = {name: i for i, name in enumerate(names.tolist())}
            if foreign := [c for c in listed if c not in where]:
                raise InputError(
                    f"candidate_classes holds {foreign[0]!r}, which has no attributes; choose classes of attributes."
                )
            chosen = np.array([where[c] for c in listed])
        order = np.argsort(names[chosen], kind="stable") if names.dtype != object else np.arange(len(chosen))
        chosen = chosen[order]
        self.classes_, self.class_attributes_ = names[chosen], table[chosen]
        self._was_seen = chosen < known
        both = bool(self._was_seen.any() and not self._was_seen.all())
        if isinstance(self.seen_class_penalty, str):
            if self.seen_class_penalty != "auto":
                raise InputError(
                    f"seen_class_penalty={self.seen_class_penalty!r} is unknown; give a number, or 'auto'."
                )
            found = both and known >= MIN_CLASSES_FOR_PENALTY
            self.seen_class_penalty_ = self._find_penalty(read.Xs, codes, table[:known]) if found else 0.0
        else:
            self.seen_class_penalty_ = float(self.seen_class_penalty)
        self._learn(read.Xs, codes, table[:known])
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute the scores of the candidate classes, less the penalty of the seen classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Scores; larger is better.
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class with the largest score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def _scores(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self, "classes_")
        scores = self._score(self._read_rows(X), self.class_attributes_)
        return scores - self.seen_class_penalty_ * self._was_seen

    def _find_penalty(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> float:
        """Find the penalty by cross-validation over the seen classes: held-out classes stand in for unseen ones."""
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
            found.append(best_seen_class_penalty(scores, codes[test], np.isin(np.arange(len(S)), kept)))
        return float(np.median(found)) if found else 0.0
