"""Feature augmentation ("frustratingly easy domain adaptation"): shared, source and target copies of every column."""

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
    r"""Write every row three times, once for all domains and once for its own, section 3.1 of [1]_.

    .. math:: \Phi_S(x) = (x, x, 0), \qquad \Phi_T(x) = (x, 0, x)

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
        Rows.
    domain : {"source", "target"}
        Where they come from.

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
        none = sparse.csr_matrix(X.shape)
        return sparse.hstack([X, X, none] if domain == "source" else [X, none, X], format="csr")
    n, d = X.shape
    Z = np.zeros((n, 3 * d))
    Z[:, :d] = X
    Z[:, slice(d, 2 * d) if domain == "source" else slice(2 * d, None)] = X
    return Z


class FeatureAugmentation(DelegatingTransfer):
    """Learn from source and labelled target rows together, with shared and own columns (EasyAdapt).

    A linear learner on the tripled columns finds what both domains have in common and what is special to each; a
    penalty on its coefficients shares as much as the labels allow.

    Parameters
    ----------
    estimator : estimator, optional
        Any classifier or regressor, best a penalised linear one. Logistic regression if left out.

    Attributes
    ----------
    estimator_ : estimator
        The learner, fitted on the tripled columns.

    Notes
    -----
    Helps when some target rows are labelled and the rules agree in part; scales to any number of columns, dense or
    sparse. Without target labels the target's own columns are never learned, and nothing is gained over the source
    alone. Hurts where the source alone beats the few labelled target rows alone: then learning from both as one is
    better, by some points.

    Time and memory are those of the estimator on n_s + n labelled rows and three times the columns.

    References
    ----------
    .. [1] H. Daumé III. Frustratingly easy domain adaptation. ACL 2007.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import FeatureAugmentation
    >>> source, target = make_shift("concept", random_state=0)
    >>> told = target.y.astype(object)
    >>> told[40:] = None
    >>> model = FeatureAugmentation().fit(source.X, source.y, X_target=target.X, y_target=told)
    >>> alone = LogisticRegression().fit(source.X, source.y)
    >>> bool(model.score(target.X[40:], target.y[40:]) > alone.score(target.X[40:], target.y[40:]))
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        shifts=frozenset({"concept"}),
        growth="that of the estimator on n_s + n labelled rows and 3 d columns",
        reference="Daumé III: Frustratingly easy domain adaptation. ACL 2007",
    )
    _accept_sparse = True
    _parameter_constraints = {"estimator": [HasMethods(["fit", "predict"]), None]}

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the estimator on the augmented source and labelled target rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like or sparse matrix of shape (n_target, n_features), optional
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        # Without a target there is one domain only.
        self.domain_ = "source" if X_target is None else "target"
        Z, labels = augment(read.Xs, "source"), read.ys
        if len(read.rows):
            told = augment(read.Xt[read.rows], "target")
            Z = sparse.vstack([Z, told], format="csr") if sparse.issparse(Z) else np.concatenate([Z, told])
            labels = np.concatenate([labels, read.yt])
        self.estimator_ = clone(self._base()).fit(Z, labels)
        return self

    def _query(self, X: Any) -> Any:
        return augment(X, self.domain_)
