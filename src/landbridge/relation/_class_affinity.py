"""Class affinity: a new class starts from the source classes it resembles."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from landbridge.base import TransferEstimator, TransferTags, split_labelled
from landbridge.exceptions import LabelError

__all__ = ["ClassAffinity", "class_affinity", "map_means", "transferability_of_means"]


def class_affinity(
    responses: NDArray[np.float64], codes: NDArray[np.intp], n_classes: int, smoothing: float = 1.0
) -> NDArray[np.float64]:
    r"""Say how much each target class resembles each source class, by what a source classifier answers on its rows.

    .. math:: A_{ks} = \frac{\sum_{i: y_i = k} p(s \mid x_i) + \alpha / S}{n_k + \alpha}

    Parameters
    ----------
    responses : ndarray of shape (n, n_source_classes)
        Probability of each source class for labelled target rows.
    codes : ndarray of int, shape (n,)
        Target class of each row.
    n_classes : int
        Number of target classes.
    smoothing : float, default=1.0
        ``α``: rows' worth of indifference.

    Returns
    -------
    ndarray of shape (n_classes, n_source_classes)
        Rows sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.relation import class_affinity
    >>> class_affinity(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), 2, smoothing=0.0).tolist()
    [[0.9, 0.1], [0.2, 0.8]]
    """
    n_source = responses.shape[1]
    sums = np.zeros((n_classes, n_source))
    np.add.at(sums, codes, responses)
    sizes = np.bincount(codes, minlength=n_classes)[:, None]
    return (sums + smoothing / n_source) / (sizes + smoothing)


def map_means(
    Z: NDArray[np.float64], codes: NDArray[np.intp], prior_means: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    r"""Find the class means of highest posterior probability under a Gaussian prior.

    .. math:: m_k = \frac{\kappa\, \mu_k + \sum_{i: y_i = k} z_i}{\kappa + n_k}

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Labelled target rows.
    codes : ndarray of int, shape (n,)
        Class of each row.
    prior_means : ndarray of shape (n_classes, d)
        ``μ``, where the prior of each mean is centred.
    strength : float
        ``κ``: how many labelled rows the prior is worth.

    Returns
    -------
    ndarray of shape (n_classes, d)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.relation import map_means
    >>> map_means(np.array([[4.0], [6.0]]), np.array([0, 0]), np.array([[0.0], [1.0]]), 2.0).tolist()
    [[2.5], [1.0]]
    """
    sums = np.zeros_like(prior_means)
    np.add.at(sums, codes, Z)
    sizes = np.bincount(codes, minlength=len(prior_means))[:, None]
    return (strength * prior_means + sums) / (strength + sizes)


def transferability_of_means(
    log_likelihood: NDArray[np.float64],
    codes: NDArray[np.intp],
    means: NDArray[np.float64],
    temperatures: NDArray[np.float64],
    smoothing: float = 1.0,
) -> tuple[float, float]:
    """Learn from the source alone how well a class is foretold by the others it resembles, leaving out one at a time.

    Each source class plays the new one: its affinity to the others foretells a mean, and the distance of its own mean
    from that, in units of the spread within classes, is what a prior on a new class must allow for.

    Parameters
    ----------
    log_likelihood : ndarray of shape (n, n_classes)
        Log-likelihood of source rows in each source class.
    codes : ndarray of int, shape (n,)
        Class of each row.
    means : ndarray of shape (n_classes, d)
        Class means, where the covariance within classes is the identity.
    temperatures : ndarray of shape (m,)
        Candidates for what log-likelihoods are divided by; the larger, the softer the affinity.
    smoothing : float, default=1.0
        See :func:`class_affinity`.

    Returns
    -------
    temperature : float
        The best of them.
    strength : float
        One over the mean squared distance a column: the rows that the prior is worth.
    """
    n_classes, d = means.shape
    totals = np.zeros(len(temperatures))
    for s in range(n_classes):
        others = np.arange(n_classes) != s
        mine = log_likelihood[codes == s][:, others]
        for j, temperature in enumerate(temperatures):
            responses = softmax(mine / temperature, axis=1)
            weights = class_affinity(responses, np.zeros(len(mine), dtype=np.intp), 1, smoothing)[0]
            totals[j] += np.sum((weights @ means[others] - means[s]) ** 2)
    best = int(np.argmin(totals))
    spread = totals[best] / (n_classes * d)
    return float(temperatures[best]), float(1.0 / max(spread, 1e-6))


class ClassAffinity(ClassifierMixin, TransferEstimator):
    """Classify few-shot target classes, which may be new, from the source classes they resemble.

    A classifier of the source's classes is shown the few labelled target rows. What it answers tells which source
    classes a target class is like, and the means of these, mixed in proportion, are where the new class is expected
    to lie before its own rows are looked at. The rows then move it (maximum a posteriori). The spread within classes
    is the source's, of which there is plenty.

    Parameters
    ----------
    prior_strength : float or "auto", default="auto"
        How many labelled rows the prior is worth. ``"auto"`` finds it on the source: each source class is foretold
        from the others, and the better that goes, the stronger the prior.
    shrinkage : float or "auto", default="auto"
        How far the covariance within classes is drawn to a diagonal one, from 0 to 1; ``"auto"`` takes Ledoit and
        Wolf's estimate.
    smoothing : float, default=1.0
        Rows' worth of indifference in the affinities of a class.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The target's labelled classes if some of them are new, else the source's classes.
    source_classes_ : ndarray of shape (n_source_classes,)
        The source's classes.
    affinity_ : ndarray of shape (n_classes, n_source_classes)
        How much each class resembles each source class; rows sum to one. A class that the source knows is itself.
    means_, prior_means_ : ndarray of shape (n_classes, n_columns)
        Class means, and where they were expected.
    source_means_ : ndarray of shape (n_source_classes, n_columns)
        The source's class means.
    covariance_ : ndarray of shape (n_columns, n_columns)
        Covariance within classes, of the source.
    prior_strength_ : float
        Rows the prior is worth.
    temperature_ : float
        What log-likelihoods are divided by in affinities.

    Notes
    -----
    Helps when the target has classes of its own with one to a few dozen labelled rows each, and looks like the source
    otherwise. Hurts little when the classes have nothing in common, since the prior is then found to be weak; hurts
    when the whole target is moved or rescaled, so put a :class:`~landbridge.feature.DomainScaler` before it. With no
    labelled target row it is a linear discriminant classifier of the source.

    With n source rows, d columns and S classes: time O(n d² + n S d + d³), memory O(d² + n S).

    References
    ----------
    .. [1] R. Raina, A. Y. Ng, D. Koller. Constructing informative priors using transfer learning. ICML 2006.
    .. [2] L. Fei-Fei, R. Fergus, P. Perona. One-shot learning of object categories. IEEE TPAMI 28, 2006.

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
    {'bus': 0.1, 'cat': 0.4, 'lion': 0.4, 'truck': 0.1}
    >>> model.predict([[1.0, 1.0]]).tolist()
    ['tiger']
    """

    transfer_tags = TransferTags(
        family="relation",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        answers=frozenset({"concept"}),
        source_free=True,
        growth="time O(n d² + n S d + d³), memory O(d² + n S), S source classes",
        reference="Raina, Ng, Koller: Constructing informative priors using transfer learning. ICML 2006",
        new_classes=True,
    )
    _parameter_constraints = {
        "prior_strength": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "shrinkage": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "smoothing": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        prior_strength: float | str = "auto",
        *,
        shrinkage: float | str = "auto",
        smoothing: float = 1.0,
    ) -> None:
        self.prior_strength = prior_strength
        self.shrinkage = shrinkage
        self.smoothing = smoothing

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Learn the source's classes, then those of the target from their labelled rows.

        Parameters
        ----------
        X : array-like of shape (n_source, n_columns)
            Source rows.
        y : array-like of shape (n_source,)
            Source classes.
        X_target : array-like of shape (n_target, n_columns), optional
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
        X_target : array-like of shape (n_target, n_columns)
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
        X : array-like of shape (n_rows, n_columns)
            Target rows, seen or new.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        X = self._read_rows(X)
        return self.classes_[np.argmax(self._scores(X), axis=1)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Target rows.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
        """
        return softmax(self._scores(self._read_rows(X)), axis=1)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the log-probabilities of the classes, up to a constant a row; their difference for two classes.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Target rows.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_classes)
        """
        scores = self._scores(self._read_rows(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _learn_source(self, X: NDArray[np.float64], y: NDArray[Any]) -> None:
        self.source_classes_, codes = np.unique(y, return_inverse=True)
        n_classes = len(self.source_classes_)
        if n_classes < 2:
            raise LabelError(f"y holds one class only, {self.source_classes_[0]!r}; give rows of at least two classes.")
        sizes = np.bincount(codes)
        self.source_means_ = map_means(X, codes, np.zeros((n_classes, X.shape[1])), 0.0)
        self.covariance_ = _within_covariance(X - self.source_means_[codes], self.shrinkage)
        self._factor = np.linalg.cholesky(self.covariance_)
        self._source_log_prior = np.log(sizes / len(X))
        means = self._whiten(self.source_means_)
        log_likelihood = _log_likelihood(self._whiten(X), means)
        # From as sharp as the model says to as soft as if the columns were copies of one another.
        temperatures = np.geomspace(1.0, max(2.0, float(X.shape[1])), num=6)
        self.temperature_, strength = transferability_of_means(
            log_likelihood, codes, means, temperatures, self.smoothing
        )
        self.prior_strength_ = strength if self.prior_strength == "auto" else float(self.prior_strength)

    def _adapt(self, X: NDArray[np.float64], labels: NDArray[Any]) -> None:
        known = {c: s for s, c in enumerate(self.source_classes_.tolist())}
        n_source = len(known)
        if all(label in known for label in labels.tolist()):
            # The same classes: each expects its mean where the source has it.
            self.classes_ = self.source_classes_
            self._log_prior = self._source_log_prior
            self.affinity_ = np.eye(n_source)
            codes = np.array([known[label] for label in labels.tolist()], dtype=np.intp)
        else:
            self.classes_, codes = np.unique(labels, return_inverse=True)
            if len(self.classes_) < 2:
                raise LabelError(
                    f"y_target holds one class only, {self.classes_[0]!r}, which y does not have; label rows of at "
                    "least two classes."
                )
            # How many rows of each new class were labelled says nothing of how many there are.
            self._log_prior = np.full(len(self.classes_), -np.log(len(self.classes_)))
            likelihood = _log_likelihood(self._whiten(X), self._whiten(self.source_means_))
            responses = softmax(likelihood / self.temperature_, axis=1)
            self.affinity_ = class_affinity(responses, codes, len(self.classes_), self.smoothing)
            for k, label in enumerate(self.classes_.tolist()):
                if label in known:
                    self.affinity_[k] = np.eye(n_source)[known[label]]
        self.prior_means_ = self.affinity_ @ self.source_means_
        self.means_ = map_means(X, codes, self.prior_means_, self.prior_strength_) if len(X) else self.prior_means_

    def _whiten(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return solve_triangular(self._factor, X.T, lower=True).T

    def _scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return _log_likelihood(self._whiten(X), self._whiten(self.means_)) + self._log_prior


def _log_likelihood(Z: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-density of whitened rows in each class, without the part that is the same for all classes."""
    return Z @ means.T - 0.5 * np.einsum("kd,kd->k", means, means)


def _within_covariance(residuals: NDArray[np.float64], shrinkage: float | str) -> NDArray[np.float64]:
    from sklearn.covariance import ledoit_wolf_shrinkage

    n, d = residuals.shape
    scale = np.sqrt(np.mean(residuals**2, axis=0))
    scale[scale <= 1e-12 * max(float(scale.max()), 1e-300)] = 1.0
    Z = residuals / scale
    C = Z.T @ Z / n
    amount = float(ledoit_wolf_shrinkage(Z, assume_centered=True)) if shrinkage == "auto" else float(shrinkage)
    C *= 1.0 - amount
    # The floor keeps columns invertible that never vary within a class.
    C[np.diag_indices(d)] = np.maximum(np.diagonal(C) + amount, 1e-6)
    C[np.diag_indices(d)] += 1e-9
    return C * np.outer(scale, scale)
