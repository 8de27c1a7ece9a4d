"""Inspection: facts about two domains as they were read, before anything is learned."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from landbridge.data import Column, Inspection, SideFacts
from landbridge.data._headers import is_point
from landbridge.discrepancy import moved_features
from landbridge.domain import Domain
from landbridge.numerics.row_digests import row_digests
from landbridge.problem._repeats import find_repeats
from landbridge.tasks import infer_task

__all__ = ["inspect_domains"]

# Samples of a side on which columns are compared.
MAX_SAMPLES = 2000
# Columns that separate the domains at least so well are named.
SEPARATES = 0.9
# A side with this share of gaps in a column is named first.
MANY_GAPS = 0.2
# Fewer gaps than this are never many.
FEW = 5
# Labelled source samples are searched for repeats up to this number.
MAX_REPEATS = 800
# More features than this have no names that a reader would know.
MAX_COLUMNS = 2000
# So many points of a scale that only one side has, on each side, are another grid.
MANY_POINTS = 5
# Kinds of columns that are used for something else than a feature.
ROLES = ("label", "group", "source domain", "sample weight", "id")


def inspect_domains(
    source: Domain, target: Domain | None, encoder: Any = None, *, random_state: int | None = 0
) -> Inspection:
    """Collect the facts about one or two domains that a user should know before anything is learned.

    Parameters
    ----------
    source : Domain
    target : Domain or None
        None where there is one side.
    encoder : Encoder or None
        What encoded both sides.
    random_state : int or None, default=0
        Draws the samples on which columns are compared.

    Returns
    -------
    Inspection

    Notes
    -----
    Time and memory grow linearly with the number of cells; columns are compared on at most 2,000 samples a side, and
    repeats are looked for among at most 800.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge import Domain
    >>> from landbridge.problem import inspect_domains
    >>> X = np.arange(12.0).reshape(6, 2)
    >>> inspect_domains(Domain(X, [0, 1] * 3), Domain(X[:2])).n_shared_samples
    2
    """
    sides = {"source": source} if target is None else {"source": source, "target": target}
    digests = {side: row_digests(domain.X) for side, domain in sides.items()}
    facts = tuple(_side(side, domain, digests[side]) for side, domain in sides.items())
    columns = _columns(source, target, encoder, random_state)
    shared = 0 if target is None else int(np.isin(digests["target"], digests["source"]).sum())
    sizes = {side: len(d) for side, d in sides.items()}
    many, filled = _about_gaps([c for c in columns if c.used], sizes)
    notes = [
        *_about_shared(sides, shared),
        *_about_labels(facts, columns),
        *many,
        *_about_columns(columns, sizes),
        *_about_repeats(source, random_state),
        *(r for r in getattr(encoder, "remarks_", ()) if not _is_about_text_in(columns, r)),
        *filled,
        *_about_duplicates({s: d for s, d in digests.items() if s != "source" or not _is_resampled(columns)}),
    ]
    return Inspection(
        kind=source.kind,
        sides=facts,
        columns=columns,
        n_features=int(source.X.shape[1]),
        n_shared_samples=shared,
        notes=tuple(notes),
    )


def _side(side: str, domain: Domain, digests: NDArray[Any]) -> SideFacts:
    duplicates = len(digests) - len(np.unique(digests))
    name = domain.name or side
    if domain.y is None:
        return SideFacts(side, name, len(domain), n_duplicates=duplicates)
    missing = int((~domain.labelled).sum())
    if not domain.labelled.any():
        return SideFacts(side, name, len(domain), missing, n_duplicates=duplicates)
    y = np.asarray(domain.labelled_part().y)
    if infer_task(y).name == "regression":
        ends = (float(np.min(y)), float(np.max(y)))
        return SideFacts(side, name, len(domain), missing, label_range=ends, n_duplicates=duplicates)
    classes, counts = np.unique(y, return_counts=True)
    labels = {str(c): int(n) for c, n in zip(classes.tolist(), counts, strict=True)}
    return SideFacts(side, name, len(domain), missing, labels, n_duplicates=duplicates)


def _columns(source: Domain, target: Domain | None, encoder: Any, random_state: int | None) -> tuple[Column, ...]:
    facts = getattr(encoder, "facts_", None)
    if facts is not None:
        known = [Column(**{**f, "examples": tuple(f["examples"])}) for f in facts]
    elif source.columns is not None and len(source.columns) <= MAX_COLUMNS and source.kind == "table":
        known = [Column(name, "number") for name in source.columns]
    else:
        return ()
    if target is None:
        return tuple(replace(c, gaps={s: n for s, n in c.gaps.items() if s == "source"}) for c in known)
    if source.X.shape[1] != target.X.shape[1] or source.columns != target.columns:
        return tuple(known)
    units, areas = _units(source, target), _areas(source, target, random_state)
    order = sorted((name, i) for i, name in enumerate(source.columns or []))
    found = []
    for column in known:
        places = _places(order, column) if column.used else []
        area = max((float(areas[i]) for i in places), default=None) if places else None
        unit = next((units[i] for i in places if i in units and column.kind == "number"), "")
        found.append(replace(column, separates=area, unit=unit))
    return tuple(found)


def _places(order: Sequence[tuple[str, int]], column: Column) -> list[int]:
    """Positions of the features of a column, from all names with their positions, sorted."""
    if column.kind == "text":
        return []
    several = column.kind in ("category", "boolean")
    wanted = f"{column.name}=" if several else column.name
    found = []
    for k in range(bisect_left(order, (wanted, -1)), len(order)):
        name, i = order[k]
        if not (name.startswith(wanted) if several else name == wanted):
            break
        found.append(i)
    return sorted(found)


def _areas(source: Domain, target: Domain, random_state: int | None) -> NDArray[np.float64]:
    """Area under the ROC curve of each feature for the domains, at least one half."""
    rng = np.random.default_rng(random_state)
    parts = []
    for domain in (source, target):
        rows = rng.permutation(len(domain))[:MAX_SAMPLES]
        part = domain.X[np.sort(rows)]
        parts.append(part.toarray() if hasattr(part, "toarray") else np.asarray(part, dtype=float))
    n, m = len(parts[0]), len(parts[1])
    ranks = rankdata(np.vstack(parts), axis=0)
    area = (ranks[n:].sum(axis=0) - m * (m + 1) / 2) / (n * m)
    return np.maximum(area, 1 - area)


def _units(source: Domain, target: Domain) -> dict[int, str]:
    """Features that were multiplied or moved, in words."""
    if hasattr(source.X, "toarray") or min(len(source), len(target)) < 10:
        return {}
    found = moved_features(np.asarray(source.X, dtype=float), np.asarray(target.X, dtype=float))
    return {m.index: f"in the target it is {m}: other units?" for m in found}


def _about_shared(sides: Mapping[str, Domain], shared: int) -> list[str]:
    if not shared:
        return []
    n = len(sides["target"])
    if shared == n and len(sides["source"]) == n:
        return ["Source and target hold the same samples: is it the same file twice?"]
    return [f"{shared:,} of {n:,} target samples are in the source as well, equal in every feature."]


def _is_resampled(columns: Sequence[Column]) -> bool:
    """Whether the source was drawn by its weights, so that its samples repeat."""
    return any(c.kind == "sample weight" for c in columns)


def _about_duplicates(digests: Mapping[str, NDArray[Any]]) -> list[str]:
    twice = {side: len(held) - len(np.unique(held)) for side, held in digests.items()}
    return [
        f"{n:,} of {len(digests[side]):,} {side} samples repeat an earlier one in every feature."
        for side, n in twice.items()
        if n
    ]


def _about_labels(sides: Sequence[SideFacts], columns: Sequence[Column] = ()) -> list[str]:
    if columns and not any(s.labels or s.label_range or s.n_missing_labels is not None for s in sides):
        return ["No label column was named or recognised; set label (--label) if there is one."]
    if len(sides) < 2 or not (sides[0].labels and sides[1].labels):
        return []
    one, two = (set(side.labels) for side in sides)
    notes = []
    for name, alone in (("source", sorted(one - two)), ("target", sorted(two - one))):
        if alone:
            more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
            notes.append(f"Classes that only the {name} has: {', '.join(alone[:5])}{more}.")
    return notes


def _about_scales(columns: Sequence[Column], sizes: Mapping[str, int]) -> list[str]:
    """Say that columns which are points of a scale, such as wavelengths, are on both sides by chance."""
    shared = [c.name for c in columns if c.used and is_point(c.name)]
    alone = {side: [c.name for c in columns if c.reason == f"is in the {side} only"] for side in sizes}
    points = {side: [n for n in names if is_point(n)] for side, names in alone.items()}
    if len(sizes) < 2 or not shared or min(map(len, points.values())) < MANY_POINTS:
        return []
    n = {side: len(shared) + len(names) for side, names in points.items()}
    return [
        f"Only {len(shared)} of {n['source']} and {n['target']} points of a scale, such as wavelengths, are in both "
        "domains; interpolate both to the same points to use all of them."
    ]


def _about_columns(columns: Sequence[Column], sizes: Mapping[str, int]) -> list[str]:
    notes = []
    moved = [c for c in columns if c.unit]
    notes += [f"Column {c.name!r}: {c.unit}" for c in moved]
    gone = [c for c in columns if not c.used and c.kind not in ROLES and not c.reason.startswith("is in the ")]
    if gone:
        shown = "; ".join(f"{c.name!r} {c.reason}" for c in gone[:5])
        more = f"; and {len(gone) - 5} more" if len(gone) > 5 else ""
        notes.append(f"Not used: {shown}{more}.")
    if repeated := [c.name for c in gone if c.reason == "holds identifiers that repeat"]:
        notes.append(
            f"If samples with the same {repeated[0]!r} belong together, set groups={repeated[0]!r} "
            f"(--groups {repeated[0] if repeated[0].split() == [repeated[0]] else repr(repeated[0])})."
        )
    for side in sizes:
        if alone := [c.name for c in columns if c.reason == f"is in the {side} only"]:
            more = f" and {len(alone) - 6} more" if len(alone) > 6 else ""
            notes.append(f"Only the {side} has {', '.join(alone[:6])}{more}; not used.")
    notes += _about_scales(columns, sizes)
    used = [c for c in columns if c.used]
    if odd := [c for c in used if c.not_numbers]:
        shown = "; ".join(
            f"{c.name}: {sum(c.not_numbers.values())} {'cell is' if sum(c.not_numbers.values()) == 1 else 'cells are'} "
            f"text, such as {', '.join(map(repr, c.examples[:2]))}"
            for c in odd[:5]
        )
        notes.append(f"Text in columns of numbers counts as missing ({shown}).")
    apart = sorted((c for c in used if (c.separates or 0) >= SEPARATES), key=lambda c: -(c.separates or 0))
    if apart:
        shown = ", ".join(f"{c.name} ({c.separates:.2f})" for c in apart[:5])
        more = f" and {len(apart) - 5} more" if len(apart) > 5 else ""
        notes.append(f"Columns that separate the domains, with their AUC: {shown}{more}.")
    return notes


def _is_about_text_in(columns: Sequence[Column], remark: str) -> bool:
    """Return whether a remark on how a file was read says what the facts on a column say for both files."""
    return any(
        remark.startswith(f"Column {c.name!r}: ") and " no number" in remark
        for c in columns
        if c.used and c.not_numbers
    )


def _about_gaps(used: Sequence[Column], sizes: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Columns with many gaps, and all of them."""
    shares = [(c.gaps[side] / n, c, side, n) for c in used for side, n in sizes.items() if c.gaps.get(side, 0)]
    if not shares:
        return [], []
    many = sorted((s for s in shares if s[0] >= MANY_GAPS and s[1].gaps[s[2]] >= FEW), key=lambda s: -s[0])
    notes = []
    if many:
        shown = "; ".join(f"{c.name}: {c.gaps[side]:,} of {n:,} in the {side}" for _, c, side, n in many[:5])
        more = f"; and {len(many) - 5} more" if len(many) > 5 else ""
        notes.append(f"Many missing values were filled in ({shown}{more}); check whether these columns are of use.")
    few = {c.name: (sum(c.gaps.get(side, 0) for side in sizes), c.fill) for share, c, _, _ in shares}
    shown = ", ".join(f"{name} {n:,} ({fill})" for name, (n, fill) in list(few.items())[:6])
    more = f" and {len(few) - 6} more columns" if len(few) > 6 else ""
    return notes, [f"Missing values filled: {shown}{more}."]


def _about_repeats(source: Domain, random_state: int | None) -> list[str]:
    if source.groups is not None or source.y is None or not source.labelled.any():
        return []
    part = source.labelled_part()
    if len(part) > MAX_REPEATS or part.X.shape[1] > MAX_COLUMNS:
        return []
    y = np.asarray(part.y)
    found = find_repeats(part.X, y, regression=infer_task(y).name == "regression", random_state=random_state)
    if found is None:
        return []
    return [
        f"The {len(part):,} labelled source samples look like repeats of {len(np.unique(found)):,} (of one person or "
        "machine each); name the column that identifies them with groups (--groups)."
    ]
