"""Files of libraries: right ones, damaged ones, images and sounds, saved results."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fuzz.case import Case, Place, Wrong
from benchmarks.fuzz.tables import in_range, plain_pair, same_as, tables, transferred

__all__ = ["damaged", "folders", "formats", "media"]


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path)


def _feather(frame: pd.DataFrame, path: Path) -> None:
    frame.to_feather(path)


def _xlsx(frame: pd.DataFrame, path: Path) -> None:
    frame.to_excel(path, index=False)


def _jsonl(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="records", lines=True)


def _json(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="records")


def _json_columns(frame: pd.DataFrame, path: Path) -> None:
    path.write_text(json.dumps({c: frame[c].tolist() for c in frame}))


def _json_split(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="split", index=False)


def _sqlite(frame: pd.DataFrame, path: Path) -> None:
    with sqlite3.connect(path) as base:
        frame.to_sql("samples", base, index=False)
    base.close()


def _duckdb(frame: pd.DataFrame, path: Path) -> None:
    import duckdb

    base = duckdb.connect(str(path))
    base.register("given", frame)
    base.execute("create table samples as select * from given")
    base.close()


def _arff(frame: pd.DataFrame, path: Path) -> None:
    kinds = {
        c: "numeric" if frame[c].dtype.kind in "if" else "{" + ",".join(sorted(set(frame[c]))) + "}" for c in frame
    }
    head = "".join(f"@attribute {c} {k}\n" for c, k in kinds.items())
    path.write_text(f"% made here\n@relation samples\n{head}@data\n{frame.to_csv(index=False, header=False)}")


def _ods(frame: pd.DataFrame, path: Path) -> None:
    """A spreadsheet of OpenDocument, written by hand."""

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        number = f'office:value-type="float" office:value="{value}"'
        return f"<table:table-cell {number}><text:p>{value}</text:p></table:table-cell>"

    lines = [list(frame.columns), *frame.astype(object).to_numpy().tolist()]
    rows = "".join(f"<table:table-row>{''.join(cell(v) for v in line)}</table:table-row>" for line in lines)
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    body = f'<office:spreadsheet><table:table table:name="one">{rows}</table:table></office:spreadsheet>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", kind)
        file.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>',
        )
        file.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>",
        )


TABLES: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "parquet": _parquet,
    "feather": _feather,
    "xlsx": _xlsx,
    "jsonl": _jsonl,
    "json": _json,
    "columns.json": _json_columns,
    "sqlite": _sqlite,
    "duckdb": _duckdb,
    "arff": _arff,
    "ods": _ods,
}


def _npz(X: Any, y: Any, path: Path) -> None:
    np.savez(path, X=X, y=y)


def _npz_packed(X: Any, y: Any, path: Path) -> None:
    np.savez_compressed(path, X=X, y=y)


def _npy(X: Any, y: Any, path: Path) -> None:
    np.save(path, X)


def _mat(X: Any, y: Any, path: Path) -> None:
    from scipy.io import savemat

    savemat(path, {"X": X, "y": y})


def _mat4(X: Any, y: Any, path: Path) -> None:
    from scipy.io import savemat

    savemat(path, {"X": X, "y": y}, format="4")


def _svmlight(X: Any, y: Any, path: Path) -> None:
    from sklearn.datasets import dump_svmlight_file

    dump_svmlight_file(X, y, str(path), zero_based=False)


def _hdf5(X: Any, y: Any, path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["X"], file["y"] = X, y


ARRAYS: dict[str, Callable[[Any, Any, Path], None]] = {
    "npz": _npz,
    "packed.npz": _npz_packed,
    "npy": _npy,
    "mat": _mat,
    "4.mat": _mat4,
    "svmlight": _svmlight,
    "h5": _hdf5,
}


def formats(place: Place) -> Case:
    """Return a table in the format of a library, which must be read as the plain one is."""
    A, B = tables(place)
    plain, target = plain_pair(place, A, B)
    form = place.pick(TABLES)
    ending = form if place.chance(0.7) else f"{form}.{place.pick(['csv', 'txt', 'data', 'xls', 'bin'])}"
    path = place.folder / "odd" / f"a.{ending}"
    path.parent.mkdir()
    TABLES[form](A, path)

    def read() -> Any:
        from landbridge.data import read_pair

        return read_pair(path, target, label="ill")

    return Case(f"{form} as {path.name}", read, same_as(plain, target), "answer" if ending == form else "either")


def damaged(place: Place) -> Case:
    """Return a file of a library that was damaged: read or refused."""
    import landbridge

    A, B = tables(place)
    form = place.pick([*TABLES, *ARRAYS])
    path = place.folder / "odd" / f"a.{form}"
    path.parent.mkdir()
    if form in TABLES:
        TABLES[form](A, path)
        other: Any = plain_pair(place, A, B)[1]
    else:
        X = place.rng.normal(size=(20, 3))
        ARRAYS[form](X, np.arange(20.0) % 2, path)
        other = place.folder / "odd" / f"b.{form}"
        ARRAYS[form](X + 1, np.arange(20.0) % 2, other)
    damage = place.pick(DAMAGE)
    path.write_bytes(DAMAGE[damage](place, path.read_bytes()))
    if place.chance(0.3):
        path = path.rename(path.with_suffix(place.pick(ENDINGS)))
    name = f"{form} {damage} as {path.name}"
    if place.chance(0.3):
        return Case(name, lambda: landbridge.inspect(path).to_dict())
    return Case(name, lambda: landbridge.inspect(path, other).to_dict())


ENDINGS = [".csv", ".npz", ".mat", ".parquet", ".xlsx", ".json", ".png", ""]


def _cut(place: Place, data: bytes) -> bytes:
    return data[: int(place.rng.integers(1, len(data)))]


def _flipped(place: Place, data: bytes) -> bytes:
    held = bytearray(data)
    for _ in range(int(place.rng.integers(1, 20))):
        held[int(place.rng.integers(len(held)))] = int(place.rng.integers(256))
    return bytes(held)


def _middle(place: Place, data: bytes) -> bytes:
    at = int(place.rng.integers(len(data)))
    return data[:at] + place.rng.bytes(50) + data[at:]


def _zeros(place: Place, data: bytes) -> bytes:
    at = int(place.rng.integers(len(data)))
    return data[:at] + b"\0" * len(data[at : at + 200]) + data[at + 200 :]


DAMAGE: dict[str, Callable[[Place, bytes], bytes]] = {
    "cut": _cut,
    "cut late": lambda p, d: d[: len(d) - int(p.rng.integers(1, min(60, len(d))))],
    "bytes flipped": _flipped,
    "one byte flipped": lambda p, d: _flipped(p, d[:1]) + d[1:],
    "bytes in the middle": _middle,
    "zeros in the middle": _zeros,
    "twice": lambda p, d: d + d,
    "bytes before": lambda p, d: p.rng.bytes(4) + d,
    "bytes behind": lambda p, d: d + p.rng.bytes(64),
    "head only": lambda p, d: d[:16],
    "reversed": lambda p, d: d[::-1],
}


def _image(place: Place, mode: str, size: tuple[int, int], form: str) -> bytes:
    from PIL import Image

    bands = {"1": (), "L": (), "P": (), "I;16": (), "F": (), "RGB": (3,), "RGBA": (4,), "LA": (2,), "CMYK": (4,)}[mode]
    if mode in ("1", "P"):
        image = Image.fromarray(place.rng.integers(0, 256, size[::-1]).astype(np.uint8)).convert(mode)
    elif mode == "I;16":
        image = Image.fromarray(place.rng.integers(0, 2**16, size[::-1]).astype(np.uint16))
    elif mode == "F":
        image = Image.fromarray(place.rng.random(size[::-1]).astype(np.float32))
    else:
        image = Image.fromarray(place.rng.integers(0, 256, (*size[::-1], *bands)).astype(np.uint8), mode)
    out = io.BytesIO()
    try:
        image.save(out, form)
    except (OSError, ValueError, KeyError):
        out = io.BytesIO()
        image.convert("RGB").save(out, "PNG")
    return out.getvalue()


def _sound(place: Place, rate: int, channels: int, width: int, n: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(place.rng.bytes(n * channels * width))
    return out.getvalue()


MODES = ["1", "L", "P", "I;16", "F", "RGB", "RGBA", "LA", "CMYK"]
SIZES = [(1, 1), (8, 8), (16, 9), (1, 40), (33, 2), (64, 64)]


def media(place: Place) -> Case:
    """Return folders of images or sounds: odd ones, damaged ones, mixed with others, empty."""
    import landbridge

    sound = place.chance(0.3)
    mixed = place.chance()
    trouble = place.pick(MEDIA_TROUBLE)

    def content() -> bytes:
        if sound:
            rate = place.pick([8000, 16000, 44100, 1]) if mixed else 8000
            n = place.pick([0, 1, 100, 4000]) if mixed else 2000
            return _sound(place, rate, place.pick([1, 2]), place.pick([1, 2, 3, 4]), n)
        mode = place.pick(MODES) if mixed else "RGB"
        size = place.pick(SIZES) if mixed else (8, 8)
        return _image(place, mode, size, place.pick(["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"]))

    for side in ("a", "b"):
        for i in range(6):
            folder = f"{side}/{'cat' if i % 2 else 'dog'}" if side == "a" or place.index % 2 else side
            place.file(f"{folder}/{i}.{'wav' if sound else 'png'}", content())
    (place.folder / "a").mkdir(exist_ok=True)
    MEDIA_TROUBLE[trouble](place)
    a, b = place.folder / "a", place.folder / "b"
    name = f"{'sounds' if sound else 'images'} {'mixed ' if mixed else ''}{trouble}"
    if place.chance(0.6):
        return Case(f"inspect: {name}", lambda: landbridge.inspect(a, b).to_dict())

    def check(result: Any) -> None:
        if len(result.target_predictions) != len(result.target):
            raise Wrong("not every sample has a prediction")

    return Case(f"transfer: {name}", lambda: transferred(a, b, methods=["DomainScaler"]), check)


def _empty(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


MEDIA_TROUBLE: dict[str, Callable[[Place], Any]] = {
    "nothing": lambda p: None,
    "none at all": lambda p: None,
    "a corrupt file": lambda p: p.file("a/cat/x.png", b"\x89PNG\r\n\x1a\n" + p.rng.bytes(30)),
    "an empty file": lambda p: p.file("a/cat/x.png", b""),
    "a cut file": lambda p: p.file("a/cat/x.png", _image(p, "RGB", (64, 64), "PNG")[:300]),
    "a text as image": lambda p: p.file("a/cat/x.png", "no image"),
    "other files": lambda p: [p.file(f"a/{n}", "x") for n in ("README.txt", "Thumbs.db", ".DS_Store", "cat/._1.png")],
    "a table among them": lambda p: p.file("a/cat/table.csv", "a,b\n1,2\n"),
    "an empty class": lambda p: (p.folder / "a" / "bird").mkdir(),
    "an empty source": lambda p: _empty(p.folder / "a"),
    "an empty target": lambda p: _empty(p.folder / "b"),
    "one class only": lambda p: shutil.rmtree(p.folder / "a" / "dog"),
    "no classes": lambda p: [
        f.rename(p.folder / "a" / f"{f.parent.name}{f.name}") for f in (p.folder / "a").rglob("*.*")
    ],
    "deeper folders": lambda p: (p.folder / "a" / "dog").rename(p.folder / "a" / "cat" / "dog"),
    "sounds among images": lambda p: p.file("a/cat/x.wav", _sound(p, 8000, 1, 2, 500)),
    "images among sounds": lambda p: p.file("a/cat/x.png", _image(p, "L", (8, 8), "PNG")),
    "odd names": lambda p: p.file("a/cat/ü \u202e[x]\n.png", _image(p, "RGB", (8, 8), "PNG")),
    "capitals": lambda p: p.file("a/cat/X.PNG", _image(p, "RGB", (8, 8), "PNG")),
    "a link to nothing": lambda p: (p.folder / "a" / "cat" / "l.png").symlink_to(p.folder / "nowhere"),
    "a link to itself": lambda p: (p.folder / "a" / "loop").symlink_to(p.folder / "a"),
    "wrong endings": lambda p: [f.rename(f.with_suffix(".jpg")) for f in (p.folder / "a").rglob("*.png")],
    "a huge image": lambda p: p.file("a/cat/x.png", _image(p, "L", (3000, 2), "PNG")),
    "an animation": lambda p: p.file("a/cat/x.gif", _animation(p)),
}


def _animation(place: Place) -> bytes:
    from PIL import Image

    frames = [Image.fromarray(place.rng.integers(0, 256, (8, 8)).astype(np.uint8)) for _ in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


_SAVED: dict[str, Any] = {}


def saved_result(place: Place) -> Path:
    """Return the folder of a result that was saved; it is made once and copied."""
    if not _SAVED:
        fixed = Place(np.random.default_rng(5), place.folder)
        A, B = tables(fixed, 24, m=24)
        _SAVED["tables"] = A, B
        kept = place.folder / "made"
        transferred(A, B, label="ill").save(kept)
        _SAVED["files"] = {p.name: p.read_bytes() for p in kept.iterdir()}
        shutil.rmtree(kept)
    for name, data in _SAVED["files"].items():
        place.file(f"saved/{name}", data)
    return place.folder / "saved"


def folders(place: Place) -> Case:
    """Return a result folder that was damaged: loaded and right, or refused."""
    import landbridge

    folder = saved_result(place)
    _, B = _SAVED["tables"]
    expected = landbridge.load_result(folder).predict(B)
    names = sorted(_SAVED["files"])
    name = place.pick(FOLDERS)
    FOLDERS[name](place, folder, names)

    def call() -> Any:
        return landbridge.load_result(folder)

    def check(result: Any) -> None:
        in_range(B, m=len(B), classes=["yes", "no"])(result)
        if not np.array_equal(result.predict(B), expected):
            raise Wrong("another prediction than before the damage")
        str(result)
        result.to_dict()

    return Case(name, call, check)


def _result_changed(place: Place, folder: Path) -> None:
    """Change one value somewhere in result.json."""
    path = folder / "result.json"
    held = json.loads(path.read_text())
    spot: Any = held
    for _ in range(int(place.rng.integers(1, 5))):
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        if not keys:
            break
        key = place.pick(keys)
        if isinstance(spot[key], dict | list) and place.chance(0.7):
            spot = spot[key]
            continue
        spot[key] = place.pick([None, 1, "x", [], {}, True, 1e400, -1, ["a"], {"a": 1}, "\u0000", 10**30])
        break
    path.write_text(json.dumps(held))


def _key_gone(place: Place, folder: Path) -> None:
    path = folder / "result.json"
    held = json.loads(path.read_text())
    spot = held
    while place.chance() and (inner := [k for k in spot if isinstance(spot[k], dict) and spot[k]]):
        spot = spot[place.pick(inner)]
    del spot[place.pick(list(spot))]
    path.write_text(json.dumps(held))


def _damage_file(place: Place, folder: Path, names: list[str]) -> None:
    path = folder / place.pick(names)
    path.write_bytes(DAMAGE[place.pick(DAMAGE)](place, path.read_bytes()))


FOLDERS: dict[str, Callable[[Place, Path, list[str]], Any]] = {
    "one entry changed": lambda p, f, n: _result_changed(p, f),
    "one more entry changed": lambda p, f, n: _result_changed(p, f),
    "an entry gone": lambda p, f, n: _key_gone(p, f),
    "a damaged file": _damage_file,
    "another damaged file": _damage_file,
    "a file gone": lambda p, f, n: (f / p.pick(n)).unlink(),
    "an empty file": lambda p, f, n: (f / p.pick(n)).write_bytes(b""),
    "a folder in place of a file": lambda p, f, n: ((q := f / p.pick(n)).unlink(), q.mkdir()),
    "swapped files": lambda p, f, n: (f / n[0]).write_bytes((f / n[-1]).read_bytes()),
    "an empty folder": lambda p, f, n: _empty(f),
    "no folder": lambda p, f, n: shutil.rmtree(f),
    "a file in place of the folder": lambda p, f, n: (shutil.rmtree(f), f.write_text("x")),
    "result.json is a list": lambda p, f, n: (f / "result.json").write_text("[]"),
    "result.json is a number": lambda p, f, n: (f / "result.json").write_text("3"),
    "result.json is deep": lambda p, f, n: (f / "result.json").write_text("[" * 100_000),
    "result.json is no text": lambda p, f, n: (f / "result.json").write_bytes(b"\xff\xfe\x00"),
    "further files": lambda p, f, n: (f / "more.txt").write_text("x"),
}
