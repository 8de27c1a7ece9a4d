"""Which format a file has, from its content, and its bytes, unpacked within a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from landbridge.exceptions import ReadError

__all__ = ["KINDS", "LIMIT", "Content", "recognise"]

# Most bytes that a packed file may hold.
LIMIT = 4 * 2**30
HEAD = 64 * 2**10
# format -> kind
KINDS = {
    **dict.fromkeys(("delimited", "json", "arff", "excel", "parquet", "arrow", "sqlite", "duckdb"), "table"),
    **dict.fromkeys(("npz", "npy", "mat", "hdf5", "svmlight"), "arrays"),
}
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".sav", ".cloudpickle", ".dill")
SVMLIGHT = (".svm", ".libsvm", ".svmlight")
TEXTS = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".asc", ".test", ".train")
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"FEA1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
    b"SQLite format 3\x00": "sqlite",
    b"\x93NUMPY": "npy",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"MATLAB 5.0 MAT-file": "mat",
    b"MATLAB 7.3 MAT-file": "hdf5",
    b"\xd0\xcf\x11\xe0": "excel",
}
# Content that is refused: what it is, and what to give instead.
REFUSED = {
    b"\x89PNG": "is one image; give a folder of images, with one subfolder for each class",
    b"\xff\xd8\xff": "is one image; give a folder of images, with one subfolder for each class",
    b"GIF8": "is one image; give a folder of images, with one subfolder for each class",
    b"RIFF": "is one recording or film; give a folder of recordings, with one subfolder for each class",
    b"fLaC": "is one recording; give a folder of recordings, with one subfolder for each class",
    b"OggS": "is one recording; give a folder of recordings, with one subfolder for each class",
    b"ID3": "is one recording; give a folder of recordings, with one subfolder for each class",
    b"%PDF": "is a PDF document; save its table as csv",
    b"(\xb5/\xfd": "is packed with zstd; unpack it first",
    b"7z\xbc\xaf": "is a 7z archive; unpack it first",
    b"Rar!": "is a rar archive; unpack it first",
    b"RDX": "is a file of R; save the table there with write.csv",
    b"$FL2": "is a file of SPSS; save the table there as csv",
    b"<stata_dta>": "is a file of Stata; save the table there as csv",
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself; fetch it with: git lfs pull",
}
JSON_START = re.compile(r'(\{\s*("|\})|\[\s*([\[{"\]\d-]|null|true|false))')
NUMBER = r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"  # in one way only, or long lines never end
SVMLIGHT_LINE = re.compile(
    rf"\s*{NUMBER}(?:,{NUMBER})*(?:\s+qid:\d+)?(?:\s+\d+:(?:{NUMBER}|nan|inf|-inf))*\s*(?:#.*)?", re.IGNORECASE
)


@dataclass(frozen=True)
class Content:
    """A file whose format is known.

    Parameters
    ----------
    path : Path
    format : str
        One of ``KINDS``.
    packing : {"", "gzip", "bz2", "xz", "zip"}
        How it is packed.
    member : str
        The file in a zip archive.
    """

    path: Path
    format: str
    packing: str = ""
    member: str = ""

    @property
    def kind(self) -> str:
        """``"table"`` or ``"arrays"``."""
        return KINDS[self.format]

    def read(self) -> bytes:
        """Return the bytes of the file, unpacked.

        Returns
        -------
        bytes

        Raises
        ------
        ReadError
            If it is damaged, or holds more than ``LIMIT`` bytes unpacked.
        """
        if not self.packing:
            return self.path.read_bytes()
        with _unpacked(self.path, self.packing, self.member) as file:
            held = _all_of(file, self.path)
        return held

    def file(self) -> Any:
        """Return what a reader of binary files opens: the path, or the unpacked bytes as a file.

        Returns
        -------
        Path or BytesIO
        """
        return io.BytesIO(self.read()) if self.packing else self.path


def recognise(path: Path) -> Content:
    """Recognise the format of a file by its content.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Content

    Raises
    ------
    ReadError
        If it is no regular file, a pickle, or of no format that can be read.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no regular file (a pipe or device)" if path.exists() else None
        raise ReadError(f"{path} {what or 'does not exist'}; give a file.")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise ReadError(f"{path} cannot be opened: {error.strerror or error}.") from error
    if path.suffix.lower() in PICKLES and not head.startswith(tuple(REFUSED)):
        raise ReadError(
            f"{path} is a pickle by its ending, and pickles can run code, so none is read; save tables as csv or "
            "parquet and arrays with numpy.savez."
        )
    packing, member = next((how for magic, how in PACKED.items() if head.startswith(magic)), ""), ""
    if head.startswith(b"PK\x03\x04"):
        found, member = _in_zip(path)
        if found:
            return Content(path, found)
        packing = "zip"
    name = path.name.lower()
    if packing:
        name = (member or name.removesuffix(path.suffix.lower())).lower()
        with _unpacked(path, packing, member) as file:
            head = _read(file, HEAD, path)
        if head[:4] == b"PK\x03\x04" or any(head.startswith(magic) for magic in PACKED):
            raise ReadError(f"{path} holds a file that is packed twice; unpack it first.")
    content = Content(path, _format(head, name, path), packing, member)
    if packing and content.format in ("sqlite", "duckdb"):
        raise ReadError(f"{path} is a packed database; unpack it first.")
    return content


def _format(head: bytes, name: str, path: Path) -> str:
    """Return the format of unpacked content, from its beginning."""
    if known := next((form for magic, form in MAGIC.items() if head.startswith(magic)), None):
        return known
    if head[8:12] == b"DUCK":
        return "duckdb"
    if head[512:520] == b"\x89HDF\r\n\x1a\n":
        return "hdf5"
    if what := next((why for magic, why in REFUSED.items() if head.startswith(magic)), None):
        raise ReadError(f"{path} {what}.")
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ReadError(f"{path} is a pickle, which can run code, so it is not read; save it as csv or numpy.savez.")
    if head[257:262] == b"ustar":
        raise ReadError(f"{path} is a tar archive; unpack it and give one file.")
    text = decode_head(head)
    if text is None:
        if name.endswith(".mat"):
            return "mat"  # the fourth version has no mark of its own
        raise ReadError(
            f"{path} is neither text nor of a format that can be read; give a text file (csv), a workbook, parquet, "
            "json, arff, sqlite, npz, mat or svmlight file, or a folder of images."
        )
    return _text_format(text, name, path)


def _text_format(text: str, name: str, path: Path) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    lines = [line for line in re.split(r"\r\n|\r|\n", start) if line.strip()]
    if re.match(r"<(!doctype html|html|\?xml|!--)", start, re.IGNORECASE):
        raise ReadError(f"{path} is a web page or XML, not a table; download the file itself, or save it as csv.")
    first = next((line for line in lines if not line.startswith(("%", "#"))), "")
    if re.match(r"\s*@relation\b", first, re.IGNORECASE):
        return "arff"
    if JSON_START.match(start):
        return "json"
    data = [line for line in lines if not line.lstrip().startswith("#")]
    whole = data[:-1] if len(data) > 1 and len(text) >= HEAD // 4 else data
    if name.endswith(SVMLIGHT) or _is_svmlight(whole[:50]):
        return "svmlight"
    if len(lines) < 2 and not name.endswith(TEXTS):
        raise ReadError(
            f"{path} has an ending that is not known, and its content is no table: it holds {len(lines)} line; give a "
            "header line and rows, or a folder of images."
        )
    return "delimited"


def _is_svmlight(lines: list[str]) -> bool:
    whole = all(SVMLIGHT_LINE.fullmatch(line) for line in lines)
    return whole and any(re.search(r"\s\d+:", line) for line in lines)


def decode_head(head: bytes) -> str | None:
    """Return the beginning of a file as text, or None if it is no text.

    Parameters
    ----------
    head : bytes

    Returns
    -------
    str or None
    """
    for mark, encoding in ((b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if head.startswith(mark):
            return head[: len(head) // 4 * 4].decode(encoding, errors="replace")
    if b"\x00" in head:
        wide = wide_encoding(head)
        return None if wide is None else head[: len(head) // 2 * 2].decode(wide, errors="replace")
    control = sum(c < 32 and c not in (9, 10, 11, 12, 13, 26, 27) for c in head)
    return None if control > len(head) // 100 else head.decode("utf-8", errors="replace")


def wide_encoding(head: bytes) -> str | None:
    """Return the encoding of UTF-16 without a byte order mark, from its zero bytes; None if it is not UTF-16.

    Parameters
    ----------
    head : bytes

    Returns
    -------
    {"utf-16-le", "utf-16-be"} or None
    """
    half = max(len(head) // 2, 1)
    even, odd = head[::2].count(0) / half, head[1::2].count(0) / half
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.05 else None


def _in_zip(path: Path) -> tuple[str, str]:
    """Return the format that a zip archive stands for, or its only file."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not e.filename.startswith("__MACOSX")]
            names = [e.filename for e in entries]
            if sum(e.file_size for e in entries) > LIMIT:
                raise _too_large(path)
            if "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:200]:
                return "excel", ""
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise ReadError(f"{path} is a damaged zip archive: {error}.") from error
    if any(n.startswith("xl/") for n in names):
        return "excel", ""
    if names and all(n.endswith(".npy") for n in names):
        return "npz", ""
    if any(n.endswith(("data.pkl", "schema.json")) for n in names):
        raise ReadError(f"{path} holds a model or pickle, not data; save tables as csv and arrays with numpy.savez.")
    plain = [n for n in names if not Path(n).name.startswith(".")]
    if len(plain) != 1:
        shown = ", ".join(plain[:6]) + (" and more" if len(plain) > 6 else "")
        raise ReadError(f"{path} holds {len(plain)} files{': ' * bool(plain)}{shown}; unpack it and give one of them.")
    if plain[0].lower().endswith(PICKLES):
        raise ReadError(f"{path} holds a pickle, which can run code, so it is not read; save the table as csv.")
    return "", plain[0]


@contextmanager
def _unpacked(path: Path, packing: str, member: str) -> Iterator[IO[bytes]]:
    openers: dict[str, Any] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    try:
        if packing == "zip":
            with zipfile.ZipFile(path) as archive, archive.open(member) as file:
                yield file
        else:
            with openers[packing](path, "rb") as file:
                yield file
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, lzma.LZMAError) as error:
        raise ReadError(f"{path} cannot be unpacked: {error}. Pack it again, or give it unpacked.") from error


def _read(file: IO[bytes], size: int, path: Path) -> bytes:
    import zlib

    try:
        return file.read(size)
    except zlib.error as error:
        raise ReadError(f"{path} cannot be unpacked: {error}. Pack it again, or give it unpacked.") from error


def _all_of(file: IO[bytes], path: Path) -> bytes:
    out = io.BytesIO()
    while part := _read(file, 2**20, path):
        if out.tell() + len(part) > LIMIT:
            raise _too_large(path)
        out.write(part)
    return out.getvalue()


def _too_large(path: Path) -> ReadError:
    size = f"{LIMIT / 2**30:g} GiB" if LIMIT >= 2**30 else f"{LIMIT:,} bytes"
    return ReadError(f"{path} holds more than {size} unpacked, the limit; unpack it yourself if that is meant.")
