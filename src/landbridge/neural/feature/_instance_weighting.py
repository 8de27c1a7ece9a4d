"""IWAN: adversarial adaptation with source samples weighted by their similarity to the target."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval
from landbridge.neural._method import Batch
from landbridge.neural._network import Network
from landbridge.neural.feature._adversarial import DANN, discriminator
from landbridge.neural.feature._discrepancy import rise

__all__ = ["InstanceWeightedAdversarial", "likeness_weights"]


def likeness_weights(logits: Tensor) -> Tensor:
    """Compute weights of source samples, 1 - p(source), scaled to mean one (eqs. 7 and 8 of [1]_).

    Parameters
    ----------
    logits : Tensor of shape (n,)
        A discriminator's predictions on source samples; positive for "source".

    Returns
    -------
    Tensor of shape (n,)

    References
    ----------
    .. [1] J. Zhang, Z. Ding, W. Li, P. Ogunbona. Importance weighted adversarial nets for partial domain adaptation.
       CVPR 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import likeness_weights
    >>> likeness_weights(torch.tensor([200.0, 0.0, 0.0])).tolist()
    [0.0, 1.5, 1.5]
    """
    # In logarithms, so that samples of which the discriminator is confident still have weights relative to each other.
    return len(logits) * F.logsigmoid(-logits).softmax(dim=0)


class InstanceWeightedAdversarial(DANN):
    """IWAN (importance weighted adversarial nets): partial domain adaptation with a weight per source sample.

    Parameters
    ----------
    strength : float, default=1.0
        Of the reversed gradient.
    width : int, default=128
        Of the layers of both discriminators.
    ramp_up : bool, default=True
        Whether the reversal rises from zero over the training.
    max_weight : float, default=10.0
        Most that one sample may count; the mean is 1.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        After training: how much each source sample counted when it was last seen; the mean is 1.

    Notes
    -----
    The first discriminator separates source from target without changing the features; source samples that it takes for
    target samples get larger weights in the second, against which the features are trained. No class is needed, so it
    also fits where parts of a class are missing.

    Helps where the source holds much that the target has not, on which :class:`DANN` would draw the target's samples.
    Hurts where domains are so far apart that the first discriminator is always confident: then a few samples hold all
    weight. Costs a second discriminator. The paper trains the target's own extractor after the source's; here both
    domains share one, as with all methods of this family, and the entropy of the predictions is left to
    :class:`EntropyMinimisation`.

    References
    ----------
    .. [1] J. Zhang, Z. Ding, W. Li, P. Ogunbona. Importance weighted adversarial nets for partial domain adaptation.
       CVPR 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import InstanceWeightedAdversarial
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> some = target.X[target.y < 5]
    >>> method = InstanceWeightedAdversarial()
    >>> model = NeuralClassifier("builtin", methods=[method], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=some).predict(some).shape == (len(some),)
    True
    """

    method_tags = MethodTags(
        "feature", reads=frozenset({"X_target"}), shifts=frozenset({"label", "covariate"}), adversarial=True
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DANN._parameter_constraints,
        "max_weight": [Interval(Real, 1, None, closed="left")],
    }

    kept: ClassVar[tuple[str, ...]] = ("_seen_weights",)

    def __init__(
        self, strength: float = 1.0, *, width: int = 128, ramp_up: bool = True, max_weight: float = 10.0
    ) -> None:
        self.strength = strength
        self.width = width
        self.ramp_up = ramp_up
        self.max_weight = max_weight

    def prepare(self, network: Network, task: Any) -> None:
        super().prepare(network, task)
        like = next(network.head.parameters())
        network.extras["weigher"] = discriminator(self._width_in(network, task), self.width, like)
        self._seen_weights = torch.ones(0).to(like.detach())

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        own, other = (network.extras["weigher"](self._seen(b).detach())[:, 0] for b in (source, target))
        self._own, self._rise = own.detach(), rise(progress) if self.ramp_up else 1.0
        first = F.softplus(-own).mean() + F.softplus(other).mean()
        return {"weigher": first} | super().loss(network, source, target, progress)

    def finish(self, network: Network) -> None:
        super().finish(network)
        del network.extras["weigher"]
        weights = self._seen_weights.double().cpu().numpy()
        self.source_weights_ = weights / weights.mean() if len(weights) else weights

    def _row_weights(self, source: Batch, target: Batch) -> Tensor:
        weights = 1.0 + self._rise * (likeness_weights(self._own).clamp(max=self.max_weight) - 1.0)
        if source.rows is not None:
            rows = source.rows.to(self._seen_weights.device)
            missing = int(rows.max()) + 1 - len(self._seen_weights)
            if missing > 0:  # how many samples there are is known when all were seen once
                self._seen_weights = torch.cat([self._seen_weights, self._seen_weights.new_ones(missing)])
            self._seen_weights[rows] = weights.to(self._seen_weights)
        return torch.cat([weights, torch.ones(len(target.logits), device=weights.device, dtype=weights.dtype)])
