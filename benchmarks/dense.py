"""``python -m benchmarks.dense``: JDA, TJM and MEDA against dense solvers of the same problems, one thread.

The dense side forms every matrix of the papers and hands them to LAPACK; ours never forms them. Both get the same rows
and, where labels of the target are needed, the same ones, so that the subspaces can be compared.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import normalize

from landbridge.feature import MEDA
from landbridge.feature._jda import joint_mmd_factor
from landbridge.feature._meda import _manifold, balanced_mmd_factor
from landbridge.feature._tjm import joint_matching
from landbridge.numerics.graph import neighbour_laplacian
from landbridge.numerics.mmd import mmd_factor, unit_factor
from landbridge.numerics.stacked import stack_rows

FILE = Path(__file__).parent / "dense.json"
COMPONENTS, REG, GAMMA, CLASSES = 20, 1.0, 1.0 / 50, 4
ROUNDS = 2


def main() -> None:
    """Run, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000, help="rows a side")
    parser.add_argument("--only", nargs="*", default=["JDA", "TJM", "MEDA"])
    given = parser.parse_args()
    Xs, ys, Xt, yt = _rows(given.rows)
    held = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in given.only:
        told = {"JDA": _jda, "TJM": _tjm, "MEDA": _meda}[name](Xs, ys, Xt, yt)
        told["ratio"] = told["dense"] / told["ours"]
        print(name, given.rows, told, flush=True)
        held[f"{name} {given.rows}"] = told
        FILE.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


def _rows(n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % CLASSES
    centres = 0.3 * rng.normal(size=(CLASSES, 50))
    Xs = centres[y] + rng.normal(size=(n, 50))
    Xt = centres[y] + rng.normal(size=(n, 50)) * np.linspace(0.8, 1.2, 50) + np.linspace(0, 0.5, 50)
    return Xs, y, Xt, y


def _timed(call: Any) -> tuple[Any, float]:
    started = time.perf_counter()
    out = call()
    return out, time.perf_counter() - started


def _dense_components(K: Any, E: Any, penalty: Any) -> Any:
    """Leading solutions of K H K A = (K M K + r G) A Phi, everything formed."""
    n = len(K)
    H = np.eye(n) - 1.0 / n
    M = E @ E.T
    return linalg.eigh(K @ H @ K, K @ M @ K + REG * np.diag(penalty), subset_by_index=[n - COMPONENTS, n - 1])[1]


def _angle(A: Any, B: Any) -> float:
    qa, qb = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    return float(np.arcsin(min(1.0, np.linalg.norm(qb - qa @ (qa.T @ qb), 2))))


def _jda(Xs: Any, ys: Any, Xt: Any, yt: Any) -> dict[str, float]:
    """One round with given target labels: a generalised eigenproblem whose discrepancy matrix has rank C + 1."""
    E = joint_mmd_factor(ys, yt, CLASSES)

    def ours() -> Any:
        rows = stack_rows(Xs, Xt, kernel="rbf", gamma=GAMMA, form="dual", n_landmarks=None, random_state=0)
        return rows.embed(rows.components(E, COMPONENTS, reg=REG, random_state=np.random.RandomState(0))[1])

    def dense() -> Any:
        K = rbf_kernel(np.vstack([Xs, Xt]), gamma=GAMMA)
        return K @ _dense_components(K, E, np.ones(len(K)))

    (Z, a), (D, b) = _timed(ours), _timed(dense)
    return {"ours": a, "dense": b, "angle": _angle(Z, D)}


def _tjm(Xs: Any, ys: Any, Xt: Any, yt: Any) -> dict[str, float]:
    """Two rounds, the second with the penalty that the first gives."""

    def ours() -> Any:
        rows = stack_rows(Xs, Xt, kernel="rbf", gamma=GAMMA, form="dual", n_landmarks=None, random_state=0)
        found = joint_matching(rows, COMPONENTS, REG, max_iter=ROUNDS, tol=0.0, random_state=np.random.RandomState(0))
        return rows.embed(found[1])

    def dense() -> Any:
        K, n = rbf_kernel(np.vstack([Xs, Xt]), gamma=GAMMA), len(Xs)
        E, penalty = unit_factor(mmd_factor(n, len(Xt))), np.ones(len(K))
        for _ in range(ROUNDS):
            A = _dense_components(K, E, penalty)
            lengths = np.linalg.norm(A[:n], axis=1)
            penalty = np.concatenate([0.5 / np.maximum(lengths, 1e-6 * lengths.mean()), np.ones(len(Xt))])
        return K @ A

    (Z, a), (D, b) = _timed(ours), _timed(dense)
    return {"ours": a, "dense": b, "angle": _angle(Z, D)}


def _meda(Xs: Any, ys: Any, Xt: Any, yt: Any) -> dict[str, float]:
    """A whole fit, every round of which solves a dense system on the other side; exact, and with landmarks."""
    exact, a = _timed(lambda: MEDA(n_landmarks=None, balance=0.5, random_state=0).fit(Xs, ys, X_target=Xt))
    quick, q = _timed(lambda: MEDA(balance=0.5, random_state=0).fit(Xs, ys, X_target=Xt))

    def dense() -> Any:
        G = _manifold(Xs, Xt, exact.n_components)
        Z = np.vstack([normalize(Xs @ G), normalize(Xt @ G)])
        K, n = rbf_kernel(Z, gamma=exact.gamma), len(Xs)
        L = neighbour_laplacian(Z, exact.n_neighbors).toarray()
        A = np.diag(np.concatenate([np.ones(n), np.zeros(len(Xt))]))
        Y = np.vstack([np.eye(CLASSES)[ys], np.zeros((len(Xt), CLASSES))])
        from sklearn.neighbors import KNeighborsClassifier

        target = KNeighborsClassifier(n_neighbors=1).fit(Z[:n], ys).predict(Z[n:])
        rounds = 0
        for _ in range(exact.max_iter):
            rounds += 1
            E = balanced_mmd_factor(ys, target, CLASSES, 0.5)
            system = (A + exact.adaptation * (E @ E.T) + exact.locality * L) @ K + exact.alpha * np.eye(len(K))
            previous, target = target, (K @ linalg.solve(system, A @ Y))[n:].argmax(axis=1)
            if np.array_equal(previous, target):
                break
        return target, rounds

    (labels, rounds), b = _timed(dense)
    return {
        "ours": a,
        "dense": b,
        "rounds": rounds,
        "same labels": float(np.mean(labels == exact.pseudo_labels_)),
        "with landmarks": q,
        "same labels with landmarks": float(np.mean(labels == quick.pseudo_labels_)),
    }


if __name__ == "__main__":
    main()
