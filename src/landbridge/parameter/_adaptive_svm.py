"""Adaptive SVM: leave the source classifier as it is and learn a small correction with a large margin."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context, clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from landbridge.base import TransferEstimator, TransferTags, split_labelled
from landbridge.exceptions import InputError, LabelError
from landbridge.numerics.kernels import kernel

__all__ = ["AdaptiveSVM", "adaptive_svm"]


def adaptive_svm(
    K: NDArray[np.float64],
    signs: NDArray[np.float64],
    source_scores: NDArray[np.float64],
    C: float,
    *,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], int]:
    r"""Solve the dual of an adaptive SVM, equation (8) of [1]_.

    .. math:: \max_\alpha \sum_i (1 - y_i f^S(x_i)) \alpha_i
        - \tfrac12 \sum_{ij} \alpha_i \alpha_j y_i y_j k(x_i, x_j)
        \quad \text{s.t.} \quad 0 \le \alpha_i \le C

    Without an intercept the box is the only constraint, so that coordinates can be solved one by one, exactly.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel of the labelled target rows.
    signs : ndarray of shape (n,)
        Labels, +1 or -1.
    source_scores : ndarray of shape (n,)
        Decision values of the source classifier.
    C : float
        Largest multiplier: the cost of an error on a target row.
    max_iter : int, default=1000
        Sweeps over the rows.
    tol : float, default=1e-6
        Stop when no projected gradient is larger.

    Returns
    -------
    coef : ndarray of shape (n,)
        ``α_i y_i``: the correction is ``Δf(x) = Σ_i coef_i k(x_i, x)``.
    n_iter : int

    References
    ----------
    .. [1] J. Yang, R. Yan, A. G. Hauptmann. Cross-domain video concept detection using adaptive SVMs. ACM Multimedia
       2007.
    """
    alpha = np.zeros(len(K))
    scores = np.array(source_scores, dtype=np.float64)  # f^S + Δf, kept up to date
    diagonal = K.diagonal()
    for sweep in range(1, max_iter + 1):  # noqa: B007
        worst = 0.0
        for i in range(len(K)):
            slope = 1.0 - signs[i] * scores[i]
            step = slope if 0.0 < alpha[i] < C else max(slope, 0.0) if alpha[i] <= 0.0 else min(slope, 0.0)
            worst = max(worst, abs(step))
            if step == 0.0:
                continue
            if diagonal[i] > 0:
                new = min(max(alpha[i] + slope / diagonal[i], 0.0), C)
            else:  # a row of zeros: nothing curves, so the corner is best
                new = C if slope > 0 else 0.0
            scores += (new - alpha[i]) * signs[i] * K[i]
            alpha[i] = new
            if diagonal[i] <= 0:
                worst = max(worst * 0.0, 0.0) if worst == abs(step) else worst
        if worst <= tol:
            break
    return alpha * signs, sweep
