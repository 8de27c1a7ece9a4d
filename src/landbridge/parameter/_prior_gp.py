"""Gaussian process with a source prior: model the residuals of the source model on the target."""

from __future__ import annotations

from contextlib import nullcontext
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Kernel, WhiteKernel

from landbridge._process_state import quiet
from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import TransferTags
from landbridge.numerics.resampling import subsample
from landbridge.parameter._template import ParameterRegressor

__all__ = ["SourcePriorGP", "fit_process", "prior_scale"]


def prior_scale(source_mean: NDArray[np.float64], y: NDArray[np.float64], prior_samples: float = 10.0) -> float:
    r"""Estimate the scale of the source prediction in the target, with a penalty on its distance from one.

    The scale is that of the model in equation (1) of [1]_:

    .. math:: \rho = \arg\min_r \sum_i (y_i - \bar y - r (m_i - \bar m))^2 + \nu \, \mathrm{Var}(m) \, (r - 1)^2

    Parameters
    ----------
    source_mean : ndarray of shape (n_labelled,)
        Predictions of the source model, ``m``.
    y : ndarray of shape (n_labelled,)
        Values of the labelled target samples.
    prior_samples : float, default=10.0
        ``ν``, the weight of the prior on a scale of one, as a number of samples.

    Returns
    -------
    scale : float
        ``ρ``.

    References
    ----------
    .. [1] M. C. Kennedy, A. O'Hagan. Predicting the output from a complex computer code when fast approximations are
       available. Biometrika 87(1), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import prior_scale
    >>> round(prior_scale(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])), 6)
    1.230769
    """
    m, r = source_mean - source_mean.mean(), y - y.mean()
    spread = float(m @ m)
    if spread <= 0:
        return 1.0
    prior = prior_samples * spread / len(m)
    return float((m @ r + prior) / (spread + prior))


def fit_process(
    X: NDArray[np.float64], y: NDArray[np.float64], kernel: Any, n_restarts_optimizer: int, random_state: int
) -> GaussianProcessRegressor:
    """Fit a Gaussian process on standardised values.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples.
    y : ndarray of shape (n_samples,)
        Values.
    kernel : Kernel or None
        Kernel. If None, constant times RBF plus white noise.
    n_restarts_optimizer : int
        Number of restarts of the optimiser of the kernel parameters.
    random_state : int
        Seed of the restarts.

    Returns
    -------
    process : GaussianProcessRegressor
        Fitted process.
    """
    chosen = kernel
    if kernel is None:
        chosen = ConstantKernel(1.0, (1e-4, 1e4)) * RBF(1.0, (1e-2, 1e3)) + WhiteKernel(1e-2, (1e-8, 1e1))
    process = GaussianProcessRegressor(
        clone(chosen), normalize_y=True, n_restarts_optimizer=n_restarts_optimizer, random_state=random_state
    )
    # The default bounds are wide on purpose: an optimum at a bound is valid.
    with quiet(ConvergenceWarning) if kernel is None else nullcontext():
        return process.fit(X, y)


class SourcePriorGP(ParameterRegressor):
    """Gaussian process regression with a source prior: the prior mean is the prediction of the source model.

    The target is modelled as ``y = ρ f_S(x) + δ(x)``: a scaled source model and a Gaussian process of the residuals,
    fitted on the labelled target samples. Far from them the prediction returns to that of the source.

    Parameters
    ----------
    gp_kernel : Kernel, default=None
        Kernel of the residual process, and of the source process if `estimator` is None. If None, constant times RBF
        plus white noise.
    estimator : regressor, default=None
        Base learner of the source model. If None, a Gaussian process.
    source_estimator : regressor, default=None
        Fitted source model. Wrap it in :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If
        None, `estimator` is fitted on the source samples.
    fit_scale : bool, default=True
        Whether to estimate ``ρ``, with a penalty on its distance from one. If False, ``ρ`` is one.
    n_restarts_optimizer : int, default=2
        Number of restarts of the optimiser of the kernel parameters.
    max_samples : int or None, default=1000
        Maximum number of source samples of the source process, whose cost is cubic; above it a random subset is used.
        If None, all are used.
    random_state : int, RandomState instance or None, default=None
        Draws the subset and the restarts.

    Attributes
    ----------
    source_estimator_ : regressor
        The source model.
    scale_ : float
        ``ρ``.
    residual_ : GaussianProcessRegressor or None
        The residual process; None if no target sample is labelled.

    Notes
    -----
    Helps if the target is the source plus a smooth difference and a handful of samples is labelled; gives a standard
    deviation. Hurts if source and target have nothing in common, because the source prediction is then noise. Scale
    the features first.

    Time O(min(n_s, max_samples)³ + n³) for n labelled target samples, memory O(min(n_s, max_samples)² + n²).

    References
    ----------
    .. [1] M. C. Kennedy, A. O'Hagan. Predicting the output from a complex computer code when fast approximations are
       available. Biometrika 87(1), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import SourcePriorGP
    >>> X = np.linspace(0.0, 6.0, 40)[:, None]
    >>> y_target = np.where(np.arange(40) % 10 == 0, np.sin(X[:, 0]) + 1.0, np.nan)
    >>> model = SourcePriorGP(random_state=0).fit(X, np.sin(X[:, 0]), X_target=X, y_target=y_target)
    >>> bool(np.abs(model.predict(X) - np.sin(X[:, 0]) - 1.0).max() < 0.1)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"regression"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(min(n_s, max_samples)³ + n³), memory O(min(n_s, max_samples)² + n²), n labelled target samples",
        reference="Kennedy, O'Hagan: Predicting the output from a complex computer code. Biometrika 87(1), 2000",
    )
    _parameter_constraints = {
        "gp_kernel": [Kernel, None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "source_estimator": [HasMethods(["predict"]), None],
        "fit_scale": ["boolean"],
        "n_restarts_optimizer": [Interval(Integral, 0, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        gp_kernel: Any = None,
        *,
        estimator: Any = None,
        source_estimator: Any = None,
        fit_scale: bool = True,
        n_restarts_optimizer: int = 2,
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.gp_kernel = gp_kernel
        self.estimator = estimator
        self.source_estimator = source_estimator
        self.fit_scale = fit_scale
        self.n_restarts_optimizer = n_restarts_optimizer
        self.max_samples = max_samples
        self.random_state = random_state

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the values of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.
        return_std : bool, default=False
            Whether to return the standard deviation, too; that of the source model is included if the source model is
            a Gaussian process.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            Predicted values.
        std : ndarray of shape (n_samples,)
            Standard deviations; only with `return_std`.
        """
        X = self._read_rows(X)
        if not return_std:
            return self._predict(X)
        mean, deviation = self._source_prediction(X, True)
        mean, variance = self.scale_ * mean, (self.scale_ * deviation) ** 2
        if self.residual_ is None:
            return mean, np.sqrt(variance)
        extra, extra_deviation = self.residual_.predict(X, return_std=True)
        return mean + extra, np.sqrt(variance + extra_deviation**2)

    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> Any:
        if self.estimator is not None:
            return clone(self.estimator).fit(Xs, ys)
        kept = subsample(len(ys), self.max_samples, rng)
        return self._fit_process(Xs[kept], ys[kept], rng)

    def _start(self, model: Any) -> None:
        self.scale_, self.residual_ = 1.0, None

    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None:
        if len(rows) == 0:
            return
        X = Xt[rows]
        mean, _ = self._source_prediction(X, False)
        if self.fit_scale:
            self.scale_ = prior_scale(mean, yt)
        self.residual_ = self._fit_process(X, yt - self.scale_ * mean, rng)

    def _predict(self, X: Any) -> NDArray[np.float64]:
        mean = self.scale_ * self._source_prediction(X, False)[0]
        return mean if self.residual_ is None else mean + self.residual_.predict(X)

    def _source_prediction(
        self, X: NDArray[np.float64], return_std: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if return_std and isinstance(self.source_estimator_, GaussianProcessRegressor):
            return self.source_estimator_.predict(X, return_std=True)
        return np.asarray(self.source_estimator_.predict(X), dtype=np.float64).ravel(), np.zeros(len(X))

    def _fit_process(self, X: Any, y: Any, rng: np.random.RandomState) -> GaussianProcessRegressor:
        return fit_process(X, y, self.gp_kernel, self.n_restarts_optimizer, rng.randint(2**31 - 1))
