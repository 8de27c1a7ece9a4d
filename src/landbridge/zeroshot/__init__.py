"""Zero-shot classification: predict classes without labelled samples from class attributes.

Start with :class:`ESZSL`: a closed form that is as accurate as most. :class:`SAE` is an autoencoder with tied weights;
:class:`DAP` and :class:`IAP` predict the attributes first; :class:`ALE` minimises a ranking loss.
:func:`prototype_attributes` and :func:`name_attributes` compute attributes where none are given. Attributes are
metadata of ``fit``: ``fit(X, y, attributes=...)``. ``candidate_classes="all"`` predicts both seen and unseen classes
(generalised zero-shot learning), with ``seen_class_penalty="auto"`` against the bias towards seen classes.
:class:`NoveltyDetector` detects samples of unknown classes.
"""

from landbridge.zeroshot._ale import ALE, ranking_loss
from landbridge.zeroshot._attribute_prediction import DAP, IAP, log_posterior
from landbridge.zeroshot._base import ZeroShotClassifier, read_attributes
from landbridge.zeroshot._calibrated_stacking import (
    GeneralisedAccuracy,
    best_seen_class_penalty,
    generalised_accuracy,
    harmonic_mean,
)
from landbridge.zeroshot._class_attributes import classical_scaling, name_attributes, prototype_attributes
from landbridge.zeroshot._eszsl import ESZSL, eszsl_weights
from landbridge.zeroshot._novelty import NoveltyDetector, class_distances
from landbridge.zeroshot._sae import SAE, semantic_encoder

__all__ = [
    "ALE",
    "DAP",
    "ESZSL",
    "IAP",
    "SAE",
    "GeneralisedAccuracy",
    "NoveltyDetector",
    "ZeroShotClassifier",
    "best_seen_class_penalty",
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
