"""The guard: transfer only what can be defended against not transferring.

Each kind of evidence has a file of its own and states its assumption: cross-validation on target labels, reweighted
source samples, the agreement of an ensemble with the separation of neighbouring samples, reverse validation, given
intermediate domains, and the stability of clusters. :func:`decide` finds the evidence that applies.
"""

from landbridge.guard._agreement import agreement, vote_shares
from landbridge.guard._by_corrected_shares import by_corrected_shares
from landbridge.guard._by_ensemble import by_ensemble
from landbridge.guard._by_few_labels import by_few_labels
from landbridge.guard._by_intermediate import by_intermediate
from landbridge.guard._by_labels import FEW_LABELS, by_labels
from landbridge.guard._by_reverse_validation import by_reverse_validation
from landbridge.guard._by_stability import by_stability
from landbridge.guard._by_weighting import WeightedSource, by_weighting
from landbridge.guard._corrected_t_test import corrected_gain
from landbridge.guard._cost import worth_refitting
from landbridge.guard._decide import decide
from landbridge.guard._different_features import different_features
from landbridge.guard._doubly_robust import OutcomeModel, doubly_robust_gain, fit_outcome_model
from landbridge.guard._evidence import (
    Evidence,
    EvidenceKind,
    bootstrap_indices,
    collect_evidence,
    is_significant,
    standard_error,
    stouffer_p_value,
    weighted_mean,
)
from landbridge.guard._fitting import fit_transfer, held_out_predictions, reads, reads_labels, reads_target
from landbridge.guard._majority_vote import (
    MAJORITY_VOTE,
    MajorityVote,
    ensemble_members,
    majority_vote,
    majority_vote_proba,
    member_weights,
)
from landbridge.guard._neighbour_graph import MAX_GRAPH_SAMPLES, N_NEIGHBORS, neighbour_graph, smooth_votes
from landbridge.guard._no_shift import no_shift
from landbridge.guard._requirements import needs_reverse_validation, target_graph, weighted_source
from landbridge.guard._separation import neighbour_information, separation_gain
from landbridge.guard._source_weights import source_weights
from landbridge.guard._splits import LabelledSplits, nested_gain, scores_on_splits
from landbridge.guard._trial import Role, Trial, source_model
from landbridge.guard._verdict import Assessment, Verdict
from landbridge.guard._views import common_space, in_class_order, predict_source, probabilities
from landbridge.guard.validators._embedded_validation import dev_risk, embedded_validation
from landbridge.guard.validators._entropy import mean_entropy, prediction_entropy
from landbridge.guard.validators._importance_weighted import importance_weighted
from landbridge.guard.validators._neighbourhood_density import neighbourhood_density, soft_neighbourhood_density
from landbridge.guard.validators._nuclear_norm import answer_nuclear_norm, nuclear_norm
from landbridge.guard.validators._reverse_validation import reverse_validation
from landbridge.guard.validators._scoring import as_scoring

__all__ = [
    "FEW_LABELS",
    "MAJORITY_VOTE",
    "MAX_GRAPH_SAMPLES",
    "N_NEIGHBORS",
    "Assessment",
    "Evidence",
    "EvidenceKind",
    "LabelledSplits",
    "MajorityVote",
    "OutcomeModel",
    "Role",
    "Trial",
    "Verdict",
    "WeightedSource",
    "agreement",
    "answer_nuclear_norm",
    "as_scoring",
    "bootstrap_indices",
    "by_corrected_shares",
    "by_ensemble",
    "by_few_labels",
    "by_intermediate",
    "by_labels",
    "by_reverse_validation",
    "by_stability",
    "by_weighting",
    "collect_evidence",
    "common_space",
    "corrected_gain",
    "decide",
    "dev_risk",
    "different_features",
    "doubly_robust_gain",
    "embedded_validation",
    "ensemble_members",
    "fit_outcome_model",
    "fit_transfer",
    "held_out_predictions",
    "importance_weighted",
    "in_class_order",
    "is_significant",
    "majority_vote",
    "majority_vote_proba",
    "mean_entropy",
    "member_weights",
    "needs_reverse_validation",
    "neighbour_graph",
    "neighbour_information",
    "neighbourhood_density",
    "nested_gain",
    "no_shift",
    "nuclear_norm",
    "predict_source",
    "prediction_entropy",
    "probabilities",
    "reads",
    "reads_labels",
    "reads_target",
    "reverse_validation",
    "scores_on_splits",
    "separation_gain",
    "smooth_votes",
    "soft_neighbourhood_density",
    "source_model",
    "source_weights",
    "standard_error",
    "stouffer_p_value",
    "target_graph",
    "vote_shares",
    "weighted_mean",
    "weighted_source",
    "worth_refitting",
]
