"""Database of ground facts, stored as integer tables in DuckDB."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray

from landbridge.exceptions import InputError, MissingExtraError

__all__ = ["FactBase", "Schema", "merge_facts"]


def merge_facts(examples: Iterable[Mapping[str, Sequence[Sequence[Any]]]]) -> dict[str, list[Sequence[Any]]]:
    """Merge the facts of several examples into one mapping.

    A constant denotes the same entity in every example; entities of different examples need different names.

    Parameters
    ----------
    examples : iterable of mappings
        Each maps the name of a predicate to its facts; a fact is a sequence of arguments.

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
        if not isinstance(example, Mapping):
            raise InputError(
                "facts must map predicates to lists of facts, such as {'wrote': [['ann', 't1']]}, or be a sequence of "
                f"such mappings; got {type(example).__name__}."
            )
        for predicate, rows in example.items():
            merged.setdefault(predicate, []).extend(fact_rows(rows))
    return merged


@dataclass(frozen=True)
class Schema:
    """Schema of a relational domain: predicates and the types of their arguments.

    Parameters
    ----------
    types : mapping of str to tuple of int
        Predicate to the type number of each argument; the length is the arity.
    """

    types: Mapping[str, tuple[int, ...]]

    def __contains__(self, predicate: object) -> bool:
        return predicate in self.types

    def __getitem__(self, predicate: str) -> tuple[int, ...]:
        return self.types[predicate]

    @property
    def predicates(self) -> list[str]:
        """Names of the predicates, sorted."""
        return sorted(self.types)


class FactBase:
    """Database of facts in DuckDB, with integer constants and inferred argument types.

    Two arguments have the same type when they share a constant, directly or through further arguments: if
    ``publication(t1, ann)`` and ``professor(ann)`` are facts, the second argument of *publication* and the first of
    *professor* have one type. Names never reach the database: predicates become tables ``p0, p1, ...`` with integer
    columns ``a0, a1, ...``, so that a name may contain quotes, semicolons or whole statements.

    Parameters
    ----------
    facts : mapping of str to sequence of facts, or sequence of such mappings
        ``{predicate: [[argument, ...], ...]}``; several mappings are merged. An array of shape (n_facts, arity) or
        a DataFrame is accepted for a list. Duplicate facts count once. A missing argument (None, NaN) is a constant
        of its own, which equals no other.
    n_jobs : int, default=None
        Number of threads of the database. If None, 1; if -1, all processors.
    memory_limit : str, default="2GB"
        Memory limit of the database; beyond it, data are written to the temporary folder of the system.

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
    Time and memory grow linearly with the number of facts: 8 bytes for each argument and one dictionary entry for each
    constant.

    Examples
    --------
    >>> from landbridge.relation import FactBase
    >>> facts = {"wrote": [["ann", "t1"], ["bob", "t1"]], "professor": [["ann"]]}
    >>> with FactBase(facts) as base:
    ...     base.n_facts, base.schema["wrote"], base.schema["professor"]
    (3, (0, 1), (0,))
    """

    def __init__(self, facts: Any, *, n_jobs: int | None = None, memory_limit: str = "2GB") -> None:
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
            config={
                "threads": effective_n_jobs(n_jobs),
                "memory_limit": memory_limit,
                "temp_directory": tempfile.gettempdir(),
            },
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
        """Close the database and free its memory."""
        self.connection.close()

    def table(self, predicate: str) -> str | None:
        """Return the name of the database table of a predicate.

        Parameters
        ----------
        predicate : str
            Name of the predicate.

        Returns
        -------
        str or None
            None if the predicate has no facts.
        """
        return self._tables.get(predicate)

    def rows(self, predicate: str) -> NDArray[np.int64]:
        """Return the facts of a predicate as integer codes, one table row for each fact.

        Parameters
        ----------
        predicate : str
            Name of the predicate.

        Returns
        -------
        ndarray of int, shape (n_facts, arity)
            Sorted, so that the order does not depend on the database.
        """
        table = self._tables.get(predicate)
        if table is None:
            return np.empty((0, 0), dtype=np.int64)
        columns = self.connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchnumpy()
        return np.column_stack([np.asarray(column, dtype=np.int64) for column in columns.values()])

    def constants(self, kind: int) -> NDArray[np.int64]:
        """Return the codes of all constants of a type.

        Parameters
        ----------
        kind : int
            Type number, as in ``schema``.

        Returns
        -------
        ndarray of int
            Codes, sorted.
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
        """Encode atoms; a constant that is in no fact becomes -1, which matches nothing.

        Parameters
        ----------
        atoms : sequence of sequences, or ndarray of shape (n_atoms, arity)
            Arguments of each atom.
        arity : int
            Number of arguments of each atom.
        name : str, default="atoms"
            Name of the argument in error messages.

        Returns
        -------
        ndarray of int, shape (n_atoms, arity)
            Codes.
        """
        atoms = fact_rows(atoms)
        codes = np.empty((len(atoms), arity), dtype=np.int64)
        for i, atom in enumerate(atoms):
            if isinstance(atom, str) or len(atom) != arity:
                raise InputError(
                    f"{name} must have {arity} arguments each; entry {i} is {atom!r}. Give lists of constants."
                )
            codes[i] = [self._codes.get(constant, -1) for constant in atom]
        return codes

    def _encode_facts(self, name: Any, rows: Any) -> NDArray[np.int64]:
        rows = fact_rows(rows)
        n = len(rows)
        if n == 0:
            return np.empty((0, 0), dtype=np.int64)
        arity = 0 if isinstance(rows[0], str) else len(rows[0])
        if arity == 0 or any(isinstance(row, str) or len(row) != arity for row in rows):
            raise InputError(
                f"facts of {name!r} must be sequences of the same length with at least one argument; give lists."
            )
        codes, out = self._codes, np.empty(n * arity, dtype=np.int64)
        try:
            place = 0
            for row in rows:
                for constant in row:
                    # A missing constant is like no other, as NULL is in SQL.
                    name_of = _Unknown() if _is_missing(constant) else constant
                    out[place] = codes.setdefault(name_of, len(codes))
                    place += 1
        except TypeError as error:
            raise InputError(f"facts of {name!r} hold a constant that is not hashable; use strings or numbers.") from (
                error
            )
        return out.reshape(n, arity)

    def keep(self, columns: Mapping[str, NDArray[np.int64]]) -> str:
        """Store integer columns as a new table.

        Parameters
        ----------
        columns : mapping of str to ndarray of int
            Column name to values.

        Returns
        -------
        str
            Name of the table.
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


class _Unknown:
    """A constant that is not known."""


def fact_rows(facts: Any) -> Any:
    """Return facts or atoms row by row; a DataFrame or Series, whose iteration gives column names, as lists.

    Parameters
    ----------
    facts : sequence of sequences, ndarray, DataFrame or Series

    Returns
    -------
    sequence of sequences

    Raises
    ------
    InputError
        If they are no sequence.
    """
    if hasattr(facts, "columns") and hasattr(facts, "itertuples"):
        return [list(row) for row in facts.itertuples(index=False, name=None)]
    if hasattr(facts, "tolist") and not isinstance(facts, np.ndarray):
        facts = facts.tolist()
    if (isinstance(facts, np.ndarray) and facts.ndim == 1) or isinstance(facts, list | tuple):
        return [[row] if _is_number(row) else row for row in facts]
    if not hasattr(facts, "__len__") or not hasattr(facts, "__getitem__") or isinstance(facts, str | Mapping):
        raise InputError(f"facts must be sequences of arguments, such as lists of lists; got {type(facts).__name__}.")
    return facts


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float | np.floating) and value != value)
    )


def _infer_types(columns: Mapping[str, NDArray[np.int64]], n_constants: int) -> dict[str, tuple[int, ...]]:
    places = [(name, place) for name, rows in columns.items() for place in range(rows.shape[1])]
    parent = list(range(len(places)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    # The last argument that held a constant represents all earlier ones, which were merged with it already.
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
