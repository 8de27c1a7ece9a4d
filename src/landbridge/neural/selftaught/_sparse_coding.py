"""Self-taught learning by sparse coding: a dictionary from unlabelled rows, and rows as a few of its atoms."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from landbridge._sklearn_compat import Interval, _fit_context

__all__ = ["SparseCodingFeatures", "sparse_codes"]


def sparse_codes(
    X: NDArray[np.float64], dictionary: NDArray[np.float64], alpha: float, *, max_iter: int = 500, tol: float = 1e-6
) -> NDArray[np.float64]:
    r"""Codes of rows over a fixed dictionary, the second step of [1]_.

    .. math:: a(x) = \arg\min_a \tfrac12 \Bigl\| x - \sum_j a_j b_j \Bigr\|^2 + \alpha \|a\|_1

    By coordinate descent on all rows at once, one atom after another.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.
    dictionary : ndarray of shape (n_components, d)
        Atoms :math:`b_j`.
    alpha : float
        Weight of the penalty; at and above the largest :math:`|b_j^\top x|` the code is zero.
    max_iter : int, default=500
        Most sweeps over the atoms.
    tol : float, default=1e-6
        A row is done when no entry of its code moves by more than this share of the largest.

    Returns
    -------
    ndarray of shape (n, n_components)
        Mostly zeros.

    References
    ----------
    .. [1] R. Raina, A. Battle, H. Lee, B. Packer, A. Y. Ng. Self-taught learning: transfer learning from unlabeled
       data. ICML 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.selftaught import sparse_codes
    >>> sparse_codes(np.array([[3.0, 0.2]]), np.eye(2), alpha=0.5).round(6).tolist()
    [[2.5, 0.0]]
    """
    gram, pull = dictionary @ dictionary.T, X @ dictionary.T
    size = np.diag(gram)
    codes = np.zeros_like(pull)
    active, atoms = np.arange(len(X)), np.flatnonzero(size > 0)
    for _ in range(max_iter):
        A, C = codes[active], pull[active]
        moved = np.zeros(len(active))
        for j in atoms:
            before = A[:, j].copy()
            push = C[:, j] - A @ gram[:, j] + before * size[j]
            A[:, j] = np.sign(push) * np.maximum(np.abs(push) - alpha, 0.0) / size[j]
            moved = np.maximum(moved, np.abs(A[:, j] - before))
        codes[active] = A
        # every row stops for itself, so that its code does not depend on the rows beside it
        active = active[moved > tol * np.maximum(np.abs(A).max(axis=1, initial=0.0), 1e-300)]
        if not len(active):
            break
    return codes


class SparseCodingFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Learn a dictionary on unlabelled rows and describe other rows by sparse combinations of its atoms.

    Fit it on unlabelled rows of any related source, transform the few labelled rows of the target, and train any
    classifier on their codes.

    Parameters
    ----------
    n_components : int, default=64
        Atoms of the dictionary; may exceed the number of columns.
    alpha : float, default=0.05
        Weight of the penalty that makes codes sparse, for rows whose mean squared length is one.
    max_iter : int, default=100
        Most passes over the unlabelled rows.
    batch_size : int, default=256
        Rows of a step.
    random_state : int, RandomState or None, default=None
        Starts the dictionary and shuffles the rows.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features_in_)
        The atoms, of length one at most.
    mean_ : ndarray of shape (n_features_in_,)
        Mean of the unlabelled rows, which is taken off.
    length_ : float
        Root mean square length of the unlabelled rows after that, by which rows are divided.
    n_iter_ : int
        Passes made.
    n_features_in_ : int

    Notes
    -----
    Helps where the unlabelled rows are many and built from the same parts as the target's: strokes, edges, words. The
    labelled rows can then be few, since no part has to be learned from them. Hurts where the target has parts that the
    dictionary lacks: what cannot be combined is dropped.

    Time of fitting grows with passes times O(n (d k + k²)) for k atoms and that of transforming with O(n (d k + k²));
    memory with O(n d + n k).

    References
    ----------
    .. [1] R. Raina, A. Battle, H. Lee, B. Packer, A. Y. Ng. Self-taught learning: transfer learning from unlabeled
       data. ICML 2007.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural.selftaught import SparseCodingFeatures
    >>> printed, handwritten = load_builtin("printed"), load_builtin("handwritten")
    >>> features = SparseCodingFeatures(32, max_iter=5, random_state=0).fit(printed.X[:300])
    >>> features.transform(handwritten.X[:50]).shape
    (50, 32)
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 64,
        alpha: float = 0.05,
        *,
        max_iter: int = 100,
        batch_size: int = 256,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the dictionary.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Unlabelled rows.
        y : object
            Ignored.

        Returns
        -------
        self
        """
        X = validate_data(self, X, dtype=np.float64)
        self.mean_ = X.mean(axis=0)
        centred = X - self.mean_
        length = float(np.sqrt(np.mean((centred**2).sum(axis=1))))
        self.length_ = length if length > 0 else 1.0
        learner = MiniBatchDictionaryLearning(
            self.n_components,
            alpha=self.alpha,
            max_iter=self.max_iter,
            batch_size=min(self.batch_size, len(X)),
            fit_algorithm="lars",  # the other one draws from the global generator
            random_state=check_random_state(self.random_state),
        ).fit(centred / self.length_)
        self.components_, self.n_iter_ = learner.components_, int(learner.n_iter_)
        self._n_features_out = len(self.components_)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Give the codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the target, seen or new.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Mostly zeros.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return sparse_codes((X - self.mean_) / self.length_, self.components_, self.alpha)
