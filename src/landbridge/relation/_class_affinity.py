"""Class affinity: a new class starts from the source classes it resembles."""

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

__all__ = ["ClassAffinity", "class_affinity", "foretell_classes", "posterior_means"]


def class_affinity(responses: NDArray[np.float64], codes: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    r"""Say how much each target class resembles each source class, by what a source classifier answers on its rows.

    .. math:: A_{ks} = \frac{1}{n_k} \sum_{i: y_i = k} p(s \mid x_i)

    Parameters
    ----------
    responses : ndarray of shape (n, n_source_classes)
        Probability of each source class for labelled target rows.
    codes : ndarray of int, shape (n,)
        Target class of each row; every class has a row.
    n_classes : int
        Number of target classes.

    Returns
    -------
    ndarray of shape (n_classes, n_source_classes)
        Rows sum to one.

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
    r"""Find where class means lie after their labelled rows were seen, and how sure that is.

    Column by column, with rows of unit variance around their class mean and a Gaussian prior on that mean:

    .. math:: m_{kj} = \mu_{kj} + \frac{n_k t_j}{1 + n_k t_j} (\bar z_{kj} - \mu_{kj}), \qquad
        v_{kj} = \frac{t_j}{1 + n_k t_j}

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Labelled target rows.
    codes : ndarray of int, shape (n,)
        Class of each row.
    prior_means : ndarray of shape (n_classes, d)
        ``μ``, where the prior of each mean is centred.
    prior_variances : ndarray of shape (d,)
        ``t``: how far means stray from there.

    Returns
    -------
    means, variances : ndarray of shape (n_classes, d)

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


def foretell_classes(
    log_likelihood: NDArray[np.float64],
    codes: NDArray[np.intp],
    means: NDArray[np.float64],
    temperatures: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Learn from the source alone how well a class is foretold by the others it resembles.

    Each source class in turn plays the new one. The affinity of one of its rows to the other classes foretells where
    its mean lies; how far it lies from there is what a prior on a new class must allow for.

    Parameters
    ----------
    log_likelihood : ndarray of shape (n, n_classes)
        Log-likelihood of source rows in each source class.
    codes : ndarray of int, shape (n,)
        Class of each row.
    means : ndarray of shape (n_classes, d)
        Class means.
    temperatures : ndarray of shape (m,)
        Candidates for what log-likelihoods are divided by: the larger, the softer the affinity.

    Returns
    -------
    temperature : float
        The one with the least mean squared error.
    errors : ndarray of shape (n_classes, d)
        Mean error in each class, with that temperature.
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
    """Classify few-shot target classes, which may be new, from the source classes they resemble.

    A classifier of the source's classes is shown the few labelled target rows. What it answers tells which source
    classes a target class is like, and the means of these, mixed in proportion, are where the new class is expected
    to lie before its own rows are looked at. The rows then move it (maximum a posteriori): far in directions where
    the source's classes are hard to foretell from one another, little in those where they are not. The spread within
    classes is the source's, of which there is plenty.

    Parameters
    ----------
    prior_strength : float, default=1.0
        How much the prior counts, as a multiple of what the source says: each source class is foretold from the
        others, and the better that goes, the stronger the prior.
    shrinkage : float, default=0.5
        How far the covariance within classes is drawn to a multiple of the identity, from 0 to 1. New classes spread
        in ways the source's do not, so that the best value is larger than for a fixed set of classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The target's labelled classes if some of them are new, else the source's classes.
    source_classes_ : ndarray of shape (n_source_classes,)
        The source's classes.
    affinity_ : ndarray of shape (n_classes, n_source_classes)
        How much each class resembles each source class; rows sum to one. A class that the source knows is itself.
    means_, prior_means_ : ndarray of shape (n_classes, n_features)
        Class means, and where they were expected.
    source_means_ : ndarray of shape (n_source_classes, n_features)
        The source's class means.
    covariance_ : ndarray of shape (n_features, n_features)
        Covariance within classes.
    mean_covariance_ : ndarray of shape (n_features, n_features)
        Covariance of a class mean around where the other classes foretell it.
    temperature_ : float
        What log-likelihoods are divided by in affinities.

    Notes
    -----
    Helps when the target has classes of its own with one to a few dozen labelled rows each, and the source has many
    classes of the same kind. With a handful of source classes little can be learned about new ones, and a model of
    the target's rows alone is as good. Hurts when the whole target is moved or rescaled, so put a
    :class:`~landbridge.feature.DomainScaler` before it. With no labelled target row it is a linear discriminant
    classifier of the source. Where the source knows all the classes, a labelled class starts from its own mean there.

    With n source rows, d columns and S classes: time O(n d² + n S d + d³), memory O(d² + n S).

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
        """Learn the source's classes, then those of the target from their labelled rows.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source classes.
        X_target : array-like of shape (n_target, n_features), optional
            Target rows; only the labelled ones are used.
        y_target : array-like of shape (n_target,), optional
            Classes of some target rows, which the source need not have. Without any, the model is the source's.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        check_classification_targets(read.ys)
        self._learn_source(read.Xs, read.ys)
        self._adapt(read.Xt[read.rows], read.yt)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Go from the source's classes to a target's without the source's rows; always starts from the source.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Classes of some target rows. Without any, the model is the source's.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        X = self._read_target(X_target)
        rows, labels = split_labelled(y_target, X.shape[0], self.source_classes_)
        self._adapt(X[rows], labels)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows, seen or new.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._read_rows(X)
        return self.classes_[np.argmax(self._scores(X), axis=1)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return softmax(self._scores(self._read_rows(X)), axis=1)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the log-probabilities of the classes, up to a constant a row; their difference for two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

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
                f"y holds one class only, {str(self.source_classes_[0])!r}; give rows of at least two classes."
            )
        self.source_means_ = class_affinity(X, codes, n_classes)  # the mean of rows in place of responses
        self.covariance_ = shrink(_scatter(X - self.source_means_[codes]), self.shrinkage)
        factor = np.linalg.cholesky(self.covariance_)
        Z, means = (solve_triangular(factor, rows.T, lower=True).T for rows in (X, self.source_means_))
        # From as sharp as the model says to as soft as if the columns were copies of one another.
        temperatures = np.geomspace(1.0, max(2.0, float(d)), num=6)
        self.temperature_, errors = foretell_classes(_log_density(Z, means), codes, means, temperatures)
        # A covariance of d columns from n_classes errors leans on its diagonal the more, the fewer they are.
        spread = shrink(_scatter(errors), d / (d + n_classes))
        self.mean_covariance_ = factor @ spread @ factor.T
        self._variances, rotation = np.linalg.eigh(spread)
        self._variances = np.maximum(self._variances, 0.0) / self.prior_strength
        # In these coordinates both covariances are diagonal, that within classes the identity.
        self._to = solve_triangular(factor, np.eye(d), lower=True).T @ rotation
        self._back = rotation.T @ factor.T
        self._source_log_prior = np.log(np.bincount(codes) / len(X))

    def _adapt(self, X: NDArray[np.float64], labels: NDArray[Any]) -> None:
        known = {c: s for s, c in enumerate(self.source_classes_.tolist())}
        Z, source_means = X @ self._to, self.source_means_ @ self._to
        self._same = all(label in known for label in labels.tolist())
        if self._same:
            # The same classes: each expects its mean where the source has it.
            self.classes_ = self.source_classes_
            self._log_prior = self._source_log_prior
            self.affinity_ = np.eye(len(known))
            codes = np.array([known[label] for label in labels.tolist()], dtype=np.intp)
        else:
            self.classes_, codes = np.unique(labels, return_inverse=True)
            if len(self.classes_) < 2:
                raise LabelError(
                    f"y_target holds one class only, {str(self.classes_[0])!r}, which y does not have; label rows of "
                    "at least two classes."
                )
            # How many rows of each new class were labelled says nothing of how many there are.
            self._log_prior = np.full(len(self.classes_), -np.log(len(self.classes_)))
            responses = softmax(_log_density(Z, source_means) / self.temperature_, axis=1)
            self.affinity_ = class_affinity(responses, codes, len(self.classes_))
            for k, label in enumerate(self.classes_.tolist()):
                if label in known:
                    self.affinity_[k] = np.eye(len(known))[known[label]]
        self.prior_means_ = self.affinity_ @ self.source_means_
        self._means, unsure = posterior_means(Z, codes, self.affinity_ @ source_means, self._variances)
        # A new class is as wide as its rows and the doubt about its mean together; a known one has little doubt.
        self._spread = np.ones_like(unsure) if self._same else 1.0 + unsure
        self.means_ = self._means @ self._back

    def _scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return _log_density(X @ self._to, self._means, self._spread) + self._log_prior


def shrink(C: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Draw a covariance to a multiple of the identity of the same trace.

    Parameters
    ----------
    C : ndarray of shape (d, d)
        Covariance.
    amount : float
        From 0 to 1; a trace of the identity remains even with 0, so that the result can be inverted.

    Returns
    -------
    ndarray of shape (d, d)
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
    """Log-density of rows in each class, up to a constant a row; unit variances where none are given."""
    if spread is None:
        return Z @ means.T - 0.5 * np.einsum("kd,kd->k", means, means)
    scaled = means / spread
    offset = np.einsum("kd,kd->k", means, scaled) + np.log(spread).sum(axis=1)
    return Z @ scaled.T - 0.5 * (Z**2 @ (1.0 / spread).T + offset)
