"""Classifier density ratio: weigh source rows by how much they look like the target."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import InstanceTransfer, TransferTags

__all__ = ["ClassifierDensityRatio", "probability_ratio"]


def probability_ratio(
    p_target: NDArray[np.float64], n_source: int, n_target: int, clip: float | None = None
) -> NDArray[np.float64]:
    r"""Turn the probability of being a target row into a density ratio, by Bayes' rule.

    .. math:: w(x) = \frac{p_T(x)}{p_S(x)} = \frac{n_S}{n_T} \cdot \frac{P(T \mid x)}{P(S \mid x)}

    Parameters
    ----------
    p_target : ndarray of shape (n,)
        Probability of belonging to the target.
    n_source, n_target : int
        Rows the classifier was trained on.
    clip : float, optional
        Largest weight.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import probability_ratio
    >>> probability_ratio(np.array([0.5, 0.8]), 10, 10).round(2).tolist()
    [1.0, 4.0]
    """
    p = np.clip(p_target, 1e-12, 1 - 1e-12)
    w = (n_source / n_target) * p / (1 - p)
    return w if clip is None else np.minimum(w, clip)


class ClassifierDensityRatio(InstanceTransfer):
    """Weigh source rows by a classifier that tells target rows from source rows.

    Parameters
    ----------
    estimator : estimator, optional
        Fitted on the weighted source; anything that takes ``sample_weight``. Logistic regression if left out.
    classifier : classifier, optional
        Tells the domains apart; needs ``predict_proba``. Left out: logistic regression on standardised columns.
    clip : float, default=20.0
        Largest weight; bounds the variance at the price of some bias.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights, with mean one.
    estimator_ : estimator
        The fitted learner.
    classifier_ : classifier
        The fitted domain classifier.

    Notes
    -----
    Helps under covariate shift when both domains overlap. Does nothing for parts of the target the source never
    visits, and hurts when the labelling rule itself differs.

    Time and memory are those of the two fits.

    References
    ----------
    .. [1] S. Bickel, M. Brückner, T. Scheffer. Discriminative learning under covariate shift. JMLR 10, 2009.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.instance import ClassifierDensityRatio
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = ClassifierDensityRatio().fit(source.X, source.y, X_target=target.X)
    >>> round(float(model.source_weights_.mean()), 6)
    1.0
    """

    transfer_tags = TransferTags(
        family="instance",
        shifts=frozenset({"covariate"}),
        growth="time and memory of one logistic regression on n_s + n_t rows",
        reference="Bickel, Brückner, Scheffer: Discriminative learning under covariate shift. JMLR 10, 2009",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "classifier": [HasMethods(["fit", "predict_proba"]), None],
        "clip": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, estimator: Any = None, *, classifier: Any = None, clip: float = 20.0) -> None:
        self.estimator = estimator
        self.classifier = classifier
        self.clip = clip

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        base = self.classifier
        if base is None:
            base = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        domain = np.repeat([0, 1], [len(Xs), len(Xt)])
        self.classifier_ = clone(base).fit(np.concatenate([Xs, Xt]), domain)
        return probability_ratio(self.classifier_.predict_proba(Xs)[:, 1], len(Xs), len(Xt), self.clip)
