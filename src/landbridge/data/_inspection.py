"""What was read: the facts about the data that a reader of the result needs, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from landbridge.presentation import Presentable

__all__ = ["Column", "Inspection", "SideFacts"]


@dataclass(frozen=True)
class Column:
    """One column of the tables, as it was read.

    Parameters
    ----------
    name : str
    kind : {"number", "category", "boolean", "text", "date", "identifier", "constant", "empty", "domain name", \
"other", "label", "group", "source domain", "sample weight", "id"}
        What its cells are.
    used : bool
        Whether it is a feature.
    reason : str
        Why it is not used, or how it was converted; empty where neither applies.
    n_features : int
        Number of features made of it.
    gaps : mapping of str to int
        Missing cells by side, ``"source"`` and ``"target"``.
    fill : str
        What gaps are filled with; empty where there are none.
    not_numbers : mapping of str to int
        By side, cells of a column of numbers that are text.
    examples : tuple of str
        Some of these cells.
    separates : float or None
        AUC of telling the two sides apart by this column alone, in [0.5, 1]; None where there is one side.
    unit : str
        How the units of the two sides differ, in words; empty where they do not seem to.
    """

    name: str
    kind: str
    used: bool = True
    reason: str = ""
    n_features: int = 1
    gaps: Mapping[str, int] = field(default_factory=dict)
    fill: str = ""
    not_numbers: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    separates: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class SideFacts:
    """One side, as it was read.

    Parameters
    ----------
    side : {"source", "target"}
    name : str
        Name of the file or domain.
    n_samples : int
    n_missing_labels : int or None
        None where there is no label column.
    labels : mapping of str to int
        Number of samples by class; empty for regression and where there are none.
    label_range : (float, float) or None
        Least and largest label, for regression.
    n_duplicates : int
        Samples that repeat an earlier one of the same side in every feature.
    notes : tuple of str
        How the file was read: encoding, separator, decimal mark, first frame of animations.
    """

    side: str
    name: str
    n_samples: int
    n_missing_labels: int | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    label_range: tuple[float, float] | None = None
    n_duplicates: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection(Presentable):
    """Facts about the data of one or two sides, before anything is learned.

    Parameters
    ----------
    kind : {"table", "images", "text", "series", "audio"}
    sides : tuple of SideFacts
        The source first.
    columns : tuple of Column
        In the order of the source; empty where the data have no named columns.
    n_features : int
    n_shared_samples : int
        Target samples that stand in the source as well, in every feature.
    notes : tuple of str
        What a user should know, in sentences, the most important first.

    Examples
    --------
    >>> import pandas as pd
    >>> import landbridge
    >>> source = pd.DataFrame({"age": [30.0, None, 50.0], "ill": [0, 1, 0]})
    >>> inspection = landbridge.inspect(source, pd.DataFrame({"age": [40.0, 70.0]}), label="ill")
    >>> [(c.name, c.kind, dict(c.gaps)) for c in inspection.columns]
    [('age', 'number', {'source': 1, 'target': 0}), ('ill', 'label', {'source': 0})]
    """

    kind: str
    sides: tuple[SideFacts, ...]
    columns: tuple[Column, ...] = ()
    n_features: int = 0
    n_shared_samples: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, most: int = 8) -> list[str]:
        """Return the facts in three to eight lines.

        Parameters
        ----------
        most : int, default=8

        Returns
        -------
        list of str
        """
        head = [_side_line(side) for side in self.sides]
        head.append(self._features_apart() or self._feature_line())
        notes = list(self.notes)
        room = max(most - len(head), 0)
        if len(notes) > room > 0:
            left = len(notes) - room + 1
            notes = [*notes[: room - 1], f"{left} more notes: see 'Your data' in the report, or landbridge inspect."]
        return [*head, *notes[:room]]

    def to_frame(self) -> Any:
        """Return the columns as a table, one row per column.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        rows = []
        for c in self.columns:
            row: dict[str, Any] = {"column": c.name, "kind": c.kind, "used": c.used, "features": c.n_features}
            row |= {f"gaps {side}": n for side, n in c.gaps.items()}
            rows.append(row | {"separates": c.separates, "remark": " ".join(s for s in (c.reason, c.unit) if s)})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        held = asdict(self)
        for side in held["sides"]:
            side["notes"] = list(side["notes"])
            side["label_range"] = None if side["label_range"] is None else list(side["label_range"])
        for column in held["columns"]:
            column["examples"] = list(column["examples"])
        return held | {"sides": list(held["sides"]), "columns": list(held["columns"]), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Self:
        """Make an inspection from what :meth:`to_dict` returned.

        Parameters
        ----------
        held : mapping

        Returns
        -------
        Inspection
        """
        sides = tuple(
            SideFacts(**{**s, "notes": tuple(s["notes"]), "label_range": s["label_range"] and tuple(s["label_range"])})
            for s in held["sides"]
        )
        columns = tuple(Column(**{**c, "examples": tuple(c["examples"])}) for c in held["columns"])
        return cls(**{**held, "sides": sides, "columns": columns, "notes": tuple(held["notes"])})

    def _title(self) -> str:
        return "Your data"

    def _sentences(self) -> list[str]:
        return self.lines(1000)

    def _features_apart(self) -> str:
        """Count the features of two sides without a common one; empty for any others."""
        used = [c for c in self.columns if c.used]
        own = {s.side: sum(c.n_features for c in used if s.side in c.gaps) for s in self.sides}
        if len(own) < 2 or not used or any(len(c.gaps) != 1 for c in used):
            return ""
        return f"{own['source']:,} features in the source and {own['target']:,} in the target, none in common."

    def _feature_line(self) -> str:
        used = [c for c in self.columns if c.used]
        if not self.columns:
            return f"{_counted(self.n_features, 'feature')} ({self.kind})."
        kinds: dict[str, int] = {}
        for c in used:
            kinds[c.kind] = kinds.get(c.kind, 0) + 1
        words = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items(), key=lambda item: -item[1]))
        return f"{_counted(len(used), 'column')} used ({words}) as {_counted(self.n_features, 'feature')}."


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _side_line(side: SideFacts) -> str:
    line = f"{side.side.capitalize()} {side.name}: {_counted(side.n_samples, 'sample')}"
    if side.labels:
        counts = sorted(side.labels.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{name}: {n:,}" for name, n in counts[:6])
        more = f" and {len(counts) - 6} more classes" if len(counts) > 6 else ""
        line += f"; labels {shown}{more}"
    elif side.label_range is not None:
        line += f"; labels from {side.label_range[0]:.4g} to {side.label_range[1]:.4g}"
    else:
        line += "; no labels"
    if (side.labels or side.label_range) and side.n_missing_labels:
        line += f"; {side.n_missing_labels:,} without label"
    return line + "".join(f"; {note.rstrip('.')}" for note in side.notes) + "."
