"""Relational transfer: carry the clauses of one relational domain to another, after TAMAR."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from landbridge.exceptions import LabelError
from landbridge.relation._clauses import Clause, Literal
from landbridge.relation._facts import FactBase
from landbridge.relation._grounding import Grounder
from landbridge.relation._predicate_mapping import map_clauses
from landbridge.relation._pseudo_likelihood import ClauseScorer, clause_features
from landbridge.relation._revision import revise
from landbridge.relation._structure import find_paths, learn_structure

__all__ = ["RelationalTransfer", "sample_negatives"]


class RelationalTransfer(BaseEstimator):
    def __init__(
        self,
        *,
        revision: bool = True,
        discovery: bool = True,
        max_literals: int = 4,
        max_variables: int = 4,
        max_clauses: int = 10,
        beam_width: int = 5,
        counts: str = "log",
        prior_scale: float = 1.0,
        length_penalty: float = 0.5,
        threshold: float = 0.05,
        negated: bool = False,
        swap_arguments: bool = False,
        negative_ratio: float | None = 1.0,
        threads: int = 1,
        memory_limit: str = "2GB",
        random_state: Any = None,
    ) -> None:
        self.revision = revision
        self.discovery = discovery
        self.max_literals = max_literals
        self.max_variables = max_variables
        self.max_clauses = max_clauses
        self.beam_width = beam_width
        self.counts = counts
        self.prior_scale = prior_scale
        self.length_penalty = length_penalty
        self.threshold = threshold
        self.negated = negated
        self.swap_arguments = swap_arguments
        self.negative_ratio = negative_ratio
        self.threads = threads
        self.memory_limit = memory_limit
        self.random_state = random_state

    def fit(
        self,
        facts_source: Any,
        facts_target: Any,
        *,
        query: str,
        source_query: str | None = None,
        negatives_source: Any = None,
        negatives_target: Any = None,
    ) -> Self:
        self._validate_params()
        rng = check_random_state(self.random_state)
        self.source_seconds_, self.n_source_clauses_scored_ = 0.0, 0
        source: list[Clause] = []
        if facts_source is not None:
            began = time.perf_counter()
            with self._open(facts_source) as facts:
                name = source_query or query
                scorer = self._scorer(facts, name, negatives_source, rng, "facts_source")
                clauses = self._from_scratch(scorer, facts, name)
                source = _weighed(clauses, scorer.fit(clauses)[0])
                source_schema = facts.schema
            self.n_source_clauses_scored_ = scorer.n_scored
            self.source_seconds_ = time.perf_counter() - began
        self.source_clauses_ = source
        began = time.perf_counter()
        with self._open(facts_target) as facts:
            scorer = self._scorer(facts, query, negatives_target, rng, "facts_target")
            if source:
                clauses = self._transfer(scorer, facts, query, source, source_schema)
            else:
                clauses = self._from_scratch(scorer, facts, query)
            weights = scorer.fit(clauses)[0]
            self.schema_ = facts.schema
        self.intercept_ = float(weights[0])
        self.clauses_ = _weighed(clauses, weights)
        self.query_ = query
        self.n_clauses_scored_ = scorer.n_scored
        self.seconds_ = time.perf_counter() - began
        return self

    def predict_proba(self, facts: Any, atoms: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        with self._open(facts) as base:
            codes = base.encode(atoms, len(self.schema_[self.query_]))
            grounder = Grounder(base, codes)
            score = np.full(len(codes), self.intercept_)
            for clause in self.clauses_:
                score += (clause.weight or 0.0) * clause_features(grounder.counts(clause), self.counts)
        p = expit(score)
        return np.column_stack([1.0 - p, p])

    def _transfer(self, scorer, facts, query, source, source_schema):
        mapped = map_clauses(source, source_schema, facts.schema, query, scorer, swap_arguments=self.swap_arguments)
        self.mapping_ = mapped
        clauses = [clause for _, clause, _ in mapped]
        if self.revision:
            clauses, self.diagnoses_ = revise(
                scorer,
                clauses,
                facts.schema,
                threshold=self.threshold,
                beam_width=self.beam_width,
                max_literals=self.max_literals,
                max_variables=self.max_variables,
                negated=self.negated,
            )
        if self.discovery and self.revision:
            clauses = self._discover(scorer, facts, query, clauses)
        return clauses

    def _discover(self, scorer, facts, query, clauses):
        head = Literal(query, tuple(range(len(facts.schema[query]))))
        truth = scorer.truth
        paths = find_paths(facts, head, scorer.grounder.atoms[truth], max_literals=self.max_literals - 1)
        n = max(int(truth.sum()), 1)
        candidates = [c for c, shown in paths if shown >= max(2, 0.05 * n)][:30]
        score = scorer.fit(clauses)[1]
        while candidates and len(clauses) < self.max_clauses:
            candidates = [c for c in candidates if c not in clauses]
            if not candidates:
                break
            scores, _ = scorer.score_all(clauses, candidates)
            best = int(np.argmax(scores))
            if scores[best] <= score + 1e-9:
                break
            clauses, score = [*clauses, candidates[best]], scores[best]
        return clauses

    def _from_scratch(self, scorer, facts, query):
        head = Literal(query, tuple(range(len(facts.schema[query]))))
        clauses = learn_structure(
            scorer,
            head,
            facts.schema,
            max_clauses=self.max_clauses,
            beam_width=self.beam_width,
            max_literals=self.max_literals,
            max_variables=self.max_variables,
            negated=self.negated,
        )
        return clauses

    def _open(self, facts):
        return FactBase(facts, threads=self.threads, memory_limit=self.memory_limit)

    def _scorer(self, facts, query, negatives, rng, name):
        if query not in facts.schema:
            raise LabelError(f"{name} has no fact of the query {query!r}; give some true atoms of it.")
        true = facts.rows(query)
        if negatives is None:
            false = sample_negatives(facts, query, len(true), rng)
        else:
            if isinstance(negatives, Mapping):
                negatives = negatives.get(query, [])
            false = facts.encode(negatives, true.shape[1], "negatives")
            if self.negative_ratio is not None and (keep := round(self.negative_ratio * len(true))) < len(false):
                false = false[np.sort(rng.choice(len(false), keep, replace=False))]
        atoms = np.concatenate([true, false])
        truth = np.repeat([True, False], [len(true), len(false)])
        return ClauseScorer(
            Grounder(facts, atoms),
            truth,
            counts=self.counts,
            prior_scale=self.prior_scale,
            length_penalty=self.length_penalty,
        )


def sample_negatives(facts, query, n, rng):
    raise NotImplementedError


def _weighed(clauses, weights):
    return [c.weighed(float(w)) for c, w in zip(clauses, weights[1:], strict=True)]
