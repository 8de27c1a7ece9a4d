"""Relational transfer: carry the clauses of one relational domain to another, after TAMAR."""

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
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

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
    facts: FactBase, query: str, n: int, rng: np.random.RandomState
) -> tuple[NDArray[np.int64], float]:
    """Draw false atoms under the closed-world assumption: of the right types, and no fact.

    Parameters
    ----------
    facts : FactBase
        The facts.
    query : str
        The predicate.
    n : int
        How many to draw; fewer if there are not so many.
    rng : RandomState
        Source of randomness.

    Returns
    -------
    atoms : ndarray of int, shape (n, arity)
        Different false atoms, as codes.
    n_false : float
        How many there are in all.
    """
    true = facts.rows(query)
    domains = [facts.constants(kind) for kind in facts.schema[query]]
    sizes = tuple(len(d) for d in domains)
    n_all = float(np.prod([float(s) for s in sizes]))
    n_false = n_all - len(true)
    n = int(min(n, n_false))
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
    """Predict a relation from clauses that were learned in another relational domain (TAMAR).

    Rows and columns do not fit a domain made of people, papers and courses; facts do. What is worth carrying from
    one such domain to another is not a fact but a *rule*: that someone who acts in a director's movie worked under
    them says much about students, professors and papers, once *movie* is read as *publication*. The method goes in
    four steps.

    1. **Source.** Clauses for the source's query are learned by beam search (or taken from a fitted model).
    2. **Mapping.** Each clause by itself is translated, predicate by predicate, in every way that respects the
       types of arguments; the translation that explains the target's labelled atoms best stays.
    3. **Revision.** The translated clauses diagnose themselves on the target: one that speaks where it should be
       silent is too general and gets literals, one that is silent where it should speak is too specific and loses
       some. Clauses without complaint are left alone, which is what makes transfer fast.
    4. **Discovery.** Chains of target facts that link the arguments of true atoms bring in what the source could not
       know.

    All the while the weights of a set of clauses are those of a logistic regression on the clauses' true groundings
    (pseudo-likelihood), with the source's weights as the mean of their prior.

    Parameters
    ----------
    strategy : {"mapping", "second_order"}, default="mapping"
        ``"second_order"`` carries over patterns of relations instead of clauses (deep transfer, [2]_): the cliques
        that matter in the source, filled with predicates of the target, are the clauses to choose from.
    revision : bool, default=True
        Whether to do step 3.
    discovery : bool, default=True
        Whether to do step 4.
    max_literals, max_variables : int, default=4
        Bounds on a clause; the head's variables count, its literal does not.
    max_clauses : int, default=10
        Largest model that search makes.
    beam_width : int, default=5
        Clauses kept in each round of a search.
    counts : {"any", "log", "count"}, default="any"
        What of the number of true groundings enters: whether there is one, its logarithm, or the number itself. The
        first carries over best, because numbers of papers and of movies differ.
    prior_scale : float, default=1.0
        Standard deviation of a weight around the source's, or around zero.
    length_penalty : float, default=0.5
        Nats of log-likelihood that each literal must earn.
    threshold : float, default=0.05
        A clause is revised if it is to blame for more than this share of the (balanced) atoms.
    negated : bool, default=False
        Whether searches add negated literals.
    swap_arguments : bool, default=False
        Whether a predicate may be mapped with its arguments in another order.
    negative_ratio : float, optional
        False atoms of the target to use for each true one, drawn at random. Left out, all that are given; if none are
        given, ten. True and false atoms always weigh the same in total.
    base_rate : {"observed", "balanced"}, default="observed"
        To which share of true atoms the probabilities refer: that of the target's atoms, or one half.
    threads : int, default=1
        Threads of the database.
    memory_limit : str, default="2GB"
        Memory of the database before it spills to disk.
    random_state : int, RandomState or None, default=None
        Draws false atoms.

    Attributes
    ----------
    clauses_ : list of Clause
        The model; print one to read it.
    intercept_ : float
        Weight of the unit clause: the log-odds of an atom no clause speaks about.
    source_clauses_ : list of Clause
        The source's model; empty without a source.
    mapping_ : list of (Clause, Clause, float)
        Source clause, its translation and the translation's score.
    diagnoses_ : list of Diagnosis
        What the revision found, a clause each.
    cliques_ : list of Clique
        With ``strategy="second_order"``: the source's patterns.
    schema_ : Schema
        The target's predicates and argument types.
    n_clauses_scored_ : int
        Clauses scored on the target; `n_source_clauses_scored_` those on the source.
    seconds_ : float
        Time spent on the target; `source_seconds_` that on the source.

    Notes
    -----
    Helps when the target has few true atoms and the domains share a pattern under different names. Hurts little when
    they do not: a translation that explains nothing gets revised or outweighed, and costs its time. Facts of the
    query itself never serve as premises, so that a prediction needs no label; chains of dependent predictions
    (collective inference) are therefore not made.

    A candidate costs one join over at most `max_literals` tables, started from the labelled atoms, and a logistic
    regression with as many columns as the model has clauses; joins of parts met before are remembered. Memory grows
    with the facts (8 bytes an argument and one dictionary entry a constant).

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
    _parameter_constraints = {
        "strategy": [StrOptions({"mapping", "second_order"})],
        "revision": ["boolean"],
        "discovery": ["boolean"],
        "max_literals": [Interval(Integral, 1, None, closed="left")],
        "max_variables": [Interval(Integral, 1, None, closed="left")],
        "max_clauses": [Interval(Integral, 1, None, closed="left")],
        "beam_width": [Interval(Integral, 1, None, closed="left")],
        "counts": [StrOptions({"any", "log", "count"})],
        "prior_scale": [Interval(Real, 0, None, closed="neither")],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "negated": ["boolean"],
        "swap_arguments": ["boolean"],
        "negative_ratio": [Interval(Real, 0, None, closed="neither"), None],
        "base_rate": [StrOptions({"observed", "balanced"})],
        "threads": [Interval(Integral, 1, None, closed="left")],
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
        counts: str = "any",
        prior_scale: float = 1.0,
        length_penalty: float = 0.5,
        threshold: float = 0.05,
        negated: bool = False,
        swap_arguments: bool = False,
        negative_ratio: float | None = None,
        base_rate: str = "observed",
        threads: int = 1,
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
        self.counts = counts
        self.prior_scale = prior_scale
        self.length_penalty = length_penalty
        self.threshold = threshold
        self.negated = negated
        self.swap_arguments = swap_arguments
        self.negative_ratio = negative_ratio
        self.base_rate = base_rate
        self.threads = threads
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
        """Learn the source's clauses, carry them to the target, and repair them there.

        Parameters
        ----------
        facts_source : mapping, sequence of mappings, FactBase, fitted RelationalTransfer, or None
            ``{predicate: [[argument, ...], ...]}`` of the source. A fitted model lends its clauses; None learns the
            target from scratch.
        facts_target : mapping, sequence of mappings or FactBase
            The target's facts, those of the query among them.
        query : str
            The target's predicate to predict.
        source_query : str, optional
            The source's predicate that plays its part; left out, the one of the same name.
        negatives_source, negatives_target : mapping or sequence of atoms, optional
            False atoms of the queries. Left out, they are drawn from the atoms that are no facts.

        Returns
        -------
        self
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
                    "facts_source is a fitted model, but strategy='second_order' looks for patterns in facts; give "
                    "the source's facts, or choose strategy='mapping'."
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
                    self.source_clauses_ = _weighed(clauses, scorer.fit(clauses)[0])
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
        self.clauses_ = _weighed(clauses, weights)
        self.intercept_ = float(weights[0]) + (odds if self.base_rate == "observed" else 0.0)
        self.n_clauses_scored_ = scorer.n_scored
        self.seconds_ = time.perf_counter() - began
        return self

    def predict_proba(self, facts: Any, atoms: Any) -> NDArray[np.float64]:
        """Predict how likely atoms of the query are, given facts.

        Parameters
        ----------
        facts : mapping, sequence of mappings or FactBase
            Facts to reason from; those of the query are not looked at.
        atoms : sequence of atoms, or ndarray of shape (n_atoms, arity)
            Arguments of each atom.

        Returns
        -------
        ndarray of shape (n_atoms, 2)
            Probability of being false, and of being true.
        """
        check_is_fitted(self)
        with self._open(facts) as base:
            codes = base.encode(atoms, len(self.schema_[self.query_]))
            grounder = Grounder(base, codes)
            score = np.full(len(codes), self.intercept_)
            for clause in self.clauses_:
                score += (clause.weight or 0.0) * clause_features(grounder.counts(clause), self.counts)
            grounder.close()
        p = expit(score)
        return np.column_stack([1.0 - p, p])

    def predict(self, facts: Any, atoms: Any) -> NDArray[np.bool_]:
        """Say which atoms of the query are more likely true than false.

        Parameters
        ----------
        facts : mapping, sequence of mappings or FactBase
            Facts to reason from.
        atoms : sequence of atoms, or ndarray of shape (n_atoms, arity)
            Arguments of each atom.

        Returns
        -------
        ndarray of bool, shape (n_atoms,)
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
        """Revise what was carried over and discover what was not."""
        if self.revision:
            clauses, self.diagnoses_ = revise(scorer, clauses, facts.schema, threshold=self.threshold, **self._bounds)
        if self.discovery and len(clauses) < self.max_clauses:
            true = scorer.grounder.atoms[scorer.truth]
            # A few dozen true atoms show every path that matters.
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
        return FactBase(facts, threads=self.threads, memory_limit=self.memory_limit)

    def _scorer(
        self, facts: FactBase, query: str, negatives: Any, ratio: float | None, rng: np.random.RandomState, side: str
    ) -> tuple[ClauseScorer, float]:
        """Gather the labelled atoms; also return the log-odds that one of them is true."""
        if query not in facts.schema:
            raise LabelError(f"facts_{side} has no fact of {query!r}; give some true atoms of it, or another query.")
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
            raise LabelError(f"negatives_{side} has no false atom of {query!r}; give some, or None to draw them.")
        scorer = ClauseScorer(
            Grounder(facts, np.concatenate([true, false])),
            np.repeat([True, False], [len(true), len(false)]),
            counts=self.counts,
            prior_scale=self.prior_scale,
            length_penalty=self.length_penalty,
        )
        return scorer, float(np.log(len(true) / n_false))


def _head(query: str, schema: Schema) -> Literal:
    return Literal(query, tuple(range(len(schema[query]))))


def _weighed(clauses: Sequence[Clause], weights: NDArray[np.float64]) -> list[Clause]:
    return [c.weighed(float(w)) for c, w in zip(clauses, weights[1:], strict=True)]
