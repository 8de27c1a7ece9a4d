"""First-order clauses: a conjunction of literals that speaks for or against an atom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import permutations, product
from typing import Any, NamedTuple

from landbridge.exceptions import InputError
from landbridge.relation._facts import Schema

__all__ = ["Clause", "Literal", "extensions", "shortenings"]


class Literal(NamedTuple):
    """A predicate applied to variables, perhaps negated.

    Parameters
    ----------
    predicate : str
        Its name.
    arguments : tuple of int
        Variables, by number.
    positive : bool, default=True
        False for a negated literal.
    """

    predicate: str
    arguments: tuple[int, ...]
    positive: bool = True


@dataclass(frozen=True)
class Clause:
    """A weighted rule: the more ways its body is true, the more (or, with a negative weight, less) likely its head.

    Variables are numbers: ``0 .. arity - 1`` are the head's arguments, the others occur in the body only. They
    print as ``a, b, ...`` and ``x, y, z, ...``. A variable that occurs in negated literals only is meant within each:
    ``¬publication(x, a)`` says that there is no such x.

    Parameters
    ----------
    head : Literal
        What the clause concludes.
    body : tuple of Literal
        Its premises.
    weight : float, optional
        Its weight; no part of the identity of a clause.

    Examples
    --------
    >>> from landbridge.relation import Clause, Literal
    >>> body = (Literal("publication", (2, 0)), Literal("publication", (2, 1)), Literal("professor", (1,)))
    >>> print(Clause(Literal("advisedby", (0, 1)), body, 1.37))
    publication(x, a) ∧ publication(x, b) ∧ professor(b) ⇒ advisedby(a, b)  [1.37]
    """

    head: Literal
    body: tuple[Literal, ...]
    weight: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.head.arguments != tuple(range(len(self.head.arguments))):
            raise InputError(f"head must have the variables 0, 1, ... in order; got {self.head.arguments}.")

    def __len__(self) -> int:
        return len(self.body)

    def __str__(self) -> str:
        arity = len(self.head.arguments)
        names: dict[int, str] = {v: _letter("abcdefgh", v) for v in range(arity)}
        for literal in self.body:
            for v in literal.arguments:
                names.setdefault(v, _letter("xyzuvw", len(names) - arity))

        def write(literal: Literal) -> str:
            inside = ", ".join(names[v] for v in literal.arguments)
            return f"{'' if literal.positive else '¬'}{literal.predicate}({inside})"

        body = " ∧ ".join(write(literal) for literal in self.body) or "⊤"
        weight = "" if self.weight is None else f"  [{self.weight:.2f}]"
        return f"{body} ⇒ {write(self.head)}{weight}"

    @property
    def arity(self) -> int:
        """Number of the head's arguments."""
        return len(self.head.arguments)

    @property
    def free(self) -> list[int]:
        """Variables of the body that the head lacks, in order of appearance."""
        seen = dict.fromkeys(v for literal in self.body for v in literal.arguments if v >= self.arity)
        return list(seen)

    def weighed(self, weight: float | None) -> Clause:
        """Return the same clause with another weight.

        Parameters
        ----------
        weight : float or None

        Returns
        -------
        Clause
        """
        return replace(self, weight=weight)

    def canonical(self) -> Clause:
        """Return the clause that stands for all its spellings: free variables renumbered, literals sorted.

        Returns
        -------
        Clause
            Without a weight. Two clauses say the same, up to names and order, if and only if these are equal.
        """
        return Clause(self.head, canonical_body(self.body, self.arity))

    def connected(self) -> bool:
        """Say whether every literal hangs together with the head, directly or through other literals.

        Returns
        -------
        bool
        """
        reached, rest = set(range(self.arity)), list(self.body)
        while rest:
            touching = [literal for literal in rest if reached & set(literal.arguments)]
            if not touching:
                return False
            reached |= {v for literal in touching for v in literal.arguments}
            rest = [literal for literal in rest if literal not in touching]
        return True

    def variable_types(self, schema: Schema) -> dict[int, int]:
        """Find the type of each variable.

        Parameters
        ----------
        schema : Schema

        Returns
        -------
        dict of int to int
            Variable to type.
        """
        kinds: dict[int, int] = {}
        for literal in (self.head, *self.body):
            if literal.predicate in schema:
                for v, kind in zip(literal.arguments, schema[literal.predicate], strict=True):
                    kinds.setdefault(v, kind)
        return kinds


@lru_cache(maxsize=2**14)
def canonical_body(body: tuple[Literal, ...], arity: int) -> tuple[Literal, ...]:
    """Renumber the free variables and sort the literals so that equal bodies become equal tuples.

    Parameters
    ----------
    body : tuple of Literal
    arity : int
        Variables below it belong to the head and stay.

    Returns
    -------
    tuple of Literal
        The smallest of all spellings.
    """
    body = tuple(dict.fromkeys(body))
    free = sorted({v for literal in body for v in literal.arguments if v >= arity})
    best: tuple[Literal, ...] | None = None
    for order in permutations(range(arity, arity + len(free))):
        names = dict(zip(free, order, strict=True))
        spelt = tuple(
            sorted(Literal(p, tuple(names.get(v, v) for v in arguments), sign) for p, arguments, sign in body)
        )
        if best is None or spelt < best:
            best = spelt
    return best or ()


def extensions(
    clause: Clause,
    schema: Schema,
    *,
    max_variables: int = 4,
    negated: bool = False,
) -> Iterator[Clause]:
    """List every clause that has one literal more.

    A new literal shares a variable with the clause, and the types of its arguments fit. The head's predicate never
    enters a body, because its facts are what a prediction is asked for.

    Parameters
    ----------
    clause : Clause
    schema : Schema
        Predicates and argument types.
    max_variables : int, default=4
        Largest number of variables, those of the head included.
    negated : bool, default=False
        Whether to add negated literals too; they bring no new variable.

    Yields
    ------
    Clause
        Canonical, each once.
    """
    kinds = clause.variable_types(schema)
    known = sorted(kinds)
    fresh = max(known, default=-1) + 1
    seen = {clause.canonical()}
    for predicate in schema.predicates:
        if predicate == clause.head.predicate:
            continue
        room = max_variables - len(known)
        choices = [
            [v for v in known if kinds[v] == kind] + ([fresh + place] if room > 0 else [])
            for place, kind in enumerate(schema[predicate])
        ]
        for arguments in product(*choices):
            new = [v for v in arguments if v >= fresh]
            if len(new) == len(arguments) or len(set(new)) > room:
                continue
            for sign in (True, False) if negated and not new else (True,):
                longer = Clause(clause.head, (*clause.body, Literal(predicate, arguments, sign))).canonical()
                if longer not in seen and len(longer) == len(clause) + 1:
                    seen.add(longer)
                    yield longer


def shortenings(clause: Clause) -> Iterator[Clause]:
    """List every connected clause that has one literal less, the empty one left out.

    Parameters
    ----------
    clause : Clause

    Yields
    ------
    Clause
        Canonical, each once.
    """
    seen: set[Clause] = set()
    for drop in range(len(clause.body)):
        shorter = Clause(clause.head, clause.body[:drop] + clause.body[drop + 1 :]).canonical()
        if len(shorter) and shorter.connected() and shorter not in seen:
            seen.add(shorter)
            yield shorter


def rename_predicates(clause: Clause, names: Mapping[str, Any], head: str) -> Clause:
    """Translate a clause, predicate by predicate; a predicate that maps to None is dropped.

    Parameters
    ----------
    clause : Clause
    names : mapping of str to (str, tuple of int) or None
        New name and the order in which the new predicate takes the old one's arguments.
    head : str
        The head's new predicate.

    Returns
    -------
    Clause
        Keeps the weight.
    """
    body = []
    for literal in clause.body:
        if (target := names[literal.predicate]) is not None:
            name, order = target
            body.append(Literal(name, tuple(literal.arguments[i] for i in order), literal.positive))
    return Clause(Literal(head, clause.head.arguments), tuple(dict.fromkeys(body)), clause.weight)


def _letter(letters: str, number: int) -> str:
    turn, place = divmod(number, len(letters))
    return letters[place] + (str(turn) if turn else "")
