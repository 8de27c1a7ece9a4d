"""``python -m benchmarks.streaming``: images a second and peak memory of samples that are decoded during training.

A data set of 100,000 JPEG images of 224 x 224 pixels is decoded from one memory-mapped file (some hundred distinct
images, taken in turn, so that the disk holds little) and trains a tiny network for an epoch. A plain loop over torch's
DataLoader decodes the same images in the same number of workers. Each pair runs in turns; the figure is the median
ratio of neighbouring runs. Peak memory is that of a process of its own that trains on all of them.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

from landbridge.neural import Classification, Network, StreamedSamples, Training, train

FILE = Path(__file__).parent / "streaming.json"
SIDE, CLASSES, BATCH, DISTINCT = 224, 10, 64, 500


class Pictures:
    """JPEG images in one memory-mapped file.

    Parameters
    ----------
    folder : Path
        As :func:`store` filled it.
    n : int
        Number of samples; the stored images are taken in turn.
    """

    def __init__(self, folder: Path, n: int) -> None:
        self.content = np.memmap(folder / "images", dtype=np.uint8, mode="r")
        self.ends = np.load(folder / "ends.npy")
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        k = i % len(self.ends)
        content = self.content[self.ends[k - 1] if k else 0 : self.ends[k]].tobytes()
        pixels = np.array(Image.open(io.BytesIO(content)).convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1), i % CLASSES


def store(folder: Path) -> None:
    """Draw and store the images: smooth, with some noise, of the size of small photographs."""
    rng = np.random.default_rng(0)
    ends = []
    with open(folder / "images", "wb") as file:
        for _ in range(DISTINCT):
            coarse = Image.fromarray(rng.integers(256, size=(14, 14, 3), dtype=np.uint8)).resize((SIDE, SIDE), 3)
            noisy = np.clip(np.asarray(coarse) + rng.normal(scale=6, size=(SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(file, "JPEG", quality=85)
            ends.append(file.tell())
    np.save(folder / "ends.npy", np.array(ends))


class _Shares(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.float() / 255.0


def _network() -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        stages = {"small": nn.AvgPool2d(16), "edges": nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU())}
        return Network(stages, in_features=16, head=nn.Linear(16, CLASSES), preprocess=_Shares())


def _plain(data: Any, workers: int) -> None:
    """The loop as one would write it for this purpose alone."""
    network = _network().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    loader: Any = DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=workers)
    for x, y in loader:
        loss = nn.functional.cross_entropy(network(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def _ours(data: Any, workers: int, kind: str) -> None:
    rows = StreamedSamples(data, n_workers=workers, workers=kind)
    task = Classification(list(range(CLASSES)))
    train(_network(), task, rows, settings=Training(epochs=1, batch_size=BATCH, device="cpu", random_state=0))


def _pairs(folder: Path, n: int, workers: int, repeats: int) -> dict[str, Any]:
    data = Pictures(folder, n)
    held: dict[str, list[float]] = {"plain": [], "thread": [], "process": []}
    for k in range(repeats + 1):
        for name in held:
            started = time.perf_counter()
            if name == "plain":
                _plain(data, workers)
            else:
                _ours(data, workers, name)
            if k:  # the first round warms up
                held[name].append(n / (time.perf_counter() - started))
    found: dict[str, Any] = {"images a second, DataLoader by hand": statistics.median(held["plain"])}
    for name in ("thread", "process"):
        ratios = [a / b for a, b in zip(held[name], held["plain"], strict=True)]
        found[f"images a second, {name}"] = statistics.median(held[name])
        found[f"ratio, {name}"] = statistics.median(ratios)
    return found


def _peak() -> float:
    """Peak memory of this process, in MB, without what it had from the one that started it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Run, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=["pairs", "memory"])
    parser.add_argument("--n", type=int, default=100_000, help="images of the run whose memory is measured")
    parser.add_argument("--pair", type=int, default=3_000, help="images of each timed run")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--whole", type=Path, default=None, help="folder; used by the process that is measured")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.whole is not None:
        before = _peak()
        started = time.perf_counter()
        _ours(Pictures(given.whole, given.n), given.workers, "thread")
        rate = given.n / (time.perf_counter() - started)
        print(json.dumps([_peak(), _peak() - before, rate]))
        return
    found: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store(folder)
        if "pairs" in given.only:
            found |= _pairs(folder, given.pair, given.workers, given.repeats)
            found |= {"workers": given.workers, "pairs": given.repeats, "images a pair": given.pair}
        if "memory" in given.only:
            command = [sys.executable, "-m", "benchmarks.streaming", "--whole", name, "--n", str(given.n)]
            command += ["--workers", str(given.workers)]
            whole = subprocess.run(command, capture_output=True, text=True, check=True)
            peak, more, rate = json.loads(whole.stdout.strip().splitlines()[-1])
            found |= {"images": given.n, "MB they would take": given.n * 3 * SIDE * SIDE / 2**20}
            found |= {"peak memory, MB": peak, "of which training, MB": more, "images a second, all": rate}
    print(json.dumps(found, indent=1))
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
