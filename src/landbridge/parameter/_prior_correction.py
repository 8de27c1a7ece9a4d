"""Label-shift correction of a fitted model's probabilities, without source samples."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.base import ClassifierMixin

from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import TransferTags
from landbridge.exceptions import InputError
from landbridge.parameter._fitted_source import _FromFittedSource, call_source, check_kind, class_codes
from landbridge.parameter._source_statistics import SourceFeatures, class_shares, penalised_logistic, source_features

__all__ = ["PriorCorrection", "log_ratio_from_means", "log_ratio_from_shares", "score_calibration"]

SMALLEST = 1e-9


def log_ratio_from_shares(
    log_proba: NDArray[np.float64], source_priors: NDArray[np.float64], prior_strength: float = 1.0
) -> NDArray[np.float64]:
    r"""Estimate how class shares changed, from probabilities on the target and the known shares of the source.

    Maximises the likelihood that the EM algorithm of [1]_ maximises, with a Gaussian prior on the log ratios
    :math:`s_c = \log \pi_T(c) / \pi_S(c)` that keeps few target samples from being conclusive:

    .. math:: \max_s \sum_i \log \sum_c p_S(c \mid x_i) e^{s_c} - n \log \sum_c \pi_S(c) e^{s_c}
        - \tfrac{\lambda}{2} \lVert s \rVert^2

    Parameters
    ----------
    log_proba : ndarray of shape (n_target, n_classes)
        Logarithms of the source model's class probabilities.
    source_priors : ndarray of shape (n_classes,)
        Class shares under which these probabilities hold.
    prior_strength : float, default=1.0
        ``λ``; 0 is maximum likelihood.

    Returns
    -------
    ndarray of shape (n_classes,)
        Log ratios, up to a constant; with a prior their mean is zero.

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
       probabilities. Neural Computation 14, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import log_ratio_from_shares
    >>> proba = np.repeat([[0.99, 0.01], [0.01, 0.99]], [20, 80], axis=0)
    >>> s = log_ratio_from_shares(np.log(proba), np.array([0.8, 0.2]))
    >>> bool(abs(s[1] - s[0] - np.log(16)) < 0.3)
    True
    """
    n = len(log_proba)
    with np.errstate(divide="ignore"):
        log_source = np.log(source_priors)

    def loss(s: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = log_proba + s
        value = n * logsumexp(log_source + s) - logsumexp(scores, axis=1).sum() + 0.5 * prior_strength * float(s @ s)
        slope = n * softmax(log_source + s) - softmax(scores, axis=1).sum(axis=0) + prior_strength * s
        return value / n, slope / n

    found = minimize(loss, np.zeros(log_proba.shape[1]), jac=True, method="L-BFGS-B", options={"gtol": 1e-8})
    return found.x - found.x.mean()


def log_ratio_from_means(
    log_proba: NDArray[np.float64],
    H: NDArray[np.float64],
    covariance: Any,
    prior_strength: float = 1.0,
) -> NDArray[np.float64]:
    r"""Estimate how class shares changed, from features whose source means are known.

    Under label shift the source density is the target density times :math:`w(x) \propto 1 / \sum_c p_S(c \mid x)
    e^{s_c}`. The log ratios are those whose weights give the features their source mean:

    .. math:: \min_s m(s)^\top V^{-1} m(s) + \lambda \lVert s \rVert^2, \qquad m(s) = \mathbb{E}_{T, w} h(x)

    No class share is needed; those of the source follow as the weighted mean of the probabilities.

    Parameters
    ----------
    log_proba : ndarray of shape (n_target, n_classes)
        Logarithms of the source model's class probabilities.
    H : ndarray of shape (n_target, n_moments)
        Features with mean zero over the source samples.
    covariance : callable
        Takes weights of the target samples, returns the covariance ``V`` of the weighted mean.
    prior_strength : float, default=1.0
        ``λ``.

    Returns
    -------
    ndarray of shape (n_classes,)
        Log ratios with mean zero.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import log_ratio_from_means
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-1.0, size=200), rng.normal(1.0, size=800)])  # source: half and half
    >>> log_proba = -np.log1p(np.exp(np.column_stack([2 * x, -2 * x])))
    >>> s = log_ratio_from_means(log_proba, x[:, None], lambda w: np.array([[0.003]]))
    >>> bool(abs(s[1] - s[0] - np.log(4)) < 0.3)
    True
    """
    s = np.zeros(log_proba.shape[1])
    for _ in range(3):  # the covariance is taken at the estimate before
        values, vectors = np.linalg.eigh(covariance(source_weights(log_proba, s)))
        whitening = vectors / np.sqrt(np.maximum(values, 1e-12 * max(values.max(), 1e-12)))

        def residuals(s: NDArray[np.float64], whitening: NDArray[np.float64] = whitening) -> NDArray[np.float64]:
            return np.append((source_weights(log_proba, s) @ H) @ whitening, np.sqrt(prior_strength) * s)

        new = least_squares(residuals, s, method="trf").x
        moved, s = np.abs(new - s).max(), new
        if moved < 1e-3:
            break
    return s - s.mean()


def source_weights(log_proba: NDArray[np.float64], log_ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight target samples so that they follow the source distribution, under label shift.

    Parameters
    ----------
    log_proba : ndarray of shape (n_target, n_classes)
        Logarithms of the source model's class probabilities.
    log_ratio : ndarray of shape (n_classes,)
        Logarithms of target share over source share, up to a constant.

    Returns
    -------
    ndarray of shape (n_target,)
        Weights that sum to one.
    """
    return softmax(-logsumexp(log_proba + log_ratio, axis=1))


def score_calibration(
    log_proba: NDArray[np.float64], Z: NDArray[np.float64], n_source: int, model: Any, H: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    r"""Calibrate a penalised logistic regression from the equations that its fit solved on the source samples.

    At the optimum, source samples satisfy :math:`\sum_i (y_i - p_i) = 0` and
    :math:`\sum_i (y_i - p_i) t_i = \lVert W \rVert^2 / C` for scores t. Calibrated probabilities
    :math:`q \propto \exp(a t + b)` have the same sums as the labels, less the optimism of the fit (its effective
    degrees of freedom). Source sums are those of the target samples, weighted under label shift.

    Parameters
    ----------
    log_proba : ndarray of shape (n_target, n_classes)
        Logarithms of the class probabilities.
    Z : ndarray of shape (n_target, n_features)
        Target samples as the logistic regression receives them.
    n_source : int
        Number of source samples.
    model : LogisticRegression
        Fitted with an L2 penalty or none.
    H : ndarray of shape (n_target, n_moments)
        Features with mean zero over the source samples.

    Returns
    -------
    slope : float
        ``a``; 1 where the equations have no solution.
    intercept : ndarray of shape (n_classes,)
        ``b``.
    """
    k = log_proba.shape[1]
    proba = np.exp(log_proba)
    C = float(model.C) if model.penalty is not None else np.inf
    W = model.coef_
    scale = np.sqrt(np.maximum((H**2).mean(axis=0), 1e-12))
    scores = log_proba - log_proba.mean(axis=1, keepdims=True)
    spread = max(float(scores.std()), 1e-6)
    centring = np.eye(k)[:, 1:] - 1.0 / k

    def unpack(theta: NDArray[np.float64]) -> tuple[float, NDArray, NDArray, NDArray]:
        slope, intercept, ratio = np.exp(theta[0]), centring @ theta[1:k], centring @ theta[k:]
        log_q = log_softmax(slope * log_proba + intercept, axis=1)
        return slope, intercept, np.exp(log_q), source_weights(log_q, ratio)

    def equations(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        _, _, q, w = unpack(theta)
        fitted = (float((W**2).sum()) / C - _degrees_of_freedom(Z, proba, w * n_source, C, len(W))) / n_source
        gap = w @ ((q - proba) * scores).sum(axis=1) - fitted
        return np.concatenate([[gap / spread], w @ (q - proba)[:, 1:], (w @ H) / scale])

    limit = np.concatenate([[np.log(4.0)], np.full(2 * k - 2, 8.0)])
    found = least_squares(equations, np.zeros(2 * k - 1), bounds=(-limit, limit), diff_step=1e-5, max_nfev=60)
    slope, intercept, _, w = unpack(found.x)
    if not np.isfinite(found.x).all() or np.abs(found.fun[1:]).max(initial=0.0) > 0.05 or (w**2).sum() * 10 > 1:
        return 1.0, np.zeros(k)
    return float(slope), intercept


def _degrees_of_freedom(
    Z: NDArray[np.float64], proba: NDArray[np.float64], weight: NDArray[np.float64], C: float, n_vectors: int
) -> float:
    """Effective number of coefficients of a penalised logistic regression."""
    d = Z.shape[1]
    p = proba[:, 1:] if n_vectors == 1 else proba
    hessian = np.empty((n_vectors * d, n_vectors * d))
    for a in range(n_vectors):
        for b in range(n_vectors):
            curvature = weight * p[:, a] * ((a == b) - p[:, b])
            hessian[a * d : (a + 1) * d, b * d : (b + 1) * d] = (Z * curvature[:, None]).T @ Z
    values = np.maximum(np.linalg.eigvalsh(hessian), 0.0)
    return float((values / (values + max(1.0 / C, 1e-9))).sum())


class PriorCorrection(ClassifierMixin, _FromFittedSource):
    """Label-shift correction of a fitted classifier: adapt its probabilities to the class shares of the target.

    Class shares of the target are estimated from the model's probabilities on unlabelled target samples, and the
    probabilities are corrected by Bayes' rule. No source samples are needed.

    Parameters
    ----------
    source_estimator : classifier, optional
        Fitted, with ``predict_proba``; clones share it. If None, `estimator` is fitted on the source samples.
    estimator : classifier, optional
        Unfitted; used where `source_estimator` is None. If None, logistic regression on standardised features.
    source_priors : array-like of shape (n_classes,), optional
        Class shares under which the model's probabilities hold, in the order of ``classes_``: those of the source
        samples, or equal shares with ``class_weight="balanced"``. If None, they are derived; see Notes.
    prior_strength : float, default=1.0
        Weight of the squared log ratios of class shares; the larger, the nearer to the source. 1 is a Gaussian
        prior with standard deviation one.
    calibrate : bool, default=True
        Calibrate a logistic regression that follows a ``StandardScaler`` from the equations that its fit solved. Other
        models are taken to be calibrated.
    check_shift : bool, default=True
        Where the model stores feature means of the source (in a scaler, in naive Bayes, in the nodes of trees), measure
        how far they moved in ways that class shares do not explain, and shrink the correction accordingly: to nothing
        where class shares explain nothing.

    Attributes
    ----------
    source_estimator_ : classifier
        The source model.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source model.
    source_priors_, target_priors_ : ndarray of shape (n_classes,)
        Class shares of the source and of the target.
    priors_from_ : {"parameter", "model", "features", "labels"}
        What the source's shares were derived from.
    log_ratio_ : ndarray of shape (n_classes,)
        What is added to log-probabilities, with mean zero.
    slope_, intercept_ : float, ndarray of shape (n_classes,)
        Calibration of the log-probabilities.
    explained_shift_ : float or None
        Share of the difference of feature means that class shares explain, from 0 to 1; small means that label shift
        is not what happened. None where the model stores no feature means, or no difference is to be seen.

    Notes
    -----
    Assumes label shift: the features of each class have the same distribution in both domains. Hurts otherwise, above
    all where `check_shift` has nothing to check. It also assumes calibrated probabilities.

    Source class shares come from `source_priors`; else from what the model stores (naive Bayes, discriminant analysis,
    trees, gradient boosting, nearest neighbours); else from feature means in a ``StandardScaler``, ``PowerTransformer``
    or ``PCA`` of its pipeline; else from labelled target samples of every class. Probabilities on unlabelled target
    samples alone do not identify them: for every source share there is a target share that fits as well. Target labels
    serve this purpose only; use :class:`Recalibration` to learn from them, before or after.

    Time O(n K) an iteration for n target samples and K classes, plus O(n d² K²) with `calibrate` for d features;
    memory O(n (d + K)).

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
       probabilities. Neural Computation 14, 2002.
    .. [2] A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected calibration is
       hard-to-beat at label shift adaptation. ICML 2020.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import PriorCorrection
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> source, target = make_shift("label", noise=1.2, random_state=0)
    >>> fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(source.X, source.y)
    >>> model = PriorCorrection(fitted).adapt(target.X)
    >>> model.source_priors_.round(1).tolist(), model.target_priors_.round(1).tolist()
    ([0.8, 0.2], [0.2, 0.8])
    >>> bool(model.score(target.X, target.y) > fitted.score(target.X, target.y) + 0.05)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"label"}),
        source_free=True,
        growth="time O(n K) an iteration, plus O(n d² K²) for the calibration, memory O(n (d + K)), n target samples",
        reference="Saerens, Latinne, Decaestecker: Adjusting the outputs of a classifier to new a priori "
        "probabilities. Neural Computation 14, 2002",
    )
    _parameter_constraints = {
        "source_estimator": [HasMethods(["fit"]), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "source_priors": ["array-like", None],
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "calibrate": ["boolean"],
        "check_shift": ["boolean"],
    }

    def __init__(
        self,
        source_estimator: Any = None,
        *,
        estimator: Any = None,
        source_priors: Any = None,
        prior_strength: float = 1.0,
        calibrate: bool = True,
        check_shift: bool = True,
    ) -> None:
        self.source_estimator = source_estimator
        self.estimator = estimator
        self.source_priors = source_priors
        self.prior_strength = prior_strength
        self.calibrate = calibrate
        self.check_shift = check_shift

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            The most probable classes.
        """
        X = self._samples(X)
        if self.slope_ == 1.0 and not self.intercept_.any() and not self.log_ratio_.any():
            return call_source(self.source_estimator_, "predict", X)
        return self.classes_[np.argmax(self._scores(self._log_proba(X)), axis=1)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities under the class shares of the target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return softmax(self._scores(self._log_proba(self._samples(X))), axis=1)

    def _log_proba(self, X: Any) -> NDArray[np.float64]:
        proba = call_source(self.source_estimator_, "predict_proba", X)
        return np.log(np.clip(proba, SMALLEST, None))

    def _scores(self, log_proba: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.slope_ * log_proba + self.intercept_ + self.log_ratio_

    def _adapt(self, X: Any, rows: NDArray[np.intp], labels: NDArray[Any]) -> None:
        model = self.source_estimator_
        check_kind(model, classification=True, method="PriorCorrection")
        if not hasattr(model, "predict_proba"):
            raise InputError(
                f"source_estimator={type(model).__name__} has no predict_proba, which PriorCorrection needs; wrap it "
                "in CalibratedClassifierCV before it is fitted, or use Recalibration."
            )
        codes, k = class_codes(self.classes_, labels), len(self.classes_)
        self.slope_, self.intercept_, self.log_ratio_ = 1.0, np.zeros(k), np.zeros(k)
        self.explained_shift_: float | None = None
        log_proba = log_softmax(self._log_proba(X), axis=1)
        features = source_features(model, X) if k > 1 else None
        moments = None if features is None else _moments(features, log_proba, penalised_logistic(model))
        if self.calibrate and features is not None and moments is not None:
            log_proba = self._calibrated(log_proba, features, moments[0])
        shares = self._shares(log_proba, features, codes, rows)
        if k == 1:
            self.source_priors_ = self.target_priors_ = np.ones(1)
            return
        if shares is not None:
            ratio = log_ratio_from_shares(log_proba, shares, self.prior_strength)
            if features is not None and moments is not None and self._checks(log_proba, moments[0]):
                self._other_shift(source_weights(log_proba, ratio), features, k)
                ratio = self._trust() * ratio
        else:
            # Without moments the samples are all alike and nothing can be learned from them.
            ratio = np.zeros(k)
            if features is not None and moments is not None:
                ratio = self._from_means(log_proba, features, moments)
            shares = source_weights(log_proba, ratio) @ np.exp(log_proba)
        self.log_ratio_ = ratio
        self.source_priors_ = shares
        self.target_priors_ = shares * np.exp(ratio) / (shares @ np.exp(ratio))

    def _shares(
        self, log_proba: Any, features: Any, codes: NDArray[np.intp], rows: NDArray[np.intp]
    ) -> NDArray[np.float64] | None:
        """Source class shares; None where they follow from the feature means."""
        k, model = len(self.classes_), self.source_estimator_
        if self.source_priors is not None:
            shares = np.asarray(self.source_priors, dtype=np.float64).ravel()
            if len(shares) != k or not np.isfinite(shares).all() or shares.min() <= 0:
                raise InputError(
                    f"source_priors must hold one positive share per class, in the order {self.classes_.tolist()}; got "
                    f"{np.asarray(self.source_priors).tolist()}."
                )
            self.priors_from_ = "parameter"
            return shares / shares.sum()
        stored = class_shares(model)
        if stored is None and self._counts is not None and len(self._counts) == k:
            stored = self._counts / self._counts.sum()
        if stored is not None:
            self.priors_from_ = "model"
            return np.maximum(stored, SMALLEST) / np.maximum(stored, SMALLEST).sum()
        if features is not None:
            self.priors_from_ = "features"
            return None
        if len(np.unique(codes)) == k:
            self.priors_from_ = "labels"
            return _shares_from_labels(log_proba[rows], codes, self.prior_strength)
        raise InputError(
            f"source_priors=None, but source_estimator={type(model).__name__} stores neither class shares nor feature "
            f"means: give source_priors, one share per class in the order {self.classes_.tolist()}, or label target "
            "samples of every class."
        )

    def _calibrated(
        self, log_proba: NDArray[np.float64], features: SourceFeatures, H: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        n = len(log_proba)
        logistic = penalised_logistic(self.source_estimator_)
        size = len(logistic.coef_) * features.Z.shape[1] if logistic is not None else 0
        if logistic is None or not features.direct or n < 20 or size > 500:
            return log_proba
        self.slope_, self.intercept_ = score_calibration(log_proba, features.Z, features.n_source, logistic, H)
        return log_softmax(self.slope_ * log_proba + self.intercept_, axis=1)

    def _from_means(self, log_proba: Any, features: SourceFeatures, moments: Any) -> NDArray[np.float64]:
        H, B = moments
        other = np.zeros((H.shape[1], H.shape[1]))

        def covariance(w: NDArray[np.float64]) -> NDArray[np.float64]:
            # The unit variances of the source count as ten samples, so that two samples alike are not conclusive.
            size = 1.0 / float((w**2).sum())
            spread = (size * _covariance(H, w) + 10.0 * B.T @ B) / (size + 10.0)
            return _noise(w, features.n_source) * spread + other

        ratio = log_ratio_from_means(log_proba, H, covariance, self.prior_strength)
        if not self._checks(log_proba, H):
            return ratio
        amount, metric = self._other_shift(source_weights(log_proba, ratio), features, len(self.classes_))
        other = amount * B.T @ metric @ B
        if amount > 0:
            ratio = log_ratio_from_means(log_proba, H, covariance, self.prior_strength)
        return self._trust() * ratio

    def _checks(self, log_proba: NDArray[np.float64], H: NDArray[np.float64]) -> bool:
        """Whether feature means can be held against the correction: the features must carry the class scores."""
        if not self.check_shift or len(H) <= H.shape[1] + 1:
            return False
        scores = log_proba[:, 1:] - log_proba[:, :1]
        design = np.column_stack([np.ones(len(H)), H])
        rest = scores - design @ np.linalg.lstsq(design, scores, rcond=None)[0]
        return bool((rest**2).sum() < 0.5 * ((scores - scores.mean(axis=0)) ** 2).sum())

    def _trust(self) -> float:
        """Share of the correction to keep: all where class shares explain half of what moved, none where nothing."""
        return self._seen if self.explained_shift_ is None else min(1.0, 2.0 * self.explained_shift_)

    def _other_shift(
        self, w: NDArray[np.float64], features: SourceFeatures, k: int
    ) -> tuple[float, NDArray[np.float64]]:
        """Variance per direction of mean differences that class shares leave unexplained, and its metric."""
        Z, d = features.Z, features.Z.shape[1]
        even = np.full(len(Z), 1.0 / len(Z))
        covariance = _covariance(Z, w)
        metric = 0.5 * (covariance + np.eye(d))
        size = float(np.trace(np.linalg.solve(metric, covariance)))  # d, were the features uncorrelated

        def excess(v: NDArray[np.float64]) -> float:
            difference = v @ Z
            return float(difference @ np.linalg.solve(metric, difference)) - size * _noise(v, features.n_source)

        before, after = excess(even), excess(w)
        chance = np.sqrt(2.0 * size) * _noise(even, features.n_source)
        self._seen = float(np.clip(before / max(chance, 1e-300), 0.0, 1.0)) if d >= k else 1.0
        if before > chance and d >= k:
            self.explained_shift_ = float(np.clip(1.0 - after / before, 0.0, 1.0))
        # With fewer features than classes everything can be explained, and nothing is checked.
        return (max(after, 0.0) / max(size - k + 1, 1.0), metric) if d >= k else (0.0, metric)


def _moments(
    features: SourceFeatures, log_proba: NDArray[np.float64], logistic: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Linear functions of the features that stand for the class scores, with source mean zero, and their weights."""
    Z = features.Z
    varies = Z.std(axis=0) > 1e-9
    if not varies.any():
        return None
    if logistic is not None and features.direct:
        B = logistic.coef_.T if len(logistic.coef_) == 1 else (logistic.coef_[1:] - logistic.coef_[0]).T
        B = np.where(varies[:, None], B, 0.0)
    else:
        scores = log_proba[:, 1:] - log_proba[:, :1]
        centred = np.where(varies, Z - Z.mean(axis=0), 0.0)
        gram = centred.T @ centred + np.eye(Z.shape[1])
        B = np.linalg.solve(gram, centred.T @ (scores - scores.mean(axis=0)))
    H = Z @ B
    return (H, B) if (H.std(axis=0) > 1e-9).all() else None


def _covariance(Z: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = Z - w @ Z
    return (centred * w[:, None]).T @ centred


def _noise(w: NDArray[np.float64], n_source: int) -> float:
    return float((w**2).sum()) + 1.0 / n_source


def _shares_from_labels(
    log_proba: NDArray[np.float64], codes: NDArray[np.intp], prior_strength: float
) -> NDArray[np.float64]:
    """Source shares from labelled target samples, whose own shares say nothing (they may be drawn per class)."""
    n, k = log_proba.shape
    offset = np.log(np.bincount(codes, minlength=k) / n)
    hot = np.eye(k)[codes]

    def loss(v: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = log_proba + offset - v
        rest = softmax(scores, axis=1) - hot
        value = -float((log_softmax(scores, axis=1) * hot).sum()) + 0.5 * prior_strength * float(v @ v)
        return value, prior_strength * v - rest.sum(axis=0)

    return softmax(minimize(loss, np.zeros(k), jac=True, method="L-BFGS-B").x)
