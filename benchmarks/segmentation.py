"""Semantic segmentation of street scenes with few labelled images: trained networks against training from scratch.

The networks were trained on Cityscapes (ESPNet) and on Pascal VOC (DeepLabV3 on MobileNetV2), the target is CamVid.
Its 80 test images score the outcome and are used for no choice; learning rates and epochs were chosen on 20 images of
its validation part, with one draw of 25 labelled images.

    python -m benchmarks.segmentation --out benchmarks/segmentation.json

Rows that the file holds already are not computed again.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from landbridge.data import shared_data, shared_weights

NETWORKS = {"ESPNet": "espnet_cityscapes.safetensors", "DeepLabV3": "deeplabv3_mobilenet_v2_pascal"}
SIZE, CROP = (176, 240), (112, 160)
EPOCHS, BATCH = 15, 5
# Training from scratch gets twice the epochs and its own learning rate.
WAYS = {"source model": None, "head only": 0.002, "fine-tuned": 0.002, "from scratch": 0.005}


def camvid() -> tuple[dict[str, list[Any]], list[str]]:
    """Images and masks by split, and the names of the classes.

    Returns
    -------
    splits : dict of str to list of (image, mask)
    classes : list of str
    """
    archive = zipfile.ZipFile(str(shared_data("camvid_240.zip")))
    index = json.loads(archive.read("index.json"))
    splits: dict[str, list[Any]] = {}
    for item in index["items"]:
        image = np.array(Image.open(io.BytesIO(archive.read(item["image"]))).convert("RGB"))
        mask = np.array(Image.open(io.BytesIO(archive.read(item["mask"]))))
        splits.setdefault(item["split"], []).append((image, np.where(mask >= 11, 255, mask).astype(np.uint8)))
    return splits, index["classes"][:11]


def learned(network: str, way: str, rows: list[Any], classes: list[str], seed: int) -> Any:
    """A network that learned from labelled images.

    Parameters
    ----------
    network, way : str
    rows : list of (image, mask)
    classes : list of str
    seed : int

    Returns
    -------
    NeuralStructuredEstimator
    """
    from landbridge.neural import NeuralStructuredEstimator
    from landbridge.neural.parameter import LinearProbe
    from landbridge.neural.structured import MapAugmentation

    scratch = way == "from scratch"
    model = NeuralStructuredEstimator(
        str(shared_weights(NETWORKS[network])),
        task="segmentation",
        task_options={"classes": classes, "class_weights": "log", "size": SIZE},
        methods=[MapAugmentation(size=CROP), *([LinearProbe()] if way == "head only" else [])],
        epochs=2 * EPOCHS if scratch else EPOCHS,
        batch_size=BATCH,
        learning_rate=WAYS[way],
        pretrained=not scratch,
        device="cpu",
        random_state=seed,
    )
    return model.fit([x for x, _ in rows], [m for _, m in rows])


def source_masks(network: str, images: list[Any], classes: list[str]) -> list[Any]:
    """Masks of the source model as it is: classes of other names are never predicted.

    Parameters
    ----------
    network : str
    images : list of ndarray
    classes : list of str

    Returns
    -------
    list of ndarray
    """
    from landbridge.neural import load_backbone, predict
    from landbridge.neural.tasks import Segmentation

    task, model = Segmentation(classes, size=SIZE), load_backbone(shared_weights(NETWORKS[network]))
    model.replace_head(model.head.for_classes(classes, closed=True))
    return task.fit_to(images, predict(model, task, task.read_inputs(model, images), BATCH))


def main() -> None:
    """Compute what is missing, and write it."""
    from landbridge.neural.tasks import Segmentation

    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="benchmarks/segmentation.json")
    parser.add_argument("--network", default="ESPNet", choices=list(NETWORKS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[25, 10, 75])
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    out = Path(given.out)
    found = json.loads(out.read_text()) if out.is_file() else []
    done = {(r["network"], r["way"], r["labelled"], r["seed"]) for r in found}
    splits, classes = camvid()
    images, masks = (list(part) for part in zip(*splits["test"], strict=True))
    runs = [(given.network, "source model", 0, 0)]
    for n in given.sizes:
        runs += [(given.network, w, n, s) for s in range(given.seeds) for w in list(WAYS)[1:]]
    for network, way, n, seed in runs:
        if (network, way, n, seed) in done:
            continue
        started = time.perf_counter()
        if way == "source model":
            predicted = source_masks(network, images, classes)
        else:
            chosen = np.random.RandomState(seed).permutation(len(splits["train"]))[:n]
            model = learned(network, way, [splits["train"][i] for i in chosen], classes, seed)
            predicted = model.predict(images)
        score = Segmentation.score_labels(masks, predicted)
        row = {"network": network, "way": way, "labelled": n, "seed": seed, "mean_iou": round(score, 4)}
        row["seconds"] = round(time.perf_counter() - started)
        print(row, flush=True)
        found.append(row)
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
