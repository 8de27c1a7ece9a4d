"""A trained network as the source of a structured task, end to end on coloured squares."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from PIL import Image  # noqa: E402

from landbridge import load_result, transfer  # noqa: E402
from landbridge.exceptions import InputError, LabelError  # noqa: E402
from landbridge.neural import NeuralStructuredEstimator  # noqa: E402
from landbridge.neural.backbones import rebuild  # noqa: E402
from landbridge.neural.structured import write_mask  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = ["ground", "green", "blue"]


def squares(n, seed=0, size=(24, 24), level=200):
    """Coloured squares on noise, and the class of each pixel."""
    rng = np.random.RandomState(seed)
    X, y = [], []
    for _ in range(n):
        image, mask = rng.randint(0, 60, (*size, 3)).astype(np.uint8), np.zeros(size, np.uint8)
        for c in (1, 2):
            top, left = rng.randint(0, size[0] - 8), rng.randint(0, size[1] - 8)
            mask[top : top + 8, left : left + 8] = c
        image[mask == 1, 1] = image[mask == 2, 2] = level
        X.append(image)
        y.append(mask)
    return X, y


@pytest.fixture(scope="module")
def source():
    """A network that was trained on squares."""
    net = rebuild({"kind": "segmenter", "name": "espnet", "maps": 5, "p": 1, "q": 1})
    options = {"classes": NAMES}
    model = NeuralStructuredEstimator(
        net, task="segmentation", task_options=options, epochs=15, batch_size=5, learning_rate=0.01, random_state=0
    )
    return model.fit(*squares(30)).network_


def folder(root, n, n_masks, names=NAMES, **given):
    X, y = squares(n, **given)
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    (root / "classes.json").write_text(json.dumps(names))
    for i, (x, m) in enumerate(zip(X, y, strict=True)):
        Image.fromarray(x).save(root / "images" / f"{i:02d}.png")
        if i < n_masks:
            write_mask(root / "masks" / f"{i:02d}.png", m)
    return root


def go(source, target, **given):
    return transfer(source, target, task="segmentation", n_jobs=1, error_score="raise", **{"epochs": 1} | given)


def test_candidates_are_judged_on_splits_of_the_labelled_images(source, tmp_path):
    place = folder(tmp_path / "t", 12, 11, seed=5)
    result = go(source, place)
    rows = {c.name: c for c in result.candidates}
    assert set(rows) == {"source-only", "target-only", "head only", "LPFT", "fine-tuned"}
    assert all(c.estimate is not None for c in rows.values())
    # One epoch on eleven images from random weights cannot beat the network that was trained for it.
    assert result.metric == "mean IoU" and result.decision.chosen != "target-only"
    assert rows["source-only"].estimate.value > rows["target-only"].estimate.value + 0.1
    assert "knows ground, green, blue" in " ".join(result.settings["notes"])
    result.save(tmp_path / "out")
    again = load_result(tmp_path / "out")
    X, names = again.encoder.read(place)
    assert len(X) == len(names) == 12
    for one, two in zip(result.model.predict(X), again.model.predict(X), strict=True):
        assert one.shape == (24, 24) and np.array_equal(one, two)


def test_without_target_labels_the_source_model_stays(source):
    X, y = squares(8, seed=5, level=120)
    result = go(source, X)
    assert result.decision.chosen == "source-only" and not result.decision.transferred
    assert {c.name for c in result.candidates} == {"source-only", "entropy minimisation", "self-training"}
    assert all(c.status == "tried" for c in result.candidates)
    hidden = go(source, (X, y), target_labels="hide")
    assert hidden.decision.chosen == "source-only"
    assert all(c.hidden is not None for c in hidden.candidates)


def test_classes_of_other_names_make_no_source_model(source, tmp_path):
    result = go(source, folder(tmp_path / "t", 10, 10, names=["land", "grass", "water"]))
    assert "source-only" not in {c.name for c in result.candidates}
    with pytest.raises(LabelError, match="knows none of its classes") as caught:
        go(source, folder(tmp_path / "few", 5, 4, names=["land", "grass", "water"]))
    assert "\n" not in str(caught.value)


def test_arguments_that_do_not_apply_are_refused(source, tmp_path):
    with pytest.raises(InputError, match="network"):
        go(source, folder(tmp_path / "t", 3, 3), network="auto")


def test_a_better_model_is_chosen(source):
    X, y = squares(15, seed=7)
    for x in X:  # the channels of the two classes are exchanged
        x[..., [1, 2]] = x[..., [2, 1]]
    result = go(source, (X, y), epochs=8)
    assert result.decision.transferred and result.decision.gain.value > 0.2
