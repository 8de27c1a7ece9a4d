"""Mean entropy of the class probabilities on the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain
from landbridge.guard._views import check_classifier, probabilities
from landbridge.measurement import Measurement

__all__ = ["mean_entropy", "prediction_entropy"]


def mean_entropy(proba: NDArray[np.float64]) -> float:
    """Compute the mean entropy of class probabilities, over that of the uniform distribution.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import mean_entropy
    >>> round(mean_entropy(np.array([[0.5, 0.5], [1.0, 0.0]])), 6)
    0.5
    """
    if proba.shape[1] < 2:
        return 0.0
    p = np.clip(proba, 1e-12, 1.0)
    return float(-(p * np.log(p)).sum(axis=1).mean() / np.log(proba.shape[1]))


def prediction_entropy(estimator: Any, source: Domain, target: Domain, **_: Any) -> Measurement:
    """Score a classifier by the mean entropy of its target predictions: confident predictions have little.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    source : Domain
        Ignored; every validator is called alike.
    target : Domain
        Target samples.
    **_
        Ignored; every validator is called alike.

    Returns
    -------
    Measurement
        In [0, 1]; lower is better.

    Raises
    ------
    InputError
        If the estimator is a regressor.

    Notes
    -----
    It does not detect collapse: a model that predicts one class for every sample with confidence looks perfect. The
    guard does not use it.

    References
    ----------
    .. [1] P. Morerio, J. Cavazza, V. Murino. Minimal-entropy correlation alignment for unsupervised deep domain
       adaptation. ICLR 2018.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import prediction_entropy
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = LogisticRegression().fit(source.X, source.y)
    >>> 0.0 <= float(prediction_entropy(model, source, target)) <= 1.0
    True
    """
    check_classifier(estimator, "prediction_entropy")
    value = mean_entropy(probabilities(estimator, target.frame()))
    return Measurement("entropy", value, null=1.0, higher_is_better=False)
