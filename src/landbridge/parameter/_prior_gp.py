"""Gaussian process with a source prior: model what the source model leaves over on the labelled target rows."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Kernel, WhiteKernel
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import TransferEstimator, TransferTags, split_labelled
from landbridge.numerics.resampling import subsample

__all__ = ["SourcePriorGP", "prior_scale"]


def prior_scale(source_mean: NDArray[np.float64], y: NDArray[np.float64], prior_rows: float = 10.0) -> float:
    r"""Scale of the source's prediction in the target, drawn towards one (equation (1) of [1]_ is its model).

    .. math:: \rho = \arg\min_r \sum_i (y_i - \bar y - r (m_i - \bar m))^2 + \nu \, \mathrm{Var}(m) \, (r - 1)^2

    Parameters
    ----------
    source_mean : ndarray of shape (n,)
        The source model's predictions ``m``.
    y : ndarray of shape (n,)
        Values in the target.
    prior_rows : float, default=10.0
        ``ν``: how many rows the prior belief in one is worth.

    Returns
    -------
    float

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
    prior = prior_rows * spread / len(m)
    return float((m @ r + prior) / (spread + prior))


class SourcePriorGP(RegressorMixin, TransferEstimator):
    """Gaussian process regression whose prior mean is the source model's prediction.

    The target is modelled as ``y = ρ f_S(x) + δ(x)``: a scaled source model and a Gaussian process for the difference,
    learned from the labelled target rows. Far from them the prediction goes back to the source's.

    Parameters
    ----------
    kernel : Kernel, optional
        Kernel of the difference, and of the source process learned here; left out, constant times RBF plus noise.
    estimator : regressor, optional
        The source model; a Gaussian process if left out. A fitted one in :class:`sklearn.frozen.FrozenEstimator` is
        taken as it is.
    fit_scale : bool, default=True
        Learn ``ρ``, drawn towards one; False takes one.
    n_restarts : int, default=2
        Further starts when the kernels' parameters are learned.
    max_samples : int or None, default=1000
        Largest number of source rows for the source process, whose cost is cubic; more are drawn at random.
    random_state : int, RandomState or None, default=None
        Draws rows and restarts.

    Attributes
    ----------
    estimator_ : regressor
        The source model.
    scale_ : float
        ``ρ``.
    residual_ : GaussianProcessRegressor or None
        The process of the difference; None where no target row is labelled.

    Notes
    -----
    Helps when the target is the source plus a smooth difference and a handful of rows is labelled; says how sure it
    is. Hurts when source and target have nothing in common, because the source's shape is then noise. Scale the
    columns before.

    Time O(min(n_s, max_samples)³ + n³) for n labelled target rows, memory O(min(n_s, max_samples)² + n²).

    References
    ----------
    .. [1] M. C. Kennedy, A. O'Hagan. Predicting the output from a complex computer code when fast approximations are
       available. Biometrika 87(1), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import SourcePriorGP
    >>> X = np.linspace(0.0, 6.0, 40)[:, None]
    >>> model = SourcePriorGP(random_state=0)
    >>> told = np.where(np.arange(40) % 10 == 0, np.sin(X[:, 0]) + 1.0, np.nan)
    >>> model = model.fit(X, np.sin(X[:, 0]), X_target=X, y_target=told)
    >>> bool(np.abs(model.predict(X) - np.sin(X[:, 0]) - 1.0).max() < 0.1)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"regression"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(min(n_s, max_samples)³ + n³), memory O(min(n_s, max_samples)² + n²), n labelled target rows",
        reference="Kennedy, O'Hagan: Predicting the output from a complex computer code. Biometrika 87(1), 2000",
    )
    _parameter_constraints = {
        "kernel": [Kernel, None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "fit_scale": ["boolean"],
        "n_restarts": [Interval(Integral, 0, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        kernel: Any = None,
        *,
        estimator: Any = None,
        fit_scale: bool = True,
        n_restarts: int = 2,
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.kernel = kernel
        self.estimator = estimator
        self.fit_scale = fit_scale
        self.n_restarts = n_restarts
        self.max_samples = max_samples
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the source model, then the difference on the labelled target rows.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source values.
        X_target : array-like of shape (n_target, n_features), optional
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Values of some target rows, NaN elsewhere. Without any, the model is the source's.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(self.random_state)
        ys = read.ys.astype(np.float64)
        if self.estimator is None:
            kept = subsample(len(ys), self.max_samples, rng)
            self.estimator_ = self._process(read.Xs[kept], ys[kept], rng)
        else:
            self.estimator_ = clone(self.estimator).fit(read.Xs, ys)
        self._adapt(read.Xt[read.rows], read.yt, rng)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Go from the source model to a target, without the source's rows; always starts from the source model.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Values of some target rows, NaN elsewhere. Without any, the model is the source's.

        Returns
        -------
        self
        """
        first = not hasattr(self, "estimator_")
        if first:
            if self.estimator is None:
                check_is_fitted(self, "estimator_")
            self.estimator_ = self.estimator
        X = self._read_target(X_target, reset=first)
        rows, values = split_labelled(y_target, X.shape[0])
        self._adapt(X[rows], values, check_random_state(self.random_state))
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the values of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.
        return_std : bool, default=False
            Also return the standard deviation; the source's part counts where the source model gives one.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
        std : ndarray of shape (n_samples,), only with `return_std`
        """
        X = self._read_rows(X)
        mean, deviation = self._source(X, return_std)
        mean, variance = self.scale_ * mean, (self.scale_ * deviation) ** 2
        if self.residual_ is None:
            return (mean, np.sqrt(variance)) if return_std else mean
        if not return_std:
            return mean + self.residual_.predict(X)
        extra, extra_deviation = self.residual_.predict(X, return_std=True)
        return mean + extra, np.sqrt(variance + extra_deviation**2)

    def _adapt(self, X: NDArray[np.float64], values: NDArray[Any], rng: np.random.RandomState) -> None:
        self.scale_, self.residual_ = 1.0, None
        if len(X) == 0:
            return
        y = values.astype(np.float64)
        mean, _ = self._source(X, False)
        if self.fit_scale:
            self.scale_ = prior_scale(mean, y)
        self.residual_ = self._process(X, y - self.scale_ * mean, rng)

    def _source(self, X: NDArray[np.float64], return_std: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if return_std and isinstance(self.estimator_, GaussianProcessRegressor):
            return self.estimator_.predict(X, return_std=True)
        return np.asarray(self.estimator_.predict(X), dtype=np.float64).ravel(), np.zeros(len(X))

    def _process(self, X: Any, y: Any, rng: np.random.RandomState) -> GaussianProcessRegressor:
        kernel = self.kernel
        if kernel is None:
            kernel = ConstantKernel(1.0, (1e-4, 1e4)) * RBF(1.0, (1e-2, 1e3)) + WhiteKernel(1e-2, (1e-8, 1e1))
        process = GaussianProcessRegressor(
            clone(kernel),
            normalize_y=True,
            n_restarts_optimizer=self.n_restarts,
            random_state=rng.randint(2**31 - 1),
        )
        with warnings.catch_warnings():
            if self.kernel is None:  # our bounds are wide on purpose: to end at one is an answer
                warnings.simplefilter("ignore", ConvergenceWarning)
            return process.fit(X, y)
