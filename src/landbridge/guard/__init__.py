"""The guard: never worse than not transferring.

Validators estimate how a model does on the target without its labels (one a file); with a few labels,
cross-validation over them does. The decision compares every candidate with the two ways of not transferring and
refuses what it cannot defend, with the reason in words.
"""

from landbridge.guard._bnm import answer_nuclear_norm, nuclear_norm
from landbridge.guard._circular import circular
from landbridge.guard._committee import Consensus, consensus_proba, neighbour_graph, smooth_votes
from landbridge.guard._consensus import agreement, vote
from landbridge.guard._decide import WeightedSource, decide
from landbridge.guard._dev import dev_risk, embedded_validation
from landbridge.guard._doubly_robust import Teacher, doubly_robust_gain, fit_teacher
from landbridge.guard._entropy import mean_entropy, prediction_entropy
from landbridge.guard._importance_weighted import importance_weighted
from landbridge.guard._labelled import LabelledSplits, nested_gain, scores_on_splits
from landbridge.guard._neighbourhood import neighbour_information, separation_gain
from landbridge.guard._paired import corrected_gain
from landbridge.guard._scoring import as_scoring
from landbridge.guard._snd import neighbourhood_density, soft_neighbourhood_density
from landbridge.guard._source_weights import source_weights
from landbridge.guard._trial import Trial, try_model
from landbridge.guard._verdict import Judged, Verdict
from landbridge.guard._views import common_space, predict_source, probabilities

__all__ = [
    "Consensus",
    "Judged",
    "LabelledSplits",
    "Teacher",
    "Trial",
    "Verdict",
    "WeightedSource",
    "agreement",
    "answer_nuclear_norm",
    "as_scoring",
    "circular",
    "common_space",
    "consensus_proba",
    "corrected_gain",
    "decide",
    "dev_risk",
    "doubly_robust_gain",
    "embedded_validation",
    "fit_teacher",
    "importance_weighted",
    "mean_entropy",
    "neighbour_graph",
    "neighbour_information",
    "neighbourhood_density",
    "nested_gain",
    "nuclear_norm",
    "predict_source",
    "prediction_entropy",
    "probabilities",
    "scores_on_splits",
    "separation_gain",
    "smooth_votes",
    "soft_neighbourhood_density",
    "source_weights",
    "try_model",
    "vote",
]
