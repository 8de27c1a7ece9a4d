from landbridge.relation._clauses import Clause, Literal, extensions, shortenings
from landbridge.relation._facts import FactBase, Schema, merge_facts
from landbridge.relation._grounding import Grounder
from landbridge.relation._predicate_mapping import legal_mappings, map_clauses
from landbridge.relation._relational_transfer import RelationalTransfer
