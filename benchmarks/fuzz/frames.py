"""Tables in memory or as csv: gaps, columns that are no features, labels, tiny and degenerate tables."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fuzz.case import Case, Place, Wrong
from benchmarks.fuzz.tables import finite_result, in_range, measured, plain_pair, tables, transferred

__all__ = ["columns", "gaps", "labels", "other_columns", "tiny"]


def _used(place: Place, A: Any, B: Any, name: str, *, how: str | None = None, **options: Any) -> Case:
    """Inspect, read, measure or transfer between two tables; predictions must be finite."""
    import landbridge

    m = len(B)
    how = how or place.pick(["inspect", "inspect", "read", "read", "measure", "transfer"])
    options.setdefault("label", "ill")
    if place.chance(0.3) and _writable(A) and _writable(B):
        A, B = plain_pair(place, A, B)
        name = f"{name}, as files"
    kept = (A, B)
    if how == "inspect":
        return Case(f"inspect: {name}", lambda: landbridge.inspect(A, B, **options).to_dict(), kept=kept)
    if how == "read":

        def read() -> Any:
            from landbridge.data import read_pair

            return read_pair(A, B, **options)[:2]

        return Case(f"read: {name}", read, kept=kept)
    if how == "measure":
        return Case(f"measure: {name}", lambda: measured(A, B, **options).to_dict(), kept=kept)

    def check(result: Any) -> None:
        finite_result(result)
        in_range(B, m=m)(result)

    return Case(f"transfer: {name}", lambda: transferred(A, B, **options), check, kept=kept)


def _writable(frame: Any) -> bool:
    """Whether a table can be written as a csv file in UTF-8 that a user would write."""
    try:
        text = frame.to_csv(index=False)
        text.encode()
    except UnicodeEncodeError:
        return False
    return all(isinstance(c, str) for c in frame.columns) and " object at 0x" not in text


def gaps(place: Place) -> Case:
    """Return tables with gaps: cells, columns, rows, one side."""
    A, B = tables(place)
    name = place.pick(GAPS)
    where = place.pick(["source", "target", "both"])
    if where != "target":
        A = GAPS[name](place, A)
    if where != "source":
        B = GAPS[name](place, B)
    return _used(place, A, B, f"{name} in {where}")


def _some(place: Place, frame: pd.DataFrame, share: float, names: list[str]) -> pd.DataFrame:
    frame = frame.copy()
    for name in names:
        if name in frame:
            frame[name] = frame[name].astype(object).where(place.rng.random(len(frame)) >= share, None)
    return frame


def _rows_gone(place: Place, frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.astype(object)
    frame.iloc[place.rng.random(len(frame)) < 0.3, : frame.shape[1] - 1] = None
    return frame


FEATURES = ["age", "weight", "sex"]
GAPS: dict[str, Callable[[Place, pd.DataFrame], pd.DataFrame]] = {
    "some cells": lambda p, f: _some(p, f, 0.3, FEATURES),
    "nearly all cells": lambda p, f: _some(p, f, 0.9, FEATURES),
    "all cells": lambda p, f: _some(p, f, 1.1, FEATURES),
    "one column": lambda p, f: _some(p, f, 1.1, [p.pick(FEATURES)]),
    "two columns": lambda p, f: _some(p, f, 1.1, ["age", "weight"]),
    "whole rows": _rows_gone,
    "NaN in numbers": lambda p, f: f.assign(weight=f["weight"].where(p.rng.random(len(f)) > 0.5)),
    "words": lambda p, f: f.assign(weight=[p.pick(["n/a", "NA", "?", v]) for v in f["weight"]]),
    "infinite": lambda p, f: f.assign(weight=f["weight"].where(p.rng.random(len(f)) > 0.3, p.pick([np.inf, -np.inf]))),
    "pandas.NA": lambda p, f: f.convert_dtypes().where(lambda g: p.rng.random(g.shape) > 0.2),
    "NaT": lambda p, f: f.assign(day=pd.Series(pd.NaT, index=f.index)),
    "empty text": lambda p, f: f.assign(sex=[p.pick(["", " ", v]) for v in f["sex"]]),
    "all but one value": lambda p, f: f.assign(weight=[1.5] + [None] * (len(f) - 1)),
    "sentinels": lambda p, f: f.assign(weight=f["weight"].where(p.rng.random(len(f)) > 0.3, p.pick([-999, 9999, -1]))),
}


def columns(place: Place) -> Case:
    """Return tables with a column that is no feature, or hardly one."""
    A, B = tables(place)
    name = place.pick(COLUMNS)
    make = COLUMNS[name]
    A = A.assign(extra=make(place, len(A), "source"))
    B = B.assign(extra=make(place, len(B), "target"))
    title = place.pick(["extra", "id", "date", "patient_id", "site", "x", "Unnamed: 0", "index", "text"])
    A, B = A.rename(columns={"extra": title}), B.rename(columns={"extra": title})
    options: dict[str, Any] = {}
    if place.chance(0.3):
        options["read_options"] = place.pick([{"keep": title}, {"drop": title}, {"id": title}, {"weights": title}])
    if place.chance(0.1):
        options["groups"] = title
    return _used(place, A, B, f"{name} as {title!r} {options}", **options)


def _days(place: Place, n: int) -> list[datetime.datetime]:
    start = datetime.datetime(2020, 1, 1)
    return [start + datetime.timedelta(hours=int(h)) for h in place.rng.integers(0, 20000, n)]


def _written_days(form: str) -> Callable[[Place, int, str], Any]:
    return lambda p, n, s: [d.strftime(form) for d in _days(p, n)]


def _constant(value: Any) -> Callable[[Place, int, str], Any]:
    return lambda p, n, s: [value] * n


WORDS = "the patient was seen again and reports no pain but some fever since monday".split()
COLUMNS: dict[str, Callable[[Place, int, str], Any]] = {
    "running number": lambda p, n, s: np.arange(n),
    "running number from 1000": lambda p, n, s: np.arange(n) + 1000,
    "large identifiers": lambda p, n, s: p.rng.integers(2**53, 2**62, n),
    "unsigned identifiers": lambda p, n, s: np.arange(n).astype(np.uint64) + np.uint64(2**63 + 5),
    "integers beyond 2**64": lambda p, n, s: [int(v) * 10**20 for v in p.rng.integers(1, 9, n)],
    "uuid": lambda p, n, s: [str(uuid.UUID(bytes=p.rng.bytes(16))) for _ in range(n)],
    "uuid objects": lambda p, n, s: [uuid.UUID(bytes=p.rng.bytes(16)) for _ in range(n)],
    "codes": lambda p, n, s: [f"{v:05d}" for v in p.rng.integers(0, 200, n)],
    "names": lambda p, n, s: [f"person {v}" for v in p.rng.permutation(n)],
    "ISO dates": _written_days("%Y-%m-%d"),
    "ISO times": _written_days("%Y-%m-%dT%H:%M:%SZ"),
    "ISO times with zone": _written_days("%Y-%m-%d %H:%M:%S+02:00"),
    "German dates": _written_days("%d.%m.%Y"),
    "American dates": _written_days("%m/%d/%Y"),
    "American dates, 12 hours": _written_days("%m/%d/%Y %I:%M %p"),
    "written dates": _written_days("%d %b %Y"),
    "compact dates": lambda p, n, s: [int(d.strftime("%Y%m%d")) for d in _days(p, n)],
    "years": lambda p, n, s: p.rng.integers(1990, 2024, n),
    "clock times": _written_days("%H:%M"),
    "impossible dates": lambda p, n, s: [p.pick(["2020-02-30", "0000-00-00", "9999-12-31", "2020-01-05"])] * n,
    "datetime": lambda p, n, s: _days(p, n),
    "datetime with zone": lambda p, n, s: pd.Series(_days(p, n)).dt.tz_localize("Europe/Berlin"),
    "date objects": lambda p, n, s: [d.date() for d in _days(p, n)],
    "time objects": lambda p, n, s: [d.time() for d in _days(p, n)],
    "timedelta": lambda p, n, s: pd.to_timedelta(p.rng.integers(0, 999, n), unit="h"),
    "period": lambda p, n, s: pd.PeriodIndex(pd.Series(_days(p, n)).dt.to_period("M")),
    "mixed dates": lambda p, n, s: [d.strftime(p.pick(["%Y-%m-%d", "%d.%m.%Y"])) for d in _days(p, n)],
    "constant number": _constant(1.0),
    "constant word": _constant("one"),
    "constant NaN": _constant(float("nan")),
    "constant None": _constant(None),
    "constant list": _constant([1, 2]),
    "constant dict": _constant({"a": 1}),
    "name of the side": lambda p, n, s: [s] * n,
    "number of the side": lambda p, n, s: [len(s) * 10 + (s == "target")] * n,
    "almost the side": lambda p, n, s: [s] * (n - 1) + ["source"],
    "categories of one side only": lambda p, n, s: [f"{s}{i % 3}" for i in range(n)],
    "running text": lambda p, n, s: [" ".join(p.rng.choice(WORDS, 9)) for _ in range(n)],
    "text of one word": lambda p, n, s: [p.pick(WORDS) for _ in range(n)],
    "stop words only": lambda p, n, s: [". , ! " * 5] * n,
    "booleans": lambda p, n, s: p.rng.random(n) > 0.5,
    "booleans and None": lambda p, n, s: [p.pick([True, False, None]) for _ in range(n)],
    "booleans as text": lambda p, n, s: [p.pick(["True", "FALSE", "yes", "no", "0", "1"]) for _ in range(n)],
    "complex": lambda p, n, s: p.rng.normal(size=n) * 1j,
    "bytes": lambda p, n, s: [p.pick([b"a", b"b"]) for _ in range(n)],
    "lists": lambda p, n, s: [[1, 2]] * (n - 1) + [[3]],
    "dicts": lambda p, n, s: [{"a": i} for i in range(n)],
    "sets": lambda p, n, s: [{1, i % 3} for i in range(n)],
    "arrays": lambda p, n, s: list(np.ones((n, 2))),
    "tuples": lambda p, n, s: [(1, i % 3) for i in range(n)],
    "mixed": lambda p, n, s: [p.pick([1, "a", None, 2.5, True, b"x"]) for _ in range(n)],
    "numbers and words": lambda p, n, s: [p.pick([1, 2, 3, "unknown"]) for _ in range(n)],
    "decimal.Decimal": lambda p, n, s: [__import__("decimal").Decimal(f"{i % 4}.5") for i in range(n)],
    "fractions": lambda p, n, s: [__import__("fractions").Fraction(i % 4, 3) for i in range(n)],
    "huge": lambda p, n, s: p.rng.normal(size=n) * 1e300,
    "largest": lambda p, n, s: p.rng.choice([1.7e308, -1.7e308, 0.0], n),
    "subnormal": lambda p, n, s: p.rng.normal(size=n) * 1e-310,
    "mixed magnitudes": lambda p, n, s: 10.0 ** p.rng.integers(-300, 300, n),
    "float16": lambda p, n, s: p.rng.normal(size=n).astype(np.float16),
    "negative zero": lambda p, n, s: p.rng.choice([0.0, -0.0], n),
    "categorical": lambda p, n, s: pd.Categorical([p.pick("abc") for _ in range(n)], categories=list("abcd")),
    "ordered categorical": lambda p, n, s: pd.Categorical.from_codes(
        p.rng.integers(0, 3, n), list("abc"), ordered=True
    ),
    "categorical of numbers": lambda p, n, s: pd.Categorical(p.rng.integers(0, 3, n)),
    "interval": lambda p, n, s: pd.cut(p.rng.normal(size=n), 3),
    "sparse": lambda p, n, s: pd.arrays.SparseArray(p.rng.integers(0, 2, n)),
    "nullable integer": lambda p, n, s: pd.array([p.pick([1, 2, None]) for _ in range(n)], dtype="Int64"),
    "nullable boolean": lambda p, n, s: pd.array([p.pick([True, False, None]) for _ in range(n)], dtype="boolean"),
    "nullable text": lambda p, n, s: pd.array([p.pick(["a", "b", None]) for _ in range(n)], dtype="string"),
    "many categories": lambda p, n, s: [f"c{int(v)}" for v in p.rng.integers(0, 50, n)],
    "addresses of the web": lambda p, n, s: [f"https://example.org/{i}" for i in range(n)],
    "emoji": lambda p, n, s: [p.pick(["😀", "👍🏽", "\u200b", "é", "e\u0301"]) for _ in range(n)],
    "lone surrogates": lambda p, n, s: pd.Series([p.pick(["\ud800", "b"]) for _ in range(n)], dtype=object),
    "control characters": lambda p, n, s: [p.pick(["\x00a", "\x1b[31m", "b\nc"]) for _ in range(n)],
    "long cells": lambda p, n, s: [p.pick(["x" * 5000, "y" * 9000]) for _ in range(n)],
}


def labels(place: Place) -> Case:
    """Return tables with odd labels."""
    A, B = tables(place)
    name = place.pick(LABELS)
    make = LABELS[name]
    A = A.assign(ill=make(place, len(A)))
    if place.chance(0.4):
        B = B.assign(ill=make(place, len(B)))
        if place.chance(0.3):
            B["ill"] = B["ill"].astype(object).where(place.rng.random(len(B)) > 0.7, None)
    title = place.pick(["ill", "ill", "label", "y", "Class"])
    A, B = A.rename(columns={"ill": title}), B.rename(columns={"ill": title})
    options: dict[str, Any] = {"label": place.pick([title, title, title, None])}
    if place.chance(0.15):
        options["label"] = f"{title}{place.pick(['>', '>=', '==', '!='])}{place.pick(['0', '1', 'yes', 'a b', ''])}"
    how = place.pick(["inspect", "read", "measure", "transfer", "transfer"])
    if how in ("measure", "transfer") and place.chance(0.2):
        options["task"] = place.pick(["classification", "regression"])
    if how == "transfer" and place.chance(0.5):
        options["target_labels"] = place.pick(["hide", 1, 2, 5])
    return _used(place, A, B, f"{name} {options}", how=how, **options)


def _picked(*values: Any) -> Callable[[Place, int], Any]:
    return lambda p, n: [values[i % len(values)] for i in p.rng.permutation(n)]


LABELS: dict[str, Callable[[Place, int], Any]] = {
    "0 and 1": _picked(0, 1),
    "0 and 1 as text": _picked("0", "1"),
    "0.0 and 1.0": _picked(0.0, 1.0),
    "0 and 1, mixed": _picked(0, "1", 1.0, "0", True),
    "booleans": _picked(True, False),
    "booleans of numpy": lambda p, n: p.rng.random(n) > 0.5,
    "booleans as text": _picked("True", "False"),
    "booleans, nullable": lambda p, n: pd.array([p.pick([True, False, None]) for _ in range(n)], dtype="boolean"),
    "-1 and 1": _picked(-1, 1),
    "-1 and 1 as text": _picked("-1", "+1"),
    "yes and no": _picked("yes", "no"),
    "yes, Yes, YES": _picked("yes", "Yes", "YES ", "no"),
    "blanks around": _picked(" yes", "yes ", "no"),
    "missing some": _picked("yes", "no", None),
    "missing as text": _picked("yes", "no", "", "NA", "nan", "None", "?"),
    "NA is a class": _picked("NA", "EU"),
    "None is a class": _picked("None", "some"),
    "nan": _picked(0.0, 1.0, float("nan")),
    "pandas.NA": _picked("a", "b", pd.NA),
    "NaT": _picked("a", "b", pd.NaT),
    "all missing": _picked(None),
    "all nan": _picked(float("nan")),
    "all empty text": _picked(""),
    "one class": _picked("yes"),
    "one number": _picked(3.5),
    "one sample of a class": lambda p, n: ["yes"] + ["no"] * (n - 1),
    "one labelled sample": lambda p, n: ["yes"] + [None] * (n - 1),
    "two labelled samples": lambda p, n: ["yes", "no"] + [None] * (n - 2),
    "each a class": lambda p, n: [f"c{i}" for i in range(n)],
    "many classes": lambda p, n: [f"c{i // 2}" for i in range(n)],
    "reals": lambda p, n: p.rng.normal(size=n),
    "reals as text": lambda p, n: [f"{v:.3f}" for v in p.rng.normal(size=n)],
    "reals with comma": lambda p, n: [f"{v:.3f}".replace(".", ",") for v in p.rng.normal(size=n)],
    "reals with gaps": lambda p, n: np.where(p.rng.random(n) > 0.3, p.rng.normal(size=n), np.nan),
    "reals with infinity": lambda p, n: np.where(p.rng.random(n) > 0.3, p.rng.normal(size=n), np.inf),
    "huge reals": lambda p, n: p.rng.normal(size=n) * 1e300,
    "tiny reals": lambda p, n: p.rng.normal(size=n) * 1e-310,
    "largest reals": lambda p, n: p.rng.choice([1.7e308, -1.7e308], n),
    "counts": lambda p, n: p.rng.poisson(3, n),
    "large integers": lambda p, n: p.rng.integers(2**53, 2**60, n),
    "integers beyond 2**64": lambda p, n: [10**25 + i % 2 for i in range(n)],
    "unsigned": lambda p, n: p.rng.integers(0, 2, n).astype(np.uint8),
    "currency": _picked("$1,200.50", "$3.10", "$77.00"),
    "percent": lambda p, n: [f"{v}%" for v in p.rng.integers(0, 100, n)],
    "dates": lambda p, n: [d.strftime("%Y-%m-%d") for d in _days(p, n)],
    "datetime": lambda p, n: _days(p, n),
    "timedelta": lambda p, n: pd.to_timedelta(p.rng.integers(0, 9, n), unit="h"),
    "bytes": _picked(b"a", b"b"),
    "bytes and text": _picked(b"a", "a", "b"),
    "complex": lambda p, n: p.rng.normal(size=n) * 1j,
    "complex, two": _picked(1j, 2j),
    "lists": _picked([1], [2]),
    "tuples": _picked((1, 2), (2, 3)),
    "dicts": _picked({"a": 1}),
    "sets": _picked(frozenset([1]), frozenset([2])),
    "arrays": lambda p, n: list(np.eye(2)[p.rng.integers(0, 2, n)]),
    "objects": lambda p, n: [object() for _ in range(n)],
    "types": _picked(int, str),
    "categorical": lambda p, n: pd.Categorical(_picked("a", "b")(p, n), categories=["a", "b", "c"]),
    "categorical of numbers": lambda p, n: pd.Categorical(_picked(1, 2)(p, n)),
    "ordered categorical": lambda p, n: pd.Categorical(_picked("a", "b")(p, n), categories=["b", "a"], ordered=True),
    "numbers and words": _picked(1, "one", 2, "two"),
    "unicode": _picked("é", "e\u0301", "ü"),
    "emoji": _picked("😀", "👍🏽"),
    "separators within": _picked("a,b", "c;d", 'e"f'),
    "line breaks within": _picked("a\nb", "c"),
    "control characters": _picked("a\x00", "b\x1b"),
    "markup": _picked("<b>x</b>", "[red]y[/red]", "<script>"),
    "formulas": _picked("=1+1", "@x", "-2+3"),
    "very long": _picked("x" * 3000, "y" * 3000),
    "only classes of this side": lambda p, n: [f"c{int(p.rng.integers(99))}"] * (n // 2) + ["no"] * (n - n // 2),
    "disjoint": lambda p, n: [f"{p.rng.integers(10**6)}x{i % 2}" for i in range(n)],
}


def tiny(place: Place) -> Case:
    """Return tiny and degenerate arrays and tables."""
    shapes = [0, 1, 2, 3, 5, 12]
    n, m = place.pick(shapes), place.pick(shapes)
    d = place.pick([0, 1, 2, 3, 40])
    name = place.pick(VALUES)
    X, Z = VALUES[name](place, n, d), VALUES[name](place, m, d)
    y: Any = place.pick(
        [np.arange(n) % 2, np.zeros(n), np.array(["a", "b"])[np.arange(n) % 2], np.linspace(0, 1, n), None]
    )
    how = place.pick(["inspect", "measure", "measure", "transfer", "transfer", "rank", "estimate", "saved"])
    if place.chance(0.3):
        A: Any = pd.DataFrame(X, columns=[f"x{j}" for j in range(d)])
        B: Any = pd.DataFrame(Z, columns=[f"x{j}" for j in range(d)])
        if y is not None:
            A["ill"] = y
        return _used(place, A, B, f"{name} {n} x {d}, {m} samples, y {_kind(y)}", how=how if how != "rank" else None)
    source: Any = X if y is None else (X, y)
    target: Any = Z if place.chance(0.6) or y is None else (Z, np.resize(np.asarray(y), m) if n else np.zeros(m))
    return _arrays(place, source, target, how, f"{name} {n} x {d}, {m} samples, y {_kind(y)}", m)


def _kind(y: Any) -> str:
    return "none" if y is None else str(np.asarray(y).dtype)


def _arrays(place: Place, source: Any, target: Any, how: str, name: str, m: int) -> Case:
    import landbridge

    kept = (source, target)
    features = target[0] if isinstance(target, tuple) else target
    options: dict[str, Any] = {}
    if how == "inspect":
        return Case(f"inspect: {name}", lambda: landbridge.inspect(source, target).to_dict(), kept=kept)
    if how == "measure":
        return Case(f"measure: {name}", lambda: measured(source, target).to_dict(), kept=kept)
    if how == "rank":
        few: dict[str, Any] = {"n_bootstrap": 5, "n_permutations": 5}
        return Case(
            f"rank: {name}", lambda: landbridge.rank({"a": source, "b": source}, target, **few).to_dict(), kept=kept
        )
    if how == "estimate":
        from sklearn.dummy import DummyClassifier

        model = DummyClassifier().fit(np.zeros((4, features.shape[1])), [0, 1, 1, 1])
        return Case(f"estimate: {name}", lambda: landbridge.estimate(model, target, source=source).to_dict(), kept=kept)
    if place.chance(0.5):
        options["target_labels"] = place.pick(["hide", "use", 1])
    if place.chance(0.3):
        options["methods"] = place.pick([["KMM"], ["SubspaceAlignment"], ["FeatureAugmentation"], ["DomainScaler"]])

    def saved() -> Any:
        result = transferred(source, target, **options)
        result.save("saved")
        result.report("saved")
        again = landbridge.load_result("saved")
        if not np.array_equal(again.predict(features), result.predict(features)):
            raise Wrong("a loaded result predicts something else")
        return result

    def check(result: Any) -> None:
        finite_result(result)
        in_range(features, m=m)(result)

    call = saved if how == "saved" else lambda: transferred(source, target, **options)
    return Case(f"{how}: {name} {options}", call, check, kept=kept)


VALUES: dict[str, Callable[[Place, int, int], Any]] = {
    "normal": lambda p, n, d: p.rng.normal(size=(n, d)),
    "zeros": lambda p, n, d: np.zeros((n, d)),
    "one row repeated": lambda p, n, d: np.tile(p.rng.normal(size=d), (n, 1)),
    "collinear": lambda p, n, d: p.rng.normal(size=(n, 1)) * np.ones(d),
    "constant columns": lambda p, n, d: np.ones((n, d)) * np.arange(d),
    "huge": lambda p, n, d: p.rng.normal(size=(n, d)) * 1e300,
    "huge offset": lambda p, n, d: p.rng.normal(size=(n, d)) + 1e16,
    "largest": lambda p, n, d: p.rng.choice([1.7e308, -1.7e308], (n, d)),
    "subnormal": lambda p, n, d: p.rng.normal(size=(n, d)) * 1e-310,
    "integers beyond 2**53": lambda p, n, d: p.rng.integers(2**60, 2**62, (n, d)),
    "two values": lambda p, n, d: p.rng.integers(0, 2, (n, d)),
    "one outlier": lambda p, n, d: np.vstack([p.rng.normal(size=(max(n - 1, 0), d)), np.full((min(n, 1), d), 1e12)]),
    "float32": lambda p, n, d: p.rng.normal(size=(n, d)).astype(np.float32) * np.float32(1e38),
    "float16": lambda p, n, d: (p.rng.normal(size=(n, d)) * 6e4).clip(-65504, 65504).astype(np.float16),
}


def other_columns(place: Place) -> Case:
    """Return tables whose columns differ between the sides."""
    A, B = tables(place)
    name = place.pick(OTHERS)
    A, B = OTHERS[name](place, A, B)
    return _used(place, A, B, name)


OTHERS: dict[str, Callable[[Place, Any, Any], tuple[Any, Any]]] = {
    "one more in the source": lambda p, a, b: (a.assign(more=1.5 * np.arange(len(a))), b),
    "one more in the target": lambda p, a, b: (a, b.assign(more=1.5 * np.arange(len(b)))),
    "one common": lambda p, a, b: (a[["age", "ill"]], b[["age", "sex"]]),
    "none common": lambda p, a, b: (a, b.add_prefix("t_")),
    "none common, with labels": lambda p, a, b: (
        a,
        b.add_prefix("t_").assign(ill=["yes", "no"] * (len(b) // 2) + ["no"] * (len(b) % 2)),
    ),
    "other order": lambda p, a, b: (a, b[["sex", "weight", "age"]]),
    "other capitals": lambda p, a, b: (a, b.rename(columns=str.upper)),
    "capitals that collide": lambda p, a, b: (a.assign(AGE=a["age"] * 2), b.assign(Age=b["age"] * 2)),
    "blanks in names": lambda p, a, b: (a, b.rename(columns=lambda c: f" {c} ")),
    "label only": lambda p, a, b: (a[["ill"]], b),
    "only the label is common": lambda p, a, b: (a[["ill"]], b.assign(ill="yes")[["ill"]]),
    "label in the target only": lambda p, a, b: (a.drop(columns="ill"), b.assign(ill="yes")),
    "numbers here, words there": lambda p, a, b: (a, b.assign(weight=[f"w{v % 3}" for v in range(len(b))])),
    "words here, numbers there": lambda p, a, b: (a.assign(weight=[f"w{v % 3}" for v in range(len(a))]), b),
    "dates here, numbers there": lambda p, a, b: (a.assign(weight=_days(p, len(a))), b),
    "booleans here, numbers there": lambda p, a, b: (
        a.assign(sex=a["sex"] == "f"),
        b.assign(sex=(b["sex"] == "f").astype(int)),
    ),
    "text here, numbers there": lambda p, a, b: (a.assign(weight=a["weight"].astype(str)), b),
    "other categories": lambda p, a, b: (a, b.assign(sex=b["sex"].map({"f": "F", "m": "M"}))),
    "no common category": lambda p, a, b: (a, b.assign(sex="x")),
    "other unit": lambda p, a, b: (a, b.assign(weight=b["weight"] * 1000)),
    "columns as numbers": lambda p, a, b: (a.set_axis([0, 1, 2, "ill"], axis=1), b.set_axis([0, 1, 2], axis=1)),
    "columns as numbers and text": lambda p, a, b: (
        a.set_axis([0, 1, 2, "ill"], axis=1),
        b.set_axis(["0", "1", "2"], axis=1),
    ),
    "duplicate columns": lambda p, a, b: (
        a.set_axis(["age", "age", "sex", "ill"], axis=1),
        b.set_axis(["age", "age", "sex"], axis=1),
    ),
    "two levels of columns": lambda p, a, b: (
        a.set_axis(pd.MultiIndex.from_product([["a"], a.columns]), axis=1),
        b.set_axis(pd.MultiIndex.from_product([["a"], b.columns]), axis=1),
    ),
    "columns as tuples": lambda p, a, b: (
        a.set_axis([("a", 1), ("b", 2), ("c", 3), "ill"], axis=1),
        b.set_axis([("a", 1), ("b", 2), ("c", 3)], axis=1),
    ),
    "columns None": lambda p, a, b: (
        a.set_axis([None, "weight", "sex", "ill"], axis=1),
        b.set_axis([None, "weight", "sex"], axis=1),
    ),
    "columns NaN": lambda p, a, b: (
        a.set_axis([np.nan, "weight", "sex", "ill"], axis=1),
        b.set_axis([np.nan, "weight", "sex"], axis=1),
    ),
    "columns as dates": lambda p, a, b: (
        a.set_axis([*pd.date_range("2020", periods=3), "ill"], axis=1),
        b.set_axis(pd.date_range("2020", periods=3), axis=1),
    ),
    "index of dates": lambda p, a, b: (
        a.set_index(pd.Index(_days(p, len(a)))),
        b.set_index(pd.Index(_days(p, len(b)))),
    ),
    "duplicate index": lambda p, a, b: (a.set_axis([0] * len(a)), b.set_axis([0] * len(b))),
    "index of two levels": lambda p, a, b: (
        a.set_index(["age", "sex"], drop=False),
        b.set_index(["age", "sex"], drop=False),
    ),
    "reversed rows": lambda p, a, b: (a.iloc[::-1], b.iloc[::-2]),
    "the same table": lambda p, a, b: (a, a),
    "the same samples": lambda p, a, b: (a, a.drop(columns="ill")),
    "no columns": lambda p, a, b: (a, b[[]]),
    "no rows": lambda p, a, b: (a, b.iloc[:0]),
    "no rows in the source": lambda p, a, b: (a.iloc[:0], b),
    "one row": lambda p, a, b: (a, b.iloc[:1]),
    "one source row": lambda p, a, b: (a.iloc[:1], b),
}
