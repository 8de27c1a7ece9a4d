"""ADDA and SHOT as methods: adaptation in a second stage, after training on the source."""

from __future__ import annotations

from typing import Any, ClassVar

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import COUNT, NOT_NEGATIVE, POSITIVE
from landbridge.neural._method import Method
from landbridge.neural._network import Network
from landbridge.neural._samples import Samples, mix
from landbridge.neural.feature._adda import adapt_adda
from landbridge.neural.feature._source_free import adapt_shot

__all__ = ["ADDA", "SHOT"]


class ADDA(Method):
    """ADDA (adversarial discriminative domain adaptation): train on the source, then adapt the stages adversarially.

    Parameters
    ----------
    n_steps : int, default=800
        Of the second stage.
    learning_rate : float, default=3e-4
        Of the stages in the second stage.
    gradient_penalty : float, default=10.0
        On the slope of the discriminator; without it training collapses.

    Attributes
    ----------
    collapsed_ : bool
        Whether the second stage was stopped because it collapsed; what is returned is then from before.
    reason_ : str
        What was seen.

    Notes
    -----
    Helps on hard differences of style. Hurts where class shares differ. Costs `n_steps` passes over two batches after
    training; see :func:`adapt_adda` for all settings.

    References
    ----------
    .. [1] E. Tzeng, J. Hoffman, K. Saenko, T. Darrell. Adversarial discriminative domain adaptation. CVPR 2017.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import ADDA
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[ADDA(50)], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).methods_[0].collapsed_
    False
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification"}),
        adversarial=True,
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_steps": COUNT,
        "learning_rate": POSITIVE,
        "gradient_penalty": NOT_NEGATIVE,
    }

    reads_target: ClassVar[bool] = True

    def __init__(self, n_steps: int = 800, *, learning_rate: float = 3e-4, gradient_penalty: float = 10.0) -> None:
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.gradient_penalty = gradient_penalty

    def after(self, network: Network, rows: Samples, target: Samples | None, seed: int) -> None:
        if target is None:
            return
        found = adapt_adda(
            network,
            rows.inputs,
            target.inputs,
            n_steps=self.n_steps,
            learning_rate=self.learning_rate,
            gradient_penalty=self.gradient_penalty,
            random_state=mix(seed, 7) % 2**31,
        )
        network.load_state_dict(found.network.state_dict())
        self.collapsed_, self.reason_ = found.collapsed, found.reason


class SHOT(Method):
    """SHOT (source hypothesis transfer): train on the source, then adapt the stages on target samples, head frozen.

    Parameters
    ----------
    epochs : int, default=15
        Of the second stage.
    learning_rate : float, default=1e-3
    pseudo_label_weight : float, default=0.3
        Weight of agreeing with labels from class centroids.

    Notes
    -----
    The second stage sees no source sample. Helps where classes are about equally frequent in the target; see
    :func:`adapt_shot`.

    References
    ----------
    .. [1] J. Liang, D. Hu, J. Feng. Do we really need to access the source data? Source hypothesis transfer for
       unsupervised domain adaptation. ICML 2020.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import SHOT
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[SHOT(2)], epochs=3, image_shape=(8, 8), random_state=0)
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
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "epochs": COUNT,
        "learning_rate": POSITIVE,
        "pseudo_label_weight": NOT_NEGATIVE,
    }

    reads_target: ClassVar[bool] = True

    def __init__(self, epochs: int = 15, *, learning_rate: float = 1e-3, pseudo_label_weight: float = 0.3) -> None:
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.pseudo_label_weight = pseudo_label_weight

    def after(self, network: Network, rows: Samples, target: Samples | None, seed: int) -> None:
        if target is None or len(target) < 2:
            return
        adapted = adapt_shot(
            network,
            target.inputs,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            pseudo_label_weight=self.pseudo_label_weight,
            random_state=mix(seed, 8),
        )
        network.load_state_dict(adapted.state_dict())
