"""Weights that make held-out source rows stand for the target, under the shift that was diagnosed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.domain import Domain
from landbridge.instance._density_ratio import probability_ratio

__all__ = ["source_weights"]

# Larger ratios than this are mostly noise of the classifier behind them.
CLIP = 20.0


def source_weights(
    diagnosis: Diagnosis, source: Domain, target: Domain, *, random_state: int | None = 0
) -> NDArray[np.float64] | None:
    """Weight of each source row under label shift (by class) or covariate shift (by row).

    Parameters
    ----------
    diagnosis : Diagnosis
        What measure() found.
    source : Domain
        Labelled.
    target : Domain
    random_state : int, optional
        Cuts the folds of the domain classifier.

    Returns
    -------
    ndarray of shape (n_source,) or None
        None for other kinds of shift, under which no weighting of source rows is right.
    """
    if diagnosis.kind == "label":
        details = diagnosis.measurements["label_shift"].details
        ratio = {
            c: q / max(p, 1e-12)
            for c, p, q in zip(details["classes"], details["source_priors"], details["target_priors"], strict=True)
        }
        assert source.y is not None
        return np.array([min(ratio.get(c, 1.0), CLIP) for c in source.y.tolist()])
    if diagnosis.kind == "covariate":
        return _row_weights(source.X, target.X, random_state)
    return None


def _row_weights(Xs: Any, Xt: Any, seed: int | None) -> NDArray[np.float64]:
    from scipy import sparse

    X = sparse.vstack([Xs, Xt]).tocsr() if sparse.issparse(Xs) else np.concatenate([Xs, Xt])
    domain = np.repeat([0, 1], [Xs.shape[0], Xt.shape[0]])
    judge = make_pipeline(StandardScaler(with_mean=not sparse.issparse(X)), LogisticRegression(C=0.1, max_iter=500))
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    p = cross_val_predict(judge, X, domain, cv=folds, method="predict_proba")[: Xs.shape[0], 1]
    return probability_ratio(p, Xs.shape[0], Xt.shape[0], clip=CLIP)
