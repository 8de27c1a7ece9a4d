"""Rows of the ledger for sides with different columns: stated properties, checked on real digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.ledger.rows import Row
from landbridge.data import shared_data
from landbridge.feature import CoOptimalTransport, KernelCCA

__all__ = ["ROWS"]

N_SPLITS = 10
# Columns of the picture that the source sees; the target sees the others.
SEAM = 16
N_ROWS, N_PAIRS, PER_CLASS = 1000, 500, 3


def _halves() -> Iterator[dict[str, Any]]:
    """MNIST cut in two: 1,000 labelled left parts, 1,000 right parts, 500 digits of which both parts are seen.

    No digit is in two of these groups, and the 500 are not labelled.
    """
    path = shared_data("mnist_20k.npz")
    if path is None:
        raise FileNotFoundError("mnist_20k.npz is not in the shared data folder")
    with np.load(path) as data:
        images, y = data["train_X"].astype(float) / 255.0, data["train_y"].astype(int)
    left, right = images[:, :, :SEAM].reshape(len(y), -1), images[:, :, SEAM:].reshape(len(y), -1)
    for seed in range(N_SPLITS):
        rng = np.random.default_rng(seed)
        source, target, both = np.split(rng.permutation(len(y))[: 2 * N_ROWS + N_PAIRS], [N_ROWS, 2 * N_ROWS])
        told = np.concatenate([rng.permutation(np.flatnonzero(y[target] == c))[:PER_CLASS] for c in range(10)])
        yield {
            "Xs": left[source],
            "ys": y[source],
            "Xt": right[target],
            "yt": y[target],
            "told": told,
            "rest": np.setdiff1d(np.arange(N_ROWS), told),
            "pairs": (left[both], right[both]),
        }


def _learner() -> Any:
    return plain_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _target_only(task: dict[str, Any]) -> float:
    model = _learner().fit(task["Xt"][task["told"]], task["yt"][task["told"]])
    return _right(model.predict(task["Xt"]), task)


def _right(predicted: NDArray[Any], task: dict[str, Any]) -> float:
    return 100.0 * float(np.mean(predicted[task["rest"]] == task["yt"][task["rest"]]))


def _against_target_only(method: str, protocol: str, score: Callable[[dict[str, Any]], float], least: float) -> Row:
    tasks = list(_halves())
    alone, ours = [_target_only(t) for t in tasks], [score(t) for t in tasks]
    gains = np.subtract(ours, alone)
    note = (
        f"target-only on {10 * PER_CLASS} labelled rows {np.mean(alone):.1f} ± {np.std(alone, ddof=1):.1f}, "
        f"{method} {np.mean(ours):.1f} ± {np.std(ours, ddof=1):.1f}; better on {int((gains > 0).sum())} of "
        f"{len(tasks)} splits, worst {gains.min():+.1f}"
    )
    return Row((method,), protocol, least, "stated property", 0.0, float(gains.mean()), note)


def kernel_cca_pairs() -> Row:
    """KernelCCA from unlabelled pairs, without any target label."""

    def score(task: dict[str, Any]) -> float:
        left, right = task["pairs"]
        pairs = np.repeat(np.arange(len(left))[:, None], 2, axis=1)
        mapper = KernelCCA(20, kernel="rbf", alpha=0.1, random_state=0).fit(left, X_target=right, pairs=pairs)
        model = _learner().fit(mapper.transform_source(task["Xs"]), task["ys"])
        return _right(model.predict(mapper.transform(task["Xt"])), task)

    protocol = (
        "MNIST, left 16 columns → right 12, points gained by 500 unlabelled pairs and no target label over target-only "
        "with 3 labels a class, mean of 10 splits"
    )
    return _against_target_only("KernelCCA", protocol, score, 10.0)


def co_optimal_transport_recovers_pixels() -> Row:
    """CoOptimalTransport finds which pixels became which when they were shuffled and some dropped."""
    path = shared_data("usps_mnist_256.npz")
    if path is None:
        raise FileNotFoundError("usps_mnist_256.npz is not in the shared data folder")
    with np.load(path) as data:
        X, y = data["usps_X"].astype(float), data["usps_y"].astype(int)
    ours = []
    for seed in range(N_SPLITS):
        rng = np.random.default_rng(seed)
        rows, kept = rng.permutation(len(X)), rng.permutation(X.shape[1])[:200]
        half = len(X) // 2
        Xs, ys, Xt, yt = X[rows[:half]], y[rows[:half]], X[rows[half:]][:, kept], y[rows[half:]]
        told = np.full(len(yt), None, dtype=object)
        for c in np.unique(yt):
            few = rng.permutation(np.flatnonzero(yt == c))[:PER_CLASS]
            told[few] = yt[few]
        mapper = CoOptimalTransport(random_state=seed)
        model = _learner().fit(mapper.fit_transform(Xs, ys, X_target=Xt, y_target=told), ys)
        rest = np.array([v is None for v in told])
        alone = _learner().fit(Xt[~rest], yt[~rest])
        right, base = (100.0 * np.mean(m.predict(Xt)[rest] == yt[rest]) for m in (model, alone))
        ours.append((right, base))
    right, base = np.mean(ours, axis=0)
    gains = np.subtract(*np.transpose(ours))
    note = (
        f"target-only {base:.1f}, CoOptimalTransport {right:.1f}; better on {int((gains > 0).sum())} of {len(ours)} "
        f"splits, worst {gains.min():+.1f}"
    )
    protocol = (
        "USPS → other USPS rows with 200 of the 256 pixels in another order, 3 labels a class, points gained over "
        "target-only, mean of 10 splits"
    )
    return Row(("CoOptimalTransport",), protocol, 10.0, "stated property", 0.0, float(gains.mean()), note)


ROWS = [kernel_cca_pairs, co_optimal_transport_recovers_pixels]
