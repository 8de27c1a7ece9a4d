"""Agreement of independently trained models, on the line between source and target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.performance._interval import bounded

__all__ = ["agreement_on_the_line", "disagreement"]

# A slope is fitted from so many pairs of models; with fewer it is one.
MIN_PAIRS = 6


def disagreement(predicted: Any, other: Any) -> Measurement:
    """Estimate the accuracy by the agreement of two models that were trained independently.

    Parameters
    ----------
    predicted, other : array-like of shape (n_target,)
        Predictions of the model and of another of the same kind, fitted with other samples or another seed.

    Returns
    -------
    Measurement
        ``"disagreement"``: the share of equal predictions, with an interval of 90 % for sampling only.

    Notes
    -----
    Right if the ensemble of such models is calibrated on the target. Time :math:`O(n)`.

    References
    ----------
    .. [1] Y. Jiang, V. Nagarajan, C. Baek, J. Z. Kolter. Assessing generalization of SGD via disagreement. ICLR 2022.

    Examples
    --------
    >>> from landbridge.performance import disagreement
    >>> disagreement(["a", "b", "a", "a"], ["a", "b", "b", "a"]).value
    0.75
    """
    a, b = np.asarray(predicted), np.asarray(other)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise InputError(f"predicted has shape {a.shape} and other {b.shape}; give one prediction of each per sample.")
    value = float((a == b).mean())
    return bounded("disagreement", value, (max(value * (1 - value), 0.01) / len(a)) ** 0.5)


def agreement_on_the_line(predicted_source: Any, y_source: Any, predicted_target: Any) -> Measurement:
    r"""Estimate the accuracy on the target by how much the agreement of models changes (agreement-on-the-line).

    With :math:`\Phi` the normal distribution function, the agreement of every pair of models and the accuracy of the
    first lie on one line of slope :math:`k` on the probit scale:

    .. math:: \Phi^{-1}(g_T) = k\, \Phi^{-1}(g_S) + b, \qquad \hat a_T = \Phi(k\, \Phi^{-1}(a_S) + b)

    Parameters
    ----------
    predicted_source : array-like of shape (n_models, n_source)
        Held-out predictions of several models; the first is the one to be assessed.
    y_source : array-like of shape (n_source,)
        Labels.
    predicted_target : array-like of shape (n_models, n_target)

    Returns
    -------
    Measurement
        ``"agreement"`` with an interval of 90 % for sampling and for the spread of the pairs; ``details`` has slope
        and intercept.

    Raises
    ------
    InputError
        If there are fewer than two models.

    Notes
    -----
    The slope is one with fewer than six pairs of models. Time :math:`O(k^2 n)` for `k` models.

    References
    ----------
    .. [1] C. Baek, Y. Jiang, A. Raghunathan, J. Z. Kolter. Agreement-on-the-line: predicting the performance of neural
       networks under distribution shift. NeurIPS 2022.

    Examples
    --------
    >>> from landbridge.performance import agreement_on_the_line
    >>> source, target = [[0, 1, 0, 1], [0, 1, 1, 1]], [[0, 1, 0, 1], [1, 1, 1, 0]]
    >>> round(agreement_on_the_line(source, [0, 1, 1, 1], target).value, 2)
    0.25
    """
    source, target = np.asarray(predicted_source), np.asarray(predicted_target)
    if source.ndim != 2 or len(source) < 2 or len(target) != len(source):
        raise InputError(
            f"predicted_source has shape {source.shape} and predicted_target {target.shape}; give two models or more."
        )
    pairs = [(i, j) for i in range(len(source)) for j in range(i)]
    on_source = _probit(np.array([(source[i] == source[j]).mean() for i, j in pairs]), source.shape[1])
    on_target = _probit(np.array([(target[i] == target[j]).mean() for i, j in pairs]), target.shape[1])
    slope = 1.0
    if len(pairs) >= MIN_PAIRS and float(np.ptp(on_source)) > 1e-6:
        slope = float(np.polyfit(on_source, on_target, 1)[0])
    differences = on_target - slope * on_source
    intercept = float(differences.mean())
    accuracy = float((source[0] == np.asarray(y_source)).mean())
    value = float(ndtr(slope * _probit(np.array([accuracy]), source.shape[1])[0] + intercept))
    spread = 0.4 * float(differences.std()) / len(pairs) ** 0.5
    p = max(value * (1 - value), 0.01)
    error = (2 * p / source.shape[1] + 2 * p / target.shape[1] + spread**2) ** 0.5
    return bounded("agreement", value, error, details={"slope": slope, "intercept": intercept})


def _probit(share: NDArray[np.float64], n_samples: int) -> NDArray[np.float64]:
    edge = 0.5 / n_samples
    return np.asarray(ndtri(np.clip(share, edge, 1 - edge)))
