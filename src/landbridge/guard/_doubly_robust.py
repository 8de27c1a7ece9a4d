"""Doubly robust gain under covariate shift: a teacher's opinion on the target, corrected by weighted source rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from landbridge.domain import Domain
from landbridge.measurement import Measurement

__all__ = ["Teacher", "doubly_robust_gain", "fit_teacher"]

N_TREES = 100
MOST_ROWS = 20_000


class Teacher(NamedTuple):
    """A flexible model of P(y | x) on the source.

    Parameters
    ----------
    classes : ndarray or None
        None for regression.
    on_source : ndarray of shape (n_source, n_classes) or (n_source,)
        Out-of-bag opinion on the source rows; NaN for rows it was not asked about.
    on_target : ndarray of shape (n_target, n_classes) or (n_target,)
    """

    classes: NDArray[Any] | None
    on_source: NDArray[np.float64]
    on_target: NDArray[np.float64]


def fit_teacher(source: Domain, target: Domain, *, regression: bool, random_state: int | None = 0) -> Teacher:
    """Fit a random forest on the source and ask it about both domains.

    Parameters
    ----------
    source : Domain
        Labelled.
    target : Domain
    regression : bool
    random_state : int, optional

    Returns
    -------
    Teacher
    """
    rng = np.random.default_rng(random_state)
    rows = rng.permutation(len(source))[:MOST_ROWS]
    Xs, Xt = source.X, target.X
    if sparse.issparse(Xs):
        svd = TruncatedSVD(min(50, Xs.shape[1] - 1), random_state=random_state).fit(Xs)
        Xs, Xt = svd.transform(Xs), svd.transform(Xt)
    y = np.asarray(source.y)[rows]
    kind = RandomForestRegressor if regression else RandomForestClassifier
    forest = kind(N_TREES, min_samples_leaf=3, oob_score=True, random_state=random_state).fit(Xs[rows], y)
    if regression:
        on_source = np.full(len(source), np.nan)
        on_source[rows] = forest.oob_prediction_
        return Teacher(None, on_source, forest.predict(Xt))
    on_source = np.full((len(source), len(forest.classes_)), np.nan)
    on_source[rows] = forest.oob_decision_function_
    return Teacher(forest.classes_, on_source, forest.predict_proba(Xt))


def doubly_robust_gain(
    teacher: Teacher,
    truth: NDArray[Any],
    weights: NDArray[np.float64],
    candidate: tuple[NDArray[Any], NDArray[Any]],
    baseline: tuple[NDArray[Any], NDArray[Any]],
    *,
    n_bootstrap: int = 500,
    random_state: int | None = 0,
) -> Measurement:
    r"""Estimate how much better one model is than another on the target, without its labels.

    With :math:`q(x, a)` the teacher's expected loss of answering :math:`a`, the gain of answers :math:`a` over
    :math:`b` is

    .. math:: \frac1m \sum_{x \in T} [q(x, b) - q(x, a)]
        + \frac{\sum_{i \in S} w_i \left[(\ell_{b,i} - \ell_{a,i}) - (q(x_i, b_i) - q(x_i, a_i))\right]}{\sum_i w_i}.

    Parameters
    ----------
    teacher : Teacher
    truth : ndarray of shape (n_source,)
        Source labels.
    weights : ndarray of shape (n_source,)
        Density ratio target over source.
    candidate, baseline : tuple of ndarray
        Answers of each model to the source rows (held out) and the target rows.
    n_bootstrap : int, default=500
    random_state : int, optional

    Returns
    -------
    Measurement
        In accuracy, or in R² units for regression.

    Notes
    -----
    Right if *either* the teacher *or* the weights are right, which is why it varies much less than weighting alone.

    References
    ----------
    .. [1] M. Dudík, J. Langford, L. Li. Doubly robust policy evaluation and learning. ICML 2011.
    .. [2] S. Reddi, B. Póczos, A. Smola. Doubly robust covariate shift correction. AAAI 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import Teacher, doubly_robust_gain
    >>> y, sure = np.array([0, 1, 0, 1]), np.eye(2)[[0, 1, 0, 1]]
    >>> teacher = Teacher(np.array([0, 1]), sure, sure)
    >>> float(doubly_robust_gain(teacher, y, np.ones(4), (y, y), (y * 0, y * 0)))
    0.5
    """
    scale = 1.0 if teacher.classes is not None else max(float(np.var(truth)), 1e-12)
    told = ~np.isnan(teacher.on_source if teacher.classes is None else teacher.on_source[:, 0])
    direct = _opinion(teacher.classes, teacher.on_target, baseline[1], scale) - _opinion(
        teacher.classes, teacher.on_target, candidate[1], scale
    )
    believed = _opinion(teacher.classes, teacher.on_source, baseline[0], scale) - _opinion(
        teacher.classes, teacher.on_source, candidate[0], scale
    )
    seen = _loss(teacher.classes, baseline[0], truth, scale) - _loss(teacher.classes, candidate[0], truth, scale)
    correction, w = (seen - believed)[told], weights[told]
    value = float(direct.mean() + np.average(correction, weights=w))
    rng = np.random.default_rng(random_state)
    on_target = direct[rng.integers(len(direct), size=(n_bootstrap, len(direct)))].mean(axis=1)
    rows = rng.integers(len(w), size=(n_bootstrap, len(w)))
    on_source = (correction * w)[rows].sum(axis=1) / np.maximum(w[rows].sum(axis=1), 1e-12)
    means = on_target + on_source
    low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    p = float((1 + (means <= 0).sum()) / (1 + n_bootstrap))
    return Measurement("gain", value, low=low, high=high, null=0.0, p_value=p, higher_is_better=True)


def _opinion(classes: Any, opinion: NDArray[np.float64], answers: NDArray[Any], scale: float) -> NDArray[np.float64]:
    """Expected loss of the answers, in the teacher's opinion."""
    if classes is None:
        return (opinion - answers) ** 2 / scale
    at = np.clip(np.searchsorted(classes, answers), 0, len(classes) - 1)
    return 1 - opinion[np.arange(len(answers)), at]


def _loss(classes: Any, answers: NDArray[Any], truth: NDArray[Any], scale: float) -> NDArray[np.float64]:
    return (answers - truth) ** 2 / scale if classes is None else (answers != truth).astype(float)
