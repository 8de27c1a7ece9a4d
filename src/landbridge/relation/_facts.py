"""Ground facts as tables of integers in an embedded database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError, MissingExtraError

__all__ = ["FactBase", "Schema", "merge_facts"]


def merge_facts(examples: Iterable[Mapping[str, Sequence[Sequence[Any]]]]) -> dict[str, list[Sequence[Any]]]:
    """Put the facts of several examples into one mapping.

    A constant means the same thing in every example, so that things of different examples need different names.

    Parameters
    ----------
    examples : iterable of mappings
        Each maps a predicate's name to its facts, one sequence of arguments a fact.

    Returns
    -------
    dict
        Predicate to the facts of all examples, in order.

    Examples
    --------
    >>> from landbridge.relation import merge_facts
    >>> merge_facts([{"p": [["a"]]}, {"p": [["b"]], "q": [["b", "c"]]}])
    {'p': [['a'], ['b']], 'q': [['b', 'c']]}
    """
    merged: dict[str, list[Sequence[Any]]] = {}
    for example in examples:
        for predicate, rows in example.items():
            merged.setdefault(predicate, []).extend(rows)
    return merged


@dataclass(frozen=True)
class Schema:
    """Which predicates there are and of which type their arguments are.

    Parameters
    ----------
    types : mapping of str to tuple of int
        One type number an argument; the length is the predicate's arity.
    """

    types: Mapping[str, tuple[int, ...]]

    def __contains__(self, predicate: object) -> bool:
        return predicate in self.types

    def __getitem__(self, predicate: str) -> tuple[int, ...]:
        return self.types[predicate]

    @property
    def predicates(self) -> list[str]:
        """The predicates' names, sorted."""
        return sorted(self.types)


class FactBase:
    """Facts loaded into DuckDB, with constants as integers and argument types found from shared constants.

    Two argument places have the same type when some constant stands in both, directly or through further places: if
    ``publication(t1, ann)`` and ``professor(ann)`` are facts, the second place of *publication* and the first of
    *professor* hold the same kind of thing. Names never reach the database: predicates become tables ``p0, p1, ...``
    with columns ``a0, a1, ...`` of integers, so that a name may hold quotes, semicolons or whole statements.

    Parameters
    ----------
    facts : mapping of str to sequence of facts, or sequence of such mappings
        ``{predicate: [[argument, ...], ...]}``; several mappings are merged. An array of shape (n, arity) does for a
        list. Repeated facts count once.
    threads : int, default=1
        Threads the database may use.
    memory_limit : str, default="2GB"
        Memory the database may use before it spills to the system's folder for temporary files.

    Attributes
    ----------
    schema : Schema
        Predicates with the types of their arguments.
    n_facts : int
        Number of distinct facts.
    n_constants : int
        Number of distinct constants.

    Notes
    -----
    Time and memory grow linearly with the facts: a table of 8 bytes an argument, plus one dictionary entry a
    constant.

    Examples
    --------
    >>> from landbridge.relation import FactBase
    >>> facts = {"wrote": [["ann", "t1"], ["bob", "t1"]], "professor": [["ann"]]}
    >>> with FactBase(facts) as base:
    ...     base.n_facts, base.schema["wrote"], base.schema["professor"]
    (3, (0, 1), (0,))
    """

    def __init__(self, facts: Any, *, threads: int = 1, memory_limit: str = "2GB") -> None:
        try:
            import duckdb
        except ImportError as error:
            raise MissingExtraError(
                "Facts need the library 'duckdb'; install it with: pip install \"landbridge[relational]\""
            ) from error
        if not isinstance(facts, Mapping):
            facts = merge_facts(facts)
        self._codes: dict[Any, int] = {}
        columns = {str(name): self._encode_facts(name, facts[name]) for name in sorted(facts, key=str)}
        columns = {name: rows for name, rows in columns.items() if rows.size}
        self.schema = Schema(_infer_types(columns, len(self._codes)))
        self._tables = {name: f"p{number}" for number, name in enumerate(columns)}
        self.connection = duckdb.connect(
            ":memory:",
            config={"threads": threads, "memory_limit": memory_limit, "temp_directory": tempfile.gettempdir()},
        )
        self._n_made = 0
        self.n_facts = 0
        for name in list(columns):
            self.n_facts += self._load(self._tables[name], columns.pop(name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.n_facts

    @property
    def n_constants(self) -> int:
        """Number of distinct constants."""
        return len(self._codes)

    def close(self) -> None:
        """Give the database's memory back."""
        self.connection.close()

    def table(self, predicate: str) -> str | None:
        """Name the table of a predicate.

        Parameters
        ----------
        predicate : str

        Returns
        -------
        str or None
            None where there is no such fact.
        """
        return self._tables.get(predicate)

    def rows(self, predicate: str) -> NDArray[np.int64]:
        """Fetch the facts of a predicate as codes.

        Parameters
        ----------
        predicate : str

        Returns
        -------
        ndarray of int, shape (n, arity)
            Sorted, so that the order never depends on the database.
        """
        table = self._tables.get(predicate)
        if table is None:
            return np.empty((0, 0), dtype=np.int64)
        columns = self.connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchnumpy()
        return np.column_stack([np.asarray(column, dtype=np.int64) for column in columns.values()])

    def constants(self, kind: int) -> NDArray[np.int64]:
        """Fetch the codes of every constant of a type.

        Parameters
        ----------
        kind : int
            Type number, as in ``schema``.

        Returns
        -------
        ndarray of int
            Sorted.
        """
        parts = [
            f"SELECT a{place} AS c FROM {self._tables[name]}"
            for name, types in self.schema.types.items()
            for place, other in enumerate(types)
            if other == kind
        ]
        if not parts:
            return np.empty(0, dtype=np.int64)
        found = self.connection.execute(" UNION ".join(parts)).fetchnumpy()["c"]
        return np.sort(np.asarray(found, dtype=np.int64))

    def encode(self, atoms: Any, arity: int, name: str = "atoms") -> NDArray[np.int64]:
        """Turn atoms into codes; a constant that no fact mentions becomes -1, which matches nothing.

        Parameters
        ----------
        atoms : sequence of sequences, or ndarray of shape (n, arity)
            Arguments of each atom.
        arity : int
            Number of arguments each must have.
        name : str, default="atoms"
            What to call the argument in an error.

        Returns
        -------
        ndarray of int, shape (n, arity)
        """
        codes = np.empty((len(atoms), arity), dtype=np.int64)
        for i, atom in enumerate(atoms):
            if isinstance(atom, str) or len(atom) != arity:
                raise InputError(f"{name} must have {arity} arguments each; entry {i} is {atom!r}.")
            codes[i] = [self._codes.get(constant, -1) for constant in atom]
        return codes

    def _encode_facts(self, name: Any, rows: Any) -> NDArray[np.int64]:
        n = len(rows)
        if n == 0:
            return np.empty((0, 0), dtype=np.int64)
        arity = 0 if isinstance(rows[0], str) else len(rows[0])
        if arity == 0 or any(isinstance(row, str) or len(row) != arity for row in rows):
            raise InputError(f"facts of {name!r} must be sequences of the same length, at least one argument each.")
        codes, out = self._codes, np.empty(n * arity, dtype=np.int64)
        try:
            place = 0
            for row in rows:
                for constant in row:
                    out[place] = codes.setdefault(constant, len(codes))
                    place += 1
        except TypeError as error:
            raise InputError(f"facts of {name!r} hold a constant that is not hashable; use strings or numbers.") from (
                error
            )
        return out.reshape(n, arity)

    def keep(self, columns: Mapping[str, NDArray[np.int64]]) -> str:
        """Store columns of integers as a table of their own.

        Parameters
        ----------
        columns : mapping of str to ndarray of int

        Returns
        -------
        str
            The table's name.
        """
        self._n_made += 1
        self._create(f"k{self._n_made}", columns, "SELECT *")
        return f"k{self._n_made}"

    def _create(self, table: str, columns: Mapping[str, NDArray[np.int64]], select: str) -> None:
        self.connection.register("incoming", dict(columns))
        self.connection.execute(f"CREATE TABLE {table} AS {select} FROM incoming")
        self.connection.unregister("incoming")

    def _load(self, table: str, rows: NDArray[np.int64]) -> int:
        columns = {f"a{place}": np.ascontiguousarray(rows[:, place]) for place in range(rows.shape[1])}
        self._create(table, columns, "SELECT DISTINCT *")
        return int(self.connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _infer_types(columns: Mapping[str, NDArray[np.int64]], n_constants: int) -> dict[str, tuple[int, ...]]:
    places = [(name, place) for name, rows in columns.items() for place in range(rows.shape[1])]
    parent = list(range(len(places)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    # The last place that held a constant stands for all earlier ones, which were joined with it already.
    holder = np.full(n_constants, -1, dtype=np.int64)
    for i, (name, place) in enumerate(places):
        here = columns[name][:, place]
        for other in np.unique(holder[here]).tolist():
            if other >= 0:
                parent[root(other)] = root(i)
        holder[here] = i
    numbers: dict[int, int] = {}
    kinds = {at: numbers.setdefault(root(i), len(numbers)) for i, at in enumerate(places)}
    return {name: tuple(kinds[name, place] for place in range(rows.shape[1])) for name, rows in columns.items()}
