"""Transitive transfer learning (TTL) over an intermediate domain."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MaxAbsScaler

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import Read, TransferEstimator, TransferTags
from landbridge.exceptions import InputError
from landbridge.stepwise._coupled_nmtf import coupled_nmtf, fold_in
from landbridge.stepwise._intermediate import choose_intermediate
from landbridge.stepwise._samples import METADATA, check_intermediate, stack_samples

__all__ = ["TransitiveTransfer", "border_samples"]

TINY = 1e-6


def border_samples(Xs: Any, Xt: Any, *, fraction: float = 0.5) -> NDArray[np.intp]:
    """Return the samples of each domain that are most similar to the other one, by a linear domain classifier.

    Parameters
    ----------
    Xs : ndarray or sparse matrix of shape (n_source, d)
        Source samples.
    Xt : ndarray or sparse matrix of shape (n_target, d)
        Target samples.
    fraction : float, default=0.5
        Fraction of the samples of each domain, at least one sample.

    Returns
    -------
    ndarray of int
        Indices into the stacked samples, source first, sorted.
    """
    n, m = Xs.shape[0], Xt.shape[0]
    both = stack_samples([Xs, Xt])
    scaled = MaxAbsScaler().fit_transform(both)
    model = LogisticRegression(max_iter=1000, class_weight="balanced").fit(scaled, np.repeat([0, 1], [n, m]))
    similarity = model.decision_function(scaled) * np.repeat(
        [1.0, -1.0], [n, m]
    )  # positive: looks like the other domain
    mine = np.argsort(-similarity[:n], kind="stable")[: max(round(fraction * n), 1)]
    theirs = n + np.argsort(-similarity[n:], kind="stable")[: max(round(fraction * m), 1)]
    return np.sort(np.concatenate([mine, theirs]))


class TransitiveTransfer(ClassifierMixin, MetaEstimatorMixin, TransferEstimator):
    """Transitive transfer learning (TTL) over an intermediate domain that shares features with source and target.

    Source and intermediate domain are factorised jointly, and so are intermediate and target domain. Each pair has
    common feature clusters, and the class memberships of the intermediate domain are the same in both pairs. The labels
    are therefore transferred from the source to the intermediate domain by the features that these two share, and on to
    the target by others. `skada` has no TTL.

    Parameters
    ----------
    n_common : int, default=50
        Number of feature clusters that the domains of a pair share.
    n_specific : int, default=10
        Number of feature clusters that are specific to each domain.
    intermediate_estimator : fitted classifier, default=None
        Output of :func:`fit_intermediate_estimator`, which chooses among several intermediate domains. If None, the one
        whose larger A-distance to source and target is smallest.
    estimator : classifier, default=None
        Initialises the memberships: fitted on the source to predict the intermediate domain, and on these predictions
        to predict the target. If None, logistic regression.
    target_pair_weight : float, default=1.0
        Weight of the pair of intermediate and target domain against the pair of source and intermediate domain.
    negative : {"split", "shift"}, default="split"
        Treatment of features with negative values, because the factorisation requires non-negative ones. "split" makes
        two features, the positive and the negative part; "shift" subtracts the minimum over the three domains (dense
        input only).
    max_iter : int, default=100
        Maximum number of iterations.
    tol : float, default=1e-4
        Stops when an iteration lowers the objective by less, relatively.
    random_state : int, RandomState or None, default=None
        Initialisation of the feature clusters, and samples and folds for the choice of the intermediate domain.

    Attributes
    ----------
    source_estimator_ : classifier
        Fitted on the source; it predicts if no target was given.
    profiles_ : ndarray of shape (n_classes, n_non_negative_features) or None
        Profile of each class in the target.
    intermediate_domains_ : list of ndarray or csr_matrix of shape (n_samples, n_features)
        Intermediate domains passed to ``fit``; empty without.
    chosen_intermediate_ : object
        Index or key of the chosen intermediate domain; None if there was no choice.
    intermediate_features_ : ndarray of shape (n_candidates, 6) or None
        Output of :func:`six_features` for each candidate.
    intermediate_labels_ : ndarray of shape (n_intermediate,) or None
        Classes of the samples of the intermediate domain.
    objective_ : ndarray of shape (n_iter_ + 1,)
        Value at the start and after each iteration; it never increases.
    n_iter_ : int
        Number of iterations.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.

    Notes
    -----
    Helps with non-negative features such as counts and spectra, if an intermediate domain covers the features of both
    sides: texts on one side, images on the other, captioned images between. If source and target share their features,
    direct transfer is as good. Hurts if the classes are not the main clusters of the target, because the memberships
    then follow other clusters, and if the intermediate domain is similar to one domain only.

    The multiplicative steps omit the normalisation of the memberships after each iteration in the paper, so that the
    objective cannot increase; memberships are fractions of the mass of a sample. To predict, the memberships of the
    samples are computed for the fitted profiles.

    Time O((z + d k) c) per iteration and memory O(z + d k), for z non-zero entries, d features, c classes, k feature
    clusters. Linear in the number of samples.

    References
    ----------
    .. [1] B. Tan, Y. Song, E. Zhong, Q. Yang. Transitive transfer learning. KDD 2015.

    Examples
    --------
    The source has the first twenty features, the target the other twenty, and the intermediate domain all forty.

    >>> import numpy as np
    >>> from landbridge.stepwise import TransitiveTransfer
    >>> rng = np.random.default_rng(1)
    >>> rates = rng.gamma(0.3, size=(2, 40))
    >>> y, yd, yt = np.arange(80) % 2, rng.permutation(200) % 2, rng.permutation(80) % 2
    >>> X, Xd, Xt = (rng.poisson(rates[labels]) for labels in (y, yd, yt))
    >>> X[:, 20:] = 0
    >>> Xt[:, :20] = 0
    >>> model = TransitiveTransfer(random_state=0).fit(X, y, X_target=Xt, intermediate_domains=[Xd])
    >>> model.source_estimator_.score(Xt, yt) < 0.6
    True
    >>> model.score(Xt, yt) > 0.85
    True
    """

    transfer_tags = TransferTags(
        family="stepwise",
        reads=frozenset({"X_target", "y_target", "intermediate_domains"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "subspace"}),
        growth="time O((z + d k) c) per iteration, memory O(z + d k), z non-zeros, k feature clusters, c classes",
        reference="Tan, Song, Zhong, Yang: Transitive transfer learning. KDD 2015",
    )
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = METADATA
    _accept_sparse = True
    _parameter_constraints = {
        "n_common": [Interval(Integral, 1, None, closed="left")],
        "n_specific": [Interval(Integral, 1, None, closed="left")],
        "intermediate_estimator": [HasMethods("predict_proba"), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "target_pair_weight": [Interval(Real, 0, None, closed="neither")],
        "negative": [StrOptions({"split", "shift"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_common: int = 50,
        n_specific: int = 10,
        *,
        intermediate_estimator: Any = None,
        estimator: Any = None,
        target_pair_weight: float = 1.0,
        negative: str = "split",
        max_iter: int = 100,
        tol: float = 1e-4,
        random_state: Any = None,
    ) -> None:
        self.n_common = n_common
        self.n_specific = n_specific
        self.intermediate_estimator = intermediate_estimator
        self.estimator = estimator
        self.target_pair_weight = target_pair_weight
        self.negative = negative
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, intermediate_domains: Any = None
    ) -> Self:
        """Factorise the three domains jointly.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, only the estimator is fitted, on the source.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples, whose memberships are fixed.
        intermediate_domains : list or dict of array-like of shape (n_samples, n_features), default=None
            Unlabelled intermediate domains; with several, one is chosen by :func:`choose_intermediate`. An array is one
            domain. If None, the half of each domain that is most similar to the other one.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        base = LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator
        self.source_estimator_ = clone(base).fit(read.Xs, read.ys)
        self.classes_, codes = np.unique(read.ys, return_inverse=True)
        self.chosen_intermediate_: Any = None
        self.intermediate_features_: NDArray[np.float64] | None = None
        self.intermediate_labels_: NDArray[Any] | None = None
        self.profiles_: NDArray[np.float64] | None = None
        self.objective_, self.n_iter_ = np.empty(0), 1
        rng = check_random_state(self.random_state)
        Xd = self._intermediate(read, intermediate_domains, rng, has_target=X_target is not None)
        if X_target is None:
            return self
        own = np.eye(len(self.classes_))
        Gd = self._guess(self.source_estimator_, Xd)
        labels = self.classes_[Gd.argmax(axis=1)]
        Gt = self._guess(self._second(base, Xd, labels, read), read.Xt)
        if len(read.rows):
            Gt[read.rows] = own[np.searchsorted(self.classes_, read.yt)]
        self._fit_minima([read.Xs, Xd, read.Xt])
        found = coupled_nmtf(
            self._non_negative(read.Xs),
            self._non_negative(Xd),
            self._non_negative(read.Xt),
            own[codes],
            Gd,
            Gt,
            n_common=self.n_common,
            n_specific=self.n_specific,
            target_pair_weight=float(self.target_pair_weight),
            max_iter=self.max_iter,
            tol=float(self.tol),
            random_state=rng.randint(2**31 - 1),
        )
        self.profiles_, self.objective_, self.n_iter_ = found.profiles[3], found.objective, found.n_iter
        mass = found.G[1] * (found.profiles[1] + found.profiles[2]).sum(axis=1)
        self.intermediate_labels_ = self.classes_[mass.argmax(axis=1)]
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities: the fractions of the mass of each sample that the classes explain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._read_rows(X)
        if self.profiles_ is None:
            return self._guess(self.source_estimator_, X)
        return fold_in(self._non_negative(X), self.profiles_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def _intermediate(self, read: Read, given: Any, rng: np.random.RandomState, *, has_target: bool) -> Any:
        """Return the samples of the intermediate domain: given, chosen among several, or those near the border."""
        self.intermediate_domains_: list[Any] = []
        if given is None:
            return stack_samples([read.Xs, read.Xt])[border_samples(read.Xs, read.Xt)] if has_target else None
        if not isinstance(given, (Mapping, list, tuple)):
            self.intermediate_domains_ = [check_intermediate(self, given)]
            return self.intermediate_domains_[0]
        items = given.items() if isinstance(given, Mapping) else enumerate(given)
        named = {key: check_intermediate(self, X, f"intermediate_domains[{key!r}]") for key, X in items}
        self.intermediate_domains_ = list(named.values())
        if isinstance(given, (list, tuple)) and len(named) == 1:
            return named[0]
        choice = choose_intermediate(
            read.Xs,
            named,
            read.Xt,
            intermediate_estimator=self.intermediate_estimator,
            random_state=rng.randint(2**31 - 1),
        )
        self.chosen_intermediate_, self.intermediate_features_ = choice.key, choice.features
        return named[choice.key]

    def _second(self, base: Any, Xd: Any, labels: NDArray[Any], read: Read) -> Any:
        """Fit the classifier that initialises the target, on the intermediate and the labelled target samples."""
        X, y = Xd, labels
        if len(read.rows):
            X, y = stack_samples([Xd, read.Xt[read.rows]]), np.concatenate([labels, read.yt.astype(labels.dtype)])
        return clone(base).fit(X, y) if len(np.unique(y)) > 1 else self.source_estimator_

    def _guess(self, model: Any, X: Any) -> NDArray[np.float64]:
        """Return positive class probabilities over all classes, from one-hot predictions if there are none."""
        out = np.full((X.shape[0], len(self.classes_)), TINY)
        columns = np.searchsorted(self.classes_, model.classes_)
        if hasattr(model, "predict_proba"):
            out[:, columns] += model.predict_proba(X)
        else:
            out[np.arange(X.shape[0]), np.searchsorted(self.classes_, model.predict(X))] += 1.0
        return out / out.sum(axis=1, keepdims=True)

    def _fit_minima(self, domains: list[Any]) -> None:
        least = np.min([_feature_minima(X) for X in domains], axis=0)
        if self.negative == "shift" and any(map(sparse.issparse, domains)) and (least < 0).any():
            raise InputError("negative='shift' would make sparse input dense; use negative='split'.")
        self._least = np.minimum(least, 0.0)

    def _non_negative(self, X: Any) -> Any:
        if self.negative == "shift":
            return _positive_part(X - self._least if (self._least < 0).any() else X)
        two = np.flatnonzero(self._least < 0)
        if len(two) == 0:
            return _positive_part(X)
        parts = [_positive_part(X), _positive_part(-X[:, two])]
        return sparse.hstack(parts, format="csr") if sparse.issparse(X) else np.hstack(parts)


def _feature_minima(X: Any) -> NDArray[np.float64]:
    return np.asarray(X.min(axis=0).todense()).ravel() if sparse.issparse(X) else X.min(axis=0)


def _positive_part(X: Any) -> Any:
    return X.maximum(0) if sparse.issparse(X) else np.maximum(X, 0.0)
