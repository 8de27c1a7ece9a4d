"""Siamese networks: verification of pairs, and one-shot classification."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval, _fit_context
from landbridge.exceptions import InputError
from landbridge.neural._features import cached_features
from landbridge.neural._fitting import check_labels
from landbridge.neural._inputs import to_tensors
from landbridge.neural._network import Network
from landbridge.neural._pack import load_weights, pack, unpack, weights_of
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._settings import Training
from landbridge.neural.fewshot._training import EpisodeSizes, train_on_episodes

__all__ = ["SiameseClassifier", "SiameseNetwork", "train_siamese"]


class SiameseNetwork(nn.Module):
    """Siamese network: a shared embedding of both inputs, and a weighted distance between the embeddings.

    Parameters
    ----------
    network : Network
        Without a head.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.distance = nn.Linear(network.in_features, 1)

    def pairs(self, A: Tensor, B: Tensor) -> Tensor:
        """Compute the log-odds that each sample of `A` has the class of each sample of `B`.

        Parameters
        ----------
        A : Tensor of shape (n, d)
            Embeddings.
        B : Tensor of shape (m, d)
            Embeddings.

        Returns
        -------
        Tensor of shape (n, m)
            Log-odds.
        """
        return self._odds(torch.sigmoid(A)[:, None], torch.sigmoid(B)[None])

    def rows(self, A: Tensor, B: Tensor) -> Tensor:
        """Compute the log-odds that each sample of `A` has the class of the corresponding sample of `B`.

        Parameters
        ----------
        A, B : Tensor of shape (n, d)
            Embeddings.

        Returns
        -------
        Tensor of shape (n,)
            Log-odds.
        """
        return self._odds(torch.sigmoid(A), torch.sigmoid(B))

    def _odds(self, a: Tensor, b: Tensor) -> Tensor:
        return -((a - b).abs() * self.distance.weight[0]).sum(dim=-1) + self.distance.bias


def train_siamese(
    network: Network,
    X: Any,
    y: Any,
    *,
    n_way: int = 20,
    n_samples: int = 2,
    n_batches: int = 2000,
    learning_rate: float = 1e-3,
    groups: Any = None,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    random_state: Any = None,
    progress: Callable[[int, float, float], None] | None = None,
    settings: Training | None = None,
) -> SiameseNetwork:
    """Train a siamese network to verify: the same class, or not.

    All pairs of a batch are used, pairs of one class weighted as much as pairs of different classes, so that a batch of
    forty samples is worth hundreds of drawn pairs.

    Parameters
    ----------
    network : Network
        Without a head; it is trained in place.
    X : array-like
        Samples as the network reads them.
    y : array-like of shape (n,)
        Classes; these are not the ones to be recognised later.
    n_way, n_samples : int
        Classes of a batch, and samples of each.
    n_batches : int, default=2000
    learning_rate : float, default=1e-3
        Halved four times on the way.
    groups : array-like of shape (n,), optional
        Draw half of the batches from the classes of one group.
    augment : callable, optional
        Changes a batch of images at random.
    random_state : int, RandomState instance or None, default=None
    progress : callable, optional
        Called every hundred batches with (batch, loss, accuracy of the nearest).
    settings : Training, optional
        Device, precision, checkpoints and logs of the run; epochs, batch size and learning rate are not read.

    Returns
    -------
    SiameseNetwork

    Raises
    ------
    InputError
        If there are too few classes or samples for a batch.

    References
    ----------
    .. [1] G. Koch, R. Zemel, R. Salakhutdinov. Siamese neural networks for one-shot image recognition. ICML workshop on
       deep learning, 2015.
    """
    random_state = seed_from(random_state)
    with seeded(random_state):
        model = SiameseNetwork(network)
    with torch.no_grad():
        model.distance.weight.fill_(4.0 / network.in_features**0.5)
        model.distance.bias.fill_(1.0)
    truth = torch.eye(n_way).repeat_interleave(n_samples - 1, dim=0)

    def objective(embedded: Tensor) -> tuple[Tensor, Tensor]:
        logits, true = model.pairs(embedded[n_way:], embedded[:n_way]), truth.to(embedded.device)
        per_pair = F.binary_cross_entropy_with_logits(logits, true, reduction="none")
        loss = 0.5 * (per_pair[true == 1].mean() + per_pair[true == 0].mean())
        # the nearest must be the right one, not only near enough: verification alone asks too little of a ranking
        nearest = true.argmax(dim=1)
        loss = loss + F.cross_entropy(logits, nearest)
        return loss, (logits.argmax(dim=1) == nearest).float().mean()

    train_on_episodes(
        model,
        network,
        objective,
        X,
        y,
        sizes=EpisodeSizes(n_way, 1, n_samples - 1, n_batches),
        learning_rate=learning_rate,
        groups=groups,
        augment=augment,
        random_state=random_state,
        progress=progress,
        settings=settings,
    )
    return model


class SiameseClassifier(ClassifierMixin, BaseEstimator):
    """Siamese network classifier: a query gets the class of the support sample it matches best.

    Parameters
    ----------
    network : SiameseNetwork
        From :func:`train_siamese`; it is not changed.
    batch_size : int, default=256

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    ``fit`` keeps the support samples' embeddings; time of a prediction grows with the support samples. Several samples
    per class vote by their mean log-odds.

    References
    ----------
    .. [1] G. Koch, R. Zemel, R. Salakhutdinov. Siamese neural networks for one-shot image recognition. ICML workshop on
       deep learning, 2015.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.fewshot import SiameseClassifier, train_siamese
    >>> printed, digits = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(200))
    >>> pairs = train_siamese(
    ...     load_backbone("builtin"), printed.X.reshape(-1, 8, 8), printed.y, n_way=10, n_batches=20, random_state=0
    ... )
    >>> X = digits.X.reshape(-1, 8, 8)
    >>> model = SiameseClassifier(pairs).fit(X[:30], digits.y[:30])
    >>> model.score(X[30:], digits.y[30:]) > 0.5
    True
    """

    method_tags = MethodTags("few-shot", reads=frozenset(), tasks=frozenset({"classification"}), new_classes=True)

    _parameter_constraints = {
        "network": [SiameseNetwork],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, network: SiameseNetwork, *, batch_size: int = 256) -> None:
        self.network = network
        self.batch_size = batch_size

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> Self:
        """Keep the support samples.

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
        LabelError
            If the labels do not fit.
        """
        embedded = self._embed(X)
        y = check_labels(y, len(embedded))
        self.classes_, self._codes = np.unique(y, return_inverse=True)
        self._support = embedded.numpy()
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute the mean log-odds of matching each class.

        Parameters
        ----------
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self, "classes_")
        support = torch.from_numpy(self._support)
        with torch.inference_mode():
            parts = [
                self.network.pairs(part, support).double().numpy() for part in self._embed(X).split(self.batch_size)
            ]
        logits = np.concatenate(parts)
        return np.stack([logits[:, self._codes == k].mean(axis=1) for k in range(len(self.classes_))], axis=1)

    def predict(self, X: Any) -> NDArray[Any]:
        """Name the class that matches best.

        Parameters
        ----------
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.classes_[self.decision_function(X).argmax(axis=1)]

    def verify(self, A: Any, B: Any) -> NDArray[np.float64]:
        """Compute the probability that samples of `A` and `B` have the same class, pair by pair.

        Parameters
        ----------
        A, B : array-like
            Equally many samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Probabilities, as calibrated as the training pairs were like these.

        Raises
        ------
        InputError
            If there are not as many samples in `A` as in `B`.
        """
        a, b = self._embed(A), self._embed(B)
        if len(a) != len(b):
            raise InputError(f"A has {len(a)} samples but B has {len(b)}; give them pair by pair.")
        cuts = zip(a.split(self.batch_size), b.split(self.batch_size), strict=True)
        with torch.inference_mode():
            return torch.cat([torch.sigmoid(self.network.rows(*cut)) for cut in cuts]).double().numpy()

    def __getstate__(self) -> dict[str, Any]:
        packed = {"embedding": pack(self.network.network), "distance": weights_of(self.network.distance)}
        return {**super().__getstate__(), "network": packed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        with seeded(0):  # weights that are replaced
            network = SiameseNetwork(unpack(state["network"]["embedding"]))
        load_weights(network.distance, state["network"]["distance"])
        super().__setstate__({**state, "network": network.eval()})

    def _embed(self, X: Any) -> Tensor:
        network = self.network.network
        inputs = to_tensors(network, X if isinstance(X, np.ndarray) else np.asarray(X))
        return cached_features(network, inputs, batch_size=self.batch_size)
