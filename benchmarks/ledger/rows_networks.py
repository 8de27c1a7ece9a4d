"""Rows of the ledger for networks: fine-tuning on few images, and adaptation without target labels."""

from __future__ import annotations

import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fewshot import train_and_judge
from benchmarks.ledger.rows import Row
from benchmarks.ledger.sets import file
from landbridge import transfer
from landbridge.data import load_builtin
from landbridge.neural import NeuralClassifier
from landbridge.neural.feature import CDAN, DAN, DANN, DDC, JAN, MCC, WDGRL, CentralMoments, DeepCORAL, DeepJDOT

__all__ = ["ROWS"]

SEEDS = (0, 1, 2)
SETS = {"flowers": ("flowers5.zip", ""), "chest X-rays": ("chest_xray.zip", "train")}


def _weights(name: str) -> Path:
    return Path(str(file("flowers5.zip"))).parents[1] / "weights" / name


def guarded_networks() -> Row:
    """transfer() from a small ImageNet network to 20 images a class, against a probe and against starting anew."""
    network, told, gains, behind = _weights("mobilenet_v1_0.25_128_imagenet"), [], [], []
    if not network.exists():
        raise FileNotFoundError(f"{network.name} is not in the shared folder")
    with tempfile.TemporaryDirectory() as folder:
        for name, (archive, part) in SETS.items():
            with zipfile.ZipFile(str(file(archive))) as packed:
                packed.extractall(Path(folder) / name)
            each = []
            for seed in SEEDS:
                result = transfer(network, Path(folder) / name / part, target_labels=20, random_state=seed)
                values = {c.name: 100 * c.hidden.value for c in result.candidates if c.hidden is not None}
                chosen = values[result.decision.chosen]
                each.append([chosen, values["LinearProbe"], values["target-only"]])
                gains.append(chosen - values["target-only"])
                behind.append(chosen - values["LinearProbe"])
            mean, spread = np.mean(each, axis=0), np.std(each, axis=0, ddof=1)
            told.append(
                f"{name}: " + ", ".join(
                    f"{n} {m:.1f} ± {s:.1f}"
                    for n, m, s in zip(("guarded", "linear probe", "from scratch"), mean, spread, strict=True)
                )
            )  # fmt: skip
    return Row(
        ("transfer", "LinearProbe", "LPFT", "FineTuning"),
        "MobileNet 0.25 of ImageNet to flowers and chest X-rays, 20 images a class, 3 seeds: least points of the "
        "guarded choice over training from scratch",
        15.0,
        "stated property",
        0.0,
        float(min(gains)),
        f"{'; '.join(told)}; least points over the linear probe {min(behind):+.1f}",
    )


@lru_cache(maxsize=1)
def _adapted() -> dict[str, list[float]]:
    """Target accuracy in percent of each method, printed to handwritten digits, three seeds."""
    source, target = load_builtin("printed"), load_builtin("handwritten")
    methods: dict[str, Any] = {
        "source-only": None,
        **{k.__name__: k for k in (DDC, DAN, JAN, DeepCORAL, CentralMoments, DeepJDOT, DANN, CDAN, WDGRL, MCC)},
    }
    found: dict[str, list[float]] = {}
    for name, make in methods.items():
        for seed in SEEDS:
            model = NeuralClassifier(
                "builtin",
                methods=[] if make is None else [make()],
                pretrained=False,
                epochs=15,
                batch_size=64,
                image_shape=(8, 8),
                random_state=seed,
            )
            model.fit(source.X, source.y, X_target=target.X)
            found.setdefault(name, []).append(100 * model.score(target.X, target.y))
    return found


def adapted_digits() -> Row:
    """The best adaptation of a small network that starts from random weights, against the same network without."""
    found = _adapted()
    means = {k: float(np.mean(v)) for k, v in found.items()}
    best = max((k for k in means if k != "source-only"), key=means.__getitem__)
    note = ", ".join(f"{k} {means[k]:.1f} ± {np.std(v, ddof=1):.1f}" for k, v in found.items())
    return Row(
        tuple(k for k in found if k != "source-only"),
        "Printed → handwritten digits (8 x 8), a small network from random weights, no target label, 3 seeds: points "
        "gained by the best of ten methods",
        15.0,
        "stated property",
        0.0,
        means[best] - means["source-only"],
        f"best {best}; {note}",
    )


def one_shot_characters() -> Row:
    """Omniglot's official one-shot runs; seeds that ``benchmarks.fewshot`` has trained are not trained again."""
    steps = {"prototypical": 3000, "siamese": 6000}
    for method, n in steps.items():
        held = train_and_judge([method], len(SEEDS), n)
    each = {m: [100 * held[f"{m} {n} {s}"]["accuracy"] for s in SEEDS] for m, n in steps.items()}
    minutes = max(held[f"{m} {n} {s}"]["minutes"] for m, n in steps.items() for s in SEEDS)
    told = ", ".join(f"{m} {np.mean(v):.1f} ± {np.std(v, ddof=1):.1f}" for m, v in each.items())
    return Row(
        ("PrototypicalClassifier", "SiameseClassifier"),
        "Omniglot, the official 20 runs of 20-way one-shot within an alphabet, trained on the 30 background alphabets, "
        "3 seeds: the lesser mean accuracy of the two networks",
        84.0,
        "stated property",
        0.0,
        min(float(np.mean(v)) for v in each.values()),
        f"{told}; pixel nearest neighbour {100 * held['pixels']:.1f}; siamese by Koch and others, published 92.0; "
        f" {minutes:.0f} minutes a training at most",
    )


ROWS = [guarded_networks, adapted_digits, one_shot_characters]
