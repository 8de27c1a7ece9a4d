"""Prototypical networks: classification by the nearest class mean in a trained embedding."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self, TypedDict, Unpack

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval, _fit_context
from landbridge.exceptions import InputError
from landbridge.neural._distances import squared_distances
from landbridge.neural._features import cached_features
from landbridge.neural._fitting import check_labels
from landbridge.neural._inputs import to_tensors
from landbridge.neural._network import Network
from landbridge.neural._pack import pack, unpack
from landbridge.neural._settings import Training
from landbridge.neural.fewshot._training import EpisodeSizes, train_on_episodes

__all__ = ["UNKNOWN", "PrototypicalClassifier", "prototypical_loss", "train_prototypical"]

# The prediction for samples that no known class claims.
UNKNOWN = "unknown"


def prototypical_loss(support: Tensor, query: Tensor, n_way: int) -> tuple[Tensor, Tensor]:
    r"""Compute the cross-entropy of queries, with negative squared distances from the class means as logits.

    Parameters
    ----------
    support : Tensor of shape (n_way * n_shot, d)
        Embeddings, class by class.
    query : Tensor of shape (n_way * n_queries, d)
        Embeddings, class by class.
    n_way : int

    Returns
    -------
    loss, accuracy : Tensor
        Scalars.

    References
    ----------
    .. [1] J. Snell, K. Swersky, R. Zemel. Prototypical networks for few-shot learning. NeurIPS 2017.
    """
    means = support.reshape(n_way, -1, support.shape[1]).mean(dim=1)
    logits = -squared_distances(query, means)
    truth = torch.arange(n_way, device=query.device).repeat_interleave(len(query) // n_way)
    return F.cross_entropy(logits, truth), (logits.argmax(dim=1) == truth).float().mean()


class RunOptions(TypedDict, total=False):
    """Keywords of :func:`train_prototypical` for the run; each is described there."""

    progress: Callable[[int, float, float], None] | None
    settings: Training | None


def train_prototypical(
    network: Network,
    X: Any,
    y: Any,
    *,
    n_way: int = 20,
    n_shot: int = 1,
    n_queries: int = 5,
    n_episodes: int = 2000,
    learning_rate: float = 1e-3,
    groups: Any = None,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    random_state: Any = None,
    **options: Unpack[RunOptions],
) -> Network:
    """Train an embedding on episodes drawn from many classes.

    Parameters
    ----------
    network : Network
        Without a head, for example from :func:`conv_embedding`; it is trained in place.
    X : array-like
        Samples as the network reads them.
    y : array-like of shape (n,)
        Classes; these are not the ones to be recognised later.
    n_way, n_shot, n_queries : int
        Of an episode. More classes than in the task to come make for a harder practice and a better embedding.
    n_episodes : int, default=2000
    learning_rate : float, default=1e-3
        Halved four times on the way.
    groups : array-like of shape (n,), optional
        Draw half of the episodes from the classes of one group.
    augment : callable, optional
        Changes a batch of images at random.
    random_state : int, RandomState instance or None, default=None
    **options
        Keywords described under *Other Parameters*.

    Returns
    -------
    Network
        The same.

    Other Parameters
    ----------------
    progress : callable, optional
        Called every hundred episodes with (episode, loss, accuracy).
    settings : Training, optional
        Device, precision, checkpoints and logs of the run; epochs, batch size and learning rate are not read.

    Raises
    ------
    InputError
        If there are too few classes or samples for an episode.

    References
    ----------
    .. [1] J. Snell, K. Swersky, R. Zemel. Prototypical networks for few-shot learning. NeurIPS 2017.
    """
    train_on_episodes(
        network,
        network,
        lambda embedded: prototypical_loss(embedded[: n_way * n_shot], embedded[n_way * n_shot :], n_way),
        X,
        y,
        sizes=EpisodeSizes(n_way, n_shot, n_queries, n_episodes),
        learning_rate=learning_rate,
        groups=groups,
        augment=augment,
        random_state=random_state,
        **options,
    )
    return network


class PrototypicalClassifier(ClassifierMixin, BaseEstimator):
    """Prototypical network classifier: nearest class mean in a trained embedding.

    Parameters
    ----------
    network : Network
        A trained embedding, from :func:`train_prototypical` or any backbone; it is not changed.
    reject : float or None, default=None
        Share of samples of known classes that may be turned away as ``"unknown"``: sets a threshold on the distance, so
        that samples of new classes are recognised as such. It is calibrated on the support samples, each held out of
        its own mean, so it needs two samples per class or more.
    batch_size : int, default=256

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    prototypes_ : ndarray of shape (n_classes, d)
    threshold_ : float or None
        Largest squared distance of a sample that is not turned away.

    Notes
    -----
    ``fit`` trains nothing: one pass over the support samples. How well it works is a matter of the classes the
    embedding was trained on.

    References
    ----------
    .. [1] J. Snell, K. Swersky, R. Zemel. Prototypical networks for few-shot learning. NeurIPS 2017.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.fewshot import PrototypicalClassifier
    >>> digits = load_builtin("handwritten")
    >>> X = digits.X.reshape(-1, 8, 8)
    >>> model = PrototypicalClassifier(load_backbone("builtin")).fit(X[:50], digits.y[:50])
    >>> model.score(X[50:], digits.y[50:]) > 0.6
    True
    """

    method_tags = MethodTags("few-shot", reads=frozenset(), tasks=frozenset({"classification"}), new_classes=True)

    _parameter_constraints = {
        "network": [Network],
        "reject": [Interval(Real, 0, 1, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, network: Network, *, reject: float | None = None, batch_size: int = 256) -> None:
        self.network = network
        self.reject = reject
        self.batch_size = batch_size

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> Self:
        """Take the means of the support samples.

        Parameters
        ----------
        X : array-like
            Support samples, as the network reads them.
        y : array-like of shape (n,)
            Their classes.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a threshold cannot be calibrated.
        LabelError
            If the labels do not fit.
        """
        embedded = self._embed(X)
        y = check_labels(y, len(embedded))
        self.classes_, codes = np.unique(y, return_inverse=True)
        counts = np.bincount(codes)
        sums = np.zeros((len(self.classes_), embedded.shape[1]))
        np.add.at(sums, codes, embedded)
        self.prototypes_ = sums / counts[:, None]
        self.threshold_: float | None = None
        if self.reject is not None:
            if counts.min() < 2:
                raise InputError("reject needs two support samples per class or more, to be calibrated on.")
            n = counts[codes][:, None]
            others = (sums[codes] - embedded) / (n - 1)
            self.threshold_ = float(np.quantile(((embedded - others) ** 2).sum(axis=1), 1 - self.reject))
        return self

    def distances(self, X: Any) -> NDArray[np.float64]:
        """Compute the squared distances from the prototypes.

        Parameters
        ----------
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self, "prototypes_")
        Z, P = self._embed(X), self.prototypes_
        return np.maximum((Z**2).sum(axis=1)[:, None] + (P**2).sum(axis=1)[None] - 2 * Z @ P.T, 0.0)

    def predict(self, X: Any) -> NDArray[Any]:
        """Name the nearest class, or ``"unknown"``.

        Parameters
        ----------
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples,)
            Of type object where samples can be turned away.
        """
        D = self.distances(X)
        found = self.classes_[D.argmin(axis=1)]
        if self.threshold_ is None:
            return found
        found = found.astype(object)
        found[D.min(axis=1) > self.threshold_] = UNKNOWN
        return found

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities, by a softmax of the negative squared distances.

        Parameters
        ----------
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        D = self.distances(X)
        P = np.exp(D.min(axis=1, keepdims=True) - D)
        return P / P.sum(axis=1, keepdims=True)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "network": pack(self.network)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "network": unpack(state["network"])})

    def _embed(self, X: Any) -> NDArray[np.float64]:
        inputs = to_tensors(self.network, X if isinstance(X, np.ndarray) else np.asarray(X))
        return cached_features(self.network, inputs, batch_size=self.batch_size).double().numpy()
