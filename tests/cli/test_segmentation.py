"""Segmentation at the command line: folders of images and masks, a result, masks and overlays as predictions."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from PIL import Image  # noqa: E402

from landbridge.neural.structured import read_mask, write_mask  # noqa: E402

NAMES = ["ground", "green", "blue"]


def write(root, n, n_masks, seed, level=200):
    """Coloured squares on noise, and masks of the first images."""
    rng = np.random.RandomState(seed)
    for part in ("images", "masks") if n_masks else ("images",):
        (root / part).mkdir(parents=True)
    (root / "classes.json").write_text(json.dumps(NAMES))
    for i in range(n):
        image, mask = rng.randint(0, 60, (16, 24, 3)).astype(np.uint8), np.zeros((16, 24), np.uint8)
        for c in (1, 2):
            top, left = rng.randint(0, 8), rng.randint(0, 16)
            mask[top : top + 8, left : left + 8] = c
        image[mask == 1, 1] = image[mask == 2, 2] = level
        Image.fromarray(image).save(root / "images" / f"{i:02d}.png")
        if i < n_masks:
            write_mask(root / "masks" / f"{i:02d}.png", mask)
    return root


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("segmentation")
    write(root / "source", 10, 10, 0)
    write(root / "target", 12, 11, 1, level=140)
    write(root / "new", 2, 0, 2, level=140)
    return root


@pytest.fixture(scope="module")
def result(place, command):
    given = ["--task", "segmentation", "--epochs", 2, "--jobs", 1, "--out", place / "out"]
    done = command("transfer", place / "source", place / "target", *given)
    assert done.returncode == 0, done.stderr
    return place / "out"


def test_transfer_writes_a_result_with_pictures(result):
    held = json.loads((result / "result.json").read_text())
    assert (held["task"], held["metric"], held["settings"]["situation"]) == ("segmentation", "mean IoU", "structured")
    assert {c["name"] for c in held["candidates"]} == {"source-only", "target-only", "fine-tuned", "joint"}
    assert held["settings"]["n_target_labelled"] == 11
    page = (result / "report.html").read_text()
    assert page.count('<img src="data:image/') >= 3 and "Share of pixels" in page


def test_predictions_are_masks_and_overlays_of_the_size_of_the_images(place, result, command):
    done = command("predict", result, place / "new", "--out", place / "p")
    assert done.returncode == 0 and done.stdout.startswith("2 samples predicted"), done.stderr
    assert read_mask(place / "p" / "masks" / "00.png").shape == (16, 24)
    assert np.array(Image.open(place / "p" / "overlays" / "01.png")).shape == (16, 24, 3)
    again = command("predict", result, place / "new" / "images" / "00.png", "--out", place / "p")
    assert again.returncode == 0, again.stderr


def test_predictions_need_a_folder(place, result, command):
    done = command("predict", result, place / "new")
    assert done.returncode == 2 and "--out is missing" in done.stderr and len(done.stderr.splitlines()) == 1


def test_without_target_labels_the_source_model_stays(place, command):
    given = ["--task", "segmentation", "--target-labels", "hide", "--epochs", 1, "--jobs", 1, "--json"]
    done = command("transfer", place / "source", place / "target", *given, "--out", place / "hidden")
    held = json.loads(done.stdout)
    names = {"source-only", "entropy minimisation", "self-training", "output-space adversarial"}
    assert {c["name"] for c in held["candidates"]} == names
    assert all(c["status"] == "tried" for c in held["candidates"])
    assert held["decision"]["chosen"] == "source-only" and not held["decision"]["transferred"]


def test_sides_of_different_classes_are_refused(place, command, tmp_path):
    other = write(tmp_path / "other", 3, 3, 3)
    (other / "classes.json").write_text(json.dumps(["land", "grass", "water"]))
    done = command("transfer", place / "source", other, "--task", "segmentation", "--out", tmp_path / "out")
    assert done.returncode == 2 and "state different classes" in done.stderr
    assert len(done.stderr.splitlines()) == 1
