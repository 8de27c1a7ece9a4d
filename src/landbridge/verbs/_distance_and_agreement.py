"""Sources compared without target labels: how near each is, and whether the others' models agree with its model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement

__all__ = ["agreement_with_others", "distance_and_agreement"]

# Weight of the error of a source's model on the source itself, beside half the distance and the agreement.
ERROR_WEIGHT = 0.5


def agreement_with_others(probabilities: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Compute how often each model predicts what the mean of the others does.

    Parameters
    ----------
    probabilities : sequence of ndarray of shape (n_target, n_classes)
        Of each model, over the same classes.

    Returns
    -------
    ndarray of shape (n_models,)
        Zero for a single model.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.verbs._distance_and_agreement import agreement_with_others
    >>> one, two = np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([[0.7, 0.3], [0.4, 0.6]])
    >>> agreement_with_others([one, two, one]).tolist()
    [1.0, 0.5, 1.0]
    """
    P = np.stack(probabilities)
    if len(P) < 2:
        return np.zeros(len(P))
    own = P.argmax(axis=2)
    others = (P.sum(axis=0) - P).argmax(axis=2)
    return np.asarray((own == others).mean(axis=1))


def distance_and_agreement(bounds: Sequence[Measurement], agreement: Sequence[float]) -> list[Measurement]:
    r"""Combine the terms of the risk bound that need no target labels with the agreement of the sources' models.

    .. math:: a_i - \tfrac12 d(S_i, T) - \tfrac12 \varepsilon_{S_i}(h_i)

    with the agreement :math:`a_i` of the model of a source with those of the others on the target, half the distance of
    source and target, and the error of the model on its source. The distance alone does not see labels that contradict
    those of the other sources, the agreement does; where most sources are wrong in the same way, neither does.

    Parameters
    ----------
    bounds : sequence of Measurement
        From :func:`~landbridge.discrepancy.risk_bound`.
    agreement : sequence of float
        From :func:`agreement_with_others`.

    Returns
    -------
    list of Measurement
        One per source, higher is better; the interval is that of the distance.
    """
    found = []
    for bound, agreed in zip(bounds, agreement, strict=True):
        half, error = bound.details["half_distance"], bound.details["source_error"]
        value = float(agreed) - half - ERROR_WEIGHT * error
        uncut = error + half + bound.details["joint_error"]
        # the interval of the bound is that of half the distance, unless it was cut
        low, high = (None if end is None or end >= 1.0 else value - (end - uncut) for end in (bound.high, bound.low))
        details = {"agreement": float(agreed), "half_distance": half, "source_error": error}
        found.append(Measurement("distance_and_agreement", value, low, high, higher_is_better=True, details=details))
    return found
