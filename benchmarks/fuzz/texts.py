"""Text files: dialects and encodings, numbers as people write them, damaged lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fuzz.case import Case, Place
from benchmarks.fuzz.tables import plain_pair, same_as, tables

__all__ = ["dialect", "encoding", "lines", "numbers"]

SEPARATORS = {",": "a.csv", ";": "a.csv", "\t": "a.tsv", "|": "a.txt"}
ACCENTS = ["é", "ü", "ß", "ñ", "Ø"]


def _read(source: Any, target: Any, **options: Any) -> Callable[[], Any]:
    def call() -> Any:
        from landbridge.data import read_pair

        return read_pair(source, target, label="ill", **options)

    return call


def written(frame: pd.DataFrame, separator: str, quoting: int, end: str, decimal: str = ".") -> str:
    """Return a table as text.

    Parameters
    ----------
    frame : DataFrame
    separator : str
    quoting : int
    end : str
        Line ending.
    decimal : str

    Returns
    -------
    str
    """
    out = io.StringIO(newline="")
    frame.to_csv(out, sep=separator, index=False, quoting=quoting, lineterminator=end, decimal=decimal)
    return out.getvalue()


def dialect(place: Place) -> Case:
    """Return a table in another dialect, which must be read as the plain one is."""
    A, B = tables(place)
    separator = place.pick(SEPARATORS)
    quoting = place.pick([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    end = place.pick(["\n", "\r\n", "\r"])
    decimal = "," if separator == ";" and place.chance() else "."
    names = {}
    if place.chance(0.3):
        names = {"weight": place.pick(["body weight", "weight (kg)", "Gewicht é", 'we"ight', "we;ight", "x,y", "体重"])}
    if any(separator in v for v in names.values()) and quoting == csv.QUOTE_NONE:
        names = {}
    odd = A.rename(columns=names)
    text = written(odd, separator, quoting, end, decimal)
    tricks = [t for t in TRICKS if place.chance(0.2)]
    for trick in tricks:
        text = trick(place, text, separator, end)
    packed, name = place.pick(PACKINGS) if place.chance(0.15) else (None, "")
    content = text.encode(place.pick(["utf-8", "utf-8-sig", "utf-16"]) if place.chance(0.3) else "utf-8")
    path = place.file(f"odd/{SEPARATORS[separator]}{name}", packed(content) if packed else content)
    wanted = place.file("plain/c.csv", written(odd, ",", csv.QUOTE_MINIMAL, "\n"))
    B2 = place.file("plain/d.csv", written(B.rename(columns=names), ",", csv.QUOTE_MINIMAL, "\n"))
    what = f"{separator!r} {end!r} quoting {quoting} decimal {decimal!r} {[t.__name__ for t in tricks]} {names} {name}"
    return Case(what, _read(path, B2), same_as(wanted, B2), "answer")


def _no_last_end(place: Place, text: str, separator: str, end: str) -> str:
    return text.removesuffix(end)


def _empty_lines_below(place: Place, text: str, separator: str, end: str) -> str:
    return text + end * int(place.rng.integers(1, 5))


def _empty_lines_above(place: Place, text: str, separator: str, end: str) -> str:
    return end * int(place.rng.integers(1, 3)) + text


def _comments(place: Place, text: str, separator: str, end: str) -> str:
    return "".join(f"# {w}{end}" for w in ("written by a machine", "in 2021")[: int(place.rng.integers(1, 3))]) + text


def _empty_line_within(place: Place, text: str, separator: str, end: str) -> str:
    rows = text.split(end)
    at = int(place.rng.integers(2, len(rows) - 1))
    return end.join([*rows[:at], "", *rows[at:]])


def _ends(place: Place, text: str, separator: str, end: str) -> str:
    """A separator at the end of each line, the header included."""
    return end.join(row + separator if row and not row.startswith("#") else row for row in text.split(end))


TRICKS = [_no_last_end, _empty_lines_below, _empty_lines_above, _comments, _empty_line_within]


def _gzip(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data)


def _bz2(data: bytes) -> bytes:
    import bz2

    return bz2.compress(data)


def _xz(data: bytes) -> bytes:
    import lzma

    return lzma.compress(data)


def _zip(data: bytes) -> bytes:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", data)
    return out.getvalue()


PACKINGS: list[Any] = [(_gzip, ".gz"), (_bz2, ".bz2"), (_xz, ".xz"), (_zip, ".zip")]


def encoding(place: Place) -> Case:
    """Return a table with letters beyond ASCII in some encoding; the letters are a category and a label."""
    A, B = tables(place)
    one, two = place.rng.choice(ACCENTS, 2, replace=False)
    letters = {"f": f"f{one}mme", "m": f"h{two}mme"}
    A, B = (f.assign(sex=f["sex"].map(letters)) for f in (A, B))
    A = A.assign(ill=A["ill"].map({"yes": f"{one}yes", "no": "no"}))
    plain, target = plain_pair(place, A, B)
    wanted = target
    name = place.pick(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"])
    text = A.to_csv(index=False)
    if name in ("utf-16-le", "utf-16-be") and place.chance():
        text = "\ufeff" + text
    path = place.file("odd/a.csv", text.encode(name))
    options: dict[str, Any] = {}
    if place.chance(0.2):
        options = {"read_options": {"encoding": name}}
        target = str(place.file("odd/b.csv", B.to_csv(index=False).encode(name)))
        if place.chance():
            wrong = place.pick(["ascii", "utf-16", "nonsense", "utf-32", "idna", "rot13", "base64", "", "punycode"])
            return Case(f"{name} read as {wrong!r}", _read(path, target, read_options={"encoding": wrong}))
    return Case(f"{name} {letters} {options}", _read(path, target, **options), same_as(plain, wanted), "answer")


NUMBERS: dict[str, Callable[[float], str]] = {
    "decimal comma": lambda v: f"{v:.1f}".replace(".", ","),
    "percent": lambda v: f"{v:.1f}%",
    "percent after a blank": lambda v: f"{v:.1f} %",
    "unit": lambda v: f"{v:.1f} kg",
    "unit without a blank": lambda v: f"{v:.1f}kg",
    "dollars": lambda v: f"${v:.1f}",
    "euros after": lambda v: f"{v:.1f} €",
    "euros, comma": lambda v: f"{v:.1f} €".replace(".", ","),
    "plus sign": lambda v: f"+{v:.1f}",
    "scientific": lambda v: f"{v:.3e}",
    "scientific, capital": lambda v: f"{v:.3E}",
    "blanks": lambda v: f"  {v:.1f} ",
    "no-break blank": lambda v: f"{v:.1f}\u00a0",
    "more zeros": lambda v: f"{v:.6f}",
    "minus sign of typography": lambda v: f"{v:.1f}".replace("-", "\u2212"),
}
LARGE: dict[str, Callable[[float], str]] = {
    "thousands, comma": lambda v: f"{v:,.2f}",
    "thousands, point": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")),
    "thousands, apostrophe": lambda v: f"{v:,.2f}".replace(",", "'"),
    "thousands, blank": lambda v: f"{v:,.2f}".replace(",", " "),
    "thousands, narrow blank": lambda v: f"{v:,.2f}".replace(",", "\u202f"),
    "thousands and currency": lambda v: f"${v:,.2f}",
}
ODD = (
    "inf -inf nan NaN 1e400 -1e400 1e-400 0x1F 0b11 1_000 <0.5 >90 <=3 ~5 5? 1/2 1:30 -999 9999 99999 1e308 "
    "12345678901234567890 ١٢ 1e 1e+ +-3 --5 .5 5. 0,0 1,2,3 1.2.3 (5) 5- # ? . - -- n/a #DIV/0! #N/A None null \\N Inf "
    "infinity TRUE ½ ² 1e5e5 5%% $ € 10 20 30kgkg 007 1A"
).split()


def numbers(place: Place) -> Case:
    """Return a table whose numbers are written in another notation, or hold odd cells."""
    A, B = tables(place)
    kind = place.index % 4
    if kind == 0:
        name = place.pick(NUMBERS)
        column = A["weight"].map(NUMBERS[name])
    elif kind == 1:
        name = place.pick(LARGE)
        A["weight"], B["weight"] = (np.round(f["weight"] * 1234.5, 2) for f in (A, B))
        column = A["weight"].map(LARGE[name])
    else:
        return _odd_cells(place, A, B)
    plain, target = plain_pair(place, A, B)
    separator = place.pick(["\t", ";", "|"])
    path = place.file("odd/a.txt", written(A.assign(weight=column), separator, csv.QUOTE_MINIMAL, "\n"))
    return Case(f"{name} {separator!r}", _read(path, target), same_as(plain, target), "answer")


def _odd_cells(place: Place, A: pd.DataFrame, B: pd.DataFrame) -> Case:
    """Odd cells among numbers: what they mean is open, but no feature may be infinite."""
    import landbridge

    def spoilt(frame: pd.DataFrame, cells: list[str], share: float) -> pd.DataFrame:
        column = frame["weight"].astype(str).to_numpy(dtype=object)
        rows = np.flatnonzero(place.rng.random(len(column)) < share)
        column[rows if len(rows) else [0]] = place.rng.choice(cells, len(rows) if len(rows) else 1)
        return frame.assign(weight=column)

    cells = [str(c) for c in place.rng.choice(ODD, int(place.rng.integers(1, 4)))]
    share = float(place.pick([0.05, 0.3, 1.0]))
    A = spoilt(A, cells, share)
    B = spoilt(B, cells, share) if place.chance() else B
    a, b = plain_pair(place, A, B)
    how = place.pick(["inspect", "read", "read", "transfer"] if place.chance(0.3) else ["inspect", "read"])
    name = f"{how} cells {cells} share {share}"
    if how == "inspect":
        return Case(name, lambda: landbridge.inspect(a, b, label="ill").to_dict())
    if how == "read":
        return Case(name, lambda: _read(a, b)()[:2])
    from benchmarks.fuzz.tables import in_range, transferred

    return Case(name, lambda: transferred(a, b, label="ill"), in_range(b, m=len(B), classes=["yes", "no"]))


def lines(place: Place) -> Case:
    """Return a text file with damaged lines: read or refused, never half read without a word."""
    import landbridge

    A, B = tables(place)
    text = A.to_csv(index=False)
    names = list(DAMAGE)
    name = names[place.index % len(names)]
    content = DAMAGE[name](place, text)
    path = place.file(f"odd/{place.pick(['a.csv', 'a.csv', 'a.txt', 'a.dat', 'a'])}", content)
    _, b = plain_pair(place, A, B)
    if place.chance(0.3):
        return Case(f"{name}, both sides", lambda: landbridge.inspect(path, path).to_dict())
    return Case(name, lambda: landbridge.inspect(path, b).to_dict())


def _rows(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


def _at(place: Place, rows: list[str]) -> int:
    return int(place.rng.integers(1, len(rows)))


def _in_line(place: Place, text: str, change: Callable[[str], str], *, header: bool = False) -> str:
    rows = _rows(text)
    i = 0 if header else _at(place, rows)
    rows[i] = change(rows[i])
    return "\n".join(rows) + "\n"


def _flipped(place: Place, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(int(place.rng.integers(1, 12))):
        data[int(place.rng.integers(len(data)))] = int(place.rng.integers(256))
    return bytes(data)


DAMAGE: dict[str, Callable[[Place, str], str | bytes]] = {
    "one cell more": lambda p, t: _in_line(p, t, lambda r: r + ",9"),
    "one cell less": lambda p, t: _in_line(p, t, lambda r: r.rsplit(",", 1)[0]),
    "all lines one more": lambda p, t: "\n".join([_rows(t)[0], *(r + ",1" for r in _rows(t)[1:])]),
    "NUL bytes": lambda p, t: _in_line(p, t, lambda r: r[:2] + "\0" + r[2:]),
    "NUL bytes at the end": lambda p, t: t + "\0" * 50,
    "unclosed quote": lambda p, t: _in_line(p, t, lambda r: '"' + r),
    "quote within": lambda p, t: _in_line(p, t, lambda r: r.replace(",", ',x"', 1)),
    "huge cell": lambda p, t: _in_line(p, t, lambda r: r.rsplit(",", 1)[0] + "," + "x" * 200_000),
    "huge number": lambda p, t: _in_line(p, t, lambda r: "9" * 5000 + "," + r.split(",", 1)[1]),
    "line break in a cell": lambda p, t: _in_line(p, t, lambda r: r.rsplit(",", 1)[0] + ',"y\nes"'),
    "no header": lambda p, t: "\n".join(_rows(t)[1:]),
    "header only": lambda p, t: _rows(t)[0],
    "header and end": lambda p, t: _rows(t)[0] + "\n",
    "header twice": lambda p, t: _rows(t)[0] + "\n" + t,
    "header within": lambda p, t: t + t,
    "duplicate names": lambda p, t: t.replace("weight", "age", 1),
    "duplicate label": lambda p, t: t.replace("weight", "ill", 1),
    "empty name": lambda p, t: t.replace("weight", "", 1),
    "all names empty": lambda p, t: ",,,\n" + "\n".join(_rows(t)[1:]),
    "blank names": lambda p, t: " , ,  ,ill\n" + "\n".join(_rows(t)[1:]),
    "line break in a name": lambda p, t: t.replace("weight", '"wei\nght"', 1),
    "control characters in a name": lambda p, t: t.replace("weight", "we\x07\x1bight", 1),
    "very long name": lambda p, t: t.replace("weight", "w" * 5000, 1),
    "name of another script": lambda p, t: t.replace("weight", p.pick(["重さ", "वजन", "الوزن", "⚖️", "\u202ew"]), 1),
    "numbers as names": lambda p, t: "1,2,3,4\n" + "\n".join(_rows(t)[1:]),
    "only separators": lambda p, t: ",,,\n" * 9,
    "only ends": lambda p, t: "\n" * 30,
    "only blanks": lambda p, t: " " * 100,
    "only comments": lambda p, t: "# a\n# b\n",
    "only a BOM": lambda p, t: b"\xef\xbb\xbf",
    "one character": lambda p, t: p.pick(["x", "1", ",", '"', "\n", "\0", "#"]),
    "empty": lambda p, t: b"",
    "binary": lambda p, t: p.rng.integers(0, 256, 400).astype(np.uint8).tobytes(),
    "bytes flipped": lambda p, t: _flipped(p, t.encode()),
    "cut": lambda p, t: t[: int(p.rng.integers(1, len(t)))],
    "web page": lambda p, t: "<!DOCTYPE html><html><body>404</body></html>",
    "titles above": lambda p, t: "Report of the clinic\nprinted in 2021\n" + t,
    "total below": lambda p, t: t + "Total,,,\n",
    "another table below": lambda p, t: t + "\n\nname,value\na,1\nb,2\n",
    "mixed ends": lambda p, t: "".join(r + p.pick(["\n", "\r\n", "\r"]) for r in _rows(t)),
    "mixed separators": lambda p, t: "\n".join(r.replace(",", p.pick([",", ";"])) for r in _rows(t)),
    "mixed encodings": lambda p, t: t.replace("sex", "s\u00e9x").encode("latin-1") + "1,2,\u00e9,yes\n".encode(),
    "cells in quotes with separators": lambda p, t: t.replace(",f,", ',"f, or so",').replace(",m,", ',"m; or so",'),
    "one column": lambda p, t: "\n".join(r.split(",")[0] for r in _rows(t)),
    "one row": lambda p, t: "\n".join(_rows(t)[:2]),
    "surrogates": lambda p, t: t.encode().replace(b"yes", b"\xed\xa0\x80"),
    "utf-16 of odd length": lambda p, t: t.encode("utf-16") + b"x",
    "sep line": lambda p, t: "sep=;\n" + t.replace(",", ";"),
    "sep line, other": lambda p, t: "sep=|\n" + t,
    "percent comments": lambda p, t: "% comment\n" + t,
    "Windows end of file": lambda p, t: t + "\x1a",
    "many columns": lambda p, t: "\n".join(",".join(["1"] * 3000) for _ in range(4)),
    "formula cells": lambda p, t: t.replace(",f,", ",=1+1,").replace(",m,", ",@x,"),
    "escaped quotes": lambda p, t: t.replace(",f,", ',"a \\" b",'),
    "git conflict": lambda p, t: "<<<<<<< HEAD\n" + t + "=======\n" + t + ">>>>>>> other\n",
}
