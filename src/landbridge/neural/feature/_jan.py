"""JAN: align the joint distribution of features and predictions."""

from __future__ import annotations

from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._method import Batch
from landbridge.neural.feature._discrepancy import FeatureDiscrepancy
from landbridge.neural.feature._mmd import joint_mmd

__all__ = ["JAN"]


class JAN(FeatureDiscrepancy):
    """JAN (joint adaptation network): align the joint distribution of features and class probabilities.

    Parameters
    ----------
    strength : float, default=1.0
    stages : tuple of str, optional
        Stages to adapt with the predictions. If None, the embedding.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    Helps more than :class:`DAN` where classes are well separated, because it aligns class by class, as far as the
    predictions are right; wrong predictions are reinforced. Cost O(n² d) per batch.

    References
    ----------
    .. [1] M. Long, H. Zhu, J. Wang, M. Jordan. Deep transfer learning with joint adaptation networks. ICML 2017.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import JAN
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[JAN()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification"}),
    )

    def distance(self, source: list[Tensor], target: list[Tensor], batches: tuple[Batch, Batch]) -> Tensor:
        answers = [b.logits.softmax(dim=1) for b in batches]
        return joint_mmd([*source, answers[0]], [*target, answers[1]])
