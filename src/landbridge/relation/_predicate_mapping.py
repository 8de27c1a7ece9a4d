"""Predicate mapping of TAMAR: translate source clauses to target predicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from landbridge.relation._clauses import Clause, rename_predicates
from landbridge.relation._facts import Schema
from landbridge.relation._pseudo_likelihood import ClauseScorer

__all__ = ["legal_mappings", "map_clauses"]

Mapping_ = dict[str, tuple[str, tuple[int, ...]] | None]


def legal_mappings(
    clause: Clause,
    source: Schema,
    target: Schema,
    query: str,
    *,
    swap_arguments: bool = False,
) -> Iterator[tuple[Mapping_, Clause]]:
    """Generate the legal translations of a clause.

    A source predicate maps to any target predicate of the same arity, or to None (its literals are then dropped), if
    the types agree: each source *type* maps to one target type in all literals of the clause. The head maps to the
    query, which fixes the first types.

    Parameters
    ----------
    clause : Clause
        Source clause.
    source, target : Schema
        Predicates and argument types.
    query : str
        Target predicate of the translated head.
    swap_arguments : bool, default=False
        Whether to permute the arguments of predicates too.

    Yields
    ------
    mapping : dict
        Source predicate to (target predicate, order of arguments), or to None.
    clause : Clause
        Translated clause: canonical, connected, not empty, without duplicates.

    Examples
    --------
    >>> from landbridge.relation import Clause, Literal, Schema, legal_mappings
    >>> source = Schema({"movie": (0, 1), "director": (1,), "workedunder": (1, 1)})
    >>> target = Schema({"wrote": (5, 7), "teaches": (7, 6), "professor": (7,), "advisedby": (7, 7)})
    >>> body = (Literal("movie", (2, 0)), Literal("movie", (2, 1)), Literal("director", (1,)))
    >>> for _, translated in legal_mappings(Clause(Literal("workedunder", (0, 1)), body), source, target, "advisedby"):
    ...     print(translated)
    professor(b) ∧ wrote(x, a) ∧ wrote(x, b) ⇒ advisedby(a, b)
    wrote(x, a) ∧ wrote(x, b) ⇒ advisedby(a, b)
    professor(b) ⇒ advisedby(a, b)
    """
    names = list(dict.fromkeys(literal.predicate for literal in clause.body))
    seen: set[Clause] = set()
    first: dict[int, int] = {}
    if len(source[clause.head.predicate]) != len(target[query]):
        return
    for a, b in zip(source[clause.head.predicate], target[query], strict=True):
        if first.setdefault(a, b) != b:
            return

    def assign(at: int, types: dict[int, int], chosen: Mapping_) -> Iterator[Mapping_]:
        if at == len(names):
            yield dict(chosen)
            return
        kinds = source[names[at]]
        for predicate in target.predicates:
            if predicate == query or len(target[predicate]) != len(kinds):
                continue
            same = tuple(range(len(kinds)))
            for order in permutations(same) if swap_arguments else (same,):
                # Argument j of the new predicate is argument order[j] of the old one.
                grown = dict(types)
                if all(grown.setdefault(kinds[o], t) == t for o, t in zip(order, target[predicate], strict=True)):
                    yield from assign(at + 1, grown, {**chosen, names[at]: (predicate, order)})
        yield from assign(at + 1, types, {**chosen, names[at]: None})

    for mapping in assign(0, first, {}):
        translated = rename_predicates(clause, mapping, query)
        short = translated.canonical()
        if len(short) and short.connected() and short not in seen:
            seen.add(short)
            yield mapping, short.with_weight(clause.weight)


def map_clauses(
    clauses: Sequence[Clause],
    source: Schema,
    target: Schema,
    query: str,
    scorer: ClauseScorer,
    *,
    swap_arguments: bool = False,
) -> list[tuple[Clause, Clause, float]]:
    """Translate each clause by its best legal mapping (the *local* mapping of TAMAR).

    Clauses are mapped one at a time, because a clause has few legal mappings, whereas the number of mappings of all
    predicates is exponential. The best mapping maximises the weighted pseudo-log-likelihood of the target atoms under
    the model of this clause and the unit clause.

    Parameters
    ----------
    clauses : sequence of Clause
        Source clauses.
    source, target : Schema
        Predicates and argument types.
    query : str
        Target predicate to predict.
    scorer : ClauseScorer
        Scores clauses on the target.
    swap_arguments : bool, default=False
        See :func:`legal_mappings`.

    Returns
    -------
    list of (Clause, Clause, float)
        Source clause, its translation with the source weight, and the score. Clauses without a legal mapping are
        omitted; of several clauses with the same translation, the first is kept.
    """
    found: list[tuple[Clause, Clause, float]] = []
    for clause in clauses:
        legal = list(legal_mappings(clause, source, target, query, swap_arguments=swap_arguments))
        if not legal:
            continue
        dropped = [sum(image is None for image in mapping.values()) for mapping, _ in legal]
        options = [translated for d, (_, translated) in zip(dropped, legal, strict=True) if d == min(dropped)]
        scores, _ = scorer.score_all([], options)
        best = int(np.argmax(scores))
        if all(options[best] != translated for _, translated, _ in found):
            found.append((clause, options[best], float(scores[best])))
    return found
