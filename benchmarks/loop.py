"""``python -m benchmarks.loop``: what the training loop costs over loops written by hand, and a probe against peers.

Each pair runs in turns, so that both see the same machine; the figure is the median ratio of neighbouring runs. The
loops by hand do the same steps on the same tensors and nothing else: no progress, history, schedule, or checks.

The linear probe is compared with transformers' Trainer and with skorch, each in a process of its own that reads the
same images from memory and reports accuracy, seconds and peak memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge.neural import Classification, Network, Samples, Training, train
from landbridge.neural.backbones import module_backbone
from landbridge.neural.feature import CDAN, DAN, DANN, discriminator, multi_kernel_mmd, reverse_gradient

FILE = Path(__file__).parent / "loop.json"
CLASSES, BATCH = 10, 32
# depth and width of a multilayer perceptron whose step takes about so long on one core
STEPS = {"1 ms": (3, 360), "10 ms": (4, 1050)}


def main() -> None:
    """Run, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=["plain", "adaptation", "probe"])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has skorch and accelerate")
    given = parser.parse_args()
    torch.set_num_threads(1)
    held = json.loads(FILE.read_text()) if FILE.exists() else {}
    for part in given.only:
        if part == "plain":
            for name in STEPS:
                held[f"plain, step of {name}"] = _compare(name, None, given.repeats)
        elif part == "adaptation":
            for method in (DAN, DANN, CDAN):
                held[f"{method.__name__}, step of 10 ms"] = _compare("10 ms", method, given.repeats)
        else:
            held["linear probe, 20 epochs"] = _probes(given.python)
        FILE.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    for key, value in held.items():
        print(key, value)


def _network(size: str) -> Network:
    depth, width = STEPS[size]
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for k in range(depth):
        layers.append(nn.Sequential(nn.Linear(64 if k == 0 else width, width), nn.ReLU()))
    network = module_backbone(nn.Sequential(*layers), example=torch.zeros(2, 64))
    return network.replace_head(nn.Linear(width, CLASSES))


def _compare(size: str, method: Any, repeats: int) -> dict[str, float]:
    dice = torch.Generator().manual_seed(0)
    n, epochs = (3200, 20) if size == "1 ms" else (3200, 5) if method is None else (3200, 3)
    X, other = (torch.randn(n, 64, generator=dice) for _ in range(2))
    y = torch.randint(CLASSES, (n,), generator=dice)
    settings = Training(epochs=epochs, batch_size=BATCH, schedule="constant", warmup=0, random_state=0)
    task = Classification(list(range(CLASSES)))
    steps = n // BATCH * epochs
    by_hand: Callable[..., Tensor] | None = BY_HAND[method]
    ratios, bare, ours = [], [], []
    for k in range(repeats + 1):
        started = time.perf_counter()
        _bare(_network(size), X, y, other if method else None, epochs, by_hand)
        middle = time.perf_counter()
        train(
            _network(size), task, Samples(X, y), methods=[method()] if method else [],
            target=Samples(other) if method else None, settings=settings,
        )  # fmt: skip
        ended = time.perf_counter()
        if k:  # the first round warms up
            bare.append((middle - started) / steps)
            ours.append((ended - middle) / steps)
            ratios.append(ours[-1] / bare[-1])
    told = {
        "ratio": statistics.median(ratios),
        "milliseconds by hand": 1e3 * statistics.median(bare),
        "milliseconds": 1e3 * statistics.median(ours),
    }
    print(size, method and method.__name__, told, flush=True)
    return told


def _bare(
    network: Network, X: Tensor, y: Tensor, other: Tensor | None, epochs: int, extra: Callable[..., Tensor] | None
) -> None:
    """The loop as one would write it for this purpose alone."""
    body, head = nn.Sequential(*network.stages.values()), network.head
    width = STEPS["10 ms"][1]
    judge: Any = None
    if extra is not None and extra is not BY_HAND[DAN]:
        judge = discriminator(width * CLASSES if extra is BY_HAND[CDAN] and width * CLASSES <= 4096 else (
            1024 if extra is BY_HAND[CDAN] else width), 128, X)  # fmt: skip
    params = [*body.parameters(), *head.parameters(), *(judge.parameters() if judge is not None else ())]
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in params if p.ndim > 1], "weight_decay": 0.01},
         {"params": [p for p in params if p.ndim < 2], "weight_decay": 0.0}], lr=1e-3, fused=True,
    )  # fmt: skip
    maps = (torch.randn(width, 1024), torch.randn(CLASSES, 1024)) if extra is BY_HAND[CDAN] else None
    total, step = len(X) // BATCH * epochs, 0
    for _ in range(epochs):
        cuts = torch.randperm(len(X)).split(BATCH)
        others = torch.randperm(len(X)).split(BATCH)
        for index, theirs in zip(cuts, others, strict=True):
            features = body(X[index])
            logits = head(features)
            loss = F.cross_entropy(logits, y[index])
            if extra is not None and other is not None:
                far = body(other[theirs])
                loss = loss + extra(features, far, logits, head(far), judge, maps, step / total)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1


def _rise(p: float) -> float:
    return 2.0 / (1.0 + 2.718281828459045 ** (-10.0 * p)) - 1.0


def _dan(own: Tensor, far: Tensor, logits: Tensor, others: Tensor, judge: Any, maps: Any, p: float) -> Tensor:
    return _rise(p) * multi_kernel_mmd(own, far)


def _told_apart(judge: Any, own: Tensor, far: Tensor, p: float, weights: Tensor | None = None) -> Tensor:
    answers = judge(reverse_gradient(torch.cat([own, far]), _rise(p)))[:, 0]
    sides = torch.cat([torch.ones(len(own)), torch.zeros(len(far))])
    return 2.0 * F.binary_cross_entropy_with_logits(answers, sides, weight=weights)


def _dann(own: Tensor, far: Tensor, logits: Tensor, others: Tensor, judge: Any, maps: Any, p: float) -> Tensor:
    return _told_apart(judge, own, far, p)


def _cdan(own: Tensor, far: Tensor, logits: Tensor, others: Tensor, judge: Any, maps: Any, p: float) -> Tensor:
    answers = torch.cat([logits, others]).detach().softmax(1)
    weights = 1.0 + torch.exp((answers * (answers + 1e-12).log()).sum(1))
    n = len(own)
    weights = torch.cat([weights[:n] / weights[:n].mean(), weights[n:] / weights[n:].mean()])
    mixed = (torch.cat([own, far]) @ maps[0]) * (answers @ maps[1]) / 32.0
    return _told_apart(judge, mixed[:n], mixed[n:], p, weights)


BY_HAND: dict[Any, Any] = {None: None, DAN: _dan, DANN: _dann, CDAN: _cdan}


def _probes(python: str) -> dict[str, Any]:
    """The same probe three ways, each in its own process."""
    worker, told = Path(__file__).parent / "probe_worker.py", {}
    for who in ("landbridge", "trainer", "skorch"):
        command = [sys.executable if who == "landbridge" else python, str(worker), who]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            told[who] = {"error": done.stderr.strip().splitlines()[-1]}
        else:
            told[who] = json.loads(done.stdout.strip().splitlines()[-1])
        print(who, told[who], flush=True)
    return told


if __name__ == "__main__":
    main()
