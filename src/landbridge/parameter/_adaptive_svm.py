"""Adaptive SVM: leave the source classifier as it is and learn a small correction with a large margin."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferEstimator, TransferTags, split_labelled
from landbridge.exceptions import InputError, LabelError
from landbridge.numerics.kernels import kernel

__all__ = ["AdaptiveSVM", "adaptive_svm"]


def adaptive_svm(
    K: NDArray[np.float64],
    signs: NDArray[np.float64],
    source_scores: NDArray[np.float64],
    C: float,
    *,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], int]:
    r"""Solve the dual of an adaptive SVM, equation (8) of [1]_.

    .. math:: \max_\alpha \sum_i (1 - y_i f^S(x_i)) \alpha_i
        - \tfrac12 \sum_{ij} \alpha_i \alpha_j y_i y_j k(x_i, x_j)
        \quad \text{s.t.} \quad 0 \le \alpha_i \le C

    Without an intercept the box is the only constraint, so that coordinates can be solved one by one, exactly.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel of the labelled target rows.
    signs : ndarray of shape (n,)
        Labels, +1 or -1.
    source_scores : ndarray of shape (n,)
        Decision values of the source classifier.
    C : float
        Largest multiplier: the cost of an error on a target row.
    max_iter : int, default=1000
        Sweeps over the rows.
    tol : float, default=1e-6
        Stop when no projected gradient is larger.

    Returns
    -------
    coef : ndarray of shape (n,)
        ``α_i y_i``: the correction is ``Δf(x) = Σ_i coef_i k(x_i, x)``.
    n_iter : int

    References
    ----------
    .. [1] J. Yang, R. Yan, A. G. Hauptmann. Cross-domain video concept detection using adaptive SVMs. ACM Multimedia
       2007.
    """
    alpha = np.zeros(len(K))
    scores = np.array(source_scores, dtype=np.float64)  # f^S + Δf, kept up to date
    diagonal = np.maximum(K.diagonal(), np.finfo(float).tiny)
    n_iter, worst = 0, np.inf
    while worst > tol and n_iter < max_iter:
        n_iter, worst = n_iter + 1, 0.0
        for i in range(len(K)):
            slope = 1.0 - signs[i] * scores[i]
            # at a bound only a slope that leads inwards counts
            if (alpha[i] <= 0.0 and slope <= 0.0) or (alpha[i] >= C and slope >= 0.0):
                continue
            worst = max(worst, abs(slope))
            new = min(max(alpha[i] + slope / diagonal[i], 0.0), C)
            scores += (new - alpha[i]) * signs[i] * K[i]
            alpha[i] = new
    return alpha * signs, n_iter


class AdaptiveSVM(ClassifierMixin, TransferEstimator):
    """Correct a source classifier by a large-margin function of the labelled target rows.

    The decision value is ``f(x) = f_S(x) + Δf(x)``: the source classifier stays as it is, and the smallest correction
    is learned that puts the labelled target rows on the right side. Several classes are taken one against the rest.

    Parameters
    ----------
    C : float, default=1.0
        Cost of an error on a labelled target row; small stays with the source.
    kernel : {"rbf", "linear"}, default="rbf"
        Kernel of the correction, and of the source SVM learned here. One is added to it, so that the correction has
        a (penalised) intercept.
    gamma : float or None, default=None
        Width of ``"rbf"``, ``exp(-gamma ||x - y||²)``; None is ``1 / (n_features * variance of the source)``, or of the
        target where there are no source rows.
    estimator : classifier, optional
        The source classifier, with ``decision_function`` or ``predict_proba``; an SVM with the same kernel if left
        out. A fitted one in :class:`sklearn.frozen.FrozenEstimator` is taken as it is.
    max_iter : int, default=1000
        Sweeps of the solver.
    tol : float, default=1e-4
        Tolerance of the solver.

    Attributes
    ----------
    estimator_ : classifier
        The source classifier.
    support_rows_ : ndarray of shape (n_labelled, n_features)
        The labelled target rows.
    dual_coef_ : ndarray of shape (1, n_labelled) or (n_classes, n_labelled)
        Coefficients of the correction.
    gamma_ : float
        Width used.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.
    n_iter_ : int
        Most sweeps of any class.

    Notes
    -----
    Helps when a few target rows are labelled and the source model is mostly right, or cannot be retrained. Without
    target labels it is the source model. Hurts when the source's decision values are far from +1 and -1 in scale
    (uncalibrated scores), because the margin is measured on them.

    With n labelled target rows: time O(n²) a sweep and class, memory O(n²).

    References
    ----------
    .. [1] J. Yang, R. Yan, A. G. Hauptmann. Cross-domain video concept detection using adaptive SVMs. ACM Multimedia
       2007.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import AdaptiveSVM
    >>> source, target = make_shift("concept", random_state=0)
    >>> told = target.y.astype(object)
    >>> told[20:] = None
    >>> model = AdaptiveSVM().fit(source.X, source.y, X_target=target.X, y_target=told)
    >>> alone = model.estimator_.score(target.X[20:], target.y[20:])
    >>> bool(model.score(target.X[20:], target.y[20:]) > alone)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n²) a sweep and class, memory O(n²), n labelled target rows",
        reference="Yang, Yan, Hauptmann: Cross-domain video concept detection using adaptive SVMs. ACM MM 2007",
    )
    _parameter_constraints = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "kernel": [StrOptions({"rbf", "linear"})],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        C: float = 1.0,
        *,
        kernel: str = "rbf",
        gamma: float | None = None,
        estimator: Any = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.estimator = estimator
        self.max_iter = max_iter
        self.tol = tol

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the source classifier, then the correction on the labelled target rows.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows. Without any, the model is the source's.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        if len(classes := np.unique(read.ys)) < 2:
            raise LabelError(f"y holds one class only, {classes[0]!r}; give rows of at least two classes.")
        self.gamma_ = self._width(read.Xs)
        model = None if self.estimator is None else clone(self.estimator)
        if model is None:
            model = SVC(C=self.C, kernel=self.kernel, gamma=self.gamma_, random_state=0)
            model = model if len(classes) == 2 else OneVsRestClassifier(model)
        self._keep(model.fit(read.Xs, read.ys))
        self._adapt(read.Xt[read.rows], read.yt)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Go from the source classifier to a target, without the source's rows; always starts from the source.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows. Without any, the model is the source's.

        Returns
        -------
        self
        """
        first = not hasattr(self, "estimator_")
        if first:
            if self.estimator is None:
                check_is_fitted(self, "estimator_")
            self._keep(self.estimator)
        X = self._read_target(X_target, reset=first)
        if first:
            self.gamma_ = self._width(X)
        rows, labels = split_labelled(y_target, X.shape[0], self.classes_)
        self._adapt(X[rows], labels)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the decision values of target rows: the source's and the correction.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        X = self._read_rows(X)
        scores = source_scores(self.estimator_, X)
        if len(self.support_rows_):
            scores = scores + self._kernel(X, self.support_rows_) @ self.dual_coef_.T
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]

    def _keep(self, model: Any) -> None:
        if not hasattr(model, "classes_") or not (
            hasattr(model, "decision_function") or hasattr(model, "predict_proba")
        ):
            raise InputError(
                f"estimator={type(model).__name__} gives no decision values: give a classifier with decision_function "
                "or predict_proba, a fitted one wrapped in sklearn.frozen.FrozenEstimator so that clones keep it."
            )
        self.estimator_, self.classes_ = model, model.classes_

    def _adapt(self, X: NDArray[np.float64], labels: NDArray[Any]) -> None:
        k = 1 if len(self.classes_) == 2 else len(self.classes_)
        self.support_rows_, self.dual_coef_, self.n_iter_ = X, np.zeros((k, len(X))), 1
        if len(X) == 0:
            return
        if unknown := [v for v in labels.tolist() if v not in self.classes_.tolist()]:
            raise LabelError(
                f"y_target holds the class {unknown[0]!r}, which the source does not know; its classes are "
                f"{self.classes_.tolist()} (same spelling and type)."
            )
        K, scores = self._kernel(X, X), source_scores(self.estimator_, X)
        for j in range(k):
            signs = np.where(labels == self.classes_[1 if k == 1 else j], 1.0, -1.0)
            self.dual_coef_[j], n_iter = adaptive_svm(
                K, signs, scores[:, j], self.C, max_iter=self.max_iter, tol=self.tol
            )
            self.n_iter_ = max(self.n_iter_, n_iter)

    def _kernel(self, X: NDArray[np.float64], Y: NDArray[np.float64]) -> NDArray[np.float64]:
        return kernel(X, Y, kernel=self.kernel, gamma=self.gamma_) + 1.0

    def _width(self, X: NDArray[np.float64]) -> float:
        if self.gamma is not None:
            return float(self.gamma)
        spread = float(X.var())
        return 1.0 / (X.shape[1] * spread) if spread > 0 else 1.0


def source_scores(model: Any, X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decision values of any classifier, one column a class, or one column for two classes.

    Parameters
    ----------
    model : fitted classifier
        With ``decision_function``, else ``predict_proba`` (log odds are taken).
    X : ndarray of shape (n, d)
        Rows.

    Returns
    -------
    ndarray of shape (n, 1) or (n, n_classes)
    """
    if hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=np.float64)
        return scores[:, None] if scores.ndim == 1 else scores
    proba = np.clip(model.predict_proba(X), 1e-6, 1 - 1e-6)
    proba = proba[:, 1:] if proba.shape[1] == 2 else proba
    return np.log(proba) - np.log1p(-proba)
