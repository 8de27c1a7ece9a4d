"""skada's scorers choose among skada's methods on the same pairs, in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.guard_audit.kept import fingerprint, keep, read, run_key
from benchmarks.guard_audit.pairs import MAX_FEATURES, Pair, reduced

__all__ = ["FILE", "run_peers"]

HERE = Path(__file__).parent
FILE = HERE / "peers.json"
PEER = "skada==0.6.0"
ENVIRONMENT = Path(os.environ.get("LANDBRIDGE_AUDIT_PEERS", Path(tempfile.gettempdir()) / "landbridge-skada"))


def run_peers(pairs: dict[str, Pair], seeds: Iterable[int], *, again: bool = False, timeout: int = 300) -> None:
    """Run skada over the classification pairs without target labels, and keep what it chose.

    Parameters
    ----------
    pairs : dict of str to Pair
    seeds : iterable of int
    again : bool, default=False
        Also runs that are there.
    timeout : int, default=300
        Seconds after which a pair is given up.
    """
    python = _environment()
    held = {} if again else read(FILE)
    for seed in seeds:
        for name, pair in pairs.items():
            sides = pair.sides(seed)
            key, digest = run_key(name, "none", seed), fingerprint(sides)
            if sides.yt.dtype.kind == "f" or held.get(key, {}).get("samples") == digest:
                continue
            found = _run(python, sides, timeout) | {"samples": digest}
            keep(FILE, key, found)
            print(f"{key}: {found.get('accuracy', found.get('error'))}", flush=True)


def _environment() -> str:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PEER], check=True)
    return str(python)


def _run(python: str, sides: Any, timeout: int) -> dict[str, Any]:
    Xs, Xt = sides.Xs, sides.Xt
    if sparse.issparse(Xs):  # its methods take dense samples, and covariances of 5,000 words take minutes
        Xs, Xt = reduced(Xs, Xt, MAX_FEATURES)
    classes, codes = np.unique(np.concatenate([sides.ys, sides.yt]), return_inverse=True)
    ys, yt = codes[: len(sides.ys)], codes[len(sides.ys) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.npz"
        np.savez(path, Xs=np.asarray(Xs, float), ys=ys, Xt=np.asarray(Xt, float), yt=yt)
        env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        env.pop("PYTHONPATH", None)
        command = [python, str(HERE / "peers_worker.py"), str(path)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=env, check=False)
        except subprocess.TimeoutExpired:
            return {"error": f"no answer in {timeout} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1]) | {"classes": len(classes)}
