"""Few-shot classification with a Gaussian prior on class means, learned from the source classes."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import Interval, _fit_context
from landbridge.base import TransferEstimator, TransferTags, split_labelled
from landbridge.exceptions import LabelError

__all__ = ["ClassAffinity", "class_affinity", "fit_class_mean_prior", "posterior_means"]


def class_affinity(responses: NDArray[np.float64], codes: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    r"""Compute the affinity of target classes to source classes: the mean source-class probabilities of their samples.

    .. math:: A_{ks} = \frac{1}{n_k} \sum_{i: y_i = k} p(s \mid x_i)

    Parameters
    ----------
    responses : ndarray of shape (n_samples, n_source_classes)
        Source-class probabilities of labelled target samples.
    codes : ndarray of int, shape (n_samples,)
        Target class of each sample; every class has a sample.
    n_classes : int
        Number of target classes.

    Returns
    -------
    ndarray of shape (n_classes, n_source_classes)
        Affinities; they sum to one over the source classes.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.relation import class_affinity
    >>> class_affinity(np.array([[0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]), np.array([0, 0, 1]), 2).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    sums = np.zeros((n_classes, responses.shape[1]))
    np.add.at(sums, codes, responses)
    return sums / np.bincount(codes, minlength=n_classes)[:, None]


def posterior_means(
    Z: NDArray[np.float64],
    codes: NDArray[np.intp],
    prior_means: NDArray[np.float64],
    prior_variances: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute posterior means and variances of class means under a Gaussian prior.

    For each feature j, with unit variance within classes:

    .. math:: m_{kj} = \mu_{kj} + \frac{n_k t_j}{1 + n_k t_j} (\bar z_{kj} - \mu_{kj}), \qquad
        v_{kj} = \frac{t_j}{1 + n_k t_j}

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Labelled target samples.
    codes : ndarray of int, shape (n_samples,)
        Class of each sample.
    prior_means : ndarray of shape (n_classes, n_features)
        ``μ``, prior means of the class means.
    prior_variances : ndarray of shape (n_features,)
        ``t``, prior variances of the class means.

    Returns
    -------
    means, variances : ndarray of shape (n_classes, n_features)
        Posterior means and variances.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.relation import posterior_means
    >>> m, v = posterior_means(np.array([[4.0], [6.0]]), np.array([0, 0]), np.array([[0.0], [1.0]]), np.array([0.5]))
    >>> m.tolist(), v.tolist()
    ([[2.5], [1.0]], [[0.25], [0.5]])
    """
    sums = np.zeros_like(prior_means)
    np.add.at(sums, codes, Z)
    sizes = np.bincount(codes, minlength=len(prior_means))[:, None]
    variances = prior_variances / (1.0 + sizes * prior_variances)
    return prior_means + variances * (sums - sizes * prior_means), variances


def fit_class_mean_prior(
    log_likelihood: NDArray[np.float64],
    codes: NDArray[np.intp],
    means: NDArray[np.float64],
    temperatures: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Fit the prior of class means on the source, holding out one class at a time.

    The mean of the held-out class is predicted as a mixture of the other class means, with the affinities of its
    samples as weights. The prediction errors are the spread of the prior.

    Parameters
    ----------
    log_likelihood : ndarray of shape (n_samples, n_classes)
        Log-likelihood of the source samples in each source class.
    codes : ndarray of int, shape (n_samples,)
        Class of each sample.
    means : ndarray of shape (n_classes, n_features)
        Class means.
    temperatures : ndarray of shape (n_temperatures,)
        Candidate softmax temperatures: the larger, the softer the affinity.

    Returns
    -------
    temperature : float
        The temperature with the smallest mean squared error.
    errors : ndarray of shape (n_classes, n_features)
        Mean error in each class at that temperature.
    """
    n_classes, d = means.shape
    losses = np.zeros(len(temperatures))
    errors = np.empty((len(temperatures), n_classes, d))
    for s in range(n_classes):
        others = np.arange(n_classes) != s
        mine = log_likelihood[codes == s][:, others]
        for j, temperature in enumerate(temperatures):
            error = means[s] - softmax(mine / temperature, axis=1) @ means[others]
            losses[j] += np.mean(np.einsum("nd,nd->n", error, error))
            errors[j, s] = error.mean(axis=0)
    best = int(np.argmin(losses))
    return float(temperatures[best]), errors[best]


class ClassAffinity(ClassifierMixin, TransferEstimator):
    """Few-shot linear discriminant classifier of new classes, with a prior on class means learned from the source.

    A classifier of the source classes predicts class probabilities of the few labelled target samples. Their mean in a
    target class is the affinity of that class to the source classes. The prior mean of the target class is the mixture
    of source class means with the affinities as weights. The class mean is the maximum a posteriori estimate: the
    samples have more influence in directions in which the mixture predicts source class means poorly. The covariance
    within classes is that of the source.

    Parameters
    ----------
    prior_strength : float, default=1.0
        Factor on the precision of the prior. At 1, the precision is estimated on the source: each class mean is
        predicted from the other classes, and the smaller the errors, the stronger the prior.
    shrinkage : float, default=0.5
        Shrinkage of the covariance within classes towards a multiple of the identity, from 0 to 1. The best value is
        larger than for a fixed set of classes, because new classes vary in other directions.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labelled classes of the target if some of them are new, else the source classes.
    source_classes_ : ndarray of shape (n_source_classes,)
        Classes of the source.
    affinity_ : ndarray of shape (n_classes, n_source_classes)
        Affinity of each class to each source class; it sums to one. A class of the source has affinity to itself only.
    means_, prior_means_ : ndarray of shape (n_classes, n_features)
        Posterior and prior class means.
    source_means_ : ndarray of shape (n_source_classes, n_features)
        Class means of the source.
    covariance_ : ndarray of shape (n_features, n_features)
        Covariance within classes.
    mean_covariance_ : ndarray of shape (n_features, n_features)
        Covariance of the errors of class means predicted from the other classes.
    temperature_ : float
        Softmax temperature of the affinities.

    Notes
    -----
    Helps when the target has new classes with one to a few dozen labelled samples each, and the source has many similar
    classes. With few source classes little can be learned about new ones, and a model of the target alone is as
    accurate. Hurts when all target samples are shifted or rescaled; use a :class:`~landbridge.feature.DomainScaler`
    first. Without labelled target samples it is a linear discriminant classifier of the source. If the source has all
    the classes, the prior mean of a labelled class is its own source mean.

    With n source samples, d features and S source classes: time O(n d² + n S d + d³), memory O(d² + n S).

    References
    ----------
    .. [1] R. Raina, A. Y. Ng, D. Koller. Constructing informative priors using transfer learning. ICML 2006.
    .. [2] S. Ioffe. Probabilistic linear discriminant analysis. ECCV 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.relation import ClassAffinity
    >>> rng = np.random.default_rng(0)
    >>> centres = {"cat": [0, 0], "lion": [1, 0], "truck": [9, 9], "bus": [9, 8]}
    >>> X = np.concatenate([rng.normal(c, 1.0, size=(50, 2)) for c in centres.values()])
    >>> y = np.repeat(list(centres), 50)
    >>> model = ClassAffinity().fit(X, y, X_target=[[0.5, 0.2], [8.0, 9.0]], y_target=["tiger", "van"])
    >>> dict(zip(model.source_classes_.tolist(), model.affinity_[0].round(1).tolist()))
    {'bus': 0.0, 'cat': 0.5, 'lion': 0.5, 'truck': 0.0}
    >>> model.predict([[1.0, 1.0]]).tolist()
    ['tiger']
    """

    transfer_tags = TransferTags(
        family="relation",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept"}),
        source_free=True,
        growth="time O(n d² + n S d + d³), memory O(d² + n S), S source classes",
        reference="Raina, Ng, Koller: Constructing informative priors using transfer learning. ICML 2006",
        new_classes=True,
    )
    _parameter_constraints = {
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "shrinkage": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, prior_strength: float = 1.0, *, shrinkage: float = 0.5) -> None:
        self.prior_strength = prior_strength
        self.shrinkage = shrinkage

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the source classes, then the target classes from their labelled samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Class labels of the source samples.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples; only the labelled ones are used. If None, the model is that of the source.
        y_target : array-like of shape (n_target,), default=None
            Class labels of some target samples; None, NaN or -1 for the others. The classes need not be classes of the
            source. If None, the model is that of the source.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        check_classification_targets(read.ys)
        self._learn_source(read.Xs, read.ys)
        self._adapt(read.Xt[read.rows], read.yt)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Adapt the fitted source model to a target without the source samples; repeated calls start from the source.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target samples.
        y_target : array-like of shape (n_target,), default=None
            Class labels of some target samples. If None, the model is that of the source.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        check_is_fitted(self)
        X = self._read_target(X_target)
        rows, labels = split_labelled(y_target, X.shape[0], self.source_classes_)
        self._adapt(X[rows], labels)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict class labels of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples, seen or new.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._read_rows(X)
        return self.classes_[np.argmax(self._scores(X), axis=1)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return softmax(self._scores(self._read_rows(X)), axis=1)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute log-probabilities of the classes, up to a constant per sample; for two classes, their difference.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        scores = self._scores(self._read_rows(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _learn_source(self, X: NDArray[np.float64], y: NDArray[Any]) -> None:
        self.source_classes_, codes = np.unique(y, return_inverse=True)
        n_classes, d = len(self.source_classes_), X.shape[1]
        if n_classes < 2:
            raise LabelError(
                f"y holds one class only, {str(self.source_classes_[0])!r}; give samples of at least two classes."
            )
        self.source_means_ = class_affinity(X, codes, n_classes)  # the mean of samples in place of responses
        self.covariance_ = shrink(_scatter(X - self.source_means_[codes]), self.shrinkage)
        factor = np.linalg.cholesky(self.covariance_)
        Z, means = (solve_triangular(factor, A.T, lower=True).T for A in (X, self.source_means_))
        # From the temperature of the model to that of perfectly correlated features.
        temperatures = np.geomspace(1.0, max(2.0, float(d)), num=6)
        self.temperature_, errors = fit_class_mean_prior(_log_density(Z, means), codes, means, temperatures)
        # The covariance of d features is estimated from n_classes errors: shrink more with fewer classes.
        spread = shrink(_scatter(errors), d / (d + n_classes))
        self.mean_covariance_ = factor @ spread @ factor.T
        self._prior_variances, rotation = np.linalg.eigh(spread)
        self._prior_variances = np.maximum(self._prior_variances, 0.0) / self.prior_strength
        # In these coordinates both covariances are diagonal, that within classes the identity.
        self._whitening = solve_triangular(factor, np.eye(d), lower=True).T @ rotation
        self._unwhitening = rotation.T @ factor.T
        self._source_log_prior = np.log(np.bincount(codes) / len(X))

    def _adapt(self, X: NDArray[np.float64], labels: NDArray[Any]) -> None:
        known = {c: s for s, c in enumerate(self.source_classes_.tolist())}
        Z, source_means = X @ self._whitening, self.source_means_ @ self._whitening
        self._no_new_classes = all(label in known for label in labels.tolist())
        if self._no_new_classes:
            # No new classes: the prior mean of each class is its source mean.
            self.classes_ = self.source_classes_
            self._log_prior = self._source_log_prior
            self.affinity_ = np.eye(len(known))
            codes = np.array([known[label] for label in labels.tolist()], dtype=np.intp)
        else:
            self.classes_, codes = np.unique(labels, return_inverse=True)
            if len(self.classes_) < 2:
                raise LabelError(
                    f"y_target holds one class only, {str(self.classes_[0])!r}, which y does not have; label samples "
                    "of at least two classes."
                )
            # The number of labelled samples per class says nothing about the class prior: it is uniform.
            self._log_prior = np.full(len(self.classes_), -np.log(len(self.classes_)))
            responses = softmax(_log_density(Z, source_means) / self.temperature_, axis=1)
            self.affinity_ = class_affinity(responses, codes, len(self.classes_))
            for k, label in enumerate(self.classes_.tolist()):
                if label in known:
                    self.affinity_[k] = np.eye(len(known))[known[label]]
        self.prior_means_ = self.affinity_ @ self.source_means_
        self._means, variances = posterior_means(Z, codes, self.affinity_ @ source_means, self._prior_variances)
        # The predictive variance of a new class includes the posterior variance of its mean.
        self._predictive_variances = np.ones_like(variances) if self._no_new_classes else 1.0 + variances
        self.means_ = self._means @ self._unwhitening

    def _scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return _log_density(X @ self._whitening, self._means, self._predictive_variances) + self._log_prior


def shrink(C: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Shrink a covariance towards a multiple of the identity with the same trace.

    Parameters
    ----------
    C : ndarray of shape (n_features, n_features)
        Covariance.
    amount : float
        From 0 to 1; even at 0 a small multiple of the identity is added, so that the result is invertible.

    Returns
    -------
    ndarray of shape (n_features, n_features)
        The shrunk covariance.
    """
    d = len(C)
    level = float(np.trace(C)) / d
    out = (1.0 - amount) * C
    out[np.diag_indices(d)] += max(amount * level, 1e-8 * level, 1e-12)
    return out


def _scatter(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    return residuals.T @ residuals / len(residuals)


def _log_density(
    Z: NDArray[np.float64], means: NDArray[np.float64], spread: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Compute log-densities of samples in each class, up to a constant per sample; unit variances if None."""
    if spread is None:
        return Z @ means.T - 0.5 * np.einsum("kd,kd->k", means, means)
    scaled = means / spread
    offset = np.einsum("kd,kd->k", means, scaled) + np.log(spread).sum(axis=1)
    return Z @ scaled.T - 0.5 * (Z**2 @ (1.0 / spread).T + offset)
