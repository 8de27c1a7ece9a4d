"""Generalised linear models with a source prior, for counts and positive amounts."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import TweedieRegressor
from sklearn.utils.extmath import safe_sparse_dot

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import TransferTags
from landbridge.exceptions import LabelError
from landbridge.parameter._prior_linear import linear_parameters
from landbridge.parameter._template import ParameterRegressor

__all__ = ["SourcePriorGLM", "glm_loss", "prior_glm"]

# The variance is proportional to this power of the mean.
POWERS = {"normal": 0.0, "poisson": 1.0, "tweedie": 1.5, "gamma": 2.0, "inverse_gaussian": 3.0}
# Bound on the linear score, so that exp() does not overflow.
LARGEST_SCORE = 50.0


def glm_loss(
    y: NDArray[np.float64], score: NDArray[np.float64], power: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute half the unit deviance under a log link, up to a constant of `y`, and its derivative.

    .. math:: -\frac{y\,e^{(1-p)\eta}}{1-p} + \frac{e^{(2-p)\eta}}{2-p}

    with its limits :math:`e^\eta - y\eta` (Poisson, p = 1) and :math:`y e^{-\eta} + \eta` (gamma, p = 2).

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Values.
    score : ndarray of shape (n_samples,)
        Logarithms of the means, ``η``.
    power : float
        ``p``; the variance is proportional to this power of the mean.

    Returns
    -------
    loss : ndarray of shape (n_samples,)
        Loss of each sample.
    derivative : ndarray of shape (n_samples,)
        Its derivative by the score.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import glm_loss
    >>> loss, slope = glm_loss(np.array([2.0]), np.log(np.array([2.0])), 1.0)
    >>> round(float(loss[0]), 3), round(float(slope[0]), 3)
    (0.614, 0.0)
    """
    eta = np.clip(score, -LARGEST_SCORE, LARGEST_SCORE)
    low, high = np.exp((1.0 - power) * eta), np.exp((2.0 - power) * eta)
    first = eta if power == 1.0 else low / (1.0 - power)
    second = eta if power == 2.0 else high / (2.0 - power)
    return second - y * first, high - y * low


def prior_glm(
    X: Any,
    y: NDArray[np.float64],
    coef: NDArray[np.float64],
    intercept: float,
    prior_strength: float,
    power: float,
    *,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], float, int]:
    r"""Fit a generalised linear model with a log link and an L2 penalty on the distance from given coefficients.

    .. math:: \min_{w, b} \sum_i \ell_p(y_i, w^\top x_i + b)
        + \tfrac{\lambda}{2} \bigl(\lVert w - w_0 \rVert^2 + (b - b_0)^2\bigr)

    with the loss of :func:`glm_loss`, which is convex in ``w`` and ``b`` for ``p`` from 1 to 2.

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
    power : float
        ``p``: 1 for counts, 2 for positive amounts, between 1 and 2 for amounts with many zeros.
    max_iter : int, default=1000
        Maximum number of iterations of L-BFGS.
    tol : float, default=1e-6
        Stop if no entry of the gradient is larger.

    Returns
    -------
    coef : ndarray of shape (n_features,)
        Coefficients.
    intercept : float
        Intercept.
    n_iter : int
        Number of iterations.
    """
    d = len(coef)
    base = safe_sparse_dot(X, coef) + intercept

    def objective(delta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        loss, error = glm_loss(y, base + safe_sparse_dot(X, delta[:d]) + delta[d], power)
        gradient = prior_strength * delta
        gradient[:d] += safe_sparse_dot(X.T, error)
        gradient[d] += error.sum()
        return float(loss.sum()) + 0.5 * prior_strength * float(delta @ delta), gradient

    options = {"maxiter": max_iter, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = minimize(objective, np.zeros(d + 1), jac=True, method="L-BFGS-B", options=options)
    return coef + found.x[:d], float(intercept + found.x[d]), max(int(found.nit), 1)


class SourcePriorGLM(ParameterRegressor):
    """Generalised linear model with a source prior: an L2 penalty on the distance from the source coefficients.

    Parameters
    ----------
    loss : {"poisson", "gamma", "tweedie", "inverse_gaussian"}, default="poisson"
        Distribution of the values: counts, positive amounts, amounts with many zeros, or positive amounts with a heavy
        tail. The mean is the exponential of the linear score.
    power : float, default=None
        The variance is proportional to this power of the mean (1 to 3). If None, that of the loss.
    prior_strength : float, default=1.0
        Weight of half the squared distance from the source coefficients. Large values stay near the source model,
        small values fit the labelled target samples alone.
    alpha : float, default=1.0
        Weight of the L2 penalty of the source model, as in scikit-learn.
    source_estimator : regressor, default=None
        Fitted model with a log link and ``coef_`` and ``intercept_``. Wrap it in
        :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If None, a
        :class:`sklearn.linear_model.TweedieRegressor` is fitted on the source samples.
    fit_intercept : bool, default=True
        Whether the source model has an intercept.
    max_iter : int, default=1000
        Maximum number of iterations of each of the two fits.
    tol : float, default=1e-6
        Stop if no entry of the gradient on the target is larger.

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
    n_iter_ : int
        Number of iterations on the target; 1 if no target sample is labelled.

    Notes
    -----
    Helps if a few target samples are labelled and the relation has changed a little: claims in another country, visits
    to another ward. Hurts if the relation is the opposite one. All features count alike in the distance, so put a
    scaler before it in a pipeline. For the normal distribution use
    :class:`~landbridge.parameter.SourcePriorRidge`, for classes :class:`~landbridge.parameter.SourcePriorLogistic`.

    Time O(n d) per iteration, memory O(d) beside the samples. Sparse input stays sparse.

    References
    ----------
    .. [1] C. Chelba, A. Acero. Adaptation of maximum entropy capitalizer: little data can help a lot. EMNLP 2004.
    .. [2] P. McCullagh, J. A. Nelder. Generalized linear models. Chapman and Hall, 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import SourcePriorGLM
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(size=(500, 2)), rng.normal(size=(20, 2))
    >>> y, y_target = rng.poisson(np.exp(X[:, 0])), rng.poisson(np.exp(X_target[:, 0] + 1.0))
    >>> model = SourcePriorGLM(alpha=0.01).fit(X, y, X_target=X_target, y_target=y_target)
    >>> bool(model.source_intercept_ + 0.5 < model.intercept_)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"regression"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n d) per iteration, memory O(d)",
        reference="Chelba, Acero: Adaptation of maximum entropy capitalizer. EMNLP 2004",
    )
    _accept_sparse = True
    _source_attributes = (("coef_",), ("intercept_",))
    _source_kind = "linear model with a log link"
    _parameter_constraints = {
        "loss": [StrOptions(set(POWERS) - {"normal"})],
        "power": [Interval(Real, 1, 3, closed="both"), None],
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "source_estimator": [HasMethods(["predict"]), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        loss: str = "poisson",
        *,
        power: float | None = None,
        prior_strength: float = 1.0,
        alpha: float = 1.0,
        source_estimator: Any = None,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.loss = loss
        self.power = power
        self.prior_strength = prior_strength
        self.alpha = alpha
        self.source_estimator = source_estimator
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    @property
    def _power(self) -> float:
        return POWERS[self.loss] if self.power is None else float(self.power)

    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> TweedieRegressor:
        model = TweedieRegressor(
            power=self._power, alpha=self.alpha, link="log", fit_intercept=self.fit_intercept, max_iter=self.max_iter
        )
        return model.fit(Xs, self._checked(ys, "y"))

    def _start(self, model: Any) -> None:
        self.source_coef_, self.source_intercept_ = linear_parameters(model)
        self.coef_, self.intercept_, self.n_iter_ = self.source_coef_, self.source_intercept_, 1

    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None:
        if len(rows):
            self.coef_, self.intercept_, self.n_iter_ = prior_glm(
                Xt[rows],
                self._checked(yt, "y_target"),
                self.source_coef_,
                self.source_intercept_,
                self.prior_strength,
                self._power,
                max_iter=self.max_iter,
                tol=self.tol,
            )

    def _predict(self, X: Any) -> NDArray[np.float64]:
        score = safe_sparse_dot(X, self.coef_) + self.intercept_
        return np.exp(np.clip(score, -LARGEST_SCORE, LARGEST_SCORE))

    def _checked(self, y: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        if self._power >= 2 and (y <= 0).any():
            raise LabelError(
                f"{name} holds values that are not positive, which loss={self.loss!r} does not allow; use "
                "loss='tweedie' if some are zero, SourcePriorRidge if some are negative."
            )
        if (y < 0).any():
            raise LabelError(
                f"{name} holds negative values, which loss={self.loss!r} does not allow; use SourcePriorRidge."
            )
        return y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags
