"""Train the built-in backbone on the built-in printed digits and write its weights.

Run from the checkout::

    python -m benchmarks.train_builtin
"""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import save_file

from landbridge.data import load_builtin
from landbridge.neural import Classification, Samples, Training, predict_logits, train
from landbridge.neural.backbones._builtin import WEIGHTS, builtin_backbone


def main() -> None:
    """Train, report, write."""
    printed = load_builtin("printed", random_state=0)
    handwritten = load_builtin("handwritten")
    task = Classification(np.arange(10))
    torch.manual_seed(0)
    network = builtin_backbone(pretrained=False, random_state=0)
    network.replace_head(task.head(network.in_features))
    X = torch.tensor(printed.X, dtype=torch.float32).reshape(-1, 1, 8, 8)
    network.preprocess.learn(X)
    settings = Training(
        epochs=30, batch_size=64, learning_rate=3e-3, weight_decay=0.05, average="ema", device="cpu", random_state=0
    )
    history = train(network, task, Samples(X, task.encode(printed.y)), settings=settings)
    print(f"last loss {history.epochs[-1]['loss']:.4f}")
    for domain in (printed, handwritten):
        network.preprocess.learn(torch.tensor(domain.X, dtype=torch.float32).reshape(-1, 1, 8, 8))
        logits = predict_logits(network, torch.tensor(domain.X, dtype=torch.float32).reshape(-1, 1, 8, 8))
        print(f"{domain.name}: accuracy {(task.predict(logits) == domain.y).mean():.4f}")
    weights = {k: v.clone().contiguous() for k, v in network.state_dict().items() if k.startswith("stages.")}
    WEIGHTS.parent.mkdir(exist_ok=True)
    save_file(weights, WEIGHTS)
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
