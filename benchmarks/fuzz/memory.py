"""Sides in memory, arguments of the functions, and predictions for other tables than were learned on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fuzz.case import Case, Place, Wrong
from benchmarks.fuzz.tables import in_range, measured, plain_pair, tables, transferred

__all__ = ["arguments", "predictions", "sides"]


def _polars(frame: pd.DataFrame) -> Any:
    import polars

    return polars.DataFrame({c: frame[c].tolist() for c in frame})


def _arrow(frame: pd.DataFrame) -> Any:
    import pyarrow

    return pyarrow.Table.from_pandas(frame)


def _missing_some(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.astype(object)
    frame.iloc[::3, :2] = None
    return frame


# What holds the same table: it must be read as the DataFrame is.
SAME: dict[str, Callable[[pd.DataFrame], Any]] = {
    "polars": _polars,
    "lazy polars": lambda f: _polars(f).lazy(),
    "pyarrow": _arrow,
    "nullable types": lambda f: f.convert_dtypes(),
    "objects": lambda f: f.astype(object),
    "categories": lambda f: f.assign(sex=f["sex"].astype("category")),
    "float32": lambda f: f.assign(age=f["age"].astype(np.float32)),
    "int8": lambda f: f.assign(age=f["age"].astype(np.int8)),
    "big-endian": lambda f: f.assign(weight=f["weight"].to_numpy().astype(">f8")),
    "sparse": lambda f: f.assign(age=pd.arrays.SparseArray(f["age"].to_numpy())),
    "arrow types": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "index of text": lambda f: f.set_axis([f"r{i}" for i in range(len(f))]),
    "index from 5": lambda f: f.set_axis(range(5, 5 + len(f))),
    "a view": lambda f: pd.concat([f, f]).iloc[: len(f)],
}
# What holds samples: read, or refused in one line.
SIDES: dict[str, Callable[[Place, np.ndarray], Any]] = {
    "read-only": lambda p, X: _read_only(X),
    "not contiguous": lambda p, X: np.repeat(X, 2, axis=1)[:, ::2],
    "Fortran order": lambda p, X: np.asfortranarray(X),
    "negative strides": lambda p, X: X[::-1, ::-1],
    "big-endian": lambda p, X: X.astype(">f8"),
    "float16": lambda p, X: X.astype(np.float16),
    "float128": lambda p, X: X.astype(np.longdouble),
    "int8": lambda p, X: (X * 10).astype(np.int8),
    "unsigned": lambda p, X: np.abs(X * 10).astype(np.uint64),
    "booleans": lambda p, X: X > 0,
    "complex": lambda p, X: X + 0j,
    "datetime64": lambda p, X: (X * 1e6).astype("datetime64[s]"),
    "timedelta64": lambda p, X: (X * 1e6).astype("timedelta64[s]"),
    "text": lambda p, X: X.astype(str),
    "words": lambda p, X: np.full(X.shape, "word"),
    "bytes": lambda p, X: X.astype("S8"),
    "objects": lambda p, X: X.astype(object),
    "objects with None": lambda p, X: np.where(p.rng.random(X.shape) > 0.5, X.astype(object), None),
    "objects with lists": lambda p, X: np.array([[[1], {"a": 1}, None]] * len(X), dtype=object),
    "void": lambda p, X: np.zeros(X.shape, dtype="V4"),
    "structured": lambda p, X: np.array([tuple(r) for r in X], dtype=[("a", float), ("b", float), ("c", float)]),
    "records": lambda p, X: np.rec.fromrecords([tuple(r) for r in X], names="a,b,c"),
    "masked, nothing": lambda p, X: np.ma.masked_array(X, mask=False),
    "masked": lambda p, X: np.ma.masked_array(X, mask=p.rng.random(X.shape) > 0.5),
    "masked with a huge fill": lambda p, X: np.ma.masked_array(np.where(X > 0, 1e20, X), mask=X > 0),
    "matrix": lambda p, X: np.asmatrix(X),
    "csr": lambda p, X: _sparse(X, "csr"),
    "csc": lambda p, X: _sparse(X, "csc"),
    "coo": lambda p, X: _sparse(X, "coo"),
    "bsr": lambda p, X: _sparse(X, "bsr"),
    "sparse array": lambda p, X: __import__("scipy.sparse").sparse.csr_array(X),
    "sparse of booleans": lambda p, X: _sparse(X > 0, "csr"),
    "lists": lambda p, X: X.tolist(),
    "tuples": lambda p, X: tuple(map(tuple, X)),
    "ragged lists": lambda p, X: [*X.tolist(), [1.0]],
    "lists of words": lambda p, X: [["a", "b", "c"]] * len(X),
    "generator": lambda p, X: (r for r in X),
    "iterator": lambda p, X: iter(X.tolist()),
    "range": lambda p, X: range(len(X)),
    "dict of lists": lambda p, X: {"a": X[:, 0].tolist(), "b": X[:, 1].tolist()},
    "list of dicts": lambda p, X: [{"a": v[0], "b": v[1]} for v in X.tolist()],
    "set": lambda p, X: {1, 2, 3},
    "Series": lambda p, X: pd.Series(X[:, 0]),
    "Index": lambda p, X: pd.Index(X[:, 0]),
    "1-d": lambda p, X: X[:, 0],
    "0-d": lambda p, X: np.array(3.0),
    "3-d": lambda p, X: np.stack([X, X]),
    "3-d images": lambda p, X: p.rng.random((len(X), 8, 8)),
    "4-d images": lambda p, X: p.rng.random((len(X), 8, 8, 3)),
    "5-d": lambda p, X: p.rng.random((len(X), 2, 2, 2, 2)),
    "images of integers": lambda p, X: p.rng.integers(0, 256, (len(X), 8, 8)).astype(np.uint8),
    "None": lambda p, X: None,
    "a number": lambda p, X: 3,
    "NaN": lambda p, X: float("nan"),
    "True": lambda p, X: True,
    "empty text": lambda p, X: "",
    "text that is no path": lambda p, X: p.pick(
        ["nowhere.csv", "builtin:", "builtin:nothing", "\0", "a" * 5000, "~", "/"]
    ),
    "an address": lambda p, X: "https://example.org/a.csv",
    "bytes that are a path": lambda p, X: b"nowhere.csv",
    "a path that is not there": lambda p, X: Path("nowhere.csv"),
    "an open file": lambda p, X: tempfile.TemporaryFile(),
    "a type": lambda p, X: int,
    "a function": lambda p, X: lambda: None,
    "an exception": lambda p, X: ValueError("x"),
    "an object": lambda p, X: object(),
    "a module": lambda p, X: np,
    "Ellipsis": lambda p, X: ...,
    "an unfitted model": lambda p, X: __import__("sklearn.svm").svm.SVC(),
    "a class of models": lambda p, X: __import__("sklearn.svm").svm.SVC,
    "(X,)": lambda p, X: (X,),
    "(X, y, z)": lambda p, X: (X, X[:, 0], X[:, 0]),
    "(None, y)": lambda p, X: (None, X[:, 0]),
    "(X, text)": lambda p, X: (X, "ill"),
    "(X, y) too short": lambda p, X: (X, [0, 1]),
    "(X, y) of two columns": lambda p, X: (X, X[:, :2]),
    "(X, y) of one column": lambda p, X: (X, (X[:, :1] > 0).astype(int)),
    "(X, Series)": lambda p, X: (X, pd.Series((X[:, 0] > 0).astype(int), index=range(9, 9 + len(X)))),
    "(X, categories)": lambda p, X: (X, pd.Categorical(np.where(X[:, 0] > 0, "a", "b"))),
    "(X, mixed labels)": lambda p, X: (X, [p.pick([0, "a", None, 1.5]) for _ in X]),
    "(X, None among integers)": lambda p, X: (X, [p.pick([0, 1, None]) for _ in X]),
    "(X, lists)": lambda p, X: (X, [[1]] * len(X)),
    "(X, dicts)": lambda p, X: (X, [{"a": 1}] * len(X)),
    "(X, bytes)": lambda p, X: (X, [p.pick([b"a", b"b"]) for _ in X]),
    "(X, dates)": lambda p, X: (X, pd.date_range("2020", periods=len(X))),
    "(X, complex)": lambda p, X: (X, X[:, 0] + 1j),
    "(X, infinite)": lambda p, X: (X, np.where(X[:, 0] > 0, np.inf, X[:, 0])),
    "(X, NaN)": lambda p, X: (X, np.full(len(X), np.nan)),
    "(X, masked)": lambda p, X: (X, np.ma.masked_array(np.arange(len(X)) % 2, mask=X[:, 0] > 0)),
    "(X, generator)": lambda p, X: (X, (i % 2 for i in range(len(X)))),
    "(X, large integers)": lambda p, X: (X, [10**25 + i % 2 for i in range(len(X))]),
    "(X, objects)": lambda p, X: (X, [object() for _ in X]),
    "(table, y)": lambda p, X: (pd.DataFrame(X, columns=list("abc")), np.arange(len(X)) % 2),
    "(table of words, y)": lambda p, X: (
        pd.DataFrame({"a": ["x", "y"] * (len(X) // 2)}),
        np.arange(len(X) // 2 * 2) % 2,
    ),
    "NaN within": lambda p, X: np.where(p.rng.random(X.shape) > 0.9, np.nan, X),
    "infinite within": lambda p, X: np.where(p.rng.random(X.shape) > 0.9, np.inf, X),
    "both infinities": lambda p, X: np.where(X > 0, np.inf, -np.inf),
}


def _read_only(X: np.ndarray) -> np.ndarray:
    X = X.copy()
    X.flags.writeable = False
    return X


def _sparse(X: Any, form: str) -> Any:
    from scipy import sparse

    return sparse.csr_matrix(np.where(X > 0, X, 0)).asformat(form)


def sides(place: Place) -> Case:
    """Return sides in memory: tables of other libraries, and arrays of every type."""
    if place.chance(0.25):
        return _same_table(place)
    import landbridge

    X, Z = place.rng.normal(size=(18, 3)), place.rng.normal(size=(16, 3)) + 0.5
    names = list(SIDES)
    name = names[place.index % len(names)]
    odd = SIDES[name](place, X)
    y = np.arange(18) % 2
    labelled = isinstance(odd, tuple) and name.startswith("(")
    as_source = labelled or place.chance()
    plain = Z if as_source else (X, y)
    how = place.pick(["inspect", "measure", "transfer", "transfer", "estimate", "rank"])
    if not labelled and as_source and how in ("transfer", "rank") and not isinstance(odd, str | bytes):
        odd = (odd, np.arange(_length(odd)) % 2)
    source, target = (odd, plain) if as_source else (plain, odd)
    kept = (source, target)
    title = f"{how}: {name} as {'source' if as_source else 'target'}"
    if how == "inspect":
        return Case(title, lambda: landbridge.inspect(source, target).to_dict(), kept=kept)
    if how == "measure":
        return Case(title, lambda: measured(source, target).to_dict(), kept=kept)
    if how == "rank":
        few: dict[str, Any] = {"n_bootstrap": 5, "n_permutations": 5}
        return Case(title, lambda: landbridge.rank([source], target, **few).to_dict(), kept=kept)
    if how == "estimate":
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit(X, y)
        if as_source:
            return Case(title, lambda: landbridge.estimate(model, Z, source=source).to_dict(), kept=kept)
        return Case(title, lambda: landbridge.estimate(model, target).to_dict(), kept=kept)

    def check(result: Any) -> None:
        if len(result.target_predictions) != len(result.target):
            raise Wrong("not every sample has a prediction")

    return Case(title, lambda: transferred(source, target), check, kept=kept)


def _length(odd: Any) -> int:
    try:
        return int(odd.shape[0]) if hasattr(odd, "shape") else len(odd)
    except (TypeError, IndexError):
        return 18


def _same_table(place: Place) -> Case:
    from benchmarks.fuzz.tables import same_as

    A, B = tables(place)
    name = place.pick(SAME)
    A2, B2 = SAME[name](A), SAME[name](B)
    if place.chance():
        B2 = B

    def call() -> Any:
        from landbridge.problem import read_domains

        return read_domains(A2, B2, label="ill")

    tolerance = 1e-6 if name == "float32" else 1e-9
    return Case(f"read: {name}", call, same_as(A, B, tolerance=tolerance), "answer", kept=(A, B))


def _called(*_: Any) -> None:
    pass


VALUES: dict[str, Any] = {
    "None": None,
    "0": 0,
    "-1": -1,
    "1": 1,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "True": True,
    "False": False,
    "empty text": "",
    "blank": " ",
    "word": "nonsense",
    "column": "age",
    "label": "ill",
    "unicode": "ü\u202e",
    "NUL": "a\0b",
    "long text": "x" * 3000,
    "line break": "a\nb",
    "bytes": b"ill",
    "list": [],
    "list of text": ["age"],
    "list of numbers": [1, 2],
    "list of None": [None],
    "nested list": [["age"]],
    "tuple": (),
    "dict": {},
    "dict of text": {"a": "b"},
    "set": {"age"},
    "array": np.array([1, 2]),
    "empty array": np.array([]),
    "text of numpy": np.str_("ill"),
    "number of numpy": np.float64(0.5),
    "integer of numpy": np.int64(3),
    "boolean of numpy": np.bool_(True),
    "pandas.NA": pd.NA,
    "NaT": pd.NaT,
    "object": object(),
    "type": int,
    "function": _called,
    "path": Path("nowhere"),
    "table": pd.DataFrame({"a": [1]}),
    "series": pd.Series([1]),
    "complex": 1j,
    "Ellipsis": ...,
    "generator": "GENERATOR",
    "large": 10**30,
    "slice": slice(1),
}
# Numbers of repetitions: what is large takes as long as asked for.
REPEATED = ("n_permutations", "n_bootstrap", "epochs", "n_seeds", "n_jobs")
READING = "drop keep id weights missing decimal encoding sheet header rename text"
KEYWORDS = {
    "transfer": "label task estimator methods target_labels confidence random_state sources groups scoring assume "
    "intermediate_domains network epochs n_seeds skip_corrupt exhaustive n_jobs time_budget progress work_dir resume "
    "read_options on_inspection error_score",
    "measure": "label groups read_options scoring task random_state n_permutations n_bootstrap",
    "inspect": "label sources groups read_options random_state",
    "rank": "score label groups read_options estimator n_bootstrap n_permutations max_samples random_state candidates",
    "estimate": "source label metric fitted_on_source read_options random_state model_or_result",
    "read_options": READING,
    "predict": "X",
    "report": "path format",
    "load_result": "folder",
}
PAIRS = [(f, k) for f, names in KEYWORDS.items() for k in names.split()]


def arguments(place: Place) -> Case:
    """Return a call with one argument of a wrong type or value."""
    function, keyword = PAIRS[place.index % len(PAIRS)]
    names = [v for v in VALUES if not (v == "large" and keyword in REPEATED)]
    if keyword in ("progress", "on_inspection"):  # what a function of the caller's raises is the caller's
        names.remove("type")
    name = place.pick(names)
    value = VALUES[name]
    if isinstance(value, str) and value == "GENERATOR":
        value = (i for i in range(2))
    A, B = tables(place)
    if place.chance(0.3):
        A, B = plain_pair(place, A, B)
    return Case(f"{function} {keyword}={name}", _call(place, function, {keyword: value}, A, B), kept=(A, B))


def _call(place: Place, function: str, given: dict[str, Any], A: Any, B: Any) -> Callable[[], Any]:
    import landbridge

    label: dict[str, Any] = {"label": "ill"}
    if function == "transfer":
        return lambda: _without_faults(transferred(A, B, **label | given))
    if function == "measure":
        return lambda: measured(A, B, **label | given).to_dict()
    if function == "inspect":
        return lambda: landbridge.inspect(A, B, **label | given).to_dict()
    if function == "read_options":
        return lambda: landbridge.inspect(A, B, label="ill", read_options=given).to_dict()
    if function == "rank":
        few = label | {"candidates": {"a": A}, "n_bootstrap": 3, "n_permutations": 3} | given
        return lambda: landbridge.rank(few.pop("candidates"), B, **few).to_dict()
    result = _small_result()
    if function == "estimate":
        few = label | {"model_or_result": result} | given
        return lambda: landbridge.estimate(few.pop("model_or_result"), B, **few).to_dict()
    if function == "predict":
        return lambda: result.predict(given["X"])
    if function == "report":
        arguments = {"path": "page", **given}
        return lambda: result.report(arguments["path"], format=arguments.get("format", "html"))
    return lambda: landbridge.load_result(given["folder"])


def _without_faults(result: Any) -> Any:
    str(result)
    return result.decision.to_dict()


_RESULT: list[Any] = []


def _small_result() -> Any:
    if not _RESULT:
        fixed = Place(np.random.default_rng(3), Path())
        A, B = tables(fixed, 24, m=24)
        _RESULT.append(transferred(A, B, label="ill"))
    return _RESULT[0]


def predictions(place: Place) -> Case:
    """Return new samples for a result: another order is right, what lacks something is refused."""
    result = _small_result()
    _, C = tables(place)
    name = place.pick(NEW)
    given = NEW[name](place, C.copy())
    if isinstance(given, pd.DataFrame) and len(given) and place.chance(0.4):
        given = str(place.file("new.csv", given.to_csv(index=False)))
    m = len(C) if name in RIGHT else None

    def call() -> Any:
        return np.asarray(result.predict(given))

    def check(found: Any) -> None:
        if not {str(v) for v in found.tolist()} <= {"yes", "no"}:
            raise Wrong(f"predicted {set(found.tolist())}")
        if m is not None:
            in_range(given, m=m)(result)
            if not np.array_equal(found, result.predict(C)):
                raise Wrong("another prediction than for the plain table")

    return Case(name, call, check, "answer" if name in RIGHT else "either", kept=(C, given))


RIGHT = ("the same", "other order", "more columns", "capitals", "numbers as text", "other index", "nullable types")
NEW: dict[str, Callable[[Place, pd.DataFrame], Any]] = {
    "the same": lambda p, f: f,
    "other order": lambda p, f: f[["sex", "weight", "age"]],
    "more columns": lambda p, f: f.assign(more="x", ill="yes"),
    "capitals": lambda p, f: f.rename(columns=str.title),
    "numbers as text": lambda p, f: f.assign(weight=f["weight"].astype(str)),
    "other index": lambda p, f: f.set_axis([f"r{i}" for i in range(len(f))]),
    "nullable types": lambda p, f: f.convert_dtypes(),
    "a column less": lambda p, f: f.drop(columns=p.pick(["age", "weight", "sex"])),
    "no columns": lambda p, f: f[[]],
    "no rows": lambda p, f: f.iloc[:0],
    "one row": lambda p, f: f.iloc[:1],
    "other unit": lambda p, f: f.assign(weight=f["weight"] * 1000),
    "words in numbers": lambda p, f: f.assign(weight="heavy"),
    "a word in numbers": lambda p, f: f.assign(weight=[*f["weight"].astype(object)[:-1], "heavy"]),
    "numbers in words": lambda p, f: f.assign(sex=1.5),
    "unknown categories": lambda p, f: f.assign(sex="x"),
    "all missing": lambda p, f: f.astype(object).where(lambda g: g.isna(), None),
    "some missing": lambda p, f: f.astype(object).where(p.rng.random(f.shape) > 0.5, None),
    "infinite": lambda p, f: f.assign(weight=np.inf),
    "huge": lambda p, f: f.assign(weight=f["weight"] * 1e300),
    "dates in numbers": lambda p, f: f.assign(weight=pd.Timestamp("2020")),
    "lists in numbers": lambda p, f: f.assign(weight=[[1]] * len(f)),
    "complex": lambda p, f: f.assign(weight=1j),
    "booleans in numbers": lambda p, f: f.assign(weight=True),
    "duplicate columns": lambda p, f: pd.concat([f, f[["age"]]], axis=1),
    "two levels of columns": lambda p, f: f.set_axis(pd.MultiIndex.from_product([["a"], f.columns]), axis=1),
    "an array": lambda p, f: f[["age", "weight"]].to_numpy(),
    "an array of objects": lambda p, f: f.to_numpy(dtype=object),
    "an array as encoded": lambda p, f: p.rng.normal(size=(5, 4)),
    "an array with NaN": lambda p, f: np.full((5, 4), np.nan),
    "an array with infinity": lambda p, f: np.full((5, 4), np.inf),
    "1-d": lambda p, f: np.zeros(4),
    "3-d": lambda p, f: np.zeros((2, 2, 4)),
    "lists": lambda p, f: f.to_numpy(dtype=object).tolist(),
    "list of dicts": lambda p, f: f.to_dict("records"),
    "dict": lambda p, f: f.to_dict("list"),
    "polars": lambda p, f: _polars(f),
    "pyarrow": lambda p, f: _arrow(f),
    "None": lambda p, f: None,
    "text": lambda p, f: "nowhere.csv",
    "a series": lambda p, f: f["age"],
    "a tuple": lambda p, f: (f, None),
    "sparse": lambda p, f: _sparse(np.eye(4), "csr"),
    "sparse, other width": lambda p, f: _sparse(np.eye(9), "csr"),
    "a Domain": lambda p, f: __import__("landbridge").Domain(np.zeros((3, 4))),
    "a Domain of other width": lambda p, f: __import__("landbridge").Domain(np.zeros((3, 9))),
}
