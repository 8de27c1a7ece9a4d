"""``python -m benchmarks.fewshot``: Omniglot, the official twenty runs of 20-way one-shot within an alphabet.

Trained on the thirty background alphabets alone; every seed is kept as it ends.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landbridge.data import shared_data
from landbridge.neural.fewshot import (
    PrototypicalClassifier,
    SiameseClassifier,
    conv_embedding,
    train_prototypical,
    train_siamese,
)

FILE = Path(__file__).parent / "fewshot.json"
SIZE = 28
Run = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]


def background() -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
    """Read the background characters, 28 x 28, ink 1; their characters and alphabets."""
    with np.load(str(shared_data("omniglot_background.npz"))) as data:
        X = _small(data["background_ink_packed"])
        return X, data["background_char"].astype(np.intp), data["background_alphabet"].astype(np.intp)


def official_runs() -> list[Run]:
    """Read the twenty runs: twenty support images, twenty queries, and which support image is right."""
    with np.load(str(shared_data("omniglot_oneshot_runs.npz"))) as data:
        support, query, answer = data["train_bits"], data["test_bits"], data["answer"].astype(np.intp)
        return [(_small(support[k]), _small(query[k]), answer[k]) for k in range(len(answer))]


def one_shot_accuracy(make: Callable[[], Any], runs: list[Run]) -> float:
    """Mean accuracy over the runs."""
    return float(np.mean([np.mean(make().fit(S, np.arange(len(S))).predict(Q) == a) for S, Q, a in runs]))


def pixels(runs: list[Run]) -> float:
    """Accuracy of the nearest image, dot by dot."""
    right = [
        ((Q[:, None] - S[None]).reshape(len(Q), len(S), -1) ** 2).sum(-1).argmin(1) == answer for S, Q, answer in runs
    ]
    return float(np.mean(right))


def with_turns(X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Characters turned by quarters count as characters of their own."""
    turned = [np.rot90(X, k, axes=(1, 2)) for k in range(4)]
    n, m = int(y.max()) + 1, int(groups.max()) + 1
    return (
        np.concatenate(turned),
        np.concatenate([y + k * n for k in range(4)]),
        np.concatenate([groups + k * m for k in range(4)]),
    )


def jiggle(x: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    """Turn, shear, scale and move each image a little."""
    n = len(x)
    a, s, t = (torch.rand(n, k, generator=dice) * 2 - 1 for k in (1, 3, 2))
    angle = 0.2 * a[:, 0]
    turn = torch.stack([torch.cos(angle), -torch.sin(angle), torch.sin(angle), torch.cos(angle)], 1).view(n, 2, 2)
    stretch = torch.zeros(n, 2, 2)
    stretch[:, 0, 0], stretch[:, 1, 1] = 1 + 0.2 * s[:, 0], 1 + 0.2 * s[:, 1]
    stretch[:, 0, 1] = 0.2 * s[:, 2]
    grid = torch.nn.functional.affine_grid(
        torch.cat([turn @ stretch, 0.12 * t[:, :, None]], dim=2), list(x.shape), align_corners=False
    )
    return torch.nn.functional.grid_sample(x, grid, align_corners=False)


def main() -> None:
    """Train, judge and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="*", default=["prototypical", "siamese"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3000)
    given = parser.parse_args()
    held = train_and_judge(given.methods, given.seeds, given.steps)
    print(json.dumps(held, indent=1))


def train_and_judge(methods: list[str], seeds: int, steps: int) -> dict[str, Any]:
    """Train what has not been trained yet, judge it on the official runs, and keep the figures."""
    runs, held = official_runs(), json.loads(FILE.read_text()) if FILE.exists() else {}
    held["pixels"] = pixels(runs)
    wanted = [(m, s) for s in range(seeds) for m in methods if f"{m} {steps} {s}" not in held]
    X, y, alphabets = with_turns(*background()) if wanted else (None, None, None)
    for method, seed in wanted:
        started = time.perf_counter()
        network = conv_embedding(SIZE, random_state=seed)
        how: dict[str, Any] = {
            "groups": alphabets,
            "change": jiggle,
            "random_state": seed,
            "progress": lambda i, loss, right: print(f"{i} {loss:.3f} {right:.3f}", flush=True),
        }
        if method == "prototypical":
            train_prototypical(network, X, y, n_way=20, n_queries=4, n_episodes=steps, **how)
            accuracy = one_shot_accuracy(lambda network=network: PrototypicalClassifier(network), runs)
        else:
            pairs = train_siamese(network, X, y, n_way=20, n_samples=4, n_batches=steps, **how)
            accuracy = one_shot_accuracy(lambda pairs=pairs: SiameseClassifier(pairs), runs)
        key = f"{method} {steps} {seed}"
        held[key] = {"accuracy": accuracy, "minutes": (time.perf_counter() - started) / 60}
        print(key, held[key], flush=True)
        # another process may have written in the meantime
        others = json.loads(FILE.read_text()) if FILE.exists() else {}
        held = others | held
        FILE.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    return held


def _small(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    ink = np.unpackbits(bits, axis=-1)[..., : 105 * 105].reshape(-1, 1, 105, 105)
    x = torch.from_numpy(ink.astype(np.float32))
    return torch.nn.functional.interpolate(x, (SIZE, SIZE), mode="area")[:, 0].numpy()


if __name__ == "__main__":
    main()
