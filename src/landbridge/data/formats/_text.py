"""Text of a file: its encoding, found or given."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from landbridge.data._content import wide_encoding
from landbridge.exceptions import InputError, ReadError

__all__ = ["decode"]

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", ""),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


def decode(data: bytes, path: Path, encoding: str | None = None) -> tuple[str, list[str]]:
    """Decode the bytes of a text file.

    Parameters
    ----------
    data : bytes
    path : Path
        Named in messages.
    encoding : str, default=None
        If None, that of the byte order mark, UTF-8, or else cp1252.

    Returns
    -------
    text : str
        With ``\\n`` at the end of each line, and without byte order mark.
    notes : list of str
        Which encoding was found, if it is not UTF-8.

    Raises
    ------
    InputError
        If there is no such encoding.
    ReadError
        If the bytes are not of this encoding, or no text.
    """
    text, notes = _found(data, path) if encoding is None else (_given(data, path, encoding), [])
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.rstrip("\x1a")
    if "\x00" in text:
        raise ReadError(f"{path} holds zero bytes, so it is no text in that encoding; set encoding= (--encoding).")
    return text, notes


def _given(data: bytes, path: Path, encoding: str) -> str:
    try:
        info = codecs.lookup(encoding)
        if not getattr(info, "_is_text_encoding", True):
            raise LookupError
    except LookupError:
        raise InputError(
            f"encoding={encoding!r} is no encoding of text; give one such as utf-8, cp1252 or utf-16."
        ) from None
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise ReadError(
            f"{path} is not written in {encoding} (line {line}); set another encoding= (--encoding), or none."
        ) from error


def _found(data: bytes, path: Path) -> tuple[str, list[str]]:
    for mark, encoding, name in MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), [f"The encoding is {name}."] if name else []
            except UnicodeError as error:
                raise ReadError(f"{path} has the mark of {name or 'UTF-8'} but is not written in it.") from error
    if b"\x00" in data[:4096] and (wide := wide_encoding(data[:4096])) is not None:
        try:
            return data.decode(wide), [f"The encoding is {wide.upper()}, without a byte order mark."]
        except UnicodeError as error:
            raise ReadError(f"{path} seems to be UTF-16 but cannot be decoded; set encoding= (--encoding).") from error
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
    try:
        text, name = data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        text, name = data.decode("latin-1"), "latin-1"
    note = f"The encoding is not UTF-8 (line {line}), read as {name}; set encoding= (--encoding) if letters look wrong."
    letters = re.findall(r"[^\W\d_]", text[:200_000])
    if sum(not c.isascii() for c in letters) > 0.5 * len(letters):
        note = (
            f"The encoding is not UTF-8 (line {line}), and most letters are not Latin; read as {name}, which is likely "
            "wrong: set encoding= (--encoding), such as cp1251, gb18030 or shift_jis."
        )
    return text, [note]
