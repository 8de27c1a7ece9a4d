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
import tempfile
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
WAYS = {"head only": 0.002, "fine-tuned": 0.002, "from scratch": 0.005}
# Without target labels: the images of the training part, in a few epochs.
UNLABELLED = {"entropy minimisation": 3, "self-training": 3}
# What the guard chooses from is fitted on five splits, therefore with fewer epochs and at the stored size.
GUARDED_EPOCHS = 4


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


def adapted(network: str, way: str, images: list[Any], classes: list[str], seed: int) -> Any:
    """The source model after it learned from unlabelled images.

    Parameters
    ----------
    network, way : str
    images : list of ndarray
    classes : list of str
    seed : int

    Returns
    -------
    NeuralStructuredEstimator
    """
    from landbridge.neural import NeuralStructuredEstimator, load_backbone
    from landbridge.neural.tasks import Segmentation

    begun = load_backbone(shared_weights(NETWORKS[network]))
    task = Segmentation.adopt(begun, classes)
    model = NeuralStructuredEstimator(
        (begun, task),
        task="segmentation",
        methods=Segmentation.adaptation(source_free=True)[way],
        epochs=UNLABELLED[way],
        batch_size=BATCH,
        learning_rate=0.0005,
        device="cpu",
        random_state=seed,
    )
    return model.adapt(images)


def guarded(network: str, rows: list[Any], folder: Path, classes: list[str], seed: int) -> tuple[Any, str]:
    """The model that ``transfer`` chooses, and its name.

    Parameters
    ----------
    network : str
    rows : list of (image, mask)
    folder : Path
        An empty one for the images.
    classes : list of str
    seed : int

    Returns
    -------
    model : NeuralStructuredEstimator
    chosen : str
    """
    from landbridge import transfer
    from landbridge.neural.structured import write_mask

    for part in ("images", "masks"):
        (folder / part).mkdir()
    (folder / "classes.json").write_text(json.dumps(classes))
    for i, (image, mask) in enumerate(rows):
        Image.fromarray(image).save(folder / "images" / f"{i:03d}.png")
        write_mask(folder / "masks" / f"{i:03d}.png", mask)
    weights = str(shared_weights(NETWORKS[network]))
    result = transfer(weights, folder, task="segmentation", epochs=GUARDED_EPOCHS, random_state=seed, n_jobs=1)
    for candidate in result.candidates:
        print(candidate.name, candidate.estimate, candidate.gain, flush=True)
    return result.model, result.decision.chosen


def predicted_masks(
    network: str, way: str, n: int, seed: int, splits: dict[str, list[Any]], classes: list[str]
) -> tuple[Any, dict[str, str]]:
    """Masks of the test images, and what else is to be noted.

    Parameters
    ----------
    network, way : str
    n, seed : int
    splits : dict of str to list of (image, mask)
    classes : list of str

    Returns
    -------
    masks : list of ndarray
    facts : dict of str to str
    """
    images = [x for x, _ in splits["test"]]
    if way == "source model":
        return source_masks(network, images, classes), {}
    if way in UNLABELLED:
        return adapted(network, way, [x for x, _ in splits["train"]], classes, seed).predict(images), {}
    rows = [splits["train"][i] for i in np.random.RandomState(seed).permutation(len(splits["train"]))[:n]]
    if way == "guarded":
        with tempfile.TemporaryDirectory() as folder:
            model, chosen = guarded(network, rows, Path(folder), classes, seed)
            return model.predict(images), {"chosen": chosen}
    return learned(network, way, rows, classes, seed).predict(images), {}


def main() -> None:
    """Compute what is missing, and write it."""
    from landbridge.neural.tasks import Segmentation

    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="benchmarks/segmentation.json")
    parser.add_argument("--network", default="ESPNet", choices=list(NETWORKS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[25, 10, 75])
    parser.add_argument("--ways", default="labelled", choices=["labelled", "unlabelled", "guarded"])
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    out = Path(given.out)
    found = json.loads(out.read_text()) if out.is_file() else []
    done = {(r["network"], r["way"], r["labelled"], r["seed"]) for r in found}
    splits, classes = camvid()
    masks = [m for _, m in splits["test"]]
    if given.ways == "unlabelled":
        runs = [(given.network, w, 0, s) for s in range(given.seeds) for w in UNLABELLED]
    elif given.ways == "guarded":
        runs = [(given.network, "guarded", n, s) for n in given.sizes for s in range(given.seeds)]
    else:
        runs = [(given.network, "source model", 0, 0)]
        runs += [(given.network, w, n, s) for n in given.sizes for s in range(given.seeds) for w in WAYS]
    for network, way, n, seed in runs:
        if (network, way, n, seed) in done:
            continue
        started = time.perf_counter()
        predicted, facts = predicted_masks(network, way, n, seed, splits, classes)
        score = Segmentation.score_labels(masks, predicted)
        row = {"network": network, "way": way, "labelled": n, "seed": seed, "mean_iou": round(score, 4)} | facts
        row["seconds"] = round(time.perf_counter() - started)
        print(row, flush=True)
        found.append(row)
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
