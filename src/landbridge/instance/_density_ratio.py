"""Density ratio estimated by a domain classifier."""

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
    p_target: NDArray[np.float64], n_source: int, n_target: int, max_weight: float | None = None
) -> NDArray[np.float64]:
    r"""Compute the density ratio from the probability of the target domain, by Bayes' rule.

    .. math:: w(x) = \frac{p_T(x)}{p_S(x)} = \frac{n_S}{n_T} \cdot \frac{P(T \mid x)}{P(S \mid x)}

    Parameters
    ----------
    p_target : ndarray of shape (n_samples,)
        Probability of the target domain.
    n_source : int
        Number of source samples that the domain classifier was trained on.
    n_target : int
        Number of target samples that it was trained on.
    max_weight : float, default=None
        Upper bound of the weights. If None, there is no bound.

    Returns
    -------
    weights : ndarray of shape (n_samples,)
        Density ratio of each sample.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import probability_ratio
    >>> probability_ratio(np.array([0.5, 0.8]), 10, 10).round(2).tolist()
    [1.0, 4.0]
    """
    p = np.clip(p_target, 1e-12, 1 - 1e-12)
    w = (n_source / n_target) * p / (1 - p)
    return w if max_weight is None else np.minimum(w, max_weight)


class ClassifierDensityRatio(InstanceTransfer):
    """Reweight source samples by a density ratio estimated with a domain classifier (importance weighting).

    Parameters
    ----------
    estimator : estimator, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    domain_classifier : classifier, default=None
        Classifier of source against target samples, with ``predict_proba``. If None, logistic regression on
        standardised features.
    max_weight : float, default=20.0
        Upper bound of the weights; reduces the variance and adds bias.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : estimator
        Fitted base learner.
    domain_classifier_ : classifier
        The fitted domain classifier.

    Notes
    -----
    Helps under covariate shift if the domains overlap. Has no effect where the source has no samples, and hurts if the
    labelling rule differs.

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
        growth="time and memory of one logistic regression on n_s + n_t samples",
        reference="Bickel, Brückner, Scheffer: Discriminative learning under covariate shift. JMLR 10, 2009",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "domain_classifier": [HasMethods(["fit", "predict_proba"]), None],
        "max_weight": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, estimator: Any = None, *, domain_classifier: Any = None, max_weight: float = 20.0) -> None:
        self.estimator = estimator
        self.domain_classifier = domain_classifier
        self.max_weight = max_weight

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        base = self.domain_classifier
        if base is None:
            base = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        domain = np.repeat([0, 1], [len(Xs), len(Xt)])
        self.domain_classifier_ = clone(base).fit(np.concatenate([Xs, Xt]), domain)
        return probability_ratio(self.domain_classifier_.predict_proba(Xs)[:, 1], len(Xs), len(Xt), self.max_weight)
