"""``python -m benchmarks.backbones``: does rank() foretell how trained networks do once fine-tuned?

Each network that lies in the folder of trained weights is ranked on 20 labelled images a class and fine-tuned on the
same images; the accuracy is that on all other images. Figures are kept network by network.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from landbridge import rank
from landbridge.data import shared_data
from landbridge.data._images import list_images
from landbridge.neural import NeuralClassifier, load_backbone
from landbridge.neural.parameter import LPFT
from landbridge.problem import read_network_target
from landbridge.transferability import agreement

FILE = Path(__file__).parent / "backbones.json"
SETS = {
    "flowers": ("flowers5.zip", ""),
    "chest": ("chest_xray.zip", "train"),
    "photographs": ("pacs_photo_art.zip", "photo"),
    "paintings": ("pacs_photo_art.zip", "art_painting"),
}
SINGLE = ("logme", "regularised_h_score")
PER_CLASS = 20


def main() -> None:
    """Run what has not been run yet, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--weights", type=Path, default=None, help="folder of trained networks")
    given = parser.parse_args()
    held: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    weights = given.weights or Path(str(shared_data("flowers5.zip"))).parents[1] / "weights"
    networks = sorted(p for p in weights.iterdir() if (p / "config.json").is_file() or p.suffix == ".safetensors")
    networks = [p for p in networks if "audioset" not in p.name]
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sets:
            archive, part = SETS[name]
            root = Path(folder) / name
            with zipfile.ZipFile(str(shared_data(archive))) as packed:
                packed.extractall(root)
            for path in networks:
                for seed in range(given.seeds):
                    key = f"{name} {path.name} {seed}"
                    if key not in held:
                        found = _one(path, root / part, given.epochs, seed)
                        held = json.loads(FILE.read_text()) if FILE.exists() else {}  # others may have written
                        held[key] = found
                        print(key, held[key], flush=True)
                        FILE.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    for name in SETS:
        for score in ("mean_z_score", *SINGLE):
            tau, pearson = ordered(name, score)
            print(f"{name}, {score}: weighted Kendall {tau:.2f}, Pearson {pearson:.2f}")


def ordered(name: str, score: str = "mean_z_score") -> tuple[float, float]:
    """How a score, averaged over seeds, orders the networks by their fine-tuned accuracy.

    Parameters
    ----------
    name : str
        The image set.
    score : str, default="mean_z_score"
        ``"mean_z_score"`` is the mean of the others, each in the networks' standard deviations, seed by seed.

    Returns
    -------
    weighted_kendall, pearson : float
    """
    by: dict[str, dict[str, dict[str, float]]] = {}
    for key, value in json.loads(FILE.read_text()).items():
        side, network, seed = key.split(" ")
        if side == name:
            by.setdefault(seed, {})[network] = value
    networks = max(by.values(), key=len)
    whole = [found for found in by.values() if len(found) == len(networks)]
    table = {k: np.array([[found[n][k] for n in networks] for found in whole]) for k in (*SINGLE, "accuracy")}
    scaled = [
        (v - v.mean(axis=1, keepdims=True)) / v.std(axis=1, keepdims=True) for k, v in table.items() if k in SINGLE
    ]
    table["mean_z_score"] = np.mean(scaled, axis=0)
    found = agreement(scores=table[score].mean(axis=0), accuracies=table["accuracy"].mean(axis=0))
    return float(found.weighted_kendall), float(found.pearson)


def _one(path: Path, folder: Path, epochs: int, seed: int) -> dict[str, float]:
    network = load_backbone(path)
    rows = read_network_target(folder, network)
    y = np.array(rows.y.tolist()) if rows.y is not None else np.empty(0)
    rng = np.random.default_rng(seed)
    told = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:PER_CLASS] for c in np.unique(y)])
    rest = np.setdiff1d(np.arange(len(y)), told)
    files, _ = list_images(folder)
    few = {"n_bootstrap": 0, "n_permutations": 0}
    scores = {
        score: rank({"it": path}, ([files[i] for i in told], y[told]), score=score, **few).values["it"]
        for score in SINGLE
    }
    model = NeuralClassifier(path, methods=[LPFT()], epochs=epochs, random_state=seed).fit(rows.X[told], y[told])
    return scores | {"accuracy": float(model.score(rows.X[rest], y[rest]))}


if __name__ == "__main__":
    main()
