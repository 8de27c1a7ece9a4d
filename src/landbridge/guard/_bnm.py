"""BNM validator: the nuclear norm of the answers, which is large for answers that are sure and differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain
from landbridge.guard._views import probabilities
from landbridge.measurement import Measurement

__all__ = ["answer_nuclear_norm", "nuclear_norm"]


def nuclear_norm(proba: NDArray[np.float64]) -> float:
    r"""Sum of the singular values of a matrix of answers, over the largest that is possible.

    .. math:: \lVert P \rVert_\star / \sqrt{n \min(n, c)}

    Parameters
    ----------
    proba : ndarray of shape (n, c)
        Class probabilities.

    Returns
    -------
    float
        In (0, 1]; 1 for sure answers that are spread evenly over the classes.

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
    # the c by c Gram matrix has the squared singular values, whatever the number of rows
    values = np.linalg.eigvalsh(proba.T @ proba)
    return float(np.sqrt(np.clip(values, 0.0, None)).sum() / np.sqrt(n * min(n, c)))


def answer_nuclear_norm(estimator: Any, source: Domain, target: Domain, **_: Any) -> Measurement:
    """Nuclear norm of the model's target answers: sure and diverse answers are taken as a good sign.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    source : Domain
        Not used; there so that every validator is called alike.
    target : Domain
        Target rows.
    **_
        Not used; every validator is called alike.

    Returns
    -------
    Measurement
        In (0, 1]; higher is better.

    Notes
    -----
    Unlike the mean entropy it sees a collapse into one class. It is blind to classes that are sure, diverse and
    swapped, and it favours equal class shares. O(n c²).

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
    value = nuclear_norm(probabilities(estimator, target.frame()))
    return Measurement("nuclear_norm", value, higher_is_better=True)
