"""Linear models with a source prior: penalise the distance from the coefficients of a source model."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.extmath import safe_sparse_dot

from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import TransferTags
from landbridge.exceptions import InputError
from landbridge.parameter._template import ParameterClassifier, ParameterRegressor

__all__ = ["SourcePriorLogistic", "SourcePriorRidge", "prior_logistic", "prior_ridge"]


def prior_logistic(
    X: Any,
    codes: NDArray[np.intp],
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    prior_strength: float,
    *,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    r"""Fit a logistic regression with an L2 penalty on the distance from given coefficients.

    .. math:: \min_{W, b} \sum_i \ell(y_i, W x_i + b)
        + \tfrac{\lambda}{2} \bigl(\lVert W - W_0 \rVert_F^2 + \lVert b - b_0 \rVert^2\bigr)

    with the multinomial log loss, or the logistic loss if `coef` has shape (1, n_features).

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_labelled, n_features)
        Labelled target samples.
    codes : ndarray of int, shape (n_labelled,)
        Class codes 0, 1, ...
    coef : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients of the source model, ``W_0``.
    intercept : ndarray of shape (1,) or (n_classes,)
        Intercepts of the source model, ``b_0``.
    prior_strength : float
        ``λ``, the weight of the penalty; large values stay near the source model.
    max_iter : int, default=1000
        Maximum number of iterations of L-BFGS.
    tol : float, default=1e-6
        Stop if no entry of the gradient is larger.

    Returns
    -------
    coef : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients.
    intercept : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    n_iter : int
        Number of iterations.
    """
    k, d = coef.shape
    n = X.shape[0]
    base = safe_sparse_dot(X, coef.T) + intercept  # decision values of the source model
    rows = np.arange(n)
    signs = 2.0 * codes - 1.0

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        delta = flat.reshape(k, d + 1)
        scores = base + safe_sparse_dot(X, delta[:, :d].T) + delta[:, d]
        if k == 1:
            margin = signs * scores[:, 0]
            loss = np.logaddexp(0.0, -margin).sum()
            error = (-signs * expit(-margin))[:, None]
        else:
            loss = (logsumexp(scores, axis=1) - scores[rows, codes]).sum()
            error = softmax(scores, axis=1)
            error[rows, codes] -= 1.0
        gradient = prior_strength * delta
        gradient[:, :d] += safe_sparse_dot(X.T, error).T
        gradient[:, d] += error.sum(axis=0)
        return loss + 0.5 * prior_strength * float(np.vdot(delta, delta)), gradient.ravel()

    options = {"maxiter": max_iter, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = minimize(objective, np.zeros(k * (d + 1)), jac=True, method="L-BFGS-B", options=options)
    delta = found.x.reshape(k, d + 1)
    return coef + delta[:, :d], intercept + delta[:, d], max(int(found.nit), 1)


def prior_ridge(
    X: Any, y: NDArray[np.float64], coef: NDArray[np.float64], intercept: float, prior_strength: float
) -> tuple[NDArray[np.float64], float]:
    r"""Fit a linear regression with an L2 penalty on the distance from given coefficients, in closed form.

    .. math:: \min_{w, b} \sum_i (y_i - w^\top x_i - b)^2
        + \lambda \bigl(\lVert w - w_0 \rVert^2 + (b - b_0)^2\bigr)

    This is a ridge regression on the residuals of the source model. With fewer samples than features the dual system
    is solved.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_labelled, n_features)
        Labelled target samples.
    y : ndarray of shape (n_labelled,)
        Their values.
    coef : ndarray of shape (n_features,)
        Coefficients of the source model, ``w_0``.
    intercept : float
        Intercept of the source model, ``b_0``.
    prior_strength : float
        ``λ``, the weight of the penalty; large values stay near the source model.

    Returns
    -------
    coef : ndarray of shape (n_features,)
        Coefficients.
    intercept : float
        Intercept.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import prior_ridge
    >>> coef, intercept = prior_ridge(np.array([[1.0]]), np.array([3.0]), np.array([1.0]), 0.0, 1.0)
    >>> coef.round(3).tolist(), round(intercept, 3)
    ([1.667], 0.667)
    """
    residual = y - safe_sparse_dot(X, coef) - intercept
    n, d = X.shape
    if n <= d:
        K = safe_sparse_dot(X, X.T, dense_output=True) + 1.0  # a constant feature adds one to each product
        K[np.diag_indices(n)] += prior_strength
        dual = np.linalg.solve(K, residual)
        return coef + safe_sparse_dot(X.T, dual), float(intercept + dual.sum())
    A = np.empty((d + 1, d + 1))
    A[:d, :d] = safe_sparse_dot(X.T, X, dense_output=True)
    A[d, :d] = A[:d, d] = np.asarray(X.sum(axis=0)).ravel()
    A[d, d] = n
    A[np.diag_indices(d + 1)] += prior_strength
    delta = np.linalg.solve(A, np.append(safe_sparse_dot(X.T, residual), residual.sum()))
    return coef + delta[:d], float(intercept + delta[d])


class SourcePriorLogistic(ParameterClassifier):
    """Logistic regression with a source prior: an L2 penalty on the distance from the source coefficients.

    Parameters
    ----------
    prior_strength : float, default=1.0
        Weight of the squared distance from the source coefficients. Large values stay near the source model, small
        values fit the labelled target samples alone.
    C : float, default=1.0
        Inverse weight of the L2 penalty of the source model, as in scikit-learn.
    source_estimator : classifier, default=None
        Fitted linear classifier with ``coef_``, ``intercept_`` and ``classes_``. Wrap it in
        :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If None, a logistic regression is
        fitted on the source samples.
    fit_intercept : bool, default=True
        Whether the source model has an intercept.
    max_iter : int, default=1000
        Maximum number of iterations of each of the two fits.
    tol : float, default=1e-6
        Stop if no entry of the gradient on the target is larger.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients of the target model.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts of the target model.
    source_estimator_ : classifier
        The source model.
    source_coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients of the source model.
    source_intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts of the source model.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source model.
    n_iter_ : int
        Number of iterations on the target; 1 if no target sample is labelled.

    Notes
    -----
    Helps if a few target samples are labelled and the labelling rule has changed a little. Without target labels it is
    the source model. Hurts if the rule of the target is the opposite of the source's; with enough labels a small
    `prior_strength` recovers. All features count alike in the distance, so put a scaler before it in a pipeline.

    Time O(n k d) per iteration, memory O(k d) beside the samples, for k classes and d features. Sparse input stays
    sparse.

    References
    ----------
    .. [1] C. Chelba, A. Acero. Adaptation of maximum entropy capitalizer: little data can help a lot. EMNLP 2004.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import SourcePriorLogistic
    >>> source, target = make_shift("concept", random_state=0)
    >>> y_target = target.y.astype(object)
    >>> y_target[20:] = None
    >>> model = SourcePriorLogistic().fit(source.X, source.y, X_target=target.X, y_target=y_target)
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
        growth="time O(n k d) per iteration, memory O(k d)",
        reference="Chelba, Acero: Adaptation of maximum entropy capitalizer. EMNLP 2004",
    )
    _accept_sparse = True
    _source_attributes = (("coef_",), ("intercept_",), ("classes_",))
    _source_kind = "linear classifier"
    _parameter_constraints = {
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "C": [Interval(Real, 0, None, closed="neither")],
        "source_estimator": [HasMethods(["predict"]), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        prior_strength: float = 1.0,
        *,
        C: float = 1.0,
        source_estimator: Any = None,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.prior_strength = prior_strength
        self.C = C
        self.source_estimator = source_estimator
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> LogisticRegression:
        return LogisticRegression(C=self.C, fit_intercept=self.fit_intercept, max_iter=self.max_iter).fit(Xs, ys)

    def _start(self, model: Any) -> None:
        self.source_coef_ = np.array(model.coef_, dtype=np.float64, ndmin=2)
        self.source_intercept_ = np.zeros(len(self.source_coef_))
        self.source_intercept_ += np.asarray(model.intercept_, dtype=np.float64).ravel()
        expected = 1 if len(self.classes_) == 2 else len(self.classes_)
        if len(self.source_coef_) != expected:
            raise InputError(
                f"source_estimator has coef_ of shape {self.source_coef_.shape} for {len(self.classes_)} classes; pass "
                "a model with one vector of coefficients per class (a single one for two classes)."
            )
        self.coef_, self.intercept_, self.n_iter_ = self.source_coef_, self.source_intercept_, 1

    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None:
        if len(rows):
            self.coef_, self.intercept_, self.n_iter_ = prior_logistic(
                Xt[rows],
                yt,
                self.source_coef_,
                self.source_intercept_,
                self.prior_strength,
                max_iter=self.max_iter,
                tol=self.tol,
            )

    def _decision(self, X: Any) -> NDArray[np.float64]:
        return safe_sparse_dot(X, self.coef_.T) + self.intercept_

    def _proba(self, X: Any) -> NDArray[np.float64]:
        scores = self._decision(X)
        return np.hstack([expit(-scores), expit(scores)]) if scores.shape[1] == 1 else softmax(scores, axis=1)


class SourcePriorRidge(ParameterRegressor):
    """Ridge regression with a source prior: an L2 penalty on the distance from the source coefficients.

    Parameters
    ----------
    prior_strength : float, default=1.0
        Weight of the squared distance from the source coefficients. Large values stay near the source model, small
        values fit the labelled target samples alone.
    alpha : float, default=1.0
        Weight of the L2 penalty of the source model.
    source_estimator : regressor, default=None
        Fitted linear regressor with ``coef_`` and ``intercept_``. Wrap it in
        :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If None, a ridge regression is fitted
        on the source samples.
    fit_intercept : bool, default=True
        Whether the source model has an intercept.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients of the target model.
    intercept_ : float
        Intercept of the target model.
    source_estimator_ : regressor
        The source model.
    source_coef_ : ndarray of shape (n_features,)
        Coefficients of the source model.
    source_intercept_ : float
        Intercept of the source model.

    Notes
    -----
    Helps if a few target samples are labelled and the relation has changed a little. Without target labels it is the
    source model. Hurts if the relation is the opposite one. All features count alike in the distance, so put a scaler
    before it in a pipeline.

    Closed form: with n labelled target samples and d features, time O(n d min(n, d)), memory O(min(n, d)²). Sparse
    input stays sparse.

    References
    ----------
    .. [1] F. Orabona, C. Castellini, B. Caputo, A. E. Fiorilla, G. Sandini. Model adaptation with least-squares SVM
       for adaptive hand prosthetics. ICRA 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import SourcePriorRidge
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(size=(200, 3)), rng.normal(size=(5, 3))
    >>> ys, yt = Xs @ [1.0, 2.0, 3.0], Xt @ [1.0, 2.0, 3.5]
    >>> model = SourcePriorRidge().fit(Xs, ys, X_target=Xt, y_target=yt)
    >>> bool(model.source_coef_[2] < model.coef_[2] < 3.5)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"regression"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n d min(n, d)), memory O(min(n, d)²), n labelled target samples",
        reference="Orabona et al.: Model adaptation with least-squares SVM for adaptive hand prosthetics. ICRA 2009",
    )
    _accept_sparse = True
    _source_attributes = (("coef_",), ("intercept_",))
    _source_kind = "linear regressor"
    _parameter_constraints = {
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "source_estimator": [HasMethods(["predict"]), None],
        "fit_intercept": ["boolean"],
    }

    def __init__(
        self,
        prior_strength: float = 1.0,
        *,
        alpha: float = 1.0,
        source_estimator: Any = None,
        fit_intercept: bool = True,
    ) -> None:
        self.prior_strength = prior_strength
        self.alpha = alpha
        self.source_estimator = source_estimator
        self.fit_intercept = fit_intercept

    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> Ridge:
        return Ridge(alpha=self.alpha, fit_intercept=self.fit_intercept).fit(Xs, ys)

    def _start(self, model: Any) -> None:
        self.source_coef_, self.source_intercept_ = linear_parameters(model)
        self.coef_, self.intercept_ = self.source_coef_, self.source_intercept_

    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None:
        if len(rows):
            self.coef_, self.intercept_ = prior_ridge(
                Xt[rows], yt, self.source_coef_, self.source_intercept_, self.prior_strength
            )

    def _predict(self, X: Any) -> NDArray[np.float64]:
        return safe_sparse_dot(X, self.coef_) + self.intercept_


def linear_parameters(model: Any) -> tuple[NDArray[np.float64], float]:
    """Copy the coefficients and the intercept of a linear regressor.

    Parameters
    ----------
    model : fitted regressor
        With ``coef_`` and ``intercept_``.

    Returns
    -------
    coef : ndarray of shape (n_features,)
        Coefficients.
    intercept : float
        Intercept.
    """
    return np.array(model.coef_, dtype=np.float64).ravel(), float(np.asarray(model.intercept_).ravel()[0])
