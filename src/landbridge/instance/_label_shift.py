"""Label shift: reweight source samples by class, with class shares of the target estimated by a classifier."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.numerics.label_shift import bbse_priors, em_priors
from landbridge.numerics.resampling import balanced_folds

__all__ = ["BBSE", "MLLS", "calibrate", "fit_calibration"]


def fit_calibration(
    proba: NDArray[np.float64], codes: NDArray[np.intp], *, bias: bool = True
) -> tuple[float, NDArray[np.float64]]:
    r"""Fit bias-corrected temperature scaling on held-out predictions, section 2.2 of [1]_.

    .. math:: \tilde p(c \mid x) \propto \exp\bigl(s \log p(c \mid x) + b_c\bigr)

    by maximum likelihood, which is convex in the slope :math:`s = 1/T` and the biases :math:`b`.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Held-out class probabilities.
    codes : ndarray of int, shape (n_samples,)
        Class codes of the true labels.
    bias : bool, default=True
        Whether to fit the biases. If False, plain temperature scaling.

    Returns
    -------
    slope : float
        Inverse temperature.
    intercept : ndarray of shape (n_classes,)
        Biases; zero without `bias`.

    References
    ----------
    .. [1] A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected calibration is
       hard-to-beat at label shift adaptation. ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import fit_calibration
    >>> proba = np.repeat([[0.99, 0.01], [0.01, 0.99]], 100, axis=0)
    >>> codes = np.repeat([0, 1, 1, 0], [90, 10, 90, 10])
    >>> round(fit_calibration(proba, codes)[0], 2)
    0.48
    """
    logits = _logits(proba)
    n, k = logits.shape
    hot = np.zeros((n, k))
    hot[np.arange(n), codes] = 1.0

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = w[0] * logits + w[1:]
        rest = softmax(scores, axis=1) - hot
        # a small L2 penalty keeps the slope finite if the held-out predictions are perfect
        ridge = 1e-6 * float((w[0] - 1.0) ** 2 + w[1:] @ w[1:])
        value = -float(log_softmax(scores, axis=1)[np.arange(n), codes].mean()) + ridge
        slope = float((rest * logits).sum()) / n + 2e-6 * (w[0] - 1.0)
        intercept = rest.mean(axis=0) + 2e-6 * w[1:] if bias else np.zeros(k)
        return value, np.concatenate([[slope], intercept])

    bounds = [(1e-3, 1e3), *[(None, None)] * k]
    w = minimize(loss, np.concatenate([[1.0], np.zeros(k)]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(w[0]), w[1:]


def calibrate(proba: NDArray[np.float64], slope: float, intercept: NDArray[np.float64]) -> NDArray[np.float64]:
    """Calibrate class probabilities with the result of :func:`fit_calibration`.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities.
    slope : float
        Inverse temperature.
    intercept : ndarray of shape (n_classes,)
        Biases.

    Returns
    -------
    calibrated : ndarray of shape (n_samples, n_classes)
        Calibrated class probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import calibrate
    >>> calibrate(np.array([[0.8, 0.2]]), 0.5, np.zeros(2)).round(3).tolist()
    [[0.667, 0.333]]
    """
    return softmax(slope * _logits(proba) + intercept, axis=1)


class BBSE(InstanceTransfer):
    """BBSE: reweight source samples by class, with target class shares from a confusion matrix (label shift).

    Black-box shift estimation.

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    shift_classifier : classifier, default=None
        Classifier whose confusion matrix is used; with ``predict_proba`` if `soft` is True. If None, logistic
        regression on standardised features.
    soft : bool, default=False
        Whether to use mean probabilities instead of counts of predicted classes, which reduces the variance.
    cv : int, default=5
        Number of folds of the source for the held-out predictions of the confusion matrix.
    random_state : int, RandomState instance or None, default=None
        Draws the folds.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : classifier
        Fitted base learner.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    source_priors_ : ndarray of shape (n_classes,)
        Class shares of the source.
    target_priors_ : ndarray of shape (n_classes,)
        Estimated class shares of the target.
    confusion_ : ndarray of shape (n_classes, n_classes)
        Joint shares of predicted class (first axis) and true class (second axis) on held-out samples.
    shift_classifier_ : classifier
        Classifier fitted on all source samples.

    Notes
    -----
    For label shift: the distribution of each class is the same in both domains, only the class shares differ. The
    classifier need not be calibrated, but its confusion matrix must be invertible. Wrong if the distribution of a class
    differs.

    Time and memory are those of ``cv + 1`` fits of the classifier.

    References
    ----------
    .. [1] Z. Lipton, Y.-X. Wang, A. Smola. Detecting and correcting for label shift with black box predictors.
       ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import BBSE
    >>> rng = np.random.default_rng(0)
    >>> y, y_target = rng.binomial(1, 0.2, 1000), rng.binomial(1, 0.8, 1000)
    >>> X, X_target = rng.normal(4.0 * y)[:, None], rng.normal(4.0 * y_target)[:, None]
    >>> bool(abs(BBSE(random_state=0).fit(X, y, X_target=X_target).target_priors_[1] - 0.8) < 0.05)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"label"}),
        growth="time and memory of cv + 1 fits of a classifier",
        reference="Lipton, Wang, Smola: Detecting and correcting for label shift with black box predictors. ICML 2018",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "shift_classifier": [HasMethods(["fit", "predict"]), None],
        "soft": ["boolean"],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        shift_classifier: Any = None,
        soft: bool = False,
        cv: int = 5,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.shift_classifier = shift_classifier
        self.soft = soft
        self.cv = cv
        self.random_state = random_state

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        classes, codes = np.unique(ys, return_inverse=True)
        self.shift_classifier_ = _new_classifier(self.shift_classifier).fit(Xs, ys)
        held_out = _cross_predict(self.shift_classifier, Xs, ys, classes, codes, self.cv, self.random_state, self.soft)
        hot = np.eye(len(classes))[codes]
        self.confusion_ = held_out.T @ hot / len(codes)
        self.source_priors_ = hot.mean(axis=0)
        mean = _predict(self.shift_classifier_, Xt, classes, self.soft).mean(axis=0)
        self.target_priors_ = bbse_priors(self.confusion_, mean)
        return (self.target_priors_ / self.source_priors_)[codes]


class MLLS(InstanceTransfer):
    """MLLS: reweight source samples by class, with target class shares by maximum likelihood (label shift, EM).

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    shift_classifier : classifier, default=None
        Classifier whose class probabilities define the likelihood; with ``predict_proba``. If None, logistic
        regression on standardised features.
    calibration : {"bcts", "temperature"} or None, default="bcts"
        Calibration of the probabilities on held-out source samples: bias-corrected temperature scaling or temperature
        scaling. If None, there is none. Wrong probabilities bias the estimate.
    cv : int, default=5
        Number of folds of the source for the held-out predictions.
    random_state : int, RandomState instance or None, default=None
        Draws the folds.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : classifier
        Fitted base learner.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    source_priors_ : ndarray of shape (n_classes,)
        Class shares of the source.
    target_priors_ : ndarray of shape (n_classes,)
        Estimated class shares of the target.
    slope_ : float
        Inverse temperature.
    intercept_ : ndarray of shape (n_classes,)
        Biases of the calibration.
    shift_classifier_ : classifier
        Classifier fitted on all source samples.

    Notes
    -----
    For label shift: the distribution of each class is the same in both domains, only the class shares differ. With
    calibrated probabilities it has less variance than :class:`BBSE`. Wrong if the distribution of a class differs.

    Time and memory are those of ``cv + 1`` fits of the classifier; the iterations of EM take O(n_t n_classes) each.

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
       probabilities. Neural Computation 14, 2002.
    .. [2] A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected calibration is
       hard-to-beat at label shift adaptation. ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import MLLS
    >>> rng = np.random.default_rng(0)
    >>> y, y_target = rng.binomial(1, 0.2, 1000), rng.binomial(1, 0.8, 1000)
    >>> X, X_target = rng.normal(4.0 * y)[:, None], rng.normal(4.0 * y_target)[:, None]
    >>> bool(abs(MLLS(random_state=0).fit(X, y, X_target=X_target).target_priors_[1] - 0.8) < 0.05)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"label"}),
        growth="time and memory of cv + 1 fits of a classifier",
        reference="Saerens, Latinne, Decaestecker: Adjusting the outputs of a classifier to new a priori "
        "probabilities. Neural Computation 14, 2002",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "shift_classifier": [HasMethods(["fit", "predict_proba"]), None],
        "calibration": [StrOptions({"bcts", "temperature"}), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        shift_classifier: Any = None,
        calibration: str | None = "bcts",
        cv: int = 5,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.shift_classifier = shift_classifier
        self.calibration = calibration
        self.cv = cv
        self.random_state = random_state

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        classes, codes = np.unique(ys, return_inverse=True)
        self.shift_classifier_ = _new_classifier(self.shift_classifier).fit(Xs, ys)
        proba = _predict(self.shift_classifier_, Xt, classes, soft=True)
        self.source_priors_ = np.bincount(codes) / len(codes)
        self.slope_, self.intercept_ = 1.0, np.zeros(len(classes))
        if self.calibration is not None:
            held_out = _cross_predict(self.shift_classifier, Xs, ys, classes, codes, self.cv, self.random_state, True)
            self.slope_, self.intercept_ = fit_calibration(held_out, codes, bias=self.calibration == "bcts")
            proba = calibrate(proba, self.slope_, self.intercept_)
        self.target_priors_ = em_priors(proba, self.source_priors_)
        return (self.target_priors_ / self.source_priors_)[codes]


def _logits(proba: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.clip(proba, 1e-12, None))


def _new_classifier(classifier: Any) -> Any:
    if classifier is None:
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return clone(classifier)


def _predict(model: Any, X: Any, classes: NDArray[Any], soft: bool) -> NDArray[np.float64]:
    """Return probabilities or one-hot predictions for every class of the source."""
    out = np.zeros((len(X), len(classes)))
    if soft:
        out[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(X)
    else:
        out[np.arange(len(X)), np.searchsorted(classes, model.predict(X))] = 1.0
    return out


def _cross_predict(
    classifier: Any, X: Any, y: Any, classes: Any, codes: Any, cv: int, random_state: Any, soft: bool
) -> NDArray[np.float64]:
    """Compute held-out predictions for every source sample; classes may have few samples."""
    folds = balanced_folds(codes, min(cv, len(codes)), check_random_state(random_state))
    out = np.empty((len(codes), len(classes)))
    for fold in np.unique(folds):
        rows = folds == fold
        if len(np.unique(codes[~rows])) < 2:
            # one class only: the class shares are the prediction
            out[rows] = np.bincount(codes[~rows], minlength=len(classes)) / max((~rows).sum(), 1)
            continue
        out[rows] = _predict(_new_classifier(classifier).fit(X[~rows], y[~rows]), X[rows], classes, soft)
    return out
