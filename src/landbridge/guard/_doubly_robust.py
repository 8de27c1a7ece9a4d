"""Doubly robust gain under covariate shift: an outcome model on the target, corrected by weighted source samples."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from landbridge.domain import Domain
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import resample_groups

__all__ = ["OutcomeModel", "doubly_robust_gain", "fit_outcome_model"]

N_TREES = 100
MIN_SAMPLES_LEAF = 3
# More source samples than this are subsampled.
MAX_SAMPLES = 20_000


class OutcomeModel(NamedTuple):
    """Predictions of a flexible model of P(y given x) that was fitted on the source.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,) or None
        None for regression.
    on_source : ndarray of shape (n_source, n_classes) or (n_source,)
        Out-of-bag probabilities or values of the source samples; NaN for samples that were not used.
    on_target : ndarray of shape (n_target, n_classes) or (n_target,)
        Probabilities or values of the target samples.
    """

    classes: NDArray[Any] | None
    on_source: NDArray[np.float64]
    on_target: NDArray[np.float64]


def fit_outcome_model(
    source: Domain, target: Domain, *, regression: bool, random_state: int | None = None
) -> OutcomeModel:
    """Fit a random forest on the source and predict for both domains.

    Parameters
    ----------
    source : Domain
        Labelled.
    target : Domain
    regression : bool
    random_state : int, optional
        Seeds the subsample and the forest.

    Returns
    -------
    OutcomeModel

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import fit_outcome_model
    >>> source, target = make_shift("covariate", random_state=0)
    >>> fit_outcome_model(source, target, regression=False, random_state=0).on_target.shape == (len(target), 2)
    True
    """
    rng = np.random.default_rng(random_state)
    used = rng.permutation(len(source))[:MAX_SAMPLES]
    Xs, Xt = source.X, target.X
    if sparse.issparse(Xs):
        svd = TruncatedSVD(min(50, Xs.shape[1] - 1), random_state=random_state).fit(Xs)
        Xs, Xt = svd.transform(Xs), svd.transform(Xt)
    y = np.asarray(source.y)[used]
    kind = RandomForestRegressor if regression else RandomForestClassifier
    forest = kind(N_TREES, min_samples_leaf=MIN_SAMPLES_LEAF, oob_score=True, random_state=random_state)
    forest.fit(Xs[used], y)
    if regression:
        on_source = np.full(len(source), np.nan)
        on_source[used] = forest.oob_prediction_
        return OutcomeModel(None, on_source, forest.predict(Xt))
    on_source = np.full((len(source), len(forest.classes_)), np.nan)
    on_source[used] = forest.oob_decision_function_
    return OutcomeModel(forest.classes_, on_source, forest.predict_proba(Xt))


def doubly_robust_gain(
    outcome_model: OutcomeModel,
    y: NDArray[Any],
    weights: NDArray[np.float64],
    candidate: tuple[NDArray[Any], NDArray[Any]],
    baseline: tuple[NDArray[Any], NDArray[Any]],
    *,
    groups: tuple[Any, Any] = (None, None),
    n_bootstrap: int = 500,
    random_state: int | None = None,
) -> Measurement:
    r"""Estimate how much better one model is than another on the target, without target labels.

    With :math:`q(x, a)` the expected loss of predicting :math:`a` under the outcome model, the gain of predictions
    :math:`a` over :math:`b` is

    .. math:: \frac1m \sum_{x \in T} [q(x, b) - q(x, a)]
        + \frac{\sum_{i \in S} w_i \left[(\ell_{b,i} - \ell_{a,i}) - (q(x_i, b_i) - q(x_i, a_i))\right]}{\sum_i w_i}.

    Parameters
    ----------
    outcome_model : OutcomeModel
    y : ndarray of shape (n_source,)
        Source labels.
    weights : ndarray of shape (n_source,)
        Density ratio, target over source.
    candidate, baseline : tuple of ndarray
        Predictions of each model for the source samples (held out) and the target samples.
    groups : tuple of array-like, default=(None, None)
        Source samples and target samples that are drawn together. If None, each sample is a group.
    n_bootstrap : int, default=500
    random_state : int, optional
        Draws the bootstrap resamples.

    Returns
    -------
    Measurement
        In units of accuracy, or of R² for regression.

    Notes
    -----
    Consistent if *either* the outcome model *or* the weights are right, and of much less variance than weighting alone.

    References
    ----------
    .. [1] M. Dudík, J. Langford, L. Li. Doubly robust policy evaluation and learning. ICML 2011.
    .. [2] S. Reddi, B. Póczos, A. Smola. Doubly robust covariate shift correction. AAAI 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import OutcomeModel, doubly_robust_gain
    >>> y, certain = np.array([0, 1, 0, 1]), np.eye(2)[[0, 1, 0, 1]]
    >>> model = OutcomeModel(np.array([0, 1]), certain, certain)
    >>> float(doubly_robust_gain(model, y, np.ones(4), (y, y), (y * 0, y * 0)))
    0.5
    """
    classes, on_source, on_target = outcome_model
    scale = 1.0 if classes is not None else max(float(np.var(y)), 1e-12)
    used = ~np.isnan(on_source if classes is None else on_source[:, 0])
    direct = _expected_loss(classes, on_target, baseline[1], scale) - _expected_loss(
        classes, on_target, candidate[1], scale
    )
    expected = _expected_loss(classes, on_source, baseline[0], scale) - _expected_loss(
        classes, on_source, candidate[0], scale
    )
    observed = _loss(classes, baseline[0], y, scale) - _loss(classes, candidate[0], y, scale)
    correction, w = (observed - expected)[used], weights[used]
    value = float(direct.mean() + np.average(correction, weights=w))
    rng = np.random.default_rng(random_state)
    of_source = None if groups[0] is None else np.asarray(groups[0])[used]
    means = _resampled_means(direct, np.ones(len(direct)), groups[1], n_bootstrap, rng)
    means = means + _resampled_means(correction, w, of_source, n_bootstrap, rng)
    low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    p = float((1 + (means <= 0).sum()) / (1 + n_bootstrap))
    if classes is not None:  # a difference of two accuracies
        low, high = max(low, -1.0), min(high, 1.0)
    return Measurement("gain", value, low=low, high=high, null=0.0, p_value=p, higher_is_better=True)


def _resampled_means(
    values: NDArray[np.float64], weights: NDArray[np.float64], groups: Any, n_bootstrap: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Weighted mean of each bootstrap resample of whole groups."""
    if groups is None:
        resamples = rng.integers(len(values), size=(n_bootstrap, len(values)))
    else:
        resamples = resample_groups(groups, n_bootstrap, rng)
    total = np.append(weights, 0.0)[resamples].sum(axis=1)
    return np.asarray(np.append(values * weights, 0.0)[resamples].sum(axis=1) / np.maximum(total, 1e-12))


def _expected_loss(
    classes: Any, outcome: NDArray[np.float64], predicted: NDArray[Any], scale: float
) -> NDArray[np.float64]:
    """Return the loss of each prediction to be expected under the outcome model."""
    if classes is None:
        return np.asarray((outcome - predicted) ** 2 / scale)
    at = np.clip(np.searchsorted(classes, predicted), 0, len(classes) - 1)
    return np.asarray(1 - outcome[np.arange(len(predicted)), at])


def _loss(classes: Any, predicted: NDArray[Any], y: NDArray[Any], scale: float) -> NDArray[np.float64]:
    return (predicted - y) ** 2 / scale if classes is None else (predicted != y).astype(float)
