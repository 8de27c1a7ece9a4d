"""``python -m benchmarks.few_labels``: every fine-tuning method with 5, 10 and 20 labelled images a class.

A small ImageNet network is carried to flowers and to chest X-rays; accuracy is that on all other images. What stays
near the source or adds rows rides on plain fine-tuning, as it does in its paper; nothing is tuned here. Figures are
kept run by run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from landbridge.data import shared_data
from landbridge.neural import Network, NeuralClassifier, load_backbone
from landbridge.neural import parameter as p
from landbridge.problem import read_network_target

FILE = Path(__file__).parent / "few_labels.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "few_labels.md"
PREFACE = """# Few labels

Accuracy in percent on all other images after learning from 5, 10 or 20 per class: a MobileNet (0.25, 128 pixels) of
ImageNet carried to five kinds of flowers and to three kinds of chest X-rays, three seeds, with intervals of 80 % over
the seeds. Methods that stay near the source or add rows ride on plain fine-tuning; nothing was tuned. The last column
is the mean difference from plain fine-tuning over the six columns, with its interval, and says whether the method
helps.
The batch norms of this network are folded, so that StochasticNorm had nothing to change; it is refused there since.
GradientProjection removes nothing while no weight moves by a hundredth of its size, as here.
`python -m benchmarks.few_labels` makes this page.

"""
SETS = {"flowers": ("flowers5.zip", ""), "chest": ("chest_xray.zip", "train")}
SIZES, SEEDS = (5, 10, 20), (0, 1, 2)
EPOCHS, PROBE_EPOCHS = 20, 100
# the 0.9 quantile of Student's t, over the root of the number: half an interval of 80 %
HALF = 1.886 / 3**0.5


def methods(network: Network, probe: Callable[[], Network]) -> dict[str, Callable[[], list[Any]]]:
    """Name every method with what it is given.

    Parameters
    ----------
    network : Network
        The source.
    probe : callable
        Gives a linear probe that was trained on the same rows.

    Returns
    -------
    dict of str to callable
    """
    names = network.stage_names
    half = len(names) // 2
    tune: Callable[[], Any] = p.FineTuning
    rates = {n: 0.03 if k < half else 0.1 for k, n in enumerate(names)}
    return {
        "LinearProbe": lambda: [p.LinearProbe()],
        "FineTuning": lambda: [tune()],
        "LPFT": lambda: [p.LPFT()],
        "GradualUnfreezing": lambda: [tune(), p.GradualUnfreezing()],
        "LayerwiseDecay": lambda: [p.LayerwiseDecay()],
        "DiscriminativeRates": lambda: [p.DiscriminativeRates(rates)],
        "LayerTransfer": lambda: [tune(), p.LayerTransfer(half)],
        "LowRankAdapters": lambda: [p.LowRankAdapters()],
        "L2SP": lambda: [tune(), p.L2SP()],
        "Delta": lambda: [tune(), p.Delta()],
        "AttentionTransfer": lambda: [tune(), p.AttentionTransfer()],
        "ConservativeTraining": lambda: [tune(), p.ConservativeTraining()],
        "LearningWithoutForgetting": lambda: [tune(), p.LearningWithoutForgetting(source_head())],
        "TrustRegion": lambda: [tune(), p.TrustRegion()],
        "GradientProjection": lambda: [tune(), p.GradientProjection()],
        "GradientClipping": lambda: [tune(), p.GradientClipping()],
        "BatchSpectralShrinkage": lambda: [tune(), p.BatchSpectralShrinkage()],
        "CoTuning": lambda: [tune(), p.CoTuning(source_head())],
        "BiTuning": lambda: [tune(), p.BiTuning()],
        "StageAttention": lambda: [tune(), p.StageAttention()],
        "Distillation": lambda: [tune(), p.Distillation(probe())],
        "Mixup": lambda: [tune(), p.Mixup()],
        "StrongAugmentation": lambda: [tune(), p.StrongAugmentation()],
        "BalancedBatches": lambda: [tune(), p.BalancedBatches()],
    }


def weights() -> Path:
    """Where the source network lies."""
    return Path(str(shared_data("flowers5.zip"))).parents[1] / "weights" / "mobilenet_v1_0.25_128_imagenet"


def source_head() -> nn.Module:
    """The source's own classifier, over ImageNet's classes."""
    from safetensors.torch import load_file

    state = load_file(weights() / "model.safetensors")
    weight, bias = (state[f"classifier.{k}"] for k in ("weight", "bias"))
    head = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    return head


def main() -> None:
    """Run what has not been run yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=None, help="methods")
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    held: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    network = load_backbone(weights())
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sets:
            archive, part = SETS[name]
            with zipfile.ZipFile(str(shared_data(archive))) as packed:
                packed.extractall(Path(folder) / name)
            rows = read_network_target(Path(folder) / name / part, network)
            y = np.array([str(v) for v in rows.y])  # type: ignore[union-attr]
            for seed in SEEDS:
                for size in SIZES:
                    _cell(held, name, rows.X, y, size, seed, network, given.only)
    print(table(held))
    PAGE.write_text(PREFACE + table(held) + "\n", encoding="utf-8")


def _cell(held: dict[str, Any], name: str, X: Any, y: Any, size: int, seed: int, network: Network, only: Any) -> None:
    rng = np.random.default_rng(seed)
    told = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:size] for c in np.unique(y)])
    rest = np.setdiff1d(np.arange(len(y)), told)

    def fit(parts: list[Any], epochs: int = EPOCHS, pretrained: bool = True) -> NeuralClassifier:
        model = NeuralClassifier(
            weights(), methods=parts, epochs=epochs, pretrained=pretrained, random_state=seed
        )  # fmt: skip
        return model.fit(X[told], y[told])

    made = methods(network, lambda: fit([p.LinearProbe()], PROBE_EPOCHS).network_)
    for method in only or ["from scratch", *made]:
        key = f"{name} {size} {method} {seed}"
        if key in held:
            continue
        if method == "from scratch":
            model = fit([], pretrained=False)
        else:
            model = fit(made[method](), PROBE_EPOCHS if method == "LinearProbe" else EPOCHS)
        held[key] = 100 * float(model.score(X[rest], y[rest]))
        print(key, round(held[key], 1), flush=True)
        FILE.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


def table(held: dict[str, Any]) -> str:
    """Write the figures as a table in Markdown.

    Parameters
    ----------
    held : dict of str to float

    Returns
    -------
    str
    """
    names = list(dict.fromkeys(k.split(" ", 2)[2].rsplit(" ", 1)[0] for k in held))
    columns = [(s, n) for s in SETS for n in SIZES]
    lines = [
        "| method | " + " | ".join(f"{s}, {n}" for s, n in columns) + " | against FineTuning |",
        "|---|" + "---|" * (len(columns) + 1),
    ]
    plain = {(s, n): _values(held, s, n, "FineTuning") for s, n in columns}
    for method in names:
        cells, gains = [], []
        for side, size in columns:
            values = _values(held, side, size, method)
            if len(values) < len(SEEDS) or len(plain[side, size]) < len(SEEDS):
                cells.append("")
                continue
            cells.append(f"{values.mean():.1f} ± {HALF * values.std(ddof=1):.1f}")
            gains.append(values - plain[side, size])
        lines.append(f"| {method} | " + " | ".join(cells) + f" | {_verdict(method, gains)} |")
    return "\n".join(lines)


def helping(held: dict[str, Any]) -> dict[str, str]:
    """Say of each method whether it helps, over plain fine-tuning.

    Parameters
    ----------
    held : dict of str to float

    Returns
    -------
    dict of str to str
        Only methods that have been run in every cell.
    """
    judged = {}
    for line in table(held).split("\n")[2:]:
        cells = [c.strip() for c in line.strip("|").split("|")]
        if cells[0] != "FineTuning" and all(cells[1:]):
            judged[cells[0]] = cells[-1].split(": ")[1]
    return judged


def _verdict(method: str, gains: list[Any]) -> str:
    """Say plainly whether the method helps: the mean over the six columns, with an interval over seeds."""
    if method == "FineTuning" or not gains:
        return ""
    each = np.mean(gains, axis=0)
    mean, half = float(each.mean()), HALF * float(each.std(ddof=1))
    word = "helps" if mean - half > 0 else "hurts" if mean + half < 0 else "no difference shown"
    return f"{mean:+.1f} ± {half:.1f}: {word}"


def _values(held: dict[str, Any], side: str, size: int, method: str) -> Any:
    keys = [f"{side} {size} {method} {seed}" for seed in SEEDS]
    return np.array([held[k] for k in keys if k in held])


if __name__ == "__main__":
    main()
