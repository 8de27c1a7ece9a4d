"""Runs that are kept: their keys, their file, and the digests by which they are known to be up to date."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import landbridge
from benchmarks.guard_audit.pairs import Sides

__all__ = ["code_version", "fingerprint", "keep", "read", "run_key"]

# Packages on which no answer for a table depends.
ASIDE = ("cli", "neural", "relation", "report", "zeroshot")


def code_version() -> str:
    """Digest of the code that an answer for a table depends on.

    Returns
    -------
    str
        Twelve hexadecimal digits.
    """
    root = Path(landbridge.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in ASIDE:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def fingerprint(sides: Sides) -> str:
    """Digest of the samples and labels of a pair.

    Parameters
    ----------
    sides : Sides

    Returns
    -------
    str
        Twelve hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in sides:
        rows = part.toarray() if sparse.issparse(part) else np.asarray(part)
        # rounded, since the last digits of a decomposition depend on the machine
        digest.update(np.round(rows.astype(float), 3).tobytes() if rows.dtype.kind in "fiub" else repr(rows).encode())
    return digest.hexdigest()[:12]


def run_key(name: str, regime: str, seed: int) -> str:
    """Key of one run in the results.

    Parameters
    ----------
    name, regime : str
    seed : int

    Returns
    -------
    str
    """
    return f"{name} | {regime} | {seed}"


def read(path: Path) -> dict[str, Any]:
    """Read the results, none if there is no file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
    """
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(path: Path, key: str, record: dict[str, Any]) -> None:
    """Add one run to the results, one line per run; what others have written meanwhile is kept.

    Parameters
    ----------
    path : Path
    key : str
    record : dict
    """
    with _locked(path):
        held = read(path) | {key: record}
        lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(held[k])}" for k in sorted(held))
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
        part.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time read and replace the file; without fcntl there is only one."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    with (Path(tempfile.gettempdir()) / f"landbridge-audit-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
