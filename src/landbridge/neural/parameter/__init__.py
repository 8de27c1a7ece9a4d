"""Fine-tuning: how a trained network's weights change when it learns a new task.

Each method is a small part that adds to the training, and they compose: ``methods=[LPFT(), L2SP(0.1)]``.

* which weights learn, and how fast: :class:`LinearProbe`, :class:`LPFT`, :class:`FineTuning`,
  :class:`GradualUnfreezing`, :class:`LayerTransfer`, :class:`LayerwiseDecay`, :class:`DiscriminativeRates`,
  :class:`LowRankAdapters`;
* staying near the source: :class:`L2SP`, :class:`Delta`, :class:`AttentionTransfer`, :class:`ConservativeTraining`,
  :class:`TrustRegion`, :class:`GradientProjection`, :class:`GradientClipping`, :class:`StochasticNorm`,
  :class:`BatchSpectralShrinkage`;
* more out of the source: :class:`CoTuning`, :class:`BiTuning`, :class:`StageAttention`, :class:`Distillation`,
  :class:`LearningWithoutForgetting`;
* more out of few samples: :class:`Mixup`, :class:`StrongAugmentation`, :class:`BalancedBatches`.
"""

from landbridge.neural.parameter._attention_transfer import AttentionTransfer, attention_map
from landbridge.neural.parameter._balanced_batches import BalancedBatches
from landbridge.neural.parameter._bi_tuning import BiTuning, supervised_contrast
from landbridge.neural.parameter._co_tuning import CoTuning, calibration_temperature, class_relations
from landbridge.neural.parameter._delta import Delta, channel_attention
from landbridge.neural.parameter._distillation import (
    ConservativeTraining,
    Distillation,
    LearningWithoutForgetting,
    soft_cross_entropy,
)
from landbridge.neural.parameter._fine_tuning import FineTuning
from landbridge.neural.parameter._gradients import GradientClipping, GradientProjection, TrustRegion
from landbridge.neural.parameter._gradual_unfreezing import GradualUnfreezing
from landbridge.neural.parameter._l2sp import L2SP
from landbridge.neural.parameter._layer_transfer import LayerTransfer
from landbridge.neural.parameter._linear_probe import LinearProbe
from landbridge.neural.parameter._low_rank_adapters import LowRankAdapters
from landbridge.neural.parameter._lpft import LPFT
from landbridge.neural.parameter._mixup import Mixup
from landbridge.neural.parameter._rates import DiscriminativeRates, LayerwiseDecay
from landbridge.neural.parameter._spectral_shrinkage import BatchSpectralShrinkage, smallest_squares
from landbridge.neural.parameter._stage_attention import StageAttention
from landbridge.neural.parameter._stochastic_norm import StochasticNorm
from landbridge.neural.parameter._strong_augmentation import StrongAugmentation

__all__ = [
    "L2SP",
    "LPFT",
    "AttentionTransfer",
    "BalancedBatches",
    "BatchSpectralShrinkage",
    "BiTuning",
    "CoTuning",
    "ConservativeTraining",
    "Delta",
    "DiscriminativeRates",
    "Distillation",
    "FineTuning",
    "GradientClipping",
    "GradientProjection",
    "GradualUnfreezing",
    "LayerTransfer",
    "LayerwiseDecay",
    "LearningWithoutForgetting",
    "LinearProbe",
    "LowRankAdapters",
    "Mixup",
    "StageAttention",
    "StochasticNorm",
    "StrongAugmentation",
    "TrustRegion",
    "attention_map",
    "calibration_temperature",
    "channel_attention",
    "class_relations",
    "smallest_squares",
    "soft_cross_entropy",
    "supervised_contrast",
]
