"""Feature augmentation (frustratingly easy domain adaptation, EasyAdapt)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import clone

from landbridge._sklearn_compat import HasMethods, _fit_context
from landbridge.base import TransferTags
from landbridge.feature._delegate import DelegatingTransfer

__all__ = ["FeatureAugmentation", "augment"]


def augment(X: Any, domain: str) -> Any:
    r"""Return a shared and a domain-specific copy of every feature, section 3.1 of [1]_.

    .. math:: \Phi_S(x) = (x, x, 0), \qquad \Phi_T(x) = (x, 0, x)

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
        Samples.
    domain : {"source", "target"}
        Domain of the samples.

    Returns
    -------
    ndarray or csr_matrix of shape (n, 3 d)

    References
    ----------
    .. [1] H. Daumé III. Frustratingly easy domain adaptation. ACL 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import augment
    >>> augment(np.array([[1.0, 2.0]]), "target").tolist()
    [[1.0, 2.0, 0.0, 0.0, 1.0, 2.0]]
    """
    if sparse.issparse(X):
        zeros = sparse.csr_matrix(X.shape)
        return sparse.hstack([X, X, zeros] if domain == "source" else [X, zeros, X], format="csr")
    n, d = X.shape
    Z = np.zeros((n, 3 * d))
    Z[:, :d] = X
    Z[:, slice(d, 2 * d) if domain == "source" else slice(2 * d, None)] = X
    return Z


class FeatureAugmentation(DelegatingTransfer):
    """Feature augmentation, or frustratingly easy domain adaptation (EasyAdapt).

    An estimator is fitted on source and labelled target samples, with a shared and a domain-specific copy of every
    feature. With an L2 penalty, a linear estimator shares as much between the domains as the labels allow. `skada` has
    no feature augmentation.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier or regressor, preferably linear with an L2 penalty. If None, logistic regression.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on the augmented features.

    Notes
    -----
    Helps if some target samples are labelled and P(y given x) agrees in part; works with any number of features, dense
    or sparse. Without target labels it equals the source model. Hurts if the source model beats a model of the labelled
    target samples: pooling both domains is then better by some points.

    Time and memory are those of the estimator on n_s + n_labelled samples and 3 d features.

    References
    ----------
    .. [1] H. Daumé III. Frustratingly easy domain adaptation. ACL 2007.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import FeatureAugmentation
    >>> source, target = make_shift("concept", random_state=0)
    >>> y_target = target.y.astype(object)
    >>> y_target[40:] = None
    >>> model = FeatureAugmentation().fit(source.X, source.y, X_target=target.X, y_target=y_target)
    >>> alone = LogisticRegression().fit(source.X, source.y)
    >>> bool(model.score(target.X[40:], target.y[40:]) > alone.score(target.X[40:], target.y[40:]))
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        shifts=frozenset({"concept"}),
        growth="that of the estimator on n_s + n labelled samples and 3 d features",
        reference="Daumé III: Frustratingly easy domain adaptation. ACL 2007",
    )
    _accept_sparse = True
    _parameter_constraints = {"estimator": [HasMethods(["fit", "predict"]), None]}

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the estimator on augmented source and labelled target samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like or sparse matrix of shape (n_target, n_features), default=None
            Target samples.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        # Without a target there is only one domain.
        self.domain_ = "source" if X_target is None else "target"
        Z, labels = augment(read.Xs, "source"), read.ys
        if len(read.rows):
            labelled = augment(read.Xt[read.rows], "target")
            Z = sparse.vstack([Z, labelled], format="csr") if sparse.issparse(Z) else np.concatenate([Z, labelled])
            labels = np.concatenate([labels, read.yt])
        self.estimator_ = clone(self._base()).fit(Z, labels)
        return self

    def _query(self, X: Any) -> Any:
        return augment(X, self.domain_)
