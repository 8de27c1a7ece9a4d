"""DAP and IAP: zero-shot classification by direct and indirect attribute prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge._sklearn_compat import HasMethods
from landbridge.base import TransferTags
from landbridge.zeroshot._base import CANDIDATE_CONSTRAINTS, ZeroShotClassifier

__all__ = ["DAP", "IAP", "log_posterior"]


def log_posterior(
    probabilities: NDArray[np.float64], binary: NDArray[np.bool_], priors: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Compute the log-posterior of classes from attribute probabilities, equation (2) of [1]_.

    .. math:: \log p(z \mid x) = \sum_m \log \frac{p(a_m = a_m^z \mid x)}{p(a_m = a_m^z)}

    up to a constant for each sample.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_attributes)
        Probability of each attribute.
    binary : ndarray of bool, shape (n_classes, n_attributes)
        Which class has which attribute.
    priors : ndarray of shape (n_attributes,)
        Share of classes that have each attribute.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Log-posterior, not normalised.

    References
    ----------
    .. [1] C. Lampert, H. Nickisch, S. Harmeling. Attribute-based classification for zero-shot visual object
       categorization. TPAMI 36, 2014.
    """
    p, q = np.clip(probabilities, 1e-6, 1 - 1e-6), np.clip(priors, 1e-3, 1 - 1e-3)
    has, lacks = np.log(p / q), np.log((1 - p) / (1 - q))
    return has @ binary.T.astype(float) + lacks @ (~binary).T.astype(float)


class _AttributePrediction(ZeroShotClassifier):
    _parameter_constraints = {**CANDIDATE_CONSTRAINTS, "estimator": [HasMethods(["fit", "predict_proba"]), None]}

    def __init__(
        self,
        *,
        estimator: Any = None,
        candidate_classes: Any = "unseen",
        seen_class_penalty: Any = 0.0,
    ) -> None:
        self.estimator = estimator
        self.candidate_classes = candidate_classes
        self.seen_class_penalty = seen_class_penalty

    def _base(self) -> Any:
        if self.estimator is not None:
            return clone(self.estimator)
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))

    def _binarize(self, S: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Binarise attributes at the mean over the seen classes."""
        return S > self._means

    def _probabilities(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return log_posterior(self._probabilities(X), self._binarize(S), self._priors) / S.shape[1]


class DAP(_AttributePrediction):
    """Direct attribute prediction (DAP): zero-shot classification by one binary classifier per attribute.

    Attributes are binarised at their mean over the seen classes.

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner with ``predict_proba``, fitted once for each attribute. If None, a pipeline of ``StandardScaler()``
        and ``LogisticRegression(C=0.1, max_iter=300)``.
    candidate_classes : {"unseen", "all"} or array-like of shape (n_candidates,), default="unseen"
        Classes that may be predicted.
    seen_class_penalty : float or "auto", default=0.0
        Subtracted from the scores of seen classes (calibrated stacking). If "auto", it is found by cross-validation
        over the seen classes when seen and unseen classes are candidates.

    Attributes
    ----------
    estimators_ : list of (classifier or float), length n_attributes
        Fitted classifiers; a constant probability for an attribute that all or no seen classes have.
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
        Classes that may be predicted.
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
        Their attributes.
    seen_class_penalty_ : float
        Penalty on the scores of seen classes.

    Notes
    -----
    Predictions can be explained by the predicted attributes. The method assumes independent attributes, so that its
    scores are overconfident. Time and memory are those of one fit of `estimator` for each attribute.

    References
    ----------
    .. [1] C. Lampert, H. Nickisch, S. Harmeling. Attribute-based classification for zero-shot visual object
       categorization. TPAMI 36, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.zeroshot import DAP
    >>> attributes = {"horse": [1, 0], "tiger": [0, 1], "pig": [0, 0], "zebra": [1, 1]}
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["horse", "tiger", "pig"], 50)
    >>> X = np.array([attributes[c] for c in y]) + 0.1 * rng.normal(size=(150, 2))
    >>> DAP().fit(X, y, attributes=attributes).predict([[1.0, 1.0]]).tolist()
    ['zebra']
    """

    transfer_tags = method_tags = TransferTags(
        family="zero-shot",
        tasks=frozenset({"classification"}),
        growth="time and memory of one classifier for each attribute",
        reference="Lampert, Nickisch, Harmeling: Attribute-based classification for zero-shot learning. TPAMI 2014",
    )

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._means = S.mean(axis=0)
        binary = self._binarize(S)
        self._priors = binary.mean(axis=0)
        self.estimators_: list[Any] = []
        for has in binary.T:
            labels = has[codes]
            self.estimators_.append(
                float(labels.mean()) if labels.all() or not labels.any() else self._base().fit(X, labels)
            )

    def _probabilities(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = [np.full(len(X), m) if isinstance(m, float) else m.predict_proba(X)[:, 1] for m in self.estimators_]
        return np.column_stack(columns)


class IAP(_AttributePrediction):
    """Indirect attribute prediction (IAP): zero-shot classification by way of one classifier of the seen classes.

    Attribute probabilities are mixtures of the attributes of the seen classes, binarised at their mean, with the class
    probabilities as weights.

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner of the seen classes, with ``predict_proba``. If None, a pipeline of ``StandardScaler()`` and
        ``LogisticRegression(C=0.1, max_iter=300)``.
    candidate_classes : {"unseen", "all"} or array-like of shape (n_candidates,), default="unseen"
        Classes that may be predicted.
    seen_class_penalty : float or "auto", default=0.0
        Subtracted from the scores of seen classes (calibrated stacking). If "auto", it is found by cross-validation
        over the seen classes when seen and unseen classes are candidates.

    Attributes
    ----------
    estimator_ : classifier
        Fitted classifier of the seen classes.
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
        Classes that may be predicted.
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
        Their attributes.
    seen_class_penalty_ : float
        Penalty on the scores of seen classes.

    Notes
    -----
    Needs one classifier only, whatever the number of attributes. It cannot predict combinations of attributes that no
    mixture of seen classes has. Time and memory are those of one fit of `estimator`.

    References
    ----------
    .. [1] C. Lampert, H. Nickisch, S. Harmeling. Attribute-based classification for zero-shot visual object
       categorization. TPAMI 36, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.zeroshot import IAP
    >>> IAP().fit([[0.0], [0.1], [1.0], [1.1]], ["a", "a", "b", "b"]).predict([[0.0], [1.0]]).tolist()
    ['a', 'b']
    """

    transfer_tags = method_tags = TransferTags(
        family="zero-shot",
        tasks=frozenset({"classification"}),
        growth="time and memory of one classifier",
        reference="Lampert, Nickisch, Harmeling: Attribute-based classification for zero-shot learning. TPAMI 2014",
    )

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._means = S.mean(axis=0)
        self._binary = self._binarize(S)
        self._priors = self._binary.mean(axis=0)
        self.estimator_ = self._base().fit(X, codes)

    def _probabilities(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.estimator_.predict_proba(X) @ self._binary.astype(float)
