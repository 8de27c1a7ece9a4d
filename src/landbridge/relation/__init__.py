"""Relational transfer: few-shot classification of new classes, and transfer of Markov logic networks.

Use :class:`ClassAffinity` when the target has new classes with a few labelled samples each: the prior mean of a new
class is a mixture of source class means. Use :class:`RelationalTransfer` when the data are facts about people, papers
or proteins instead of samples with features: clauses learned in one domain are translated to the predicates of another
and revised there. Both can hurt when the domains are not similar; with more labelled target data the prior loses
influence.
"""

from landbridge.relation._class_affinity import ClassAffinity, class_affinity, fit_class_mean_prior, posterior_means
from landbridge.relation._clauses import Clause, Literal, extensions, shortenings
from landbridge.relation._facts import FactBase, Schema, merge_facts
from landbridge.relation._grounding import Grounder
from landbridge.relation._predicate_mapping import legal_mappings, map_clauses
from landbridge.relation._pseudo_likelihood import ClauseScorer, clause_features, fit_weights
from landbridge.relation._relational_transfer import RelationalTransfer, sample_negatives
from landbridge.relation._revision import ClauseDiagnosis, diagnose_clauses, revise
from landbridge.relation._second_order import Clique, clique_clauses, clique_score, find_cliques, state_distribution
from landbridge.relation._structure import add_greedily, beam_search, find_paths, learn_structure

__all__ = [
    "ClassAffinity",
    "Clause",
    "ClauseDiagnosis",
    "ClauseScorer",
    "Clique",
    "FactBase",
    "Grounder",
    "Literal",
    "RelationalTransfer",
    "Schema",
    "add_greedily",
    "beam_search",
    "class_affinity",
    "clause_features",
    "clique_clauses",
    "clique_score",
    "diagnose_clauses",
    "extensions",
    "find_cliques",
    "find_paths",
    "fit_class_mean_prior",
    "fit_weights",
    "learn_structure",
    "legal_mappings",
    "map_clauses",
    "merge_facts",
    "posterior_means",
    "revise",
    "sample_negatives",
    "shortenings",
    "state_distribution",
]
