"""Zero-shot recognition: name classes that have no labelled row, by attributes of the classes.

Reach for :class:`ESZSL` first: one closed form, and as good as most. :class:`SAE` has to decode as well as encode;
:class:`DAP` and :class:`IAP` predict the attributes and can say which they saw; :class:`ALE` ranks the classes.
:func:`prototype_attributes` and :func:`name_attributes` make attributes where there are none.
``candidates="all"`` lets seen and unseen classes both be the answer, with ``calibration="auto"`` against the pull of
the seen ones. :class:`NoveltyDetector` says whether a row is of a known class at all.
"""

from landbridge.zeroshot._ale import ALE, ranking_loss
from landbridge.zeroshot._attribute_prediction import DAP, IAP, log_posterior
from landbridge.zeroshot._base import ZeroShotClassifier, read_attributes
from landbridge.zeroshot._eszsl import ESZSL, eszsl_weights
from landbridge.zeroshot._novelty import NoveltyDetector, class_distances
from landbridge.zeroshot._prototypes import classical_scaling, name_attributes, prototype_attributes
from landbridge.zeroshot._sae import SAE, semantic_encoder
from landbridge.zeroshot._stacking import Generalised, best_calibration, generalised_accuracy, harmonic_mean

__all__ = [
    "ALE",
    "DAP",
    "ESZSL",
    "IAP",
    "SAE",
    "Generalised",
    "NoveltyDetector",
    "ZeroShotClassifier",
    "best_calibration",
    "class_distances",
    "classical_scaling",
    "eszsl_weights",
    "generalised_accuracy",
    "harmonic_mean",
    "log_posterior",
    "name_attributes",
    "prototype_attributes",
    "ranking_loss",
    "read_attributes",
    "semantic_encoder",
]
