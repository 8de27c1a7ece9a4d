"""Structure learning: beam search for clauses, and relational pathfinding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from landbridge.relation._clauses import Clause, Literal, extensions, shortenings
from landbridge.relation._facts import FactBase, Schema
from landbridge.relation._pseudo_likelihood import ClauseScorer

__all__ = ["add_greedily", "beam_search", "find_paths", "learn_structure"]


def beam_search(
    scorer: ClauseScorer,
    model: Sequence[Clause],
    start: Iterable[Clause],
    schema: Schema,
    *,
    beam_width: int = 5,
    max_literals: int = 4,
    max_variables: int = 4,
    negated: bool = False,
    lengthen: bool = True,
    shorten: bool = False,
    min_score: float = -np.inf,
    patience: int = 0,
) -> tuple[Clause | None, float]:
    """Search for the clause that improves the score of a model most.

    Each iteration adds or removes one literal in every clause of the beam, scores the new clauses, and keeps the best
    `beam_width`. The search stops when the best score no longer increases.

    Parameters
    ----------
    scorer : ClauseScorer
        Scorer of the model with a clause added.
    model : sequence of Clause
        Clauses of the model.
    start : iterable of Clause
        Initial beam; these clauses are not candidates themselves.
    schema : Schema
        Predicates and argument types.
    beam_width : int, default=5
        Number of clauses kept in each iteration.
    max_literals, max_variables : int, default=4
        Maximum size of a clause.
    negated : bool, default=False
        Whether to add negated literals.
    lengthen : bool, default=True
        Whether to add literals.
    shorten : bool, default=False
        Whether to remove literals.
    min_score : float, default=-inf
        The score must be larger than this.
    patience : int, default=0
        Number of iterations without improvement before the search stops. It must be at least one to find a path from
        an empty body, because the first literal of a path alone improves little.

    Returns
    -------
    clause : Clause or None
        The best clause with its weight; None if no score is larger than `min_score`.
    score : float
        Score of the model with it.
    """
    beam = list(start)
    seen = {clause.canonical() for clause in [*beam, *model]}
    best: Clause | None = None
    best_score, idle = min_score, 0
    while beam:
        edits: dict[Clause, None] = {}
        for clause in beam:
            if lengthen and len(clause) < max_literals:
                edits |= dict.fromkeys(extensions(clause, schema, max_variables=max_variables, negated=negated))
            if shorten:
                edits |= dict.fromkeys(shortenings(clause))
        fresh = [clause for clause in edits if clause not in seen]
        seen.update(fresh)
        if not fresh:
            break
        scores, weights = scorer.score_all(model, fresh)
        order = np.argsort(-scores, kind="stable")[:beam_width]
        if scores[order[0]] > best_score + 1e-9:
            best_score = float(scores[order[0]])
            best = fresh[order[0]].with_weight(float(weights[order[0]]))
            idle = 0
        elif (idle := idle + 1) > patience:
            break
        beam = [fresh[i] for i in order]
    return best, best_score


def learn_structure(
    scorer: ClauseScorer,
    head: Literal,
    schema: Schema,
    model: Sequence[Clause] = (),
    *,
    max_clauses: int = 10,
    beam_width: int = 5,
    max_literals: int = 4,
    max_variables: int = 4,
    negated: bool = False,
) -> list[Clause]:
    """Learn clauses from scratch: add the best clause of a beam search until none improves the score.

    Parameters
    ----------
    scorer : ClauseScorer
        Scorer of clauses.
    head : Literal
        Head of the clauses.
    schema : Schema
        Predicates and argument types.
    model : sequence of Clause, default=()
        Initial clauses.
    max_clauses : int, default=10
        Maximum number of clauses.
    beam_width, max_literals, max_variables, negated
        See :func:`beam_search`.

    Returns
    -------
    list of Clause
        The model; added clauses have no weight yet.
    """
    clauses = list(model)
    score = scorer.fit(clauses)[1]
    while len(clauses) < max_clauses:
        found, new = beam_search(
            scorer,
            clauses,
            [Clause(head, ())],
            schema,
            beam_width=beam_width,
            max_literals=max_literals,
            max_variables=max_variables,
            negated=negated,
            min_score=score,
            patience=1,
        )
        if found is None:
            break
        clauses.append(found.with_weight(None))
        score = new
    return clauses


def add_greedily(
    scorer: ClauseScorer, model: Sequence[Clause], candidates: Sequence[Clause], *, max_clauses: int = 10
) -> list[Clause]:
    """Add candidate clauses greedily; a candidate that does not improve the score is dropped.

    Parameters
    ----------
    scorer : ClauseScorer
        Scorer of clauses.
    model : sequence of Clause
        Clauses of the model.
    candidates : sequence of Clause
        Clauses to choose from.
    max_clauses : int, default=10
        Maximum number of clauses.

    Returns
    -------
    list of Clause
        The model.
    """
    clauses = list(model)
    score = scorer.fit(clauses)[1]
    left = [c for c in dict.fromkeys(candidates) if c not in clauses]
    while left and len(clauses) < max_clauses:
        scores, _ = scorer.score_all(clauses, left)
        best = int(np.argmax(scores))
        if scores[best] <= score + 1e-9:
            break
        clauses.append(left[best])
        left = [c for i, c in enumerate(left) if i != best and scores[i] > score + 1e-9]
        score = float(scores[best])
    return clauses


def find_paths(
    facts: FactBase,
    head: Literal,
    atoms: NDArray[np.int64],
    *,
    max_literals: int = 3,
    max_degree: int = 50,
    max_paths: int = 2000,
) -> list[tuple[Clause, int]]:
    """Find clauses by relational pathfinding: chains of facts that link the arguments of true atoms.

    Constants are nodes and facts are edges between them. A chain from one argument of the head to another becomes a
    clause when its constants are replaced by variables.

    Parameters
    ----------
    facts : FactBase
        The facts; those of the predicate of the head are not used.
    head : Literal
        Head of the clauses; with one argument there are no paths.
    atoms : ndarray of int, shape (n_atoms, arity)
        True atoms, as codes.
    max_literals : int, default=3
        Maximum length of a chain.
    max_degree : int, default=50
        Constants in more facts than this are skipped, because they link most constants.
    max_paths : int, default=2000
        Maximum number of partial chains for one atom.

    Returns
    -------
    list of (Clause, int)
        Clauses with the number of atoms that have such a path, by decreasing frequency.

    References
    ----------
    .. [1] B. L. Richards, R. J. Mooney. Learning relations by pathfinding. AAAI 1992.
    """
    arity = len(head.arguments)
    if arity < 2 or len(atoms) == 0:
        return []
    touching = _index_facts(facts, head.predicate)
    shown: Counter[Clause] = Counter()
    lifted: dict[tuple[Literal, ...], Clause] = {}
    for atom in atoms.tolist():
        here: set[Clause] = set()
        for start in range(arity):
            for end in range(start + 1, arity):
                for chain in _chains(touching, atom[start], atom[end], max_literals, max_degree, max_paths):
                    here.add(_lift(chain, atom, head, lifted))
        shown.update(here)
    return sorted(shown.items(), key=lambda item: (-item[1], len(item[0]), item[0].body))


Fact = tuple[str, tuple[int, ...]]


def _index_facts(facts: FactBase, without: str) -> dict[int, list[Fact]]:
    touching: dict[int, list[Fact]] = {}
    for predicate in facts.schema.predicates:
        if predicate != without and len(facts.schema[predicate]) > 1:
            for row in facts.rows(predicate).tolist():
                for constant in dict.fromkeys(row):
                    touching.setdefault(constant, []).append((predicate, tuple(row)))
    return touching


def _chains(
    touching: dict[int, list[Fact]], start: int, end: int, longest: int, max_degree: int, max_paths: int
) -> list[tuple[Fact, ...]]:
    found: list[tuple[Fact, ...]] = []
    frontier: list[tuple[int, tuple[Fact, ...], frozenset[int]]] = [(start, (), frozenset([start]))]
    for left in reversed(range(longest)):
        further: list[tuple[int, tuple[Fact, ...], frozenset[int]]] = []
        for at, chain, passed in frontier:
            edges = touching.get(at, [])
            if len(edges) > max_degree and at != start:
                continue
            for fact in edges:
                if end in fact[1] and fact not in chain:
                    found.append((*chain, fact))
                elif left and len(further) < max_paths:
                    for constant in dict.fromkeys(fact[1]):
                        if constant not in passed:
                            further.append((constant, (*chain, fact), passed | {constant}))
        frontier = further
    return found


def _lift(chain: tuple[Fact, ...], atom: list[int], head: Literal, lifted: dict[tuple[Literal, ...], Clause]) -> Clause:
    names: dict[int, int] = {}
    for place, constant in enumerate(atom):
        names.setdefault(constant, place)
    fresh = len(atom)
    body = []
    for predicate, row in chain:
        for constant in row:
            if constant not in names:
                names[constant] = fresh
                fresh += 1
        body.append(Literal(predicate, tuple(names[constant] for constant in row)))
    key = tuple(body)
    if key not in lifted:
        lifted[key] = Clause(head, key).canonical()
    return lifted[key]
