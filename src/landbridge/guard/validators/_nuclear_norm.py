"""Nuclear norm of the class probabilities (BNM), which is large for confident and diverse predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain
from landbridge.guard._views import check_classifier, probabilities
from landbridge.measurement import Measurement

__all__ = ["answer_nuclear_norm", "nuclear_norm"]


def nuclear_norm(proba: NDArray[np.float64]) -> float:
    r"""Compute the sum of the singular values of a matrix of class probabilities, over the largest that is possible.

    .. math:: \lVert P \rVert_\star / \sqrt{n \min(n, c)}

    with :math:`n` samples and :math:`c` classes.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities.

    Returns
    -------
    float
        In (0, 1]; 1 for confident predictions that are spread evenly over the classes.

    References
    ----------
    .. [1] S. Cui, S. Wang, J. Zhuo, L. Li, Q. Huang, Q. Tian. Towards discriminability and diversity: batch nuclear
       norm maximization under label insufficient situations. CVPR 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import nuclear_norm
    >>> round(nuclear_norm(np.eye(3)), 6), round(nuclear_norm(np.full((3, 3), 1 / 3)), 6)
    (1.0, 0.333333)
    """
    n, c = proba.shape
    # the c by c Gram matrix has the squared singular values, whatever the number of samples
    values = np.linalg.eigvalsh(proba.T @ proba)
    return float(np.sqrt(np.clip(values, 0.0, None)).sum() / np.sqrt(n * min(n, c)))


def answer_nuclear_norm(estimator: Any, source: Domain, target: Domain, **_: Any) -> Measurement:
    """Score a classifier by the nuclear norm of its target probabilities: confident and diverse predictions score high.

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
        In (0, 1]; higher is better.

    Raises
    ------
    InputError
        If the estimator is a regressor.

    Notes
    -----
    Unlike the mean entropy it detects a collapse into one class. It cannot detect classes that are predicted with
    confidence and swapped, and it favours equal class shares. Time O(n_target n_classes²).

    References
    ----------
    .. [1] S. Cui, S. Wang, J. Zhuo, L. Li, Q. Huang, Q. Tian. Towards discriminability and diversity: batch nuclear
       norm maximization under label insufficient situations. CVPR 2020.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import answer_nuclear_norm
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = LogisticRegression().fit(source.X, source.y)
    >>> 0.0 < float(answer_nuclear_norm(model, source, target)) <= 1.0
    True
    """
    check_classifier(estimator, "answer_nuclear_norm")
    value = nuclear_norm(probabilities(estimator, target.frame()))
    return Measurement("nuclear_norm", value, higher_is_better=True)
