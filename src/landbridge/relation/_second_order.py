"""Second-order cliques: patterns of relations with predicate variables, for deep transfer (DTM)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from landbridge.relation._clauses import Clause, Literal, extensions
from landbridge.relation._facts import FactBase, Schema
from landbridge.relation._grounding import Grounder

__all__ = ["Clique", "clique_clauses", "clique_score", "find_cliques", "state_distribution"]


@dataclass(frozen=True)
class Clique:
    """Second-order clique: literals with predicate variables, such as ``r(x, y) ∧ r(y, z) ∧ r(x, z)``.

    Parameters
    ----------
    literals : tuple of (int, tuple of int)
        Predicate variable and object variables of each literal.
    score : float, default=0.0
        Dependence of the literals in the source, in nats.

    Examples
    --------
    >>> from landbridge.relation import Clique
    >>> print(Clique(((0, (0, 1)), (1, (0,)), (1, (1,)))))
    r(x, y) ∧ s(x) ∧ s(y)
    """

    literals: tuple[tuple[int, tuple[int, ...]], ...]
    score: float = 0.0

    def __str__(self) -> str:
        return " ∧ ".join(f"{'rstu'[p]}({', '.join('xyzuvw'[v] for v in args)})" for p, args in self.literals)


def state_distribution(facts: FactBase, literals: Sequence[Literal], grounder: Grounder) -> NDArray[np.float64]:
    """Compute the joint distribution of the truth values of literals over all groundings.

    Only conjunctions of true literals are counted, by joins; the groundings with false literals follow by inclusion and
    exclusion, so that false facts are never enumerated.

    Parameters
    ----------
    facts : FactBase
        The facts.
    literals : sequence of Literal
        Positive literals, k of them, over variables 0, 1, ...
    grounder : Grounder
        Counter of groundings for one atom without arguments.

    Returns
    -------
    ndarray of shape (2,) * k
        Probabilities; index 1 of an axis means that its literal is true.
    """
    k = len(literals)
    kinds: dict[int, int] = {}
    for literal in literals:
        kinds |= dict(zip(literal.arguments, facts.schema[literal.predicate], strict=True))
    size = {v: float(len(facts.constants(kind))) for v, kind in kinds.items()}
    table = np.empty((2,) * k)
    for state in np.ndindex(*table.shape):
        body = tuple(b for b, on in zip(literals, state, strict=True) if on)
        bound = {v for b in body for v in b.arguments}
        count = grounder.counts(Clause(Literal("", ()), body))[0]
        table[state] = count * np.prod([size[v] for v in kinds if v not in bound])
    # table[s] counts "at least these are true"; taking differences along each axis makes it "exactly these".
    for axis in range(k):
        off, on = np.moveaxis(table, axis, 0)
        off -= on
    table = np.maximum(table, 0.0)
    return table / table.sum()


def clique_score(table: NDArray[np.float64]) -> float:
    r"""Compute the dependence of the literals of a clique.

    This is the smallest divergence from a split into two independent parts,

    .. math:: \min_{A \cup B} \mathrm{KL}(p_{AB} \,\Vert\, p_A\, p_B),

    which is the mutual information of the parts: it is zero if some literals are independent of the others.

    Parameters
    ----------
    table : ndarray of shape (2,) * k
        Probabilities of the truth states.

    Returns
    -------
    float
        Divergence in nats; zero for one literal.
    """
    k = table.ndim
    best = np.inf
    for r in range(1, k // 2 + 1):
        for part in combinations(range(k), r):
            rest = tuple(axis for axis in range(k) if axis not in part)
            split = table.sum(axis=rest, keepdims=True) * table.sum(axis=part, keepdims=True)
            held = table > 0
            best = min(
                best, float(np.sum(table[held] * np.log(table[held] / np.broadcast_to(split, table.shape)[held])))
            )
    return max(best, 0.0) if k > 1 else 0.0


def find_cliques(
    facts: FactBase,
    *,
    n_cliques: int = 10,
    max_literals: int = 3,
    max_variables: int = 3,
    n_instances: int = 3,
    beam_width: int = 100,
) -> list[Clique]:
    """Find the second-order cliques with the largest scores in a domain.

    Every set of up to `max_literals` connected literals is an instance of one pattern. The score of an instance is
    :func:`clique_score`; that of a pattern is the mean over its `n_instances` best instances (missing ones are zero).

    Parameters
    ----------
    facts : FactBase
        Facts of the source.
    n_cliques : int, default=10
        Number of patterns returned.
    max_literals, max_variables : int, default=3
        Maximum size of a pattern.
    n_instances : int, default=3
        Number of instances in the score of a pattern; patterns with several predicates are preferred.
    beam_width : int, default=100
        Number of instances of one size that are extended to the next.

    Returns
    -------
    list of Clique
        Patterns by decreasing score.

    References
    ----------
    .. [1] J. Davis, P. Domingos. Deep transfer via second-order Markov logic. ICML 2009.
    """
    grounder = Grounder(facts, np.empty((1, 0), dtype=np.int64))
    head = Literal("", ())
    grown = [
        Clause(head, (Literal(p, tuple(range(len(facts.schema[p])))),))
        for p in facts.schema.predicates
        if len(facts.schema[p]) <= max_variables
    ]
    scores: dict[tuple[tuple[int, tuple[int, ...]], ...], list[float]] = {}
    for _ in range(max_literals - 1):
        longer = dict.fromkeys(
            c for clause in grown for c in extensions(clause, facts.schema, max_variables=max_variables)
        )
        scored = [(clique_score(state_distribution(facts, c.body, grounder)), c) for c in longer]
        for score, clause in scored:
            scores.setdefault(_pattern(clause.body), []).append(score)
        scored.sort(key=lambda item: (-item[0], item[1].body))
        grown = [clause for _, clause in scored[:beam_width]]
    grounder.close()
    means = {pattern: sum(sorted(values)[-n_instances:]) / n_instances for pattern, values in scores.items()}
    order = sorted(means, key=lambda pattern: (-means[pattern], pattern))
    return [Clique(pattern, means[pattern]) for pattern in order[:n_cliques]]


def clique_clauses(clique: Clique, schema: Schema, query: str) -> Iterator[Clause]:
    """Generate the clauses of a query that are instances of a pattern.

    Parameters
    ----------
    clique : Clique
        The pattern.
    schema : Schema
        Predicates and argument types of the target.
    query : str
        Predicate of exactly one literal, which becomes the head; its arguments are different variables.

    Yields
    ------
    Clause
        Canonical, without duplicates.

    Examples
    --------
    >>> from landbridge.relation import Clique, Schema, clique_clauses
    >>> schema = Schema({"friends": (0, 0), "smokes": (0,)})
    >>> for clause in clique_clauses(Clique(((0, (0, 1)), (1, (0,)), (1, (1,)))), schema, "friends"):
    ...     print(clause)
    smokes(a) ∧ smokes(b) ⇒ friends(a, b)
    """
    seen: set[Clause] = set()
    n_predicates = 1 + max(p for p, _ in clique.literals)

    def assign(at: int, chosen: tuple[str, ...], kinds: dict[int, int]) -> Iterator[tuple[str, ...]]:
        if at == n_predicates:
            yield chosen
            return
        mine = [arguments for p, arguments in clique.literals if p == at]
        for predicate in schema.predicates:
            types, grown = schema[predicate], dict(kinds)
            if all(
                len(arguments) == len(types)
                and all(grown.setdefault(v, t) == t for v, t in zip(arguments, types, strict=True))
                for arguments in mine
            ):
                yield from assign(at + 1, (*chosen, predicate), grown)

    for chosen in assign(0, (), {}):
        literals = [Literal(chosen[p], arguments) for p, arguments in clique.literals]
        heads = [literal for literal in literals if literal.predicate == query]
        if len(heads) != 1 or len(set(heads[0].arguments)) < len(heads[0].arguments):
            continue
        names = {v: i for i, v in enumerate(heads[0].arguments)}
        for literal in literals:
            for v in literal.arguments:
                names.setdefault(v, len(names))
        body = tuple(
            Literal(b.predicate, tuple(names[v] for v in b.arguments)) for b in literals if b.predicate != query
        )
        clause = Clause(Literal(query, tuple(range(len(heads[0].arguments)))), body).canonical()
        if len(clause) and clause.connected() and clause not in seen:
            seen.add(clause)
            yield clause


def _pattern(body: tuple[Literal, ...]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Replace predicates by variables; return the lexicographically smallest renumbering."""
    best = None
    variables = sorted({v for b in body for v in b.arguments})
    names = sorted({b.predicate for b in body})
    for order in permutations(range(len(variables))):
        object_names = dict(zip(variables, order, strict=True))
        for numbers in permutations(range(len(names))):
            number = dict(zip(names, numbers, strict=True))
            renamed = tuple(sorted((number[b.predicate], tuple(object_names[v] for v in b.arguments)) for b in body))
            if best is None or renamed < best:
                best = renamed
    return best or ()
