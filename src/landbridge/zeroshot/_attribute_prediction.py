"""DAP and IAP: attributes are predicted, directly or by way of seen classes, and classes follow from them."""

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
from landbridge.zeroshot._base import ATTRIBUTES, ZeroShotClassifier

__all__ = ["DAP", "IAP", "log_posterior"]


def log_posterior(
    probabilities: NDArray[np.float64], binary: NDArray[np.bool_], priors: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Log-posterior of classes from attribute probabilities, equation (2) of [1]_, up to a constant a row.

    .. math:: \log p(z \mid x) = \sum_m \log \frac{p(a_m = a_m^z \mid x)}{p(a_m = a_m^z)}

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_attributes)
        Of having each attribute.
    binary : ndarray of bool, shape (n_classes, n_attributes)
    priors : ndarray of shape (n_attributes,)
        Shares of classes that have each attribute.

    Returns
    -------
    ndarray of shape (n, n_classes)

    References
    ----------
    .. [1] C. Lampert, H. Nickisch, S. Harmeling. Attribute-based classification for zero-shot visual object
       categorization. TPAMI 36, 2014.
    """
    p, q = np.clip(probabilities, 1e-6, 1 - 1e-6), np.clip(priors, 1e-3, 1 - 1e-3)
    has, lacks = np.log(p / q), np.log((1 - p) / (1 - q))
    return has @ binary.T.astype(float) + lacks @ (~binary).T.astype(float)


class _AttributePrediction(ZeroShotClassifier):
    _parameter_constraints = {**ATTRIBUTES, "estimator": [HasMethods(["fit", "predict_proba"]), None]}

    def __init__(
        self,
        attributes: Any = None,
        *,
        estimator: Any = None,
        candidates: Any = "unseen",
        calibration: Any = 0.0,
    ) -> None:
        self.attributes = attributes
        self.estimator = estimator
        self.candidates = candidates
        self.calibration = calibration

    def _base(self) -> Any:
        if self.estimator is not None:
            return clone(self.estimator)
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))

    def _cut(self, S: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each class has each attribute: more of it than the mean of the seen classes."""
        return S > self._means

    def _probabilities(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _score(self, X: NDArray[np.float64], S: NDArray[np.float64]) -> NDArray[np.float64]:
        return log_posterior(self._probabilities(X), self._cut(S), self._priors) / S.shape[1]


class DAP(_AttributePrediction):
    """Name classes without a row by attributes, each predicted on its own (direct attribute prediction).

    Parameters
    ----------
    attributes : dict, DataFrame or None
        Class to vector; cut into having and lacking at the mean of the seen classes. Classes without rows in `y` are
        the unseen ones. None: an ordinary classifier.
    estimator : classifier, optional
        Fitted once for each attribute; needs ``predict_proba``. Left out: scaling and logistic regression.
    candidates : "unseen", "all" or array-like, default="unseen"
        Which classes may be the answer.
    calibration : float or "auto", default=0.0
        What seen classes' scores give away where both may be the answer; "auto" finds it on seen classes.

    Attributes
    ----------
    estimators_ : list of classifier or float
        One an attribute; the share of rows that have it where all have it or none.
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
    calibration_ : float

    Notes
    -----
    Says which attributes it saw, so that mistakes can be understood. Takes attributes for independent, which they are
    not, so that its probabilities are too sure. Time of one fit an attribute.

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
    >>> DAP(attributes).fit(X, y).predict([[1.0, 1.0]]).tolist()
    ['zebra']
    """

    transfer_tags = TransferTags(
        family="zeroshot",
        tasks=frozenset({"classification"}),
        growth="time of one fit an attribute, memory of one model an attribute",
        reference="Lampert, Nickisch, Harmeling: Attribute-based classification for zero-shot learning. TPAMI 2014",
    )

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._means = S.mean(axis=0)
        binary = self._cut(S)
        self._priors = binary.mean(axis=0)
        self.estimators_: list[Any] = []
        for has in binary.T:
            truth = has[codes]
            self.estimators_.append(
                float(truth.mean()) if truth.all() or not truth.any() else self._base().fit(X, truth)
            )

    def _probabilities(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = [np.full(len(X), m) if isinstance(m, float) else m.predict_proba(X)[:, 1] for m in self.estimators_]
        return np.column_stack(columns)


class IAP(_AttributePrediction):
    """Name classes without a row by the attributes of the seen classes that a row looks like (indirect prediction).

    Parameters
    ----------
    attributes : dict, DataFrame or None
        Class to vector; cut into having and lacking at the mean of the seen classes. Classes without rows in `y` are
        the unseen ones. None: an ordinary classifier.
    estimator : classifier, optional
        Of the seen classes; needs ``predict_proba``. Left out: scaling and logistic regression.
    candidates : "unseen", "all" or array-like, default="unseen"
        Which classes may be the answer.
    calibration : float or "auto", default=0.0
        What seen classes' scores give away where both may be the answer; "auto" finds it on seen classes.

    Attributes
    ----------
    estimator_ : classifier
    seen_ : ndarray of shape (n_seen,)
        Classes of `y`.
    classes_ : ndarray of shape (n_candidates,)
    class_attributes_ : ndarray of shape (n_candidates, n_attributes)
    calibration_ : float

    Notes
    -----
    One classifier, which may be there already. Knows of attributes only what the mixture of seen classes says. Time of
    one fit.

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

    transfer_tags = TransferTags(
        family="zeroshot",
        tasks=frozenset({"classification"}),
        growth="time and memory of one classifier",
        reference="Lampert, Nickisch, Harmeling: Attribute-based classification for zero-shot learning. TPAMI 2014",
    )

    def _learn(self, X: NDArray[np.float64], codes: NDArray[np.intp], S: NDArray[np.float64]) -> None:
        self._means = S.mean(axis=0)
        self._binary = self._cut(S)
        self._priors = self._binary.mean(axis=0)
        self.estimator_ = self._base().fit(X, codes)

    def _probabilities(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.estimator_.predict_proba(X) @ self._binary.astype(float)
