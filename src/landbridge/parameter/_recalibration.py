"""Recalibration of a fitted model's predictions on a few labelled target samples."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import is_classifier
from sklearn.utils.metaestimators import available_if

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import TransferTags
from landbridge.exceptions import InputError
from landbridge.parameter._fitted_source import _FromFittedSource, call_source, class_codes

__all__ = ["Recalibration", "recalibration_map", "shift_and_scale"]

# Standard deviations of the prior of log slope and intercepts, all multiplied by one of WIDTHS.
SLOPE, INTERCEPT = 0.5, 1.0
WIDTHS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
# A half-Cauchy prior of the width, on a grid of equal steps of its logarithm.
WIDTH_SCALE = 0.4


def recalibration_map(
    log_proba: NDArray[np.float64], codes: NDArray[np.intp], *, method: str = "bcts", prior_strength: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Fit slopes and intercepts of log-probabilities with a Gaussian prior at the identity.

    .. math:: q(c \mid x) \propto \exp(a_c \log p(c \mid x) + b_c), \qquad
        \log a_c \sim \mathcal{N}(0, (\tau / 2)^2), \; b_c \sim \mathcal{N}(0, \tau^2)

    The width :math:`\tau` of the prior is averaged over, each value weighted by its evidence (Laplace's
    approximation), so that labels that agree with the model leave it as it is and others move it far.

    Parameters
    ----------
    log_proba : ndarray of shape (n_labelled, n_classes)
        Logarithms of the source model's class probabilities.
    codes : ndarray of int, shape (n_labelled,)
        Classes, as column numbers.
    method : {"temperature", "bcts", "vector"}, default="bcts"
        One slope; one slope and intercepts (Platt scaling for two classes); a slope and an intercept per class.
    prior_strength : float, default=1.0
        Multiplies the precision of the prior.

    Returns
    -------
    slope : ndarray of shape (n_classes,)
        ``a``.
    intercept : ndarray of shape (n_classes,)
        ``b``.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger. On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import recalibration_map
    >>> log_proba = np.log(np.repeat([[0.9, 0.1]], 40, axis=0))
    >>> slope, intercept = recalibration_map(log_proba, np.repeat([0, 1], 20))
    >>> proba = np.exp(slope * log_proba[0] + intercept)
    >>> bool(abs(proba[1] / proba.sum() - 0.5) < 0.1)
    True
    """
    k = log_proba.shape[1]
    logits = log_proba - log_proba.mean(axis=1, keepdims=True)
    hot = np.eye(k)[codes]
    n_slopes = k if method == "vector" else 1
    size = n_slopes + (0 if method == "temperature" else k)
    base = np.where(np.arange(size) < n_slopes, SLOPE, INTERCEPT) / np.sqrt(prior_strength)

    def loss(theta: NDArray[np.float64], deviation: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope = np.exp(theta[:n_slopes])
        scaled = slope * logits
        scores = scaled if size == n_slopes else scaled + theta[n_slopes:]
        rest = softmax(scores, axis=1) - hot
        value = -float((log_softmax(scores, axis=1) * hot).sum()) + 0.5 * float(((theta / deviation) ** 2).sum())
        by_class = (rest * scaled).sum(axis=0)
        parts = [by_class if n_slopes == k else [by_class.sum()]]
        parts += [] if size == n_slopes else [rest.sum(axis=0)]
        return value, np.concatenate(parts) + theta / deviation**2

    bounds = [(-5.0, 5.0)] * n_slopes + [(None, None)] * (size - n_slopes)
    found, evidence = [], []
    for width in WIDTHS:
        deviation = base * width
        theta = minimize(loss, np.zeros(size), args=(deviation,), jac=True, method="L-BFGS-B", bounds=bounds).x
        hessian = _hessian(loss, theta, deviation)
        # In units of the prior's deviation, so that its normalisation cancels.
        values = np.linalg.eigvalsh(hessian * np.outer(deviation, deviation))
        found.append(theta)
        log_prior = np.log(width) - np.log(WIDTH_SCALE**2 + width**2)
        evidence.append(log_prior - loss(theta, deviation)[0] - 0.5 * float(np.log(np.maximum(values, 1e-6)).sum()))
    theta = softmax(np.array(evidence)) @ np.array(found)
    slope = np.exp(theta[:n_slopes]) * np.ones(k)
    return slope, np.zeros(k) if size == n_slopes else theta[n_slopes:]


def _hessian(loss: Any, theta: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    step = 1e-4
    rows = []
    for i in range(len(theta)):
        offset = np.zeros(len(theta))
        offset[i] = step * max(deviation[i], 1e-3)
        up, down = loss(theta + offset, deviation)[1], loss(theta - offset, deviation)[1]
        rows.append((up - down) / (2 * offset[i]))
    hessian = np.array(rows)
    return 0.5 * (hessian + hessian.T)


def shift_and_scale(
    predictions: NDArray[np.float64], y: NDArray[np.float64], spread: float, prior_strength: float = 1.0
) -> tuple[float, float]:
    r"""Fit ``y ≈ shift + scale · prediction``, each as far as the labels bear it out (positive-part James-Stein).

    The mean residual and the slope of residuals on predictions are estimated by least squares and multiplied by
    :math:`\max(0, 1 - 3 \lambda / F)`, where F is the squared ratio of estimate and standard error.

    Parameters
    ----------
    predictions : ndarray of shape (n_labelled,)
        The source model's predictions.
    y : ndarray of shape (n_labelled,)
        Values in the target.
    spread : float
        Standard deviation of the predictions over the target; half of it is the prior guess of the residuals'
        standard deviation, worth two samples.
    prior_strength : float, default=1.0
        ``λ``.

    Returns
    -------
    shift, scale : float
        0 and 1 where the labels do not bear out a change.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import shift_and_scale
    >>> predictions = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    >>> shift, scale = shift_and_scale(predictions, 2 * predictions + 10, spread=1.5)
    >>> bool(abs(shift - 10) < 0.5), bool(abs(scale - 2) < 0.2)
    (True, True)
    """
    n = len(y)
    residual = y - predictions
    centre = float(predictions.mean())
    deviation = predictions - centre
    total = float(deviation @ deviation)
    mean = float(residual.mean())
    slope = float(deviation @ residual) / total if total > 1e-12 * max(spread**2, 1e-300) and n > 2 else 0.0
    rest = residual - mean - slope * deviation
    variance = (0.5 * spread**2 + float(rest @ rest)) / (2 + max(n - 2, 0))
    slope *= _kept(slope**2 * total, variance, prior_strength)
    mean *= _kept(mean**2 * n, variance, prior_strength)
    return mean - slope * centre, 1.0 + slope


def _kept(signal: float, variance: float, prior_strength: float) -> float:
    return 0.0 if signal <= 0 else max(0.0, 1.0 - 3.0 * prior_strength * variance / signal)


class Recalibration(_FromFittedSource):
    """Recalibrate a fitted model on a few labelled target samples (Platt, temperature or vector scaling).

    The class probabilities of a classifier get new slopes and intercepts, the predictions of a regressor a new scale
    and offset. All are drawn towards no change, so that a few labels do not hurt. No source samples are needed.

    Parameters
    ----------
    source_estimator : estimator, optional
        Fitted classifier or regressor; clones share it. If None, `estimator` is fitted on the source samples.
    estimator : estimator, optional
        Unfitted; used where `source_estimator` is None. If None, logistic regression on standardised features.
    method : {"temperature", "bcts", "vector"}, default="bcts"
        For classifiers: one slope; one slope and intercepts, which is Platt scaling for two classes; a slope and an
        intercept per class.
    prior_strength : float, default=1.0
        How strongly no change is preferred.

    Attributes
    ----------
    source_estimator_ : estimator
        The source model.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source model; classification only.
    slope_, intercept_ : ndarray of shape (n_classes,)
        What log-probabilities are multiplied by, and what is added; classification only.
    scale_, shift_ : float
        What predictions are multiplied by, and what is added; regression only.

    Notes
    -----
    Helps where the source model orders the target samples well but its threshold, its confidence or its scale is off:
    another base rate, another instrument, another price level. Without target labels it is the source model. Labels are
    taken as drawn at random: with equally many per class, probabilities move towards equal class shares. Hurts only
    where the labelled samples differ from the other target samples. A classifier without ``predict_proba`` is read by
    ``decision_function``, or by its predicted classes.

    With n labelled samples and K classes, time O(n K) an iteration and O(n K²) at the end (K³ to compare priors),
    memory O(n K).

    References
    ----------
    .. [1] J. Platt. Probabilistic outputs for support vector machines and comparisons to regularized likelihood
       methods. Advances in Large Margin Classifiers, 1999.
    .. [2] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger. On calibration of modern neural networks. ICML 2017.
    .. [3] A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected calibration is
       hard-to-beat at label shift adaptation. ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import Recalibration
    >>> from sklearn.linear_model import Ridge
    >>> X = np.arange(40.0)[:, None]
    >>> model = Recalibration(Ridge().fit(X, X[:, 0])).adapt(X[::8], 2 * X[::8, 0] + 100)
    >>> bool(abs(model.predict([[10.0]])[0] - 120) < 2)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        shifts=frozenset({"concept", "label"}),
        source_free=True,
        growth="time O(n K) an iteration and O(n K² + K³) at the end, memory O(n K), n labelled target samples",
        reference="Platt: Probabilistic outputs for SVMs. Advances in Large Margin Classifiers, 1999",
    )
    _parameter_constraints = {
        "source_estimator": [HasMethods(["fit"]), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "method": [StrOptions({"temperature", "bcts", "vector"})],
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        source_estimator: Any = None,
        *,
        estimator: Any = None,
        method: str = "bcts",
        prior_strength: float = 1.0,
    ) -> None:
        self.source_estimator = source_estimator
        self.estimator = estimator
        self.method = method
        self.prior_strength = prior_strength

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes or values of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            The most probable classes, or values.
        """
        X = self._samples(X)
        if not hasattr(self, "classes_"):
            return self.scale_ * self._values(X) + self.shift_
        if (self.slope_ == 1.0).all() and not self.intercept_.any():
            return call_source(self.source_estimator_, "predict", X)
        return self.classes_[np.argmax(self._scores(X), axis=1)]

    @available_if(lambda self: is_classifier(self._source()))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict recalibrated class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return softmax(self._scores(self._samples(X)), axis=1)

    def _adapt(self, X: Any, rows: NDArray[np.intp], labels: NDArray[Any]) -> None:
        if not hasattr(self, "classes_"):
            self.shift_, self.scale_ = 0.0, 1.0
            if len(rows):
                values, y = self._values(X), _numbers(labels)
                self.shift_, self.scale_ = shift_and_scale(values[rows], y, float(values.std()), self.prior_strength)
            return
        k = len(self.classes_)
        codes = class_codes(self.classes_, labels)
        self.slope_, self.intercept_ = np.ones(k), np.zeros(k)
        if len(rows) and k > 1:
            log_proba = log_softmax(self._logits(X), axis=1)[rows]
            self.slope_, self.intercept_ = recalibration_map(
                log_proba, codes, method=self.method, prior_strength=self.prior_strength
            )

    def _scores(self, X: Any) -> NDArray[np.float64]:
        logits = log_softmax(self._logits(X), axis=1)
        return self.slope_ * (logits - logits.mean(axis=1, keepdims=True)) + self.intercept_

    def _logits(self, X: Any) -> NDArray[np.float64]:
        model, k = self.source_estimator_, len(self.classes_)
        if hasattr(model, "predict_proba"):
            return np.log(np.clip(call_source(model, "predict_proba", X), 1e-9, None))
        if hasattr(model, "decision_function"):
            scores = call_source(model, "decision_function", X).astype(np.float64)
            if scores.ndim == 1:
                return np.column_stack([np.zeros(len(scores)), scores])
            if scores.shape[1] == k:
                return scores
        # Predicted classes only: as probable as nine to one.
        return np.log(9.0) * (call_source(model, "predict", X)[:, None] == self.classes_)

    def _values(self, X: Any) -> NDArray[np.float64]:
        values = call_source(self.source_estimator_, "predict", X).astype(np.float64)
        if values.ndim == 2 and values.shape[1] > 1:
            raise InputError(
                f"source_estimator={type(self.source_estimator_).__name__} predicts {values.shape[1]} values per "
                "sample; give a regressor of one value."
            )
        return values.ravel()


def _numbers(labels: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return labels.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise InputError("y_target holds text, but source_estimator is a regressor; give numbers.") from error
