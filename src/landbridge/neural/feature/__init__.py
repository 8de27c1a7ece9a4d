"""Unsupervised domain adaptation of networks: source and target features are aligned while the task is learned.

* moments and transport: :class:`DDC`, :class:`DAN`, :class:`JAN`, :class:`DeepCORAL`, :class:`CentralMoments`,
  :class:`DeepJDOT`; several sources: :class:`MomentMatchingSources`, a head for each of them:
  :class:`SourceHeads`; sources and source samples that help, and others: :class:`SourceAttention`;
* adversarial: :class:`DANN`, :class:`CDAN`, :class:`WDGRL`, :class:`MCD`, :class:`MDD`; fewer classes in the target:
  :class:`PartialAdversarial`, :class:`InstanceWeightedAdversarial`; more of them: :class:`OpenSetBackprop`;
* the target's own predictions: :class:`MCC`, :class:`EntropyMinimisation`, :class:`InformationMaximisation`,
  :class:`SelfTraining`;
* in a second stage, after the source was learned: :class:`ADDA`, and :class:`SHOT`, which needs no source sample
  (:func:`adapt_adda`, :func:`adapt_shot` for a network that is trained already);
* with any of them: :class:`CollapseWatch` detects a collapse, :class:`BestEpoch` keeps the best epoch.

All compose, with each other and with fine-tuning. They can hurt: alignment of the domains mixes the classes where class
shares differ between them.
"""

from landbridge.neural._heads import OpenSetHead, SourceMixture, mixed_answers
from landbridge.neural.feature._adda import (
    AdversarialCopy,
    CollapseWatch,
    adapt_adda,
    effective_classes,
    information_score,
    slope_penalty,
)
from landbridge.neural.feature._adversarial import CDAN, DANN, WDGRL, discriminator, reverse_gradient
from landbridge.neural.feature._best_epoch import BestEpoch, batch_score
from landbridge.neural.feature._dan import DAN, DDC
from landbridge.neural.feature._deep_coral import CentralMoments, DeepCORAL, central_moment_discrepancy, coral_loss
from landbridge.neural.feature._deep_jdot import DeepJDOT
from landbridge.neural.feature._discrepancy import FeatureDiscrepancy, rise
from landbridge.neural.feature._instance_weighting import InstanceWeightedAdversarial, likeness_weights
from landbridge.neural.feature._jan import JAN
from landbridge.neural.feature._mcd import MCD, classifier_discrepancy
from landbridge.neural.feature._mdd import MDD, margin_disparity
from landbridge.neural.feature._mmd import joint_mmd, linear_mmd, mixed_kernel, multi_kernel_mmd
from landbridge.neural.feature._multi_source import MomentMatchingSources, moment_distances
from landbridge.neural.feature._partial import (
    OpenSetBackprop,
    PartialAdversarial,
    unknown_loss,
    unknown_probability,
)
from landbridge.neural.feature._second_stage import ADDA, SHOT
from landbridge.neural.feature._self_training import SelfTraining, calibrated_temperature
from landbridge.neural.feature._source_attention import SourceAttention, attention_weights
from landbridge.neural.feature._source_free import adapt_shot, centroid_labels
from landbridge.neural.feature._source_heads import SourceHeads, head_weights
from landbridge.neural.feature._target_side import (
    MCC,
    EntropyMinimisation,
    InformationMaximisation,
    class_confusion,
    mean_entropy,
)

__all__ = [
    "ADDA",
    "CDAN",
    "DAN",
    "DANN",
    "DDC",
    "JAN",
    "MCC",
    "MCD",
    "MDD",
    "SHOT",
    "WDGRL",
    "AdversarialCopy",
    "BestEpoch",
    "CentralMoments",
    "CollapseWatch",
    "DeepCORAL",
    "DeepJDOT",
    "EntropyMinimisation",
    "FeatureDiscrepancy",
    "InformationMaximisation",
    "InstanceWeightedAdversarial",
    "MomentMatchingSources",
    "OpenSetBackprop",
    "OpenSetHead",
    "PartialAdversarial",
    "SelfTraining",
    "SourceAttention",
    "SourceHeads",
    "SourceMixture",
    "adapt_adda",
    "adapt_shot",
    "attention_weights",
    "batch_score",
    "calibrated_temperature",
    "central_moment_discrepancy",
    "centroid_labels",
    "class_confusion",
    "classifier_discrepancy",
    "coral_loss",
    "discriminator",
    "effective_classes",
    "head_weights",
    "information_score",
    "joint_mmd",
    "likeness_weights",
    "linear_mmd",
    "margin_disparity",
    "mean_entropy",
    "mixed_answers",
    "mixed_kernel",
    "moment_distances",
    "multi_kernel_mmd",
    "reverse_gradient",
    "rise",
    "slope_penalty",
    "unknown_loss",
    "unknown_probability",
]
