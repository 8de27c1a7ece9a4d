"""Named entities across languages and across corpora: what transfer gains where few target sentences are tagged.

    python -m benchmarks.tagging minilm ner_da_sv 0 1 2   # encoder, pair, seeds; adds to benchmarks/tagging.json
    python -m benchmarks.tagging minilm ner_da_sv 0 without-joint
    python -m benchmarks.tagging table                  # the table of docs/tagging.md

Protocol, made small for one processor core: a cap on source and test sentences, few epochs, and the candidates of
``transfer(task="tagging")`` judged by its guard on five splits of the labelled target sentences. Nothing was chosen by
the scores on the test sentences.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from landbridge.candidates._structured import Structured
from landbridge.data import shared_data, shared_weights
from landbridge.guard import decide
from landbridge.neural import Network
from landbridge.neural.tasks import Tagging
from landbridge.problem import Arguments, Sides
from landbridge.problem._structured import listed
from landbridge.runner import run

OUT = Path(__file__).with_suffix(".json")
# File, source, target's training sentences, target's test sentences.
PAIRS = {
    "ner_da_sv": ("ner_universal.npz", "da_ddt_train", "sv_talbanken_train", "sv_talbanken_test", "tagset"),
    "ncbi_bc5cdr": (
        *("ner_biomedical.npz", "ncbi_disease_train", "bc5cdr_disease_train", "bc5cdr_disease_test"),
        "bc5cdr_disease_tagset",
    ),
}
SIZES = (50, 200, 1000)
N_SOURCE, N_TEST = 500, 500
# The default of transfer.
EPOCHS = {"minilm": 20, "characters": 20}


def sentences(pair: str, which: int) -> tuple[list[list[str]], list[list[str]]]:
    """Words and tags of one part of a pair."""
    file, tagset = PAIRS[pair][0], PAIRS[pair][4]
    path = shared_data(file)
    assert path is not None
    with np.load(path, allow_pickle=False) as held:
        name = PAIRS[pair][which]
        words = bytes(held[f"{name}_tokens"]).decode().split("\n")
        tags = held[tagset][held[f"{name}_tags"]].tolist()
        ends = held[f"{name}_sent_offsets"].tolist()
    cuts = list(itertools.pairwise(ends))
    return [words[a:b] for a, b in cuts], [tags[a:b] for a, b in cuts]


class Looked(nn.Module):
    """Vectors of words of a frozen encoder, computed once for all fits."""

    reads_words = True

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.found: dict[tuple[str, ...], torch.Tensor] = {}
        self.encoder = [encoder]  # no part of the module

    def __deepcopy__(self, memo: Any) -> Looked:
        return self

    def read(self, rows: Any) -> dict[str, torch.Tensor]:
        (words,) = rows
        key = tuple(words)
        if key not in self.found:
            network = self.encoder[0]
            with torch.inference_mode():
                self.found[key] = network.tokens(network.preprocess.read([words])).hidden[0].clone()
        hidden = self.found[key]
        return {"hidden": hidden[None], "mask": torch.ones(1, len(hidden), dtype=torch.bool)}

    def forward(self, x: Any) -> Any:
        return x


class Passed(nn.Module):
    """A stage that changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, x: Any) -> Any:
        return x


def network_of(encoder: str) -> Any:
    """The network for the argument ``network``."""
    if encoder == "characters":
        return "characters"
    made = Tagging.make_backbone(str(shared_weights("minilm_l6_12k_fp16")), [])
    return Network({"words": Passed()}, in_features=made.in_features, preprocess=Looked(made))


def cell(network: Any, pair: str, size: int, seed: int, epochs: int, *, joint: bool) -> dict[str, Any]:
    """One run: F1 of every candidate on the test sentences, and which one the guard keeps."""
    rng = np.random.default_rng(seed)
    (Xs, ys), (Xt, yt), (Xe, ye) = (sentences(pair, i) for i in (1, 2, 3))
    s, e = rng.permutation(len(Xs))[:N_SOURCE], np.random.default_rng(0).permutation(len(Xe))[:N_TEST]
    t = rng.permutation(len(Xt))[:size]
    target = [Xt[i] for i in t] + [Xe[i] for i in e]
    shown = [yt[i] for i in t] + [None] * len(e)
    hidden = [None] * size + [ye[i] for i in e]
    arguments = Arguments.of(task="tagging", network=network, epochs=epochs, random_state=seed)
    sides = Sides(([Xs[i] for i in s], [ys[i] for i in s]), (target, shown), arguments)
    strategy, started = Structured(), time.perf_counter()
    problem = replace(strategy.read(sides), hidden_labels=listed(hidden))
    diagnosis = strategy.diagnose(problem)
    # Joint training takes two thirds of the time.
    specs = [s for s in strategy.plan(problem, diagnosis, sides) if joint or s.name != "joint"]
    trials = run(specs, problem, arguments)
    verdict = decide(trials, diagnosis, splits=problem.splits, confidence=0.9, random_state=seed)
    at = np.arange(size, len(target))
    scores = {x.name: problem.task.score(problem.hidden_labels[at], x.predicted[at]) for x in trials if not x.error}
    seconds = round(time.perf_counter() - started)
    return {"pair": pair, "size": size, "seed": seed, "f1": scores, "chosen": verdict.chosen, "seconds": seconds}


def known() -> list[dict[str, Any]]:
    """Runs that were made before."""
    return json.loads(OUT.read_text()) if OUT.is_file() else []


def table() -> str:
    """The runs as a table of means over seeds, with intervals of 95 % by the t distribution."""
    from scipy.stats import t as student

    names = ["source-only", "target-only", "fine-tuned", "joint"]
    head = ["pair", "encoder", "tagged", "seeds", *names, "guarded choice"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    cells: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for held in known():
        cells.setdefault((held["pair"], held["encoder"], held["size"]), []).append(held)
    for (pair, encoder, size), held in sorted(cells.items()):
        columns = [[r["f1"].get(n, np.nan) for r in held] for n in names]
        columns.append([r["f1"][r["chosen"]] for r in held])
        shown = []
        for values in columns:
            half = np.nan if len(values) < 2 else student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1)
            half = half / np.sqrt(len(values))
            mean = "not run" if np.isnan(values).any() else f"{100 * np.mean(values):.1f}"
            shown.append(mean + ("" if np.isnan(half) else f" ± {100 * half:.1f}"))
        lines.append("| " + " | ".join([pair, encoder, f"{size:,}", str(len(held)), *shown]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the cells of one encoder, pair and seed, or print the table."""
    if sys.argv[1] == "table":
        print(table())
        return
    encoder, pair, seeds = sys.argv[1], sys.argv[2], [int(s) for s in sys.argv[3:] if s != "without-joint"]
    joint = "without-joint" not in sys.argv
    network = network_of(encoder)
    for size, seed in itertools.product(SIZES, seeds):
        same = [r for r in known() if (r["encoder"], r["pair"], r["seed"], r["size"]) == (encoder, pair, seed, size)]
        if not same:
            found: dict[str, Any] = {
                "encoder": encoder,
                **cell(network, pair, size, seed, EPOCHS[encoder], joint=joint),
            }
            OUT.write_text(json.dumps([*known(), found], indent=1) + "\n")
            print(found, flush=True)


if __name__ == "__main__":
    main()
