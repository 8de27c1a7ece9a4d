"""Choice of an intermediate domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from landbridge._random_state import check_random_state
from landbridge.exceptions import InputError
from landbridge.stepwise._samples import stack_samples

__all__ = ["Choice", "choose_intermediate", "fit_intermediate_estimator", "six_features"]

N_FOLDS = 3


class Choice(NamedTuple):
    """Result of :func:`choose_intermediate`.

    Parameters
    ----------
    key : object
        Index or name of the chosen candidate.
    scores : ndarray of shape (n_candidates,)
        Higher is better: the probability of success, or without an estimator the negative larger A-distance.
    features : ndarray of shape (n_candidates, 6)
        From :func:`six_features`.
    """

    key: Any
    scores: NDArray[np.float64]
    features: NDArray[np.float64]


def six_features(
    Xs: Any, Xd: Any, Xt: Any, *, rare: float = 0.1, max_samples: int = 1000, random_state: Any = None
) -> NDArray[np.float64]:
    r"""Compute six features of a triple of source, intermediate and target domain, after [1]_.

    Three complexities, the fraction of the features that are non-zero in fewer than `rare` of the samples of a domain;
    and three A-distances :math:`2 (1 - 2 \varepsilon)`, with the cross-validated balanced error of a linear classifier
    between two domains.

    Parameters
    ----------
    Xs, Xd, Xt : array-like or sparse matrix of shape (n, d)
        Samples of source, intermediate and target domain.
    rare : float, default=0.1
        Fraction of the samples.
    max_samples : int, default=1000
        Maximum number of samples of each domain for the distances, drawn at random.
    random_state : int, RandomState or None, default=None
        Draws samples and folds.

    Returns
    -------
    ndarray of shape (6,)
        Complexity of source, intermediate, target; distance source-intermediate, intermediate-target, source-target.

    References
    ----------
    .. [1] B. Tan, Y. Song, E. Zhong, Q. Yang. Transitive transfer learning. KDD 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.stepwise import six_features
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xd, Xt = (rng.normal(m, size=(60, 3)) for m in (0, 3, 6))
    >>> six_features(Xs, Xd, Xt, random_state=0)[3:].round(1).tolist()
    [1.9, 2.0, 2.0]
    """
    rng = check_random_state(random_state)
    sides = [_some(X, max_samples, rng) for X in (Xs, Xd, Xt)]
    complexity = [_complexity(X, rare) for X in (Xs, Xd, Xt)]
    distance = [_a_distance(sides[i], sides[j], rng) for i, j in ((0, 1), (1, 2), (0, 2))]
    return np.array([*complexity, *distance])


def fit_intermediate_estimator(features: Any, outcomes: Any, *, C: float = 1.0) -> Any:
    """Fit a classifier that predicts for a triple of domains whether transfer over the intermediate domain helps.

    Parameters
    ----------
    features : array-like of shape (n_triples, 6)
        Output of :func:`six_features`, one sample per triple.
    outcomes : array-like of bool, shape (n_triples,)
        Whether transfer over the intermediate domain was better than without.
    C : float, default=1.0
        Inverse weight of the L2 penalty.

    Returns
    -------
    Pipeline
        Standardisation and logistic regression.

    Raises
    ------
    InputError
        If there are not six features, or all outcomes are equal.
    """
    features, outcomes = np.asarray(features, dtype=np.float64), np.asarray(outcomes).astype(bool)
    if features.ndim != 2 or features.shape[1] != 6:
        raise InputError(f"features has shape {features.shape}; give one sample of six features per triple.")
    if len(np.unique(outcomes)) < 2:
        raise InputError("outcomes are all equal; give triples that helped and triples that did not.")
    return make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(features, outcomes)


def choose_intermediate(
    Xs: Any,
    candidates: Mapping[Any, Any] | Sequence[Any],
    Xt: Any,
    *,
    intermediate_estimator: Any = None,
    rare: float = 0.1,
    max_samples: int = 1000,
    random_state: Any = None,
) -> Choice:
    """Choose the intermediate domain with which transfer is most likely to succeed.

    Parameters
    ----------
    Xs : array-like or sparse matrix of shape (n_source, d)
        Source samples.
    candidates : dict or sequence of array-like or sparse matrix of shape (n, d)
        Samples of each candidate.
    Xt : array-like or sparse matrix of shape (n_target, d)
        Target samples.
    intermediate_estimator : fitted classifier, default=None
        Output of :func:`fit_intermediate_estimator`. If None, the candidate whose larger A-distance to source and
        target is smallest; ties are broken by the sum of both.
    rare : float, default=0.1
        Passed to :func:`six_features`.
    max_samples : int, default=1000
        Passed to :func:`six_features`.
    random_state : int, RandomState or None, default=None
        Draws samples and folds, equally for each candidate.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        If there is no candidate.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.stepwise import choose_intermediate
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(0, size=(90, 2)), rng.normal(3, size=(90, 2))
    >>> candidates = {"between": rng.normal(1.5, size=(90, 2)), "beyond": rng.normal(6, size=(90, 2))}
    >>> choose_intermediate(Xs, candidates, Xt, random_state=0).key
    'between'
    """
    named = dict(candidates) if isinstance(candidates, Mapping) else dict(enumerate(candidates))
    if not named:
        raise InputError("intermediate_domains holds no candidate; give at least one domain, or None.")
    seed = check_random_state(random_state).randint(2**31 - 1)
    features = np.array(
        [six_features(Xs, X, Xt, rare=rare, max_samples=max_samples, random_state=seed) for X in named.values()]
    )
    distances = features[:, 3:5]
    scores = (
        -distances.max(axis=1)
        if intermediate_estimator is None
        else np.asarray(intermediate_estimator.predict_proba(features))[:, 1]
    )
    best = np.lexsort((distances.sum(axis=1), -scores))[0]
    return Choice(list(named)[best], scores, features)


def _complexity(X: Any, rare: float) -> float:
    counts = (X != 0).sum(axis=0)
    return float(np.mean(np.asarray(counts).ravel() < rare * X.shape[0]))


def _some(X: Any, n: int, rng: np.random.RandomState) -> Any:
    return X if X.shape[0] <= n else X[np.sort(rng.permutation(X.shape[0])[:n])]


def _a_distance(A: Any, B: Any, rng: np.random.RandomState) -> float:
    n, m = A.shape[0], B.shape[0]
    if (folds := min(N_FOLDS, n, m)) < 2:
        return 2.0  # a single sample: the maximal distance
    X, side = stack_samples([A, B]), np.repeat([0, 1], [n, m])
    scaler = MaxAbsScaler() if sparse.issparse(X) else StandardScaler()
    model = make_pipeline(scaler, LogisticRegression(max_iter=1000, class_weight="balanced"))
    cut = StratifiedKFold(folds, shuffle=True, random_state=rng.randint(2**31 - 1))
    wrong = cross_val_predict(model, X, side, cv=cut) != side
    return max(2.0 * (1.0 - wrong[:n].mean() - wrong[n:].mean()), 0.0)
