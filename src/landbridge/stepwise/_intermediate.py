"""Choosing a middle domain: six numbers of a triple of domains, and the chance that transfer over it helps."""

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
from sklearn.utils import check_random_state

from landbridge.exceptions import InputError
from landbridge.stepwise._stones import stack_rows

__all__ = ["Choice", "choose_intermediate", "fit_intermediate_model", "six_features"]

N_FOLDS = 3


class Choice(NamedTuple):
    """Which candidate was chosen, and on what grounds.

    Parameters
    ----------
    key : object
        Index or name of the chosen candidate.
    scores : ndarray of shape (n_candidates,)
        The higher the better: the chance of success, or without a model the largest distance of a leg, negated.
    features : ndarray of shape (n_candidates, 6)
        From :func:`six_features`.
    """

    key: Any
    scores: NDArray[np.float64]
    features: NDArray[np.float64]


def six_features(
    Xs: Any, Xd: Any, Xt: Any, *, rare: float = 0.1, max_samples: int = 1000, random_state: Any = None
) -> NDArray[np.float64]:
    r"""Six numbers of a source, an intermediate and a target domain, after [1]_.

    Three complexities, the share of a domain's columns that are non-zero in fewer than `rare` of its rows; and three
    A-distances :math:`2 (1 - 2 \varepsilon)`, with the held-out balanced error of a linear classifier between two
    domains.

    Parameters
    ----------
    Xs, Xd, Xt : array-like or sparse matrix of shape (n, d)
        Rows of source, intermediate and target.
    rare : float, default=0.1
        Share of rows.
    max_samples : int, default=1000
        Larger domains are cut to so many rows for the distances.
    random_state : int, RandomState or None, default=None
        Draws rows and folds.

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


def fit_intermediate_model(features: Any, outcomes: Any, *, C: float = 1.0) -> Any:
    """Learn from triples that were tried which ones transfer well.

    Parameters
    ----------
    features : array-like of shape (n_triples, 6)
        From :func:`six_features`, one row a triple.
    outcomes : array-like of bool, shape (n_triples,)
        Whether transfer over the intermediate was better than without.
    C : float, default=1.0
        Inverse strength of the regularisation.

    Returns
    -------
    Pipeline
        Standardisation and logistic regression, with ``predict_proba``; the second column is the chance of success.

    Raises
    ------
    InputError
        If there are not six columns, or all outcomes are alike.
    """
    features, outcomes = np.asarray(features, dtype=np.float64), np.asarray(outcomes).astype(bool)
    if features.ndim != 2 or features.shape[1] != 6:
        raise InputError(f"features has the shape {features.shape}; give one row of six numbers a triple.")
    if len(np.unique(outcomes)) < 2:
        raise InputError("outcomes are all alike; give triples that helped and triples that did not.")
    return make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(features, outcomes)


def choose_intermediate(
    Xs: Any,
    candidates: Mapping[Any, Any] | Sequence[Any],
    Xt: Any,
    *,
    model: Any = None,
    rare: float = 0.1,
    max_samples: int = 1000,
    random_state: Any = None,
) -> Choice:
    """Choose the domain over which to go from source to target.

    Parameters
    ----------
    Xs : array-like or sparse matrix of shape (n_source, d)
        Source rows.
    candidates : dict or sequence of array-like or sparse matrix of shape (n, d)
        Rows of each candidate.
    Xt : array-like or sparse matrix of shape (n_target, d)
        Target rows.
    model : fitted classifier, optional
        From :func:`fit_intermediate_model`. Left out, the candidate wins whose longer leg is shorter; among equal ones
        the one with the shorter way altogether.
    rare : float, default=0.1
        Passed to :func:`six_features`.
    max_samples : int, default=1000
        Passed to :func:`six_features`.
    random_state : int, RandomState or None, default=None
        Draws rows and folds, the same for each candidate.

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
    table = dict(candidates) if isinstance(candidates, Mapping) else dict(enumerate(candidates))
    if not table:
        raise InputError("intermediate holds no candidate; give at least one table, or None.")
    seed = check_random_state(random_state).randint(2**31 - 1)
    features = np.array(
        [six_features(Xs, X, Xt, rare=rare, max_samples=max_samples, random_state=seed) for X in table.values()]
    )
    legs = features[:, 3:5]
    scores = -legs.max(axis=1) if model is None else np.asarray(model.predict_proba(features))[:, 1]
    best = np.lexsort((legs.sum(axis=1), -scores))[0]
    return Choice(list(table)[best], scores, features)


def _complexity(X: Any, rare: float) -> float:
    counts = (X != 0).sum(axis=0)
    return float(np.mean(np.asarray(counts).ravel() < rare * X.shape[0]))


def _some(X: Any, n: int, rng: np.random.RandomState) -> Any:
    return X if X.shape[0] <= n else X[np.sort(rng.permutation(X.shape[0])[:n])]


def _a_distance(A: Any, B: Any, rng: np.random.RandomState) -> float:
    n, m = A.shape[0], B.shape[0]
    if (folds := min(N_FOLDS, n, m)) < 2:
        return 2.0  # one row tells nothing: taken as far
    X, side = stack_rows([A, B]), np.repeat([0, 1], [n, m])
    scaler = MaxAbsScaler() if sparse.issparse(X) else StandardScaler()
    model = make_pipeline(scaler, LogisticRegression(max_iter=1000, class_weight="balanced"))
    cut = StratifiedKFold(folds, shuffle=True, random_state=rng.randint(2**31 - 1))
    wrong = cross_val_predict(model, X, side, cv=cut) != side
    return max(2.0 * (1.0 - wrong[:n].mean() - wrong[n:].mean()), 0.0)
