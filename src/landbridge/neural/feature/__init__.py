"""Adaptation of networks to an unlabelled target: both domains are drawn together while the task is learned.

* moments and transport: :class:`DDC`, :class:`DAN`, :class:`JAN`, :class:`DeepCORAL`, :class:`CentralMoments`,
  :class:`DeepJDOT`;
* adversarial: :class:`DANN`, :class:`CDAN`, :class:`WDGRL`;
* the target's own answers: :class:`MCC`, :class:`EntropyMinimisation`, :class:`InformationMaximisation`;
* after training, without any source row: :func:`adapt_shot`.

All compose, with each other and with fine-tuning. They can hurt: whatever makes the domains look alike mixes the
classes where class shares differ between them.
"""

from landbridge.neural.feature._adversarial import CDAN, DANN, WDGRL, discriminator, reverse_gradient
from landbridge.neural.feature._dan import DAN, DDC
from landbridge.neural.feature._deep_coral import CentralMoments, DeepCORAL, central_moment_discrepancy, coral_loss
from landbridge.neural.feature._deep_jdot import DeepJDOT
from landbridge.neural.feature._discrepancy import FeatureDiscrepancy, rise
from landbridge.neural.feature._jan import JAN
from landbridge.neural.feature._mmd import joint_mmd, linear_mmd, mixed_kernel, multi_kernel_mmd
from landbridge.neural.feature._source_free import adapt_shot, centroid_labels
from landbridge.neural.feature._target_side import (
    MCC,
    EntropyMinimisation,
    InformationMaximisation,
    class_confusion,
    mean_entropy,
)

__all__ = [
    "CDAN",
    "DAN",
    "DANN",
    "DDC",
    "JAN",
    "MCC",
    "WDGRL",
    "CentralMoments",
    "DeepCORAL",
    "DeepJDOT",
    "EntropyMinimisation",
    "FeatureDiscrepancy",
    "InformationMaximisation",
    "adapt_shot",
    "central_moment_discrepancy",
    "centroid_labels",
    "class_confusion",
    "coral_loss",
    "discriminator",
    "joint_mmd",
    "linear_mmd",
    "mean_entropy",
    "mixed_kernel",
    "multi_kernel_mmd",
    "reverse_gradient",
    "rise",
]
