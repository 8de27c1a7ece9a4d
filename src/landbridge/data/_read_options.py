"""How files are read: columns to drop and to keep, names, marks of missing values, encodings, damaged files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from landbridge._checks import shown
from landbridge.exceptions import InputError

__all__ = ["ReadOptions"]


@dataclass(frozen=True)
class ReadOptions:
    """Options of reading; the defaults let the content of the files decide.

    Parameters
    ----------
    drop : tuple of str, default=()
        Columns that are no features.
    keep : tuple of str, default=()
        Columns that are features although they look like identifiers, constants or the name of the domain.
    id : str, default=None
        Column that identifies the samples. It is no feature, and is written beside predictions. If None, there is none.
    weights : str, default=None
        Column of sample weights of the source. If None, all have the same weight.
    missing : tuple of str, default=()
        Further cells that mean a missing value, such as ``"-999"`` or ``"unknown"``.
    not_missing : tuple of str, default=()
        Words for "no value" that are categories, or classes, in columns of text, such as ``"NA"``.
    decimal : {".", ","}, default=None
        Decimal mark of text files. If None, inferred for each column.
    encoding : str, default=None
        Encoding of text files. If None, inferred.
    sheet : str, default=None
        Sheet of a workbook, or table of a database. If None, the first one, or the only table.
    header : bool, default=True
        Whether the first line of a text file or sheet holds the names of the columns. If False, columns are named
        ``column_1``, ``column_2`` and so on.
    rename : tuple of (str, str), default=()
        Old and new names of columns, in either file.
    text : str, default=None
        Column of running text. If None, inferred.
    features : str, default=None
        What describes images: ``"pixels"``, ``"gradients"``, or a trained network by folder, file or name on the hub.
        If None, pixels of images up to 32 x 32, and for larger ones the network that is at hand (environment variable
        ``LANDBRIDGE_BACKBONE``, or the smallest image model in the hub's cache), or else gradients and colours.
    skip_corrupt : bool, default=False
        Whether images and sounds that cannot be read are skipped, with a note, instead of raising an error.

    Examples
    --------
    >>> from landbridge.data import ReadOptions
    >>> ReadOptions.of({"drop": "visit", "missing": ["-999"]})
    ReadOptions(drop=('visit',), missing=('-999',))
    """

    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    id: str | None = None
    weights: str | None = None
    missing: tuple[str, ...] = ()
    not_missing: tuple[str, ...] = ()
    decimal: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header: bool = True
    rename: tuple[tuple[str, str], ...] = ()
    text: str | None = None
    features: str | None = None
    skip_corrupt: bool = False

    @classmethod
    def of(cls, given: ReadOptions | Mapping[str, Any] | None) -> Self | ReadOptions:
        """Check options and complete them.

        Parameters
        ----------
        given : ReadOptions, mapping or None
            Options by name; a single name may stand for a sequence of one, a mapping for pairs.

        Returns
        -------
        ReadOptions

        Raises
        ------
        InputError
            If a name is unknown or a value is of the wrong type.
        """
        if given is None:
            return cls()
        if isinstance(given, ReadOptions):
            return given
        if not isinstance(given, Mapping):
            raise InputError(f"read_options must be a mapping or ReadOptions; got {type(given).__name__}.")
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}."
                raise InputError(f"read_options has no option {name!r}; {hint}")
        return cls(**{name: _checked(name, value) for name, value in given.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the options that differ from the defaults, with plain types.

        Returns
        -------
        dict
        """
        held = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {
            name: {old: new for old, new in value}
            if name == "rename"
            else list(value)
            if type(value) is tuple
            else value
            for name, value in held.items()
        }

    def __repr__(self) -> str:
        changed = (f for f in fields(self) if getattr(self, f.name) != f.default)
        return f"ReadOptions({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in changed)})"


def _checked(name: str, value: Any) -> Any:
    if name == "rename":
        held = value.items() if isinstance(value, Mapping) else value
        pairs = tuple(tuple(p) if isinstance(p, list | tuple) else () for p in _listed(name, held))
        if any(len(p) != 2 or not all(isinstance(n, str) for n in p) for p in pairs):
            raise InputError('rename must map old names to new names, such as {"Age": "age"}.')
        return pairs
    if name in ("drop", "keep", "missing", "not_missing"):
        values = (value,) if isinstance(value, str | int | float) else _listed(name, value)
        if odd := [v for v in values if not isinstance(v, str | int | float | np.number) or isinstance(v, bool)]:
            raise InputError(f"{name} must be text, or a list of text; got {shown(odd[0])}.")
        return tuple(str(v) for v in values)
    if name in ("header", "skip_corrupt"):
        if not isinstance(value, bool):
            raise InputError(f"{name} must be True or False; got {shown(value)}.")
        return value
    if value is not None and (not isinstance(value, str | int) or isinstance(value, bool)):
        raise InputError(f"{name} must be text or None; got {shown(value)}.")
    value = None if value is None else str(value)
    if name == "decimal" and value not in (None, ".", ","):
        raise InputError(f"decimal must be '.' or ','; got {value!r}.")
    return value


def _listed(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, type) or not hasattr(value, "__iter__") or isinstance(value, str | bytes):
        raise InputError(f"{name} must be a list; got {shown(value)}.")
    return tuple(value)
