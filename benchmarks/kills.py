"""``python -m benchmarks.kills``: kill -9 at twenty random moments, and resume each time.

A process trains the built-in network with a checkpoint every two steps. It is killed at a random moment, started again
with ``resume``, and so on until it has ended; its weights must be those of a run that nobody disturbed, bit for bit,
and every checkpoint that is found on the way must be whole.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from landbridge.neural._checkpoint import latest_checkpoint, load_checkpoint

FILE = Path(__file__).parent / "kills.json"


def main() -> None:
    """Disturb, resume, compare and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", type=Path, default=None, help="folder; used by the processes that are killed")
    given = parser.parse_args()
    if given.train is not None:
        _train(given.train)
        return
    dice = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        calm, rough = Path(folder) / "calm", Path(folder) / "rough"
        started = time.perf_counter()
        _start(calm).wait()
        whole = time.perf_counter() - started
        wanted = (calm / "weights").read_bytes()
        kills, same, read = 0, 0, 0
        steps: list[int] = []
        while kills < given.kills:
            process = _start(rough)
            try:
                # from before the first step to after the last
                process.wait(timeout=dice.uniform(0.3, 1.05) * whole)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                place = latest_checkpoint(rough / "source") if (rough / "source").exists() else None
                if place is not None:
                    load_checkpoint(place)  # an error here would be a file half written
                    read += 1
                    steps.append(int(place.name.split("-")[1]))
                continue
            same += _ended(rough, wanted)
        while not (rough / "weights").exists():
            _start(rough).wait()
        same += _ended(rough, wanted)
    told: dict[str, Any] = {"kills": kills, "runs that ended": same, "checkpoints read whole": read, "at steps": steps}
    print(told)
    FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "benchmarks.kills", "--train", str(folder)])


def _ended(folder: Path, wanted: bytes) -> int:
    if (folder / "weights").read_bytes() != wanted:
        raise SystemExit("the weights of the resumed run differ from the undisturbed one's")
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    return 1


def _train(folder: Path) -> None:
    import torch
    from safetensors.torch import save

    from landbridge.data import load_builtin
    from landbridge.neural import NeuralClassifier
    from landbridge.neural.parameter import L2SP

    torch.set_num_threads(1)
    digits = load_builtin("handwritten").take(range(600))
    model = NeuralClassifier(
        "builtin", methods=[L2SP()], epochs=6, average="ema", image_shape=(8, 8), checkpoint_dir=folder,
        checkpoint_every=2, resume=True, random_state=0,
    )  # fmt: skip
    model.fit(digits.X, digits.y)
    part = folder / ".weights"
    part.write_bytes(save({k: v.contiguous() for k, v in model.network_.state_dict().items()}))
    part.replace(folder / "weights")


if __name__ == "__main__":
    main()
