"""First-order clauses: a conjunction of literals that implies an atom."""

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
    """Literal: a predicate applied to variables, possibly negated.

    Parameters
    ----------
    predicate : str
        Name of the predicate.
    arguments : tuple of int
        Variables, numbered.
    positive : bool, default=True
        False for a negated literal.
    """

    predicate: str
    arguments: tuple[int, ...]
    positive: bool = True


@dataclass(frozen=True)
class Clause:
    """Weighted first-order clause of a Markov logic network: a body that implies a head.

    The more true groundings the body has, the more likely the head (less likely with a negative weight). Variables are
    numbers: ``0 .. arity - 1`` are the arguments of the head, the others occur in the body only. They print as
    ``a, b, ...`` and ``x, y, z, ...``. A variable that occurs in negated literals only is bound within the negation:
    ``¬publication(x, a)`` means that no such x exists.

    Parameters
    ----------
    head : Literal
        The conclusion.
    body : tuple of Literal
        The premises.
    weight : float, default=None
        Weight of the clause; it is ignored in comparisons. If None, the clause has no weight yet.

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
        """Number of arguments of the head."""
        return len(self.head.arguments)

    @property
    def free(self) -> list[int]:
        """Variables of the body that are not in the head, in order of appearance."""
        seen = dict.fromkeys(v for literal in self.body for v in literal.arguments if v >= self.arity)
        return list(seen)

    def with_weight(self, weight: float | None) -> Clause:
        """Return the same clause with another weight.

        Parameters
        ----------
        weight : float or None
            The weight.

        Returns
        -------
        Clause
            A copy.
        """
        return replace(self, weight=weight)

    def canonical(self) -> Clause:
        """Return the canonical form: free variables renumbered, literals sorted.

        Returns
        -------
        Clause
            Without a weight. Two clauses are equal up to variable names and order if and only if these are equal.
        """
        return Clause(self.head, canonical_body(self.body, self.arity))

    def connected(self) -> bool:
        """Test whether every literal shares variables with the head, directly or through other literals.

        Returns
        -------
        bool
            True if the clause is connected.
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
        """Return the type of each variable.

        Parameters
        ----------
        schema : Schema
            Predicates and argument types.

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
        Body of a clause.
    arity : int
        Variables below it belong to the head and are not renumbered.

    Returns
    -------
    tuple of Literal
        The lexicographically smallest renumbering.
    """
    body = tuple(dict.fromkeys(body))
    free = sorted({v for literal in body for v in literal.arguments if v >= arity})
    best: tuple[Literal, ...] | None = None
    for order in permutations(range(arity, arity + len(free))):
        names = dict(zip(free, order, strict=True))
        renamed = tuple(
            sorted(Literal(p, tuple(names.get(v, v) for v in arguments), sign) for p, arguments, sign in body)
        )
        if best is None or renamed < best:
            best = renamed
    return best or ()


def extensions(
    clause: Clause,
    schema: Schema,
    *,
    max_variables: int = 4,
    negated: bool = False,
) -> Iterator[Clause]:
    """Generate every clause with one more literal.

    A new literal shares a variable with the clause and respects the types of its arguments. The predicate of the head
    is never added, because its facts are what is predicted.

    Parameters
    ----------
    clause : Clause
        Clause to extend.
    schema : Schema
        Predicates and argument types.
    max_variables : int, default=4
        Maximum number of variables, including those of the head.
    negated : bool, default=False
        Whether to add negated literals too; these have no new variables.

    Yields
    ------
    Clause
        Canonical, without duplicates.
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
    """Generate every connected, non-empty clause with one literal less.

    Parameters
    ----------
    clause : Clause
        Clause to shorten.

    Yields
    ------
    Clause
        Canonical, without duplicates.
    """
    seen: set[Clause] = set()
    for drop in range(len(clause.body)):
        shorter = Clause(clause.head, clause.body[:drop] + clause.body[drop + 1 :]).canonical()
        if len(shorter) and shorter.connected() and shorter not in seen:
            seen.add(shorter)
            yield shorter


def rename_predicates(clause: Clause, names: Mapping[str, Any], head: str) -> Clause:
    """Rename the predicates of a clause; literals whose predicate maps to None are dropped.

    Parameters
    ----------
    clause : Clause
        Clause to translate.
    names : mapping of str to (str, tuple of int) or None
        New name and the order of the arguments in the new predicate.
    head : str
        New predicate of the head.

    Returns
    -------
    Clause
        Translated clause with the same weight.
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
