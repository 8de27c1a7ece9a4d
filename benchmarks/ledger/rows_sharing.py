"""Rows of the ledger for tasks learned together or one after another, and for rows without labels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from sklearn.base import clone

from benchmarks.ledger.rows import Row
from landbridge.data import load_builtin
from landbridge.neural.multitask import MultiTask, task_affinity
from landbridge.neural.progressive import ProgressiveClassifier
from landbridge.neural.selftaught import DistantTransfer

__all__ = ["ROWS"]

SEEDS = range(20, 30)


def tasks_together() -> Row:
    """A task with few rows beside one with many, and two contrary tasks through a bottleneck: both are recognised."""
    digits = load_builtin("handwritten")
    dice = np.random.default_rng(0)
    cards = np.hstack([digits.X[:1000], *(digits.X[dice.integers(0, len(digits), 1000)] for _ in range(2))])
    words = np.array("zero one two three four five six seven eight nine".split())
    tasks = {
        "number": (cards[:400], np.asarray(digits.y[:400])),
        "word": (cards[400:], words[np.asarray(digits.y[400:1000], dtype=int)]),
    }
    found = task_affinity(tasks, MultiTask(epochs=8, device="cpu"), held_out={"number": 0.9}, seeds=4)
    return Row(
        ("MultiTask",),
        "Handwritten digits, three in a row of which the first is asked for, 40 rows, learned beside a like task with "
        "600, 4 seeds: lower end of the gain's 95 % interval in points",
        0.0,
        "stated property",
        0.0,
        100 * float(found.low[0, 1]),
        f"alone {100 * found.alone[0]:.1f}, gain {100 * found.gain[0, 1]:+.1f}",
    )


def grown_alphabets() -> Row:
    """Progressive columns over five alphabets, against single networks: figures of ``benchmarks.progressive``."""
    from benchmarks.progressive import FILE

    held = json.loads(FILE.read_text())
    gains = {}
    for series in ("alphabets", "digits", "digit images"):
        grown, alone, _ = np.array([held[f"{series} {seed}"] for seed in range(3)]).transpose(1, 0, 2)
        gains[series] = 100 * float((grown - alone)[:, 1:].mean())
    same = _untouched()
    return Row(
        ("ProgressiveClassifier",),
        "Omniglot, five alphabets one after another, three drawings a character, 3 seeds: mean points of a progressive "
        "column over a network of its own",
        0.0,
        "stated property",
        0.0,
        gains["alphabets"] if same else -100.0,
        f"digits inverted and permuted, as tables {gains['digits']:+.1f}, as images {gains['digit images']:+.1f}; "
        "answers of earlier tasks after growth the same to the last bit",
    )


def _untouched() -> bool:
    digits = load_builtin("handwritten")
    X, y = digits.X[:200], np.asarray(digits.y[:200])
    model = ProgressiveClassifier(epochs=2, image_shape=(8, 8), device="cpu").grow("digit", X, y)
    before = model.predict_proba("digit", X)
    after = model.grow("odd", X, y % 2).predict_proba("digit", X)
    return bool(np.array_equal(before, after))


def distant_digits() -> Row:
    """Six labelled rows, a source with wrong labels, and a pool of which half is scrambled."""
    scores: list[list[float]] = []
    for seed in SEEDS:
        for pair in ((3, 8), (5, 9)):
            rows, test = _distant(seed, pair)
            model = DistantTransfer(scale="table", random_state=seed)
            fits: list[Any] = [
                clone(model).fit(*rows),
                clone(model).set_params(order="random").fit(*rows),
                clone(model).fit(rows[3], rows[4]),
            ]
            scores.append([100 * float(m.score(*test)) for m in fits])
    ours, chance, alone = np.array(scores).T
    gain = ours - alone
    return Row(
        ("DistantTransfer",),
        "Handwritten digits in pairs with six labels, printed digits with 40 % wrong labels, an unlabelled pool, 20 "
        "runs: points over the target alone",
        0.0,
        "stated property",
        0.0,
        float(gain.mean()),
        f"± {gain.std(ddof=1) / len(gain) ** 0.5:.1f}; target alone {alone.mean():.1f}, selective {ours.mean():.1f}, "
        f"the same shares in random order {chance.mean():.1f}: what selection adds is within the noise",
    )


def _distant(seed: int, pair: tuple[int, int]) -> tuple[tuple[Any, ...], tuple[Any, Any]]:
    printed, handwritten = load_builtin("printed"), load_builtin("handwritten")
    yp, yh = np.asarray(printed.y), np.asarray(handwritten.y)
    rng = np.random.default_rng(seed)
    rows = rng.choice(np.flatnonzero(np.isin(yp, pair)), 200, replace=False)
    ys = yp[rows].copy()
    wrong = rng.random(200) < 0.4
    ys[wrong] = sum(pair) - ys[wrong]
    classes = [rng.permutation(np.flatnonzero(yh == c))[:170] for c in pair]
    few, test = (np.concatenate([c[part] for c in classes]) for part in (slice(3), slice(3, 70)))
    like = handwritten.X[np.concatenate([c[70:] for c in classes])]
    scrambled = rng.permuted(handwritten.X[rng.choice(len(yh), 200, replace=False)], axis=1)
    pool = np.vstack([like, scrambled])
    return (printed.X[rows], ys, pool, handwritten.X[few], yh[few]), (handwritten.X[test], yh[test])


ROWS = [tasks_together, grown_alphabets, distant_digits]
