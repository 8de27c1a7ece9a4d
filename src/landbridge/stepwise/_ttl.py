"""Transitive transfer learning: a middle domain that shares something with each side hands the labels over."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import Read, TransferEstimator, TransferTags
from landbridge.exceptions import InputError
from landbridge.stepwise._coupled_nmtf import coupled_nmtf, fold_in
from landbridge.stepwise._intermediate import choose_intermediate
from landbridge.stepwise._stones import read_stone, stack_rows

__all__ = ["TransitiveTransfer", "border_rows"]

TINY = 1e-6


def border_rows(Xs: Any, Xt: Any, *, share: float = 0.5) -> NDArray[np.intp]:
    """Rows of either side that a linear classifier between source and target is least sure of.

    Parameters
    ----------
    Xs : ndarray or sparse matrix of shape (n_source, d)
        Source rows.
    Xt : ndarray or sparse matrix of shape (n_target, d)
        Target rows.
    share : float, default=0.5
        Share of each side's rows, at least one.

    Returns
    -------
    ndarray of int
        Row numbers of the two stacked, source first, sorted.
    """
    n, m = Xs.shape[0], Xt.shape[0]
    both = stack_rows([Xs, Xt])
    scaled = MaxAbsScaler().fit_transform(both)
    model = LogisticRegression(max_iter=1000, class_weight="balanced").fit(scaled, np.repeat([0, 1], [n, m]))
    toward = model.decision_function(scaled) * np.repeat([1.0, -1.0], [n, m])  # towards the other side
    mine = np.argsort(-toward[:n], kind="stable")[: max(round(share * n), 1)]
    theirs = n + np.argsort(-toward[n:], kind="stable")[: max(round(share * m), 1)]
    return np.sort(np.concatenate([mine, theirs]))


class TransitiveTransfer(ClassifierMixin, MetaEstimatorMixin, TransferEstimator):
    """Transfer between domains that share little or nothing, over a third that shares something with each.

    Source and middle domain are factored together, and middle and target; each pair has clusters of columns in common,
    and the class memberships of the middle domain are the same in both. So the labels go from the source to the middle
    by the columns that these two share, and on to the target by others.

    Parameters
    ----------
    n_common : int, default=50
        Clusters of columns that the domains of a pair share.
    n_specific : int, default=10
        Clusters of columns that each domain has to itself.
    intermediate : array-like, dict or list, default=None
        Unlabelled rows of the middle domain, in the source's columns. A dict or list holds candidates, among which one
        is chosen by :func:`choose_intermediate`. Left out, the half of each side that is most like the other. What
        comes before this method in a pipeline does not see these rows, so prepare them alike.
    intermediate_model : fitted classifier, optional
        From :func:`fit_intermediate_model`, to choose among candidates; left out, the one whose longer leg is shortest.
    estimator : classifier, optional
        Gives the first guesses: fitted on the source for the middle domain, and on its labels there for the target.
        Left out, logistic regression.
    lam : float, default=1.0
        Weight of the pair of middle and target against that of source and middle.
    negative : {"split", "shift"}, default="split"
        What becomes of columns with negative values, as the factors need non-negative ones: ``"split"`` makes two of
        each, the positive part and the negative; ``"shift"`` subtracts the least value seen in the three domains
        (dense rows only).
    n_iter : int, default=100
        Most sweeps over the factors.
    tol : float, default=1e-4
        Stop when a sweep lowers the objective by less than this share of it.
    random_state : int, RandomState or None, default=None
        Starts the clusters of columns, and draws rows and folds when candidates are compared.

    Attributes
    ----------
    source_estimator_ : classifier
        Fitted on the source; it answers where no target was given.
    profiles_ : ndarray of shape (n_classes, n_non_negative_columns) or None
        What a target row of each class looks like.
    intermediate_ : object
        Index or name of the chosen candidate, None where there was no choice.
    intermediate_features_ : ndarray of shape (n_candidates, 6) or None
        What the choice was made from.
    intermediate_labels_ : ndarray of shape (n_intermediate,) or None
        Classes that the middle domain's rows were given.
    objective_ : ndarray of shape (n_iter_ + 1,)
        Value at the start and after each sweep; it never rises.
    n_iter_ : int
        Sweeps made.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.

    Notes
    -----
    Helps with counts and other parts of a whole (words, visual words, spectra), when a middle domain covers what each
    side has alone: texts on one side, images on the other, captioned images between. Where source and target share
    their columns well, going straight does as well. Hurts when the classes are not the main groups of the target,
    because memberships then follow other groups; and when the middle domain is like one side only.

    The factors are fitted by multiplicative steps without the normalisation of memberships after each sweep that the
    paper has, so that the objective cannot rise; memberships are read as shares of a row's mass. Rows seen or new are
    answered by folding in: the target's profiles stay, and the row's memberships are solved for.

    Time O((z + d k) c) a sweep and memory O(z + d k), for z non-zero entries, d columns, c classes, k clusters of
    columns. Linear in the rows.

    References
    ----------
    .. [1] B. Tan, Y. Song, E. Zhong, Q. Yang. Transitive transfer learning. KDD 2015.

    Examples
    --------
    The source sees the first twenty columns, the target the other twenty, and unlabelled rows between them all forty.

    >>> import numpy as np
    >>> from landbridge.stepwise import TransitiveTransfer
    >>> rng = np.random.default_rng(1)
    >>> rates = rng.gamma(0.3, size=(2, 40))
    >>> y, yd, yt = np.arange(80) % 2, rng.permutation(200) % 2, rng.permutation(80) % 2
    >>> X, Xd, Xt = (rng.poisson(rates[labels]) for labels in (y, yd, yt))
    >>> X[:, 20:] = 0
    >>> Xt[:, :20] = 0
    >>> model = TransitiveTransfer(intermediate=Xd, random_state=0).fit(X, y, X_target=Xt)
    >>> model.source_estimator_.score(Xt, yt) < 0.6
    True
    >>> model.score(Xt, yt) > 0.85
    True
    """

    transfer_tags = TransferTags(
        family="stepwise",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "subspace"}),
        growth="time O((z + d k) c) a sweep, memory O(z + d k), z non-zero entries, k clusters of columns, c classes",
        reference="Tan, Song, Zhong, Yang: Transitive transfer learning. KDD 2015",
    )
    _accept_sparse = True
    _parameter_constraints = {
        "n_common": [Interval(Integral, 1, None, closed="left")],
        "n_specific": [Interval(Integral, 1, None, closed="left")],
        "intermediate": ["array-like", "sparse matrix", dict, list, None],
        "intermediate_model": [HasMethods("predict_proba"), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "lam": [Interval(Real, 0, None, closed="neither")],
        "negative": [StrOptions({"split", "shift"})],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_common: int = 50,
        n_specific: int = 10,
        *,
        intermediate: Any = None,
        intermediate_model: Any = None,
        estimator: Any = None,
        lam: float = 1.0,
        negative: str = "split",
        n_iter: int = 100,
        tol: float = 1e-4,
        random_state: Any = None,
    ) -> None:
        self.n_common = n_common
        self.n_specific = n_specific
        self.intermediate = intermediate
        self.intermediate_model = intermediate_model
        self.estimator = estimator
        self.lam = lam
        self.negative = negative
        self.n_iter = n_iter
        self.tol = tol
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Factor the three domains together.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, there is no gap to cross and the source's classifier answers.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows; these rows belong to their class throughout.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        base = LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator
        self.source_estimator_ = clone(base).fit(read.Xs, read.ys)
        self.classes_, codes = np.unique(read.ys, return_inverse=True)
        self.intermediate_: Any = None
        self.intermediate_features_: NDArray[np.float64] | None = None
        self.intermediate_labels_: NDArray[Any] | None = None
        self.profiles_: NDArray[np.float64] | None = None
        self.objective_, self.n_iter_ = np.empty(0), 1
        rng = check_random_state(self.random_state)
        Xd = self._middle(read, rng, given=X_target is not None)
        if X_target is None:
            return self
        own = np.eye(len(self.classes_))
        Gd = self._guess(self.source_estimator_, Xd)
        labels = self.classes_[Gd.argmax(axis=1)]
        Gt = self._guess(self._second(base, Xd, labels, read), read.Xt)
        if len(read.rows):
            Gt[read.rows] = own[np.searchsorted(self.classes_, read.yt)]
        self._learn_columns([read.Xs, Xd, read.Xt])
        found = coupled_nmtf(
            self._non_negative(read.Xs),
            self._non_negative(Xd),
            self._non_negative(read.Xt),
            own[codes],
            Gd,
            Gt,
            n_common=self.n_common,
            n_specific=self.n_specific,
            lam=float(self.lam),
            n_iter=self.n_iter,
            tol=float(self.tol),
            random_state=rng.randint(2**31 - 1),
        )
        self.profiles_, self.objective_, self.n_iter_ = found.profiles[3], found.objective, found.n_iter
        mass = found.G[1] * (found.profiles[1] + found.profiles[2]).sum(axis=1)
        self.intermediate_labels_ = self.classes_[mass.argmax(axis=1)]
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Give the shares of each row's mass that the classes explain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._read_rows(X)
        if self.profiles_ is None:
            return self._guess(self.source_estimator_, X)
        return fold_in(self._non_negative(X), self.profiles_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def _middle(self, read: Read, rng: np.random.RandomState, *, given: bool) -> Any:
        """The middle domain's rows: those given, those of the best candidate, or those near the border."""
        if isinstance(self.intermediate, (dict, list, tuple)):
            table = self.intermediate if isinstance(self.intermediate, Mapping) else dict(enumerate(self.intermediate))
            stones = {key: read_stone(self, X, f"intermediate[{key!r}]") for key, X in table.items()}
            choice = choose_intermediate(
                read.Xs, stones, read.Xt, model=self.intermediate_model, random_state=rng.randint(2**31 - 1)
            )
            self.intermediate_, self.intermediate_features_ = choice.key, choice.features
            return stones[choice.key]
        if self.intermediate is not None:
            return read_stone(self, self.intermediate)
        return stack_rows([read.Xs, read.Xt])[border_rows(read.Xs, read.Xt)] if given else None

    def _second(self, base: Any, Xd: Any, labels: NDArray[Any], read: Read) -> Any:
        """The classifier that guesses the target: fitted on the middle domain and what is known of the target."""
        X, y = Xd, labels
        if len(read.rows):
            X, y = stack_rows([Xd, read.Xt[read.rows]]), np.concatenate([labels, read.yt.astype(labels.dtype)])
        return clone(base).fit(X, y) if len(np.unique(y)) > 1 else self.source_estimator_

    def _guess(self, model: Any, X: Any) -> NDArray[np.float64]:
        """Class probabilities, or one-hot answers, over all classes; none quite zero."""
        out = np.full((X.shape[0], len(self.classes_)), TINY)
        columns = np.searchsorted(self.classes_, model.classes_)
        if hasattr(model, "predict_proba"):
            out[:, columns] += model.predict_proba(X)
        else:
            out[np.arange(X.shape[0]), np.searchsorted(self.classes_, model.predict(X))] += 1.0
        return out / out.sum(axis=1, keepdims=True)

    def _learn_columns(self, tables: list[Any]) -> None:
        least = np.min([_column_minima(X) for X in tables], axis=0)
        if self.negative == "shift" and any(map(sparse.issparse, tables)) and (least < 0).any():
            raise InputError("negative='shift' would fill sparse rows up; use negative='split'.")
        self._least = np.minimum(least, 0.0)

    def _non_negative(self, X: Any) -> Any:
        if self.negative == "shift":
            return _positive_part(X - self._least if (self._least < 0).any() else X)
        two = np.flatnonzero(self._least < 0)
        if len(two) == 0:
            return _positive_part(X)
        parts = [_positive_part(X), _positive_part(-X[:, two])]
        return sparse.hstack(parts, format="csr") if sparse.issparse(X) else np.hstack(parts)


def _column_minima(X: Any) -> NDArray[np.float64]:
    return np.asarray(X.min(axis=0).todense()).ravel() if sparse.issparse(X) else X.min(axis=0)


def _positive_part(X: Any) -> Any:
    return X.maximum(0) if sparse.issparse(X) else np.maximum(X, 0.0)
