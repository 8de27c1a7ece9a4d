"""Weights under which held-out source samples represent the target, for the shift that was diagnosed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.domain import Domain
from landbridge.instance._density_ratio import probability_ratio

__all__ = ["source_weights"]

# Larger ratios than this are mostly noise of the classifier they come from.
MAX_WEIGHT = 20.0
N_TREES = 200
MIN_SAMPLES_LEAF = 10
# More samples than this per domain are subsampled.
MAX_SAMPLES = 20_000


def source_weights(
    diagnosis: Diagnosis, source: Domain, target: Domain, *, random_state: int | None = None
) -> NDArray[np.float64] | None:
    """Return the weight of each source sample: by class under label shift, by density ratio under covariate shift.

    Parameters
    ----------
    diagnosis : Diagnosis
        The kind of shift found.
    source : Domain
        Labelled.
    target : Domain
    random_state : int, optional
        Seeds the forest of the domain classifier.

    Returns
    -------
    ndarray of shape (n_source,) or None
        None for other kinds of shift, under which no reweighting of the source is right.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import Diagnosis
    >>> from landbridge.guard import source_weights
    >>> source, target = make_shift("covariate", random_state=0)
    >>> source_weights(Diagnosis("covariate", "high", ""), source, target, random_state=0).shape == (len(source),)
    True
    """
    if diagnosis.kind == "label":
        details = diagnosis.measurements["label_shift"].details
        ratio = {
            c: q / max(p, 1e-12)
            for c, p, q in zip(details["classes"], details["source_priors"], details["target_priors"], strict=True)
        }
        assert source.y is not None
        return np.array([min(ratio.get(c, 1.0), MAX_WEIGHT) for c in source.y.tolist()])
    if diagnosis.kind == "covariate":
        return _density_ratio(source.X, target.X, random_state)
    return None


def _density_ratio(Xs: Any, Xt: Any, seed: int | None) -> NDArray[np.float64]:
    """Estimate the density ratio by a forest, out of bag: without a parametric form, and bounded by its leaves."""
    rng = np.random.default_rng(seed)
    a, b = (rng.permutation(X.shape[0])[:MAX_SAMPLES] for X in (Xs, Xt))
    if sparse.issparse(Xs):
        svd = TruncatedSVD(min(50, Xs.shape[1] - 1), random_state=seed).fit(sparse.vstack([Xs[a], Xt[b]]))
        Xs, Xt = svd.transform(Xs), svd.transform(Xt)
    domain = np.repeat([0, 1], [len(a), len(b)])
    forest = RandomForestClassifier(
        N_TREES, min_samples_leaf=MIN_SAMPLES_LEAF, class_weight="balanced", oob_score=True, random_state=seed
    ).fit(np.concatenate([Xs[a], Xt[b]]), domain)
    p = np.empty(Xs.shape[0])
    rest = np.ones(Xs.shape[0], dtype=bool)
    rest[a] = False
    p[a] = forest.oob_decision_function_[: len(a), 1]
    if rest.any():
        p[rest] = forest.predict_proba(Xs[rest])[:, 1]
    return probability_ratio(np.nan_to_num(p, nan=0.5), 1, 1, MAX_WEIGHT)
