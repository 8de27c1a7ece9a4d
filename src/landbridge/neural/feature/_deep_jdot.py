"""DeepJDOT: optimal transport of features and labels within a batch."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.feature._discrepancy import strength_at

__all__ = ["DeepJDOT"]


class DeepJDOT(Method):
    """DeepJDOT: joint distribution optimal transport of features and labels from source to target batches.

    Parameters
    ----------
    strength : float, default=1.0
    feature_cost : float, default=0.01
        Weight of the distance of embeddings in the plan's cost.
    label_cost : float, default=1.0
        Weight of the disagreement of the source's label with the prediction on the target.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    Helps where classes keep their shares within a batch, so take large batches. Each step solves a transport problem of
    the batch's size on the CPU, O(n³) at worst; needs POT.

    References
    ----------
    .. [1] B. Damodaran, B. Kellenberger, R. Flamary, D. Tuia, N. Courty. DeepJDOT: deep joint distribution optimal
       transport for unsupervised domain adaptation. ECCV 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import DeepJDOT
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[DeepJDOT()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
        requires=("ot",),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "feature_cost": POSITIVE,
        "label_cost": POSITIVE,
        "ramp_up": ["boolean"],
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True

    def __init__(
        self, strength: float = 1.0, *, feature_cost: float = 0.01, label_cost: float = 1.0, ramp_up: bool = True
    ) -> None:
        self.strength = strength
        self.feature_cost = feature_cost
        self.label_cost = label_cost
        self.ramp_up = ramp_up

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        import ot

        apart = torch.cdist(source.features["embedding"], target.features["embedding"]).square()
        log_answers = F.log_softmax(target.logits, dim=1)
        labels = source.labels
        if labels.ndim == 1:
            labels = F.one_hot(labels, target.logits.shape[1]).to(log_answers)
        cost = self.feature_cost * apart + self.label_cost * -(labels @ log_answers.T)
        n, m = cost.shape
        plan = ot.emd([], [], cost.detach().double().cpu().numpy(), numItermax=100_000)
        weight = strength_at(self, progress)
        total = (torch.from_numpy(plan).to(cost) * cost).sum()
        return {"deepjdot": weight * total * (n * m) ** 0.5 / max(n, m)}
