"""Relation methods carry relations: of classes to classes, or of things to things.

Reach for :class:`ClassAffinity` when the target has classes of its own and a few labelled rows of each: a new class
starts from the source classes it resembles. Reach for :class:`RelationalTransfer` when the data are facts about
people, papers or proteins rather than rows: rules learned in one domain are read with the predicates of another, and
repaired where they fail. Both can hurt when the resemblance is false; labelled target data outweigh it as they grow.
"""

from landbridge.relation._class_affinity import ClassAffinity, class_affinity, foretell_classes, posterior_means
from landbridge.relation._clauses import Clause, Literal, extensions, shortenings
from landbridge.relation._facts import FactBase, Schema, merge_facts
from landbridge.relation._grounding import Grounder
from landbridge.relation._predicate_mapping import legal_mappings, map_clauses
from landbridge.relation._pseudo_likelihood import ClauseScorer, clause_features, fit_weights
from landbridge.relation._relational_transfer import RelationalTransfer, sample_negatives
from landbridge.relation._revision import Diagnosis, diagnose, revise
from landbridge.relation._second_order import Clique, clique_clauses, clique_score, find_cliques, state_distribution
from landbridge.relation._structure import add_greedily, beam_search, find_paths, learn_structure

__all__ = [
    "ClassAffinity",
    "Clause",
    "ClauseScorer",
    "Clique",
    "Diagnosis",
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
    "diagnose",
    "extensions",
    "find_cliques",
    "find_paths",
    "fit_weights",
    "foretell_classes",
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
