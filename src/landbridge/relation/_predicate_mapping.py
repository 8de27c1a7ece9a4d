"""Which predicate of the target plays the part of which predicate of the source: TAMAR's mapping of clauses."""

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
    """List the legal translations of one clause.

    A source predicate may become any target predicate of the same arity, or nothing (its literals are then dropped),
    as long as types agree: a mapping sends each *type* of the source to one type of the target, the same in every
    literal of the clause. The head becomes the query, which fixes the first types.

    Parameters
    ----------
    clause : Clause
        A clause of the source.
    source, target : Schema
        Predicates and argument types.
    query : str
        The target's predicate that the head becomes.
    swap_arguments : bool, default=False
        Whether a predicate may also become another one with the arguments in another order.

    Yields
    ------
    mapping : dict
        Source predicate to (target predicate, order of arguments), or to None.
    clause : Clause
        The clause translated: canonical, connected, not empty, each once.

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
                # The new predicate's place j takes the old one's argument order[j].
                grown = dict(types)
                if all(grown.setdefault(kinds[o], t) == t for o, t in zip(order, target[predicate], strict=True)):
                    yield from assign(at + 1, grown, {**chosen, names[at]: (predicate, order)})
        yield from assign(at + 1, types, {**chosen, names[at]: None})

    for mapping in assign(0, first, {}):
        translated = rename_predicates(clause, mapping, query)
        short = translated.canonical()
        if len(short) and short.connected() and short not in seen:
            seen.add(short)
            yield mapping, short.weighed(clause.weight)


def map_clauses(
    clauses: Sequence[Clause],
    source: Schema,
    target: Schema,
    query: str,
    scorer: ClauseScorer,
    *,
    swap_arguments: bool = False,
) -> list[tuple[Clause, Clause, float]]:
    """Translate each clause by its best legal mapping (TAMAR's *local* mapping).

    Every clause is mapped by itself: the legal mappings of one clause are few, those of all predicates at once are
    exponentially many. The best one gives the highest weighted pseudo-log-likelihood of the target's atoms to the
    model that has this clause and the unit clause only.

    Parameters
    ----------
    clauses : sequence of Clause
        The source's clauses.
    source, target : Schema
        Predicates and argument types.
    query : str
        The target's predicate to predict.
    scorer : ClauseScorer
        Scores clauses on the target.
    swap_arguments : bool, default=False
        See :func:`legal_mappings`.

    Returns
    -------
    list of (Clause, Clause, float)
        Source clause, its translation with the source's weight, and the score; clauses without a legal mapping are
        left out, and of several with one translation the first stays.
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
