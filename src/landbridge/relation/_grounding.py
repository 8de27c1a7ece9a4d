"""Counts of the true groundings of clause bodies, by database joins."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from landbridge.relation._clauses import Clause, Literal, canonical_body
from landbridge.relation._facts import FactBase

__all__ = ["Grounder"]


class Grounder:
    """Counter of the true groundings of clause bodies for a list of atoms.

    For the atom ``advisedby(ann, bob)`` the body ``publication(x, a) ∧ publication(x, b)`` has one true grounding for
    every joint paper x. The counts are computed as follows:

    * A body is split into *components* that share no free variable. Their counts multiply. Each component is counted
      once for each distinct value of the arguments of the head it contains, and cached: a clause with one literal more
      costs one small query, or none.
    * A free variable that shares no literal with the head is summed out first if the result is no larger than an
      existing table (an *ear* of the join), as in variable elimination. The cost of chains and trees of literals stays
      polynomial.
    * The rest is one join that starts from the atoms, in DuckDB.

    Parameters
    ----------
    facts : FactBase
        The facts; not copied.
    atoms : ndarray of int, shape (n_atoms, arity)
        Arguments of each atom, as codes of `facts`.
    cache_bytes : int, default=2**27
        Memory for cached counts; the least recently used are dropped first.

    Examples
    --------
    >>> from landbridge.relation import Clause, FactBase, Grounder, Literal
    >>> base = FactBase({"wrote": [["ann", "t1"], ["bob", "t1"], ["ann", "t2"], ["bob", "t2"], ["eve", "t2"]]})
    >>> body = (Literal("wrote", (0, 2)), Literal("wrote", (1, 2)))
    >>> clause = Clause(Literal("together", (0, 1)), body)
    >>> Grounder(base, base.encode([["ann", "bob"], ["ann", "eve"], ["zoe", "ann"]], 2)).counts(clause).tolist()
    [2.0, 1.0, 0.0]
    """

    def __init__(self, facts: FactBase, atoms: NDArray[np.int64], *, cache_bytes: int = 2**27) -> None:
        self.facts = facts
        self.atoms = np.asarray(atoms, dtype=np.int64)
        self.cache_bytes = cache_bytes
        self.n_queries = 0
        self._kept: OrderedDict[tuple[Literal, ...], NDArray[np.float64]] = OrderedDict()
        self._size = 0
        self._keys: dict[tuple[int, ...], tuple[str, NDArray[np.intp], int]] = {}

    def counts(self, clause: Clause) -> NDArray[np.float64]:
        """Count the true groundings of the body of a clause for each atom.

        Parameters
        ----------
        clause : Clause
            The clause.

        Returns
        -------
        ndarray of shape (n_atoms,)
            Counts; one for an empty body.
        """
        total = np.ones(len(self.atoms))
        for part in components(clause.body, self.atoms.shape[1]):
            total *= self._component(canonical_body(part, self.atoms.shape[1]))
        return total

    def _component(self, body: tuple[Literal, ...]) -> NDArray[np.float64]:
        if body in self._kept:
            self._kept.move_to_end(body)
            return self._kept[body]
        found = self._count(body)
        self._kept[body] = found
        self._size += found.nbytes
        while self._size > self.cache_bytes and len(self._kept) > 1:
            self._size -= self._kept.popitem(last=False)[1].nbytes
        return found

    def _count(self, body: tuple[Literal, ...]) -> NDArray[np.float64]:
        n, arity = self.atoms.shape
        if n == 0 or any(b.positive and self.facts.table(b.predicate) is None for b in body):
            return np.zeros(n)
        body = tuple(b for b in body if self.facts.table(b.predicate) is not None)
        head = tuple(sorted({v for b in body for v in b.arguments if v < arity}))
        keys, inverse, n_keys = self._distinct(head)
        found = self.facts.connection.execute(self._query(body, keys, head)).fetchnumpy()
        self.n_queries += 1
        out = np.zeros(n_keys)
        out[np.asarray(found["i"], dtype=np.intp)] = np.asarray(found["c"], dtype=np.float64)
        return out[inverse]

    def _distinct(self, head: tuple[int, ...]) -> tuple[str, NDArray[np.intp], int]:
        """Store the distinct values of some arguments of the head; the counts depend on nothing else."""
        if head not in self._keys:
            if head:
                values, inverse = np.unique(self.atoms[:, list(head)], axis=0, return_inverse=True)
            else:
                values, inverse = np.zeros((1, 0), dtype=np.int64), np.zeros(len(self.atoms), dtype=np.intp)
            columns = {"i": np.arange(len(values))}
            columns |= {f"v{v}": np.ascontiguousarray(values[:, place]) for place, v in enumerate(head)}
            name = self.facts.keep(columns)
            self._keys[head] = name, inverse.ravel(), len(values)
        return self._keys[head]

    def close(self) -> None:
        """Drop the tables that hold the atoms."""
        for name, _, _ in self._keys.values():
            self.facts.connection.execute(f"DROP TABLE IF EXISTS {name}")
        self._keys.clear()

    def _query(self, body: tuple[Literal, ...], keys: str, head: tuple[int, ...]) -> str:
        factors = [_factor(b, str(self.facts.table(b.predicate))) for b in body if b.positive]
        negated = [b for b in body if not b.positive]
        held = set(head) | {v for b in negated for v in b.arguments}
        factors = _sum_out(factors, held)
        place = {v: f"k.v{v}" for v in head}
        joins, product = [], ["1e0"]
        for number, (scope, query) in enumerate(factors):
            conditions = [f"{place[v]} = f{number}.v{v}" for v in scope if v in place]
            for v in scope:
                place.setdefault(v, f"f{number}.v{v}")
            joins.append(f" JOIN ({query}) f{number} ON {' AND '.join(conditions) or 'true'}")
            product.append(f"f{number}.c")
        wheres = []
        for b in negated:
            # A variable bound nowhere else is bound inside the negation; twice the same variable there is an equality.
            inside: dict[int, str] = {}
            conditions = []
            for j, v in enumerate(b.arguments):
                if v in place:
                    conditions.append(f"n.a{j} = {place[v]}")
                elif v in inside:
                    conditions.append(f"n.a{j} = {inside[v]}")
                else:
                    inside[v] = f"n.a{j}"
            condition = " AND ".join(conditions) or "true"
            wheres.append(f"NOT EXISTS (SELECT 1 FROM {self.facts.table(b.predicate)} n WHERE {condition})")
        where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
        return f"SELECT k.i AS i, sum({' * '.join(product)}) AS c FROM {keys} k{''.join(joins)}{where} GROUP BY k.i"


def components(body: tuple[Literal, ...], arity: int) -> list[tuple[Literal, ...]]:
    """Split a body into components that share no free variable.

    Parameters
    ----------
    body : tuple of Literal
        Body of a clause.
    arity : int
        Variables below it belong to the head.

    Returns
    -------
    list of tuple of Literal
        The components.

    Examples
    --------
    >>> from landbridge.relation import Literal
    >>> from landbridge.relation._grounding import components
    >>> body = (Literal("p", (0, 2)), Literal("q", (1,)), Literal("r", (2, 3)))
    >>> [[b.predicate for b in part] for part in components(body, 2)]
    [['p', 'r'], ['q']]
    """
    parts: list[tuple[set[int], list[Literal]]] = []
    for literal in body:
        free = {v for v in literal.arguments if v >= arity}
        touching = [part for part in parts if part[0] & free]
        literals = [b for part in touching for b in part[1]] + [literal]
        parts = [part for part in parts if not part[0] & free]
        parts.append((free.union(*(part[0] for part in touching)), literals))
    return sorted((tuple(b for b in body if b in literals) for _, literals in parts), key=lambda p: body.index(p[0]))


def _factor(literal: Literal, table: str) -> tuple[tuple[int, ...], str]:
    first: dict[int, int] = {}
    same = []
    for j, v in enumerate(literal.arguments):
        if v in first:
            same.append(f"a{first[v]} = a{j}")
        first.setdefault(v, j)
    columns = ", ".join(f"a{j} AS v{v}" for v, j in first.items())
    where = f" WHERE {' AND '.join(same)}" if same else ""
    return tuple(first), f"SELECT {columns}, 1e0 AS c FROM {table}{where}"


def _sum_out(factors: list[tuple[tuple[int, ...], str]], held: set[int]) -> list[tuple[tuple[int, ...], str]]:
    """Eliminate variables whose factors lie within the scope of one factor and share no variable in `held`."""
    while True:
        for v in sorted({v for scope, _ in factors for v in scope} - held):
            mine = [f for f in factors if v in f[0]]
            union = {u for scope, _ in mine for u in scope}
            # A variable that shares a literal with the head is cheaper to sum out in the final join.
            if len(union) > 1 and not union & held and any(set(scope) == union for scope, _ in mine):
                break
        else:
            return factors
        place: dict[int, str] = {}
        source, product = "", []
        for number, (scope, query) in enumerate(mine):
            conditions = [f"{place[u]} = f{number}.v{u}" for u in scope if u in place]
            source += f" JOIN ({query}) f{number} ON {' AND '.join(conditions)}" if number else f"({query}) f{number}"
            product.append(f"f{number}.c")
            for u in scope:
                place.setdefault(u, f"f{number}.v{u}")
        rest = [u for u in place if u != v]
        chosen = ", ".join(f"{place[u]} AS v{u}" for u in rest)
        groups = ", ".join(place[u] for u in rest)
        query = f"SELECT {chosen}, sum({' * '.join(product)}) AS c FROM {source} GROUP BY {groups}"
        factors = [f for f in factors if v not in f[0]] + [(tuple(rest), query)]
