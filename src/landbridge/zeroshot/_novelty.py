"""Novelty detection: samples of unknown classes by their Mahalanobis distance from the known classes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.covariance import ledoit_wolf
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted, validate_data

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval, _fit_context
from landbridge.exceptions import LabelError

__all__ = ["NoveltyDetector", "class_distances"]


def class_distances(
    X: NDArray[np.float64], means: NDArray[np.float64], precision_root: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute squared Mahalanobis distances from class means with a shared covariance.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples.
    means : ndarray of shape (n_classes, n_features)
        Class means.
    precision_root : ndarray of shape (n_features, n_features)
        R with R R' the inverse covariance.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Squared distances.
    """
    A, B = X @ precision_root, means @ precision_root
    return np.maximum((A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1)[None] - 2 * A @ B.T, 0.0)


class NoveltyDetector(OutlierMixin, BaseEstimator):
    """Novelty detection by the Mahalanobis distance from the nearest known class.

    The class means share one covariance, estimated with Ledoit-Wolf shrinkage. The threshold is set by
    cross-validation.

    Parameters
    ----------
    false_positive_rate : float, default=0.05
        Share of held-out samples of known classes that may be predicted as novel; it sets the threshold.
    n_splits : int, default=5
        Number of stratified folds for the threshold; fewer if a class has fewer samples.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Known classes.
    means_ : ndarray of shape (n_classes, n_features)
        Class means.
    precision_root_ : ndarray of shape (n_features, n_features)
        Square root of the shared inverse covariance.
    threshold_ : float
        Samples with a lower score are novel.
    offset_ : float
        The same as `threshold_`, under scikit-learn's name.

    Notes
    -----
    The shared, shrunk covariance allows few samples per class. Novel classes between known classes are not detected.
    With n samples and d features: time O(n_splits (n d² + d³)), memory O(n d + d²).

    References
    ----------
    .. [1] K. Lee, K. Lee, H. Lee, J. Shin. A simple unified framework for detecting out-of-distribution samples and
       adversarial attacks. NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.zeroshot import NoveltyDetector
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 100)
    >>> X = rng.normal(4.0 * y[:, None], size=(200, 2))
    >>> NoveltyDetector().fit(X, y).predict([[0.0, 0.0], [4.0, 4.0], [9.0, -5.0]]).tolist()
    [1, 1, -1]
    """

    method_tags = MethodTags("zero-shot", reads=frozenset(), tasks=frozenset({"classification"}))
    _parameter_constraints = {
        "false_positive_rate": [Interval(Real, 0, 1, closed="neither")],
        "n_splits": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(self, *, false_positive_rate: float = 0.05, n_splits: int = 5) -> None:
        self.false_positive_rate = false_positive_rate
        self.n_splits = n_splits

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit class means, covariance and threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples of known classes.
        y : array-like of shape (n_samples,), default=None
            Class labels. If None, all samples are of one class.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        LabelError
            If the labels do not fit.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        labels = np.zeros(len(X), dtype=int) if y is None else np.asarray(y)
        if labels.shape != (len(X),):
            raise LabelError(f"y has shape {labels.shape} but X has {len(X)} samples; give one label per sample.")
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.means_, self.precision_root_ = _fitted(X, codes)
        counts = np.bincount(codes)
        folds = min(self.n_splits, int(counts.min()))
        if folds >= 2:
            held = np.empty(len(X))
            for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(X, codes):
                held[test] = -class_distances(X[test], *_fitted(X[train], codes[train])).min(axis=1)
        else:
            held = -class_distances(X, self.means_, self.precision_root_).min(axis=1)
        self.threshold_ = float(np.quantile(held, self.false_positive_rate))
        self.offset_ = self.threshold_
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Compute the score of samples: minus the squared distance from the nearest class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return -class_distances(X, self.means_, self.precision_root_).min(axis=1)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute the score less the threshold; it is negative for novel samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.score_samples(X) - self.threshold_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Predict 1 for samples of known classes and -1 for novel samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)


def _fitted(X: NDArray[np.float64], codes: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_classes = int(codes.max()) + 1
    counts = np.bincount(codes, minlength=n_classes)
    means = np.zeros((n_classes, X.shape[1]))
    np.add.at(means, codes, X)
    means = means[counts > 0] / counts[counts > 0, None]
    centred = X - means[np.searchsorted(np.flatnonzero(counts > 0), codes)]
    covariance = ledoit_wolf(centred, assume_centered=True)[0]
    values, vectors = linalg.eigh(covariance)
    values = np.maximum(values, 1e-9 * max(float(values.max()), 1e-12))
    return means, vectors / np.sqrt(values)
