"""Adaptive SVM: correct the decision values of a source classifier with a large-margin function."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import TransferTags
from landbridge.exceptions import LabelError
from landbridge.numerics.kernels import kernel
from landbridge.parameter._template import ParameterClassifier

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

    Without an intercept the bounds are the only constraints, so that coordinate descent solves each coordinate
    exactly.

    Parameters
    ----------
    K : ndarray of shape (n_labelled, n_labelled)
        Kernel matrix of the labelled target samples.
    signs : ndarray of shape (n_labelled,)
        Labels, +1 or -1.
    source_scores : ndarray of shape (n_labelled,)
        Decision values of the source classifier.
    C : float
        Cost of an error on a target sample, the upper bound of the dual variables.
    max_iter : int, default=1000
        Maximum number of passes over the samples.
    tol : float, default=1e-6
        Stop if no projected gradient is larger.

    Returns
    -------
    coef : ndarray of shape (n_labelled,)
        ``α_i y_i``: the correction is ``Δf(x) = Σ_i coef_i k(x_i, x)``.
    n_iter : int
        Number of passes.

    References
    ----------
    .. [1] J. Yang, R. Yan, A. G. Hauptmann. Cross-domain video concept detection using adaptive SVMs. ACM Multimedia
       2007.
    """
    alpha = np.zeros(len(K))
    scores = np.array(source_scores, dtype=np.float64)  # f^S + Δf, updated with every coordinate
    diagonal = np.maximum(K.diagonal(), np.finfo(float).tiny)
    n_iter, worst = 0, np.inf
    while worst > tol and n_iter < max_iter:
        n_iter, worst = n_iter + 1, 0.0
        for i in range(len(K)):
            slope = 1.0 - signs[i] * scores[i]
            # at a bound only a gradient that points into the box counts
            if (alpha[i] <= 0.0 and slope <= 0.0) or (alpha[i] >= C and slope >= 0.0):
                continue
            worst = max(worst, abs(slope))
            new = min(max(alpha[i] + slope / diagonal[i], 0.0), C)
            scores += (new - alpha[i]) * signs[i] * K[i]
            alpha[i] = new
    return alpha * signs, n_iter


class AdaptiveSVM(ParameterClassifier):
    """Adaptive SVM: add a large-margin correction, learned on labelled target samples, to a source classifier.

    The decision value is ``f(x) = f_S(x) + Δf(x)``. The source classifier ``f_S`` does not change; the correction
    ``Δf`` has the smallest norm that classifies the labelled target samples with a margin. Several classes are
    handled one-vs-rest.

    Parameters
    ----------
    C : float, default=1.0
        Cost of an error on a labelled target sample. Small values stay near the source classifier.
    kernel : {"rbf", "linear"}, default="rbf"
        Kernel of the correction, and of the default source SVM. One is added to it, so that the correction has
        a (penalised) intercept.
    gamma : float, default=None
        Coefficient of the kernel ``"rbf"``, ``exp(-gamma ||x - y||²)``. If None, ``1 / (n_features * variance)`` of
        the source samples, or of the target samples if `source_estimator` is given.
    estimator : classifier, default=None
        Base learner of the source classifier, with ``decision_function`` or ``predict_proba``. If None, an SVM with
        the same kernel.
    source_estimator : classifier, default=None
        Fitted source classifier, with ``decision_function`` or ``predict_proba``. Wrap it in
        :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If None, `estimator` is fitted on the
        source samples.
    max_iter : int, default=1000
        Maximum number of passes of the solver.
    tol : float, default=1e-4
        Tolerance of the solver.

    Attributes
    ----------
    source_estimator_ : classifier
        The source classifier.
    support_vectors_ : ndarray of shape (n_labelled, n_features)
        The labelled target samples.
    dual_coef_ : ndarray of shape (1, n_labelled) or (n_classes, n_labelled)
        Coefficients of the correction.
    gamma_ : float
        Kernel coefficient used.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source classifier.
    n_iter_ : int
        Largest number of passes over the classes.

    Notes
    -----
    Helps if a few target samples are labelled and the source classifier is mostly right, or cannot be retrained.
    Without target labels the predictions are those of the source classifier. Hurts if the decision values of the
    source are far from +1 and -1 in scale (uncalibrated scores), because the margin is measured on them.

    With n labelled target samples: time O(n²) per pass and class, memory O(n²).

    References
    ----------
    .. [1] J. Yang, R. Yan, A. G. Hauptmann. Cross-domain video concept detection using adaptive SVMs. ACM Multimedia
       2007.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import AdaptiveSVM
    >>> source, target = make_shift("concept", random_state=0)
    >>> y_target = target.y.astype(object)
    >>> y_target[20:] = None
    >>> model = AdaptiveSVM().fit(source.X, source.y, X_target=target.X, y_target=y_target)
    >>> source_only = model.source_estimator_.score(target.X[20:], target.y[20:])
    >>> bool(model.score(target.X[20:], target.y[20:]) > source_only)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n²) per pass and class, memory O(n²), n labelled target samples",
        reference="Yang, Yan, Hauptmann: Cross-domain video concept detection using adaptive SVMs. ACM MM 2007",
    )
    _source_attributes = (("classes_",), ("decision_function", "predict_proba"))
    _source_kind = "classifier with decision_function or predict_proba"
    _parameter_constraints = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "kernel": [StrOptions({"rbf", "linear"})],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "source_estimator": [HasMethods(["predict"]), None],
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
        source_estimator: Any = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.estimator = estimator
        self.source_estimator = source_estimator
        self.max_iter = max_iter
        self.tol = tol

    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> Any:
        if len(classes := np.unique(ys)) < 2:
            raise LabelError(f"y holds one class only, {classes[0]!r}; give samples of at least two classes.")
        self.gamma_ = self._gamma(Xs)
        if self.estimator is not None:
            return clone(self.estimator).fit(Xs, ys)
        svm = SVC(C=self.C, kernel=self.kernel, gamma=self.gamma_, random_state=0)
        return (svm if len(classes) == 2 else OneVsRestClassifier(svm)).fit(Xs, ys)

    def _start(self, model: Any) -> None:
        k = 1 if len(self.classes_) == 2 else len(self.classes_)
        self.support_vectors_, self.dual_coef_, self.n_iter_ = np.zeros((0, 0)), np.zeros((k, 0)), 1
        if self.source_estimator is not None:
            self.gamma_ = 1.0 if self.gamma is None else float(self.gamma)

    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None:
        if self.source_estimator is not None:
            self.gamma_ = self._gamma(Xt)
        X = self.support_vectors_ = Xt[rows]
        if len(X) == 0:
            return
        k = len(self.dual_coef_)
        self.dual_coef_ = np.zeros((k, len(X)))
        K, scores = self._kernel(X, X), source_scores(self.source_estimator_, X)
        for j in range(k):
            signs = np.where(yt == (1 if k == 1 else j), 1.0, -1.0)
            self.dual_coef_[j], n_iter = adaptive_svm(
                K, signs, scores[:, j], self.C, max_iter=self.max_iter, tol=self.tol
            )
            self.n_iter_ = max(self.n_iter_, n_iter)

    def _decision(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = source_scores(self.source_estimator_, X)
        if self.dual_coef_.shape[1]:
            scores = scores + self._kernel(X, self.support_vectors_) @ self.dual_coef_.T
        return scores

    def _kernel(self, X: NDArray[np.float64], Y: NDArray[np.float64]) -> NDArray[np.float64]:
        return kernel(X, Y, kernel=self.kernel, gamma=self.gamma_) + 1.0

    def _gamma(self, X: NDArray[np.float64]) -> float:
        if self.gamma is not None:
            return float(self.gamma)
        spread = float(X.var())
        return 1.0 / (X.shape[1] * spread) if spread > 0 else 1.0


def source_scores(model: Any, X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the decision values of any classifier.

    Parameters
    ----------
    model : fitted classifier
        With ``decision_function``, else ``predict_proba`` (log odds are used).
    X : ndarray of shape (n_samples, n_features)
        Samples.

    Returns
    -------
    scores : ndarray of shape (n_samples, 1) or (n_samples, n_classes)
        One value per class, or a single value for two classes.
    """
    if hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=np.float64)
        return scores[:, None] if scores.ndim == 1 else scores
    proba = np.clip(model.predict_proba(X), 1e-6, 1 - 1e-6)
    proba = proba[:, 1:] if proba.shape[1] == 2 else proba
    return np.log(proba) - np.log1p(-proba)
