"""One linear probe, 20 epochs, on the small ImageNet network: landbridge, transformers' Trainer or skorch.

Prints accuracy on held-out images, seconds and peak memory of the training, as JSON. Images are read and resized once
for everybody; the clock starts when they are in memory.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
MODEL = SHARED / "weights" / "mobilenet_v1_0.25_128_imagenet"
LIBRARIES = {
    "landbridge": ["landbridge.neural._estimator", "transformers.models.mobilenet_v1.modeling_mobilenet_v1"],
    "trainer": ["transformers.trainer", "transformers.models.mobilenet_v1.modeling_mobilenet_v1"],
    "skorch": ["skorch", "transformers.models.mobilenet_v1.modeling_mobilenet_v1"],
}
EPOCHS, BATCH, LR = 20, 32, 1e-2


def images() -> tuple[np.ndarray, np.ndarray]:
    """Read flowers, 128 x 128, with the number of their class."""
    X, y = [], []
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(SHARED / "data" / "flowers5.zip") as packed:
            packed.extractall(folder)
        files = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
        names = sorted({p.parent.name for p in files})
        for path in files:
            with Image.open(path) as image:
                X.append(np.asarray(image.convert("RGB").resize((128, 128))))
            y.append(names.index(path.parent.name))
    return np.stack(X), np.array(y)


def main(who: str) -> None:
    """Train and report.

    Parameters
    ----------
    who : {"landbridge", "trainer", "skorch"}
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    X, y = images()
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[: len(y) // 2], order[len(y) // 2 :]
    probe = {"landbridge": ours, "trainer": trainer, "skorch": with_skorch}[who]
    for library in LIBRARIES[who]:
        importlib.import_module(library)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fit, predict = probe(X[train], y[train])
    started = time.perf_counter()
    fit()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    accuracy = float(np.mean(predict(X[test]) == y[test]))
    print(json.dumps({"seconds": seconds, "accuracy": accuracy, "peak_mb": peak - before, "whole_mb": peak}))


def ours(X: np.ndarray, y: np.ndarray) -> Any:
    """NeuralClassifier with LinearProbe."""
    from landbridge.neural import NeuralClassifier, load_backbone
    from landbridge.neural.parameter import LinearProbe

    backbone = load_backbone(MODEL)
    model = NeuralClassifier(
        backbone, methods=[LinearProbe(1.0)], epochs=EPOCHS, batch_size=BATCH, learning_rate=LR, random_state=0
    )
    return lambda: model.fit(X, y), model.predict


def _frozen(n_classes: int) -> Any:
    from transformers import AutoModelForImageClassification

    model = AutoModelForImageClassification.from_pretrained(
        MODEL, num_labels=n_classes, ignore_mismatched_sizes=True,
        classifier_dropout_prob=0.0,  # the configuration says 0.999, the share that TensorFlow keeps
    )  # fmt: skip
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("classifier" in name)
    # the statistics of its batch norms were folded into the weights; who does not know that gets 21 % here
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train = lambda mode=True, it=module: it  # type: ignore[method-assign]
            module.training = False
    return model


def _scaled(X: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(X).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def trainer(X: np.ndarray, y: np.ndarray) -> Any:
    """Set up transformers' Trainer."""
    from transformers import Trainer, TrainingArguments

    model = _frozen(int(y.max()) + 1)
    pixels = _scaled(X)
    rows = [{"pixel_values": pixels[i], "labels": int(y[i])} for i in range(len(y))]
    folder = tempfile.mkdtemp()
    plan = TrainingArguments(
        folder, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, learning_rate=LR, weight_decay=0.01,
        lr_scheduler_type="cosine", save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True, seed=0,
        logging_strategy="no",
    )  # fmt: skip
    it = Trainer(model, plan, train_dataset=rows)

    def predict(X: np.ndarray) -> np.ndarray:
        model.eval()
        with torch.inference_mode():
            return model(_scaled(X)).logits.argmax(1).numpy()

    return it.train, predict


def with_skorch(X: np.ndarray, y: np.ndarray) -> Any:
    """Set up skorch."""
    from skorch import NeuralNetClassifier

    class Logits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = _frozen(int(y.max()) + 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.model(x).logits

    net = NeuralNetClassifier(
        Logits, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.AdamW, lr=LR, batch_size=BATCH,
        max_epochs=EPOCHS, iterator_train__shuffle=True, train_split=None, verbose=0,
    )  # fmt: skip
    pixels = _scaled(X)
    net.initialize()
    return lambda: net.fit(pixels, torch.from_numpy(y)), lambda X: net.predict(_scaled(X))


if __name__ == "__main__":
    main(sys.argv[1])
