"""Rows of the ledger for tasks learned together or one after another, and for rows without labels."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import rotate
from scipy.special import stdtrit
from sklearn.base import clone

from benchmarks.ledger.rows import Row
from landbridge.data import load_builtin, shared_data
from landbridge.neural.multitask import MultiTask, task_affinity
from landbridge.neural.progressive import ProgressiveClassifier
from landbridge.neural.selftaught import DistantTransfer

__all__ = ["ROWS"]

SEEDS = range(20, 30)
BRIDGE = 300  # rows of the pool of distant_order that lie between source and target


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
    found = task_affinity(
        tasks,
        MultiTask(epochs=8, device="cpu", random_state=0),
        validation_fraction={"number": 0.9},
        n_seeds=4,
        random_state=0,
    )
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
    model = ProgressiveClassifier(epochs=2, image_shape=(8, 8), device="cpu", random_state=0).grow("digit", X, y)
    before = model.predict_proba("digit", X)
    after = model.grow("odd", X, y % 2).predict_proba("digit", X)
    return bool(np.array_equal(before, after))


def distant_digits() -> Row:
    """Six labelled rows, a source with wrong labels, and a pool of which half is scrambled."""
    runs = [(_printed(seed, pair), seed) for seed in SEEDS for pair in ((3, 8), (5, 9))]
    ours, chance, worst, alone = _orders(runs, DistantTransfer(standardize="global"), 200).T[:4]
    mean, low = _interval(ours - alone)
    others = [_interval(ours - other) for other in (chance, worst)]
    return Row(
        ("DistantTransfer",),
        "Handwritten digits in pairs with six labels, printed digits with 40 % wrong labels, an unlabelled pool of "
        "which half is scrambled, 20 runs: points over the target alone",
        0.0,
        "stated property",
        0.0,
        mean,
        f"± {mean - low:.1f} at 95 %; target alone {alone.mean():.1f}, selective {ours.mean():.1f}, over a random and "
        "a reversed order " + ", ".join(f"{m:+.1f} ± {m - low:.1f}" for m, low in others),
    )


def distant_order() -> Row:
    """A source turned away from the target, and a pool of which a sixth lies between: is the order worth anything."""
    held = _distant_images()
    pairs = ((2, 5), (3, 5), (5, 8), (7, 9))
    # Seeds 20 to 29 gave +0.8 with an interval of 1.0 to either side; these are fresh, and enough to tell.
    runs = [(_distant(held, seed, pair), seed) for seed in range(30, 80) for pair in pairs]
    found = _orders(runs, DistantTransfer(keep_intermediate=0.15, standardize="global"), BRIDGE)
    ours, chance, worst, alone, kept, by_chance, by_worst, source, pool = found.T
    over_chance, over_worst, over_alone = (_interval(ours - other) for other in (chance, worst, alone))
    return Row(
        ("DistantTransfer",),
        "MNIST digits in pairs, target turned by 45 degrees with six labels, source upright, an unlabelled pool of "
        "which a sixth is the pair at angles between and the rest other digits, CIFAR-10 and Omniglot, 200 runs: lower "
        "end of the 95 % interval, in points, of the selective over a random order",
        0.0,
        "stated property",
        0.0,
        over_chance[1],
        f"selective {ours.mean():.1f}, random {chance.mean():.1f}, reversed {worst.mean():.1f}, target alone "
        f"{alone.mean():.1f}; selective over random, reversed and target alone "
        + ", ".join(f"{mean:+.1f} ± {mean - low:.1f}" for mean, low in (over_chance, over_worst, over_alone))
        + f"; the source falls from 1 to {source.mean():.2f}, the pool rises from 0 to {pool.mean():.2f}; of the pool "
        f"rows selected last lie between {kept.mean():.2f}, {by_chance.mean():.2f} and {by_worst.mean():.2f}",
    )


def _orders(runs: list[Any], model: DistantTransfer, bridge: int) -> NDArray[np.float64]:
    """Points by order and by the target alone, the share of useful rows selected by order, and the shares at the end.

    The first rows of the pool, ``bridge`` in number, are the useful ones.
    """
    table = []
    for (rows, test), seed in runs:
        model = clone(model).set_params(random_state=seed)
        Xs, ys, Xi, Xt, yt = rows
        more = {"X_target": Xt, "y_target": yt, "intermediate_domains": [Xi]}
        fits: list[Any] = [
            clone(model).set_params(selection=order).fit(Xs, ys, **more)
            for order in ("selective", "random", "reversed")
        ]
        chosen = [fit.selection_["intermediate"] for fit in fits]
        scores = [100 * float(m.score(*test)) for m in (*fits, clone(model).fit(Xt, yt))]
        table.append([*scores, *(v[:bridge].sum() / v.sum() for v in chosen), *fits[0].selected_share_[-1]])
    return np.array(table)


def _interval(gain: NDArray[np.float64]) -> tuple[float, float]:
    """Mean, and the lower end of its 95 % interval."""
    mean = float(gain.mean())
    return mean, mean - float(stdtrit(len(gain) - 1, 0.975) * gain.std(ddof=1)) / len(gain) ** 0.5


def _distant_images() -> dict[str, NDArray[Any]]:
    """MNIST at 28 x 28, and photographs and letters at 14 x 14."""
    paths = [shared_data(f"{name}.npz") for name in ("mnist_20k", "cifar10_5k", "omniglot_background")]
    if None in paths:
        raise FileNotFoundError("mnist_20k.npz, cifar10_5k.npz or omniglot_background.npz (see LANDBRIDGE_DATA)")
    mnist, photos, letters = (np.load(path) for path in paths if path is not None)
    grey = photos["train_X"].mean(axis=3)[:, 2:30, 2:30] / 255.0
    ink = np.unpackbits(letters["background_ink_packed"][::4], axis=-1)[:, :11025].reshape(-1, 105, 105)
    ink = ink[:, :98, :98].reshape(-1, 14, 7, 14, 7).mean(axis=(2, 4))
    ink = ink / ink.max(axis=(1, 2), keepdims=True)
    return {"X": mnist["train_X"] / 255.0, "y": mnist["train_y"], "photos": _halved(grey), "letters": _flat(ink)}


def _distant(held: dict[str, NDArray[Any]], seed: int, pair: tuple[int, int]) -> tuple[Any, tuple[Any, Any]]:
    X, y, rng = held["X"], held["y"], np.random.default_rng(seed)
    classes = [rng.permutation(np.flatnonzero(y == c)) for c in pair]
    cuts = np.cumsum([0, 100, 3, 150, BRIDGE // 2])
    source, few, test, between = (np.concatenate([c[a:b] for c in classes]) for a, b in pairwise(cuts))
    others = rng.permutation(np.flatnonzero(~np.isin(y, pair)))[:500]
    pool = [
        _halved(_turned(X[between], rng.uniform(0, 45, len(between)))),
        _halved(_turned(X[others], rng.uniform(0, 360, len(others)))),
        *(part[rng.choice(len(part), 500, replace=False)] for part in (held["photos"], held["letters"])),
    ]
    target, new = (_halved(_turned(X[rows], np.full(len(rows), 45.0))) for rows in (few, test))
    return (_halved(X[source]), y[source], np.vstack(pool), target, y[few]), (new, y[test])


def _turned(images: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = [rotate(image, angle, reshape=False, order=1) for image, angle in zip(images, degrees, strict=True)]
    return np.clip(turned, 0.0, 1.0)


def _halved(images: NDArray[np.float64]) -> NDArray[np.float64]:
    return _flat(images.reshape(len(images), 14, 2, 14, 2).mean(axis=(2, 4)))


def _flat(images: NDArray[np.float64]) -> NDArray[np.float64]:
    return images.reshape(len(images), -1)


def _printed(seed: int, pair: tuple[int, int]) -> tuple[tuple[Any, ...], tuple[Any, Any]]:
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


ROWS = [tasks_together, grown_alphabets, distant_digits, distant_order]
