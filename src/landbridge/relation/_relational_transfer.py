"""Transfer of Markov logic networks between relational domains (TAMAR, deep transfer)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from landbridge._method_tags import MethodTags
from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, StrOptions, _fit_context
from landbridge.exceptions import InputError, LabelError
from landbridge.relation._clauses import Clause, Literal
from landbridge.relation._facts import FactBase, Schema
from landbridge.relation._grounding import Grounder
from landbridge.relation._predicate_mapping import map_clauses
from landbridge.relation._pseudo_likelihood import ClauseScorer, clause_features
from landbridge.relation._revision import revise
from landbridge.relation._second_order import clique_clauses, find_cliques
from landbridge.relation._structure import add_greedily, find_paths, learn_structure

__all__ = ["RelationalTransfer", "sample_negatives"]


def sample_negatives(
    facts: FactBase, query: str, n_samples: int, random_state: Any = None
) -> tuple[NDArray[np.int64], float]:
    """Sample false atoms under the closed-world assumption: atoms of the right types that are not facts.

    Parameters
    ----------
    facts : FactBase
        The facts.
    query : str
        The predicate.
    n_samples : int
        Number of atoms; fewer if there are not so many false atoms.
    random_state : int, RandomState instance or None, default=None
        Samples the atoms.

    Returns
    -------
    atoms : ndarray of int, shape (n_samples, arity)
        False atoms without duplicates, as codes.
    n_false : float
        Number of all false atoms.
    """
    rng = check_random_state(random_state)
    true = facts.rows(query)
    domains = [facts.constants(kind) for kind in facts.schema[query]]
    sizes = tuple(len(d) for d in domains)
    n_all = float(np.prod([float(s) for s in sizes]))
    n_false = n_all - len(true)
    n = int(min(n_samples, n_false))
    taken = {tuple(row) for row in true.tolist()}
    if n_all <= 1_000_000:
        every = np.stack(
            [d[i] for d, i in zip(domains, np.indices(sizes).reshape(len(sizes), -1), strict=True)], axis=1
        )
        free = np.array([tuple(row) not in taken for row in every.tolist()], dtype=bool)
        return every[np.sort(rng.choice(np.flatnonzero(free), n, replace=False))], n_false
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < n:
        rows = np.stack([d[rng.randint(len(d), size=2 * n)] for d in domains], axis=1)
        drawn |= dict.fromkeys(t for t in map(tuple, rows.tolist()) if t not in taken)
    return np.array(list(drawn)[:n], dtype=np.int64).reshape(n, len(domains)), n_false


class RelationalTransfer(BaseEstimator):
    """Transfer of a Markov logic network between relational domains (TAMAR), to predict a relation.

    The data are facts (ground atoms), not samples with features. The model is a set of weighted first-order clauses.
    Clauses of the source, such as "an actor in a movie of a director worked under the director", are translated to
    predicates of the target, such as *publication* for *movie*. The method has four steps.

    1. **Source.** Clauses of the source query are learned by beam search, or taken from a fitted model.
    2. **Mapping.** Each clause is translated, predicate by predicate, in all ways that respect the types of the
       arguments. The translation with the largest weighted pseudo-log-likelihood on the target atoms is kept.
    3. **Revision.** Translated clauses that are too general on the target get literals, and clauses that are too
       specific lose literals. The other clauses are not changed, so that transfer is faster than learning from scratch.
    4. **Discovery.** Relational pathfinding adds clauses from chains of target facts that link the arguments of true
       atoms.

    The weights of the clauses are those of a logistic regression on their true groundings (pseudo-likelihood), with
    the source weights as the mean of the prior.

    Parameters
    ----------
    strategy : {"mapping", "second_order"}, default="mapping"
        ``"mapping"`` translates clauses [1]_. ``"second_order"`` transfers second-order cliques (deep transfer, [2]_):
        the clauses of the target are instances of the cliques with the largest scores in the source.
    revision : bool, default=True
        Whether to do step 3.
    discovery : bool, default=True
        Whether to do step 4.
    max_literals, max_variables : int, default=4
        Maximum numbers of literals in the body and of variables in a clause.
    max_clauses : int, default=10
        Maximum number of clauses.
    beam_width : int, default=5
        Number of clauses kept in each iteration of a beam search.
    count_transform : {"any", "log", "count"}, default="any"
        Feature of a number of true groundings: whether there is one, its logarithm, or the number. ``"any"`` transfers
        best, because the scale of the numbers differs between domains.
    prior_scale : float, default=1.0
        Standard deviation of the prior of a weight around the source weight, or around zero.
    length_penalty : float, default=0.5
        Penalty of each literal, in nats of log-likelihood.
    threshold : float, default=0.05
        A clause is revised if the share of the (balanced) atoms on which it errs is larger.
    negated : bool, default=False
        Whether searches add negated literals.
    swap_arguments : bool, default=False
        Whether the mapping permutes the arguments of predicates.
    negative_ratio : float, default=None
        Number of false target atoms for each true one, sampled at random. If None, all given ones; if none are given,
        ten. The total weight of true and of false atoms is always the same.
    base_rate : {"observed", "balanced"}, default="observed"
        Share of true atoms to which the probabilities are calibrated: that of the target atoms, or one half.
    n_jobs : int, default=None
        Number of threads of the database. If None, 1; if -1, all processors.
    memory_limit : str, default="2GB"
        Memory limit of the database; beyond it, data are written to disk.
    random_state : int, RandomState instance or None, default=None
        Samples false atoms.

    Attributes
    ----------
    clauses_ : list of Clause
        The clauses with their weights; ``print`` writes them as logic.
    intercept_ : float
        Weight of the unit clause: the log-odds of an atom for which no clause has a true body.
    source_clauses_ : list of Clause
        Clauses of the source; empty without a source.
    mapping_ : list of (Clause, Clause, float)
        Source clause, its translation and the score of the translation.
    diagnoses_ : list of ClauseDiagnosis
        Diagnosis of each translated clause; only with ``revision=True``.
    cliques_ : list of Clique
        Second-order cliques of the source; only with ``strategy="second_order"``.
    schema_ : Schema
        Predicates and argument types of the target.
    n_clauses_scored_ : int
        Number of clauses scored on the target.
    n_source_clauses_scored_ : int
        Number of clauses scored on the source.
    seconds_ : float
        Time of the target steps.
    source_seconds_ : float
        Time of the source step.

    Notes
    -----
    Helps when the target has few true atoms and the domains share a pattern under different names. Hurts little
    otherwise: a poor translation is revised or gets a small weight, at a cost in time. Facts of the query are never
    premises, so that a prediction needs no labels; collective inference is therefore not done.

    The cost of a candidate clause is one join over at most `max_literals` tables that starts from the labelled atoms,
    and a logistic regression with one feature per clause; joins of components are cached. Memory grows linearly with
    the facts (8 bytes for each argument and one dictionary entry for each constant).

    References
    ----------
    .. [1] L. Mihalkova, T. Huynh, R. J. Mooney. Mapping and revising Markov logic networks for transfer learning.
       AAAI 2007.
    .. [2] J. Davis, P. Domingos. Deep transfer via second-order Markov logic. ICML 2009.

    Examples
    --------
    >>> from landbridge.relation import RelationalTransfer
    >>> movies = {
    ...     "movie": [["m1", "ann"], ["m1", "dan"], ["m2", "bob"], ["m2", "eve"], ["m3", "cid"], ["m3", "dan"]],
    ...     "director": [["dan"], ["eve"]],
    ...     "workedunder": [["ann", "dan"], ["bob", "eve"], ["cid", "dan"]],
    ... }
    >>> papers = {
    ...     "wrote": [["t1", "kim"], ["t1", "pat"], ["t2", "lee"], ["t2", "pat"], ["t3", "joe"], ["t3", "ray"]],
    ...     "professor": [["pat"], ["ray"]],
    ...     "advisedby": [["kim", "pat"], ["lee", "pat"]],
    ... }
    >>> model = RelationalTransfer(random_state=0)
    >>> _ = model.fit(movies, papers, source_query="workedunder", query="advisedby")
    >>> print(model.clauses_[0])
    professor(b) ∧ wrote(x, a) ∧ wrote(x, b) ⇒ advisedby(a, b)  [...]
    >>> likely = model.predict_proba(papers, [["joe", "ray"], ["joe", "pat"]])[:, 1]
    >>> bool(likely[0] > likely[1])
    True
    """

    schema_: Schema
    clauses_: list[Clause]
    method_tags = MethodTags("relation", reads=frozenset(), tasks=frozenset({"classification"}), requires=("duckdb",))
    _parameter_constraints = {
        "strategy": [StrOptions({"mapping", "second_order"})],
        "revision": ["boolean"],
        "discovery": ["boolean"],
        "max_literals": [Interval(Integral, 1, None, closed="left")],
        "max_variables": [Interval(Integral, 1, None, closed="left")],
        "max_clauses": [Interval(Integral, 1, None, closed="left")],
        "beam_width": [Interval(Integral, 1, None, closed="left")],
        "count_transform": [StrOptions({"any", "log", "count"})],
        "prior_scale": [Interval(Real, 0, None, closed="neither")],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "negated": ["boolean"],
        "swap_arguments": ["boolean"],
        "negative_ratio": [Interval(Real, 0, None, closed="neither"), None],
        "base_rate": [StrOptions({"observed", "balanced"})],
        "n_jobs": [Integral, None],
        "memory_limit": [str],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        strategy: str = "mapping",
        revision: bool = True,
        discovery: bool = True,
        max_literals: int = 4,
        max_variables: int = 4,
        max_clauses: int = 10,
        beam_width: int = 5,
        count_transform: str = "any",
        prior_scale: float = 1.0,
        length_penalty: float = 0.5,
        threshold: float = 0.05,
        negated: bool = False,
        swap_arguments: bool = False,
        negative_ratio: float | None = None,
        base_rate: str = "observed",
        n_jobs: int | None = None,
        memory_limit: str = "2GB",
        random_state: Any = None,
    ) -> None:
        self.strategy = strategy
        self.revision = revision
        self.discovery = discovery
        self.max_literals = max_literals
        self.max_variables = max_variables
        self.max_clauses = max_clauses
        self.beam_width = beam_width
        self.count_transform = count_transform
        self.prior_scale = prior_scale
        self.length_penalty = length_penalty
        self.threshold = threshold
        self.negated = negated
        self.swap_arguments = swap_arguments
        self.negative_ratio = negative_ratio
        self.base_rate = base_rate
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
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
        """Learn the clauses of the source, translate them to the target, and revise them there.

        Parameters
        ----------
        facts_source : mapping, sequence of mappings, FactBase, fitted RelationalTransfer, or None
            Facts of the source, ``{predicate: [[argument, ...], ...]}``, or a fitted model whose clauses are used. If
            None, the clauses of the target are learned from scratch.
        facts_target : mapping, sequence of mappings or FactBase
            Facts of the target, including those of the query.
        query : str
            Target predicate to predict.
        source_query : str, default=None
            Source predicate that corresponds to `query`. If None, the one of the same name.
        negatives_source, negatives_target : mapping or sequence of atoms, default=None
            False atoms of the queries. If None, they are sampled from the atoms that are not facts.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        rng = check_random_state(self.random_state)
        self.source_clauses_: list[Clause] = []
        self.source_seconds_, self.n_source_clauses_scored_ = 0.0, 0
        name = query if source_query is None else source_query
        self.mapping_: list[tuple[Clause, Clause, float]] = []
        carried: list[Any] = []
        schema: Schema | None = None
        if isinstance(facts_source, RelationalTransfer):
            check_is_fitted(facts_source)
            schema = facts_source.schema_
            self.source_clauses_ = list(facts_source.clauses_)
            if self.strategy == "second_order":
                raise InputError(
                    "facts_source is a fitted model, but strategy='second_order' needs facts; give "
                    "the facts of the source, or choose strategy='mapping'."
                )
        elif facts_source is not None:
            began = time.perf_counter()
            with self._open(facts_source) as facts:
                schema = facts.schema
                if self.strategy == "second_order":
                    self.cliques_ = carried = find_cliques(facts)
                else:
                    scorer, _ = self._scorer(facts, name, negatives_source, None, rng, "source")
                    clauses = self._from_scratch(scorer, facts.schema, name)
                    self.source_clauses_ = _with_weights(clauses, scorer.fit(clauses)[0])
                    self.n_source_clauses_scored_ = scorer.n_scored
                    scorer.grounder.close()
            self.source_seconds_ = time.perf_counter() - began
        began = time.perf_counter()
        with self._open(facts_target) as facts:
            scorer, odds = self._scorer(facts, query, negatives_target, self.negative_ratio, rng, "target")
            if carried:
                options = [clause for clique in carried for clause in clique_clauses(clique, facts.schema, query)]
                clauses = add_greedily(scorer, [], options, max_clauses=self.max_clauses)
                clauses = self._improve(scorer, facts, query, clauses)
            elif self.source_clauses_ and schema is not None:
                self.mapping_ = map_clauses(
                    self.source_clauses_, schema, facts.schema, query, scorer, swap_arguments=self.swap_arguments
                )
                clauses = self._improve(scorer, facts, query, [clause for _, clause, _ in self.mapping_])
            else:
                clauses = self._from_scratch(scorer, facts.schema, query)
            weights = scorer.fit(clauses)[0]
            scorer.grounder.close()
            self.schema_ = facts.schema
        self.query_ = query
        self.clauses_ = _with_weights(clauses, weights)
        self.intercept_ = float(weights[0]) + (odds if self.base_rate == "observed" else 0.0)
        self.n_clauses_scored_ = scorer.n_scored
        self.seconds_ = time.perf_counter() - began
        return self

    def predict_proba(self, facts: Any, atoms: Any) -> NDArray[np.float64]:
        """Predict probabilities of atoms of the query, given facts.

        Parameters
        ----------
        facts : mapping, sequence of mappings or FactBase
            Facts; those of the query are not used.
        atoms : sequence of atoms, or ndarray of shape (n_atoms, arity)
            Arguments of each atom.

        Returns
        -------
        ndarray of shape (n_atoms, 2)
            Probabilities of false and of true.
        """
        check_is_fitted(self)
        with self._open(facts) as base:
            codes = base.encode(atoms, len(self.schema_[self.query_]))
            grounder = Grounder(base, codes)
            score = np.full(len(codes), self.intercept_)
            for clause in self.clauses_:
                score += (clause.weight or 0.0) * clause_features(grounder.counts(clause), self.count_transform)
            grounder.close()
        p = expit(score)
        return np.column_stack([1.0 - p, p])

    def predict(self, facts: Any, atoms: Any) -> NDArray[np.bool_]:
        """Predict which atoms of the query are true.

        Parameters
        ----------
        facts : mapping, sequence of mappings or FactBase
            Facts; those of the query are not used.
        atoms : sequence of atoms, or ndarray of shape (n_atoms, arity)
            Arguments of each atom.

        Returns
        -------
        ndarray of bool, shape (n_atoms,)
            True where the probability is at least one half.
        """
        return self.predict_proba(facts, atoms)[:, 1] >= 0.5

    @property
    def _bounds(self) -> dict[str, Any]:
        return {
            "beam_width": self.beam_width,
            "max_literals": self.max_literals,
            "max_variables": self.max_variables,
            "negated": self.negated,
        }

    def _improve(self, scorer: ClauseScorer, facts: FactBase, query: str, clauses: list[Clause]) -> list[Clause]:
        """Revise the translated clauses and discover new ones."""
        if self.revision:
            clauses, self.diagnoses_ = revise(scorer, clauses, facts.schema, threshold=self.threshold, **self._bounds)
        if self.discovery and len(clauses) < self.max_clauses:
            true = scorer.grounder.atoms[scorer.truth]
            # At most 25 true atoms suffice to find the frequent paths.
            shown = true[np.unique(np.linspace(0, len(true) - 1, num=min(len(true), 25)).astype(int))]
            paths = find_paths(facts, _head(query, facts.schema), shown, max_literals=self.max_literals - 1)
            options = [c for c, seen in paths if seen > 1 and len(c.free) + c.arity <= self.max_variables][:30]
            clauses = add_greedily(scorer, clauses, options, max_clauses=self.max_clauses)
        return clauses or self._from_scratch(scorer, facts.schema, query)

    def _from_scratch(self, scorer: ClauseScorer, schema: Schema, query: str) -> list[Clause]:
        return learn_structure(scorer, _head(query, schema), schema, max_clauses=self.max_clauses, **self._bounds)

    def _open(self, facts: Any) -> AbstractContextManager[FactBase]:
        if isinstance(facts, FactBase):
            return nullcontext(facts)
        return FactBase(facts, n_jobs=self.n_jobs, memory_limit=self.memory_limit)

    def _scorer(
        self, facts: FactBase, query: str, negatives: Any, ratio: float | None, rng: np.random.RandomState, side: str
    ) -> tuple[ClauseScorer, float]:
        """Collect the labelled atoms; also return the log-odds of a true atom."""
        if query not in facts.schema:
            raise LabelError(f"facts_{side} has no fact of {query!r}; add true atoms of it, or choose another query.")
        true = facts.rows(query)
        n = round((10 if ratio is None else ratio) * len(true))
        if negatives is None:
            false, n_false = sample_negatives(facts, query, max(n, 1), rng)
        else:
            given = negatives.get(query, ()) if isinstance(negatives, Mapping) else negatives
            false = facts.encode(given, true.shape[1], f"negatives_{side}")
            n_false = float(len(false))
            if ratio is not None and max(n, 1) < len(false):
                false = false[np.sort(rng.choice(len(false), max(n, 1), replace=False))]
        if len(false) == 0:
            raise LabelError(
                f"negatives_{side} has no false atom of {query!r}; give at least one, or None to sample them."
            )
        scorer = ClauseScorer(
            Grounder(facts, np.concatenate([true, false])),
            np.repeat([True, False], [len(true), len(false)]),
            count_transform=self.count_transform,
            prior_scale=self.prior_scale,
            length_penalty=self.length_penalty,
        )
        return scorer, float(np.log(len(true) / n_false))


def _head(query: str, schema: Schema) -> Literal:
    return Literal(query, tuple(range(len(schema[query]))))


def _with_weights(clauses: Sequence[Clause], weights: NDArray[np.float64]) -> list[Clause]:
    return [c.with_weight(float(w)) for c, w in zip(clauses, weights[1:], strict=True)]
