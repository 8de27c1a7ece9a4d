"""Linear models with a source prior: fit the target, penalise the distance from the source's coefficients."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import TransferEstimator, TransferTags, split_labelled
from landbridge.exceptions import InputError, LabelError

__all__ = ["SourcePriorLogistic", "SourcePriorRidge", "prior_logistic", "prior_ridge"]


def prior_logistic(
    X: Any,
    codes: NDArray[np.intp],
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    strength: float,
    *,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    r"""Fit a logistic regression that is drawn towards given coefficients.

    .. math:: \min_{W, b} \sum_i \ell(y_i, W x_i + b)
        + \tfrac{\lambda}{2} \bigl(\lVert W - W_0 \rVert_F^2 + \lVert b - b_0 \rVert^2\bigr)

    with the multinomial log-loss, or the logistic loss where `coef` has one row.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
        Labelled target rows.
    codes : ndarray of int, shape (n,)
        Class numbers 0, 1, ...
    coef : ndarray of shape (k, d)
        Coefficients of the source, ``W_0``.
    intercept : ndarray of shape (k,)
        Intercepts of the source, ``b_0``.
    strength : float
        ``λ``; the larger, the nearer to the source.
    max_iter : int, default=1000
        Iterations of L-BFGS.
    tol : float, default=1e-6
        Stop when no entry of the gradient is larger.

    Returns
    -------
    coef : ndarray of shape (k, d)
    intercept : ndarray of shape (k,)
    n_iter : int
    """
    k, d = coef.shape
    n = X.shape[0]
    base = safe_sparse_dot(X, coef.T) + intercept  # scores of the source model, computed once
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
        gradient = strength * delta
        gradient[:, :d] += safe_sparse_dot(X.T, error).T
        gradient[:, d] += error.sum(axis=0)
        return loss + 0.5 * strength * float(np.vdot(delta, delta)), gradient.ravel()

    options = {"maxiter": max_iter, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = minimize(objective, np.zeros(k * (d + 1)), jac=True, method="L-BFGS-B", options=options)
    delta = found.x.reshape(k, d + 1)
    return coef + delta[:, :d], intercept + delta[:, d], max(int(found.nit), 1)


def prior_ridge(
    X: Any, y: NDArray[np.float64], coef: NDArray[np.float64], intercept: float, strength: float
) -> tuple[NDArray[np.float64], float]:
    r"""Fit a linear regression that is drawn towards given coefficients, in closed form.

    .. math:: \min_{w, b} \sum_i (y_i - w^\top x_i - b)^2
        + \lambda \bigl(\lVert w - w_0 \rVert^2 + (b - b_0)^2\bigr)

    which is a ridge regression of what the source model leaves over. With fewer rows than columns the dual system
    is solved.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
        Labelled target rows.
    y : ndarray of shape (n,)
        Their values.
    coef : ndarray of shape (d,)
        Coefficients of the source, ``w_0``.
    intercept : float
        Intercept of the source, ``b_0``.
    strength : float
        ``λ``; the larger, the nearer to the source.

    Returns
    -------
    coef : ndarray of shape (d,)
    intercept : float

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
        K = safe_sparse_dot(X, X.T, dense_output=True) + 1.0  # the column of ones adds one to each product
        K[np.diag_indices(n)] += strength
        dual = np.linalg.solve(K, residual)
        return coef + safe_sparse_dot(X.T, dual), float(intercept + dual.sum())
    A = np.empty((d + 1, d + 1))
    A[:d, :d] = safe_sparse_dot(X.T, X, dense_output=True)
    A[d, :d] = A[:d, d] = np.asarray(X.sum(axis=0)).ravel()
    A[d, d] = n
    A[np.diag_indices(d + 1)] += strength
    delta = np.linalg.solve(A, np.append(safe_sparse_dot(X.T, residual), residual.sum()))
    return coef + delta[:d], float(intercept + delta[d])


class _SourcePrior(TransferEstimator):
    """What both models share: the source model, learned or given, and the way from it to the target."""

    _accept_sparse = True
    source: Any

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the source model, then the target's labelled rows with the source as prior.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_source, n_features)
            Source rows; only checked where `source` is given.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like or sparse matrix of shape (n_target, n_features), optional
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows. Without any, the model is the source's.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        if self.source is None:
            self._keep_source(self._fit_source(read.Xs, read.ys))
        else:
            self._keep_source(self.source)
        self._adapt(read.Xt[read.rows], read.yt)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Go from the source model to a target, without the source's rows; always starts from the source model.

        Parameters
        ----------
        X_target : array-like or sparse matrix of shape (n_target, n_features)
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows. Without any, the model is the source's.

        Returns
        -------
        self
        """
        if not hasattr(self, "source_coef_"):
            if self.source is None:
                check_is_fitted(self, "source_coef_")
            self._keep_source(self.source)
        X = self._read_target(X_target, reset=not hasattr(self, "n_features_in_"))
        self._check_width(X.shape[1])
        rows, labels = split_labelled(y_target, X.shape[0], getattr(self, "classes_", None))
        self._adapt(X[rows], labels)
        return self

    def _keep_source(self, model: Any) -> None:
        missing = [name for name in self._source_parts if not hasattr(model, name)]
        if missing:
            raise InputError(
                f"source={type(model).__name__} has no {missing[0]}: give a fitted linear model, wrapped in "
                "sklearn.frozen.FrozenEstimator so that clones keep it."
            )
        self._take(model)
        if hasattr(self, "n_features_in_"):
            self._check_width(self.n_features_in_)

    def _check_width(self, width: int) -> None:
        if width != self.source_coef_.shape[-1]:
            raise InputError(
                f"source was fitted on {self.source_coef_.shape[-1]} columns but the rows have {width}; give the "
                "same columns in the same order."
            )


class SourcePriorLogistic(ClassifierMixin, _SourcePrior):
    """Logistic regression on the labelled target rows, drawn towards the source's coefficients.

    Parameters
    ----------
    prior_strength : float, default=1.0
        Weight of the squared distance from the source's coefficients; large stays with the source, small trusts the
        labelled target rows alone.
    C : float, default=1.0
        Inverse strength of the source model's own ridge penalty, as in scikit-learn.
    source : classifier, optional
        A fitted linear classifier with ``coef_``, ``intercept_`` and ``classes_`` in place of one learned here; wrap
        it in :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it.
    fit_intercept : bool, default=True
        Whether the source model has an intercept.
    max_iter : int, default=1000
        Iterations of each of the two fits.
    tol : float, default=1e-6
        Stop when no entry of the target's gradient is larger.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients of the target model.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Its intercepts.
    source_coef_, source_intercept_ : ndarray
        The same of the source model.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.
    n_iter_ : int
        Iterations of the target fit, or 1 where no target row is labelled.

    Notes
    -----
    Helps when a few target rows are labelled and the rule has moved a little. With none it is the source model. Hurts
    when the target's rule is the opposite of the source's; with enough labels a small `prior_strength` recovers. The
    distance counts all columns alike, so put a scaler before it in a pipeline.

    Time O(n k d) an iteration, memory O(k d) beside the rows. Sparse rows stay sparse.

    References
    ----------
    .. [1] C. Chelba, A. Acero. Adaptation of maximum entropy capitalizer: little data can help a lot. EMNLP 2004.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import SourcePriorLogistic
    >>> source, target = make_shift("concept", random_state=0)
    >>> told = target.y.astype(object)
    >>> told[20:] = None
    >>> model = SourcePriorLogistic().fit(source.X, source.y, X_target=target.X, y_target=told)
    >>> alone = SourcePriorLogistic().fit(source.X, source.y)
    >>> bool(model.score(target.X[20:], target.y[20:]) > alone.score(target.X[20:], target.y[20:]))
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n k d) an iteration, memory O(k d)",
        reference="Chelba, Acero: Adaptation of maximum entropy capitalizer. EMNLP 2004",
    )
    _source_parts = ("coef_", "intercept_", "classes_")
    _parameter_constraints = {
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "C": [Interval(Real, 0, None, closed="neither")],
        "source": [HasMethods(["predict"]), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        prior_strength: float = 1.0,
        *,
        C: float = 1.0,
        source: Any = None,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.prior_strength = prior_strength
        self.C = C
        self.source = source
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the scores of target rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        scores = safe_sparse_dot(self._read_rows(X), self.coef_.T) + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        scores = self.decision_function(X)
        return np.column_stack([expit(-scores), expit(scores)]) if scores.ndim == 1 else softmax(scores, axis=1)

    def _fit_source(self, Xs: Any, ys: Any) -> LogisticRegression:
        return LogisticRegression(C=self.C, fit_intercept=self.fit_intercept, max_iter=self.max_iter).fit(Xs, ys)

    def _take(self, model: Any) -> None:
        self.classes_ = np.asarray(model.classes_)
        self.source_coef_ = np.array(model.coef_, dtype=np.float64, ndmin=2)
        self.source_intercept_ = np.zeros(len(self.source_coef_))
        self.source_intercept_ += np.asarray(model.intercept_, dtype=np.float64).ravel()
        expected = 1 if len(self.classes_) == 2 else len(self.classes_)
        if len(self.source_coef_) != expected:
            raise InputError(
                f"source has {len(self.source_coef_)} rows of coefficients for {len(self.classes_)} classes; give a "
                "model with one row a class (one row for two classes)."
            )

    def _adapt(self, X: Any, labels: NDArray[Any]) -> None:
        self.coef_, self.intercept_, self.n_iter_ = self.source_coef_, self.source_intercept_, 1
        if X.shape[0] == 0:
            return
        codes = np.searchsorted(self.classes_, labels) if _comparable(self.classes_, labels) else np.zeros(0, int)
        if len(codes) != len(labels) or (self.classes_[np.minimum(codes, len(self.classes_) - 1)] != labels).any():
            raise LabelError(
                f"y_target holds classes that the source does not know; its classes are {self.classes_.tolist()} "
                "(same spelling and type)."
            )
        self.coef_, self.intercept_, self.n_iter_ = prior_logistic(
            X,
            codes,
            self.source_coef_,
            self.source_intercept_,
            self.prior_strength,
            max_iter=self.max_iter,
            tol=self.tol,
        )


class SourcePriorRidge(RegressorMixin, _SourcePrior):
    """Linear regression on the labelled target rows, drawn towards the source's coefficients.

    Parameters
    ----------
    prior_strength : float, default=1.0
        Weight of the squared distance from the source's coefficients; large stays with the source, small trusts the
        labelled target rows alone.
    alpha : float, default=1.0
        Strength of the source model's own ridge penalty.
    source : regressor, optional
        A fitted linear regressor with ``coef_`` and ``intercept_`` in place of one learned here; wrap it in
        :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it.
    fit_intercept : bool, default=True
        Whether the source model has an intercept.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients of the target model.
    intercept_ : float
        Its intercept.
    source_coef_ : ndarray of shape (n_features,)
        Coefficients of the source model.
    source_intercept_ : float
        Its intercept.

    Notes
    -----
    Helps when a few target rows are labelled and the relation has moved a little. With none it is the source model.
    Hurts when the relation is the opposite one. The distance counts all columns alike, so put a scaler before it in a
    pipeline.

    Closed form: with n labelled target rows, time O(n d min(n, d)), memory O(min(n, d)²). Sparse rows stay sparse.

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
        growth="time O(n d min(n, d)), memory O(min(n, d)²), n labelled target rows",
        reference="Orabona et al.: Model adaptation with least-squares SVM for adaptive hand prosthetics. ICRA 2009",
    )
    _source_parts = ("coef_", "intercept_")
    _parameter_constraints = {
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "source": [HasMethods(["predict"]), None],
        "fit_intercept": ["boolean"],
    }

    def __init__(
        self,
        prior_strength: float = 1.0,
        *,
        alpha: float = 1.0,
        source: Any = None,
        fit_intercept: bool = True,
    ) -> None:
        self.prior_strength = prior_strength
        self.alpha = alpha
        self.source = source
        self.fit_intercept = fit_intercept

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the values of target rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return safe_sparse_dot(self._read_rows(X), self.coef_) + self.intercept_

    def _fit_source(self, Xs: Any, ys: Any) -> Ridge:
        return Ridge(alpha=self.alpha, fit_intercept=self.fit_intercept).fit(Xs, ys.astype(np.float64))

    def _take(self, model: Any) -> None:
        self.source_coef_ = np.array(model.coef_, dtype=np.float64).ravel()
        self.source_intercept_ = float(np.asarray(model.intercept_).ravel()[0])

    def _adapt(self, X: Any, labels: NDArray[Any]) -> None:
        self.coef_, self.intercept_ = self.source_coef_, self.source_intercept_
        if X.shape[0]:
            y = labels.astype(np.float64)
            self.coef_, self.intercept_ = prior_ridge(X, y, self.coef_, self.intercept_, self.prior_strength)


def _comparable(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return (a.dtype.kind in "US") == (b.dtype.kind in "US")
