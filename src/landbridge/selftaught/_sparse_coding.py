"""Self-taught learning by sparse coding: learn a dictionary on unlabelled samples, then encode labelled ones."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.utils.validation import check_is_fitted, validate_data

from landbridge._method_tags import MethodTags
from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, _fit_context

__all__ = ["SparseCodingFeatures", "sparse_codes"]


def sparse_codes(
    X: NDArray[np.float64],
    dictionary: NDArray[np.float64],
    l1_penalty: float,
    *,
    max_iter: int = 500,
    tol: float = 1e-6,
) -> NDArray[np.float64]:
    r"""Compute the sparse codes of samples over a fixed dictionary, the second step of [1]_.

    .. math:: a(x) = \arg\min_a \tfrac12 \Bigl\| x - \sum_j a_j b_j \Bigr\|^2 + \alpha \|a\|_1

    Coordinate descent runs on all samples at once, one atom after another.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples.
    dictionary : ndarray of shape (n_components, n_features)
        Atoms :math:`b_j`.
    l1_penalty : float
        Weight :math:`\alpha` of the L1 penalty. From the largest :math:`|b_j^\top x|` upwards the code is zero.
    max_iter : int, default=500
        Maximum number of passes over the atoms.
    tol : float, default=1e-6
        A sample has converged when no entry of its code changes by more than this fraction of the largest entry.

    Returns
    -------
    ndarray of shape (n_samples, n_components)
        Codes; most entries are zero.

    References
    ----------
    .. [1] R. Raina, A. Battle, H. Lee, B. Packer, A. Y. Ng. Self-taught learning: transfer learning from unlabeled
       data. ICML 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.selftaught import sparse_codes
    >>> sparse_codes(np.array([[3.0, 0.2]]), np.eye(2), l1_penalty=0.5).round(6).tolist()
    [[2.5, 0.0]]
    """
    gram, correlation = dictionary @ dictionary.T, X @ dictionary.T
    norms = np.diag(gram)
    codes = np.zeros_like(correlation)
    active, atoms = np.arange(len(X)), np.flatnonzero(norms > 0)
    for _ in range(max_iter):
        A, C = codes[active], correlation[active]
        change = np.zeros(len(active))
        for j in atoms:
            before = A[:, j].copy()
            residual = C[:, j] - A @ gram[:, j] + before * norms[j]
            A[:, j] = np.sign(residual) * np.maximum(np.abs(residual) - l1_penalty, 0.0) / norms[j]
            change = np.maximum(change, np.abs(A[:, j] - before))
        codes[active] = A
        # every sample stops on its own, so that its code does not depend on the other samples of the call
        active = active[change > tol * np.maximum(np.abs(A).max(axis=1, initial=0.0), 1e-300)]
        if not len(active):
            break
    return codes


class SparseCodingFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Self-taught learning: encode samples over a dictionary learned on unlabelled samples.

    Fit it on unlabelled samples of any related source, transform the few labelled samples of the target, and train any
    classifier on their codes.

    Parameters
    ----------
    n_components : int, default=64
        Number of atoms of the dictionary; may exceed the number of features.
    l1_penalty : float, default=0.05
        Weight of the L1 penalty that makes codes sparse, for samples scaled to a mean squared length of one.
    max_iter : int, default=100
        Maximum number of passes over the unlabelled samples.
    batch_size : int, default=256
        Number of samples per step.
    random_state : int, RandomState instance or None, default=None
        Initializes the dictionary and shuffles the samples. Pass an int for reproducible results.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features_in_)
        The atoms, of length one at most.
    mean_ : ndarray of shape (n_features_in_,)
        Mean of the unlabelled samples, which is subtracted.
    length_ : float
        Root mean square length of the centred unlabelled samples, by which samples are divided.
    n_iter_ : int
        Number of passes made.
    n_features_in_ : int
        Number of features seen during fit.

    Notes
    -----
    Helps where there are many unlabelled samples, built from the same parts as the target's: strokes, edges, words. Few
    labelled samples are then enough, since no part has to be learned from them. Hurts where the target has parts that
    the dictionary lacks: what the atoms cannot express is lost.

    Time of fitting grows with passes times O(n (d k + k²)) for n samples, d features and k atoms, and that of
    transforming with O(n (d k + k²)); memory with O(n d + n k).

    References
    ----------
    .. [1] R. Raina, A. Battle, H. Lee, B. Packer, A. Y. Ng. Self-taught learning: transfer learning from unlabeled
       data. ICML 2007.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.selftaught import SparseCodingFeatures
    >>> printed, handwritten = load_builtin("printed"), load_builtin("handwritten")
    >>> features = SparseCodingFeatures(16, max_iter=3, random_state=0).fit(printed.X[:100])
    >>> features.transform(handwritten.X[:50]).shape
    (50, 16)
    """

    method_tags = MethodTags("self-taught", reads=frozenset())
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "l1_penalty": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 64,
        l1_penalty: float = 0.05,
        *,
        max_iter: int = 100,
        batch_size: int = 256,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.l1_penalty = l1_penalty
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the dictionary.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Unlabelled samples.
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
            alpha=self.l1_penalty,
            max_iter=self.max_iter,
            batch_size=min(self.batch_size, len(X)),
            fit_algorithm="lars",  # fit_algorithm="cd" uses the global random number generator
            random_state=check_random_state(self.random_state),
        ).fit(centred / self.length_)
        self.components_, self.n_iter_ = learner.components_, int(learner.n_iter_)
        self._n_features_out = len(self.components_)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Compute the sparse codes of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples of the target, seen or new.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Codes; most entries are zero.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return sparse_codes((X - self.mean_) / self.length_, self.components_, self.l1_penalty)
