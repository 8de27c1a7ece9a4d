"""Semantic segmentation: loss, metric, masks of several sizes, files, and learning through the estimator."""

import base64
import io
import math
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from landbridge.exceptions import InputError, LabelError, ReadError  # noqa: E402
from landbridge.neural import Network, NeuralStructuredEstimator, load_backbone  # noqa: E402
from landbridge.neural.backbones import rebuild  # noqa: E402
from landbridge.neural.structured import class_weights_of, read_mask, write_mask  # noqa: E402
from landbridge.neural.tasks import Segmentation  # noqa: E402

CLASSES = ["ground", "green", "blue"]


def squares(n, size=(32, 32), seed=0):
    """Coloured squares on noise, and the class of each pixel."""
    rng = np.random.RandomState(seed)
    X, y = [], []
    for _ in range(n):
        image, mask = rng.randint(0, 60, (*size, 3)).astype(np.uint8), np.zeros(size, np.uint8)
        for c in (1, 2):
            edge = rng.randint(8, 14)
            top, left = rng.randint(0, size[0] - edge), rng.randint(0, size[1] - edge)
            mask[top : top + edge, left : left + edge] = c
        image[mask == 1, 1] = image[mask == 2, 2] = 200
        X.append(image)
        y.append(mask)
    return X, y


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))


def learner(backbone=None, **given):
    given = {"epochs": 8, "batch_size": 6, "learning_rate": 0.02, "device": "cpu", "random_state": 0} | given
    options = {"classes": CLASSES} | given.pop("task_options", {})
    return NeuralStructuredEstimator(backbone or small(), task="segmentation", task_options=options, **given)


def test_loss_counts_pixels_with_a_class_only():
    task = Segmentation(CLASSES)
    labels = task.encode([[[0, 1], [2, 255]]])
    output = torch.randn(1, 3, 2, 2)
    total, weight = task.loss(output, labels)
    expected = F.cross_entropy(output[0].flatten(1).T[:3], torch.tensor([0, 1, 2]), reduction="sum")
    assert int(weight) == 3 and torch.allclose(total, expected)
    alone = task.loss(output, torch.full((1, 2, 2), 255, dtype=torch.uint8))
    assert float(alone[0]) == 0.0 and int(alone[1]) == 0


def test_batches_add_up_exactly_with_class_weights():
    task = Segmentation(CLASSES, class_weights=[1.0, 2.0, 5.0])
    labels = torch.from_numpy(np.random.RandomState(0).choice([0, 1, 2, 255], (4, 6, 5)).astype(np.uint8))
    output = torch.randn(4, 3, 6, 5)
    total, weight = task.loss(output, labels)
    parts = [task.loss(output[i : i + 1], labels[i : i + 1]) for i in range(4)]
    assert torch.allclose(total, sum(t for t, _ in parts)) and torch.allclose(weight, sum(w for _, w in parts))
    reference = F.cross_entropy(output, labels.long(), torch.tensor([1.0, 2.0, 5.0]), ignore_index=255)
    assert torch.allclose(task.mean_loss(output, labels), reference)


def test_scores_are_compared_at_the_size_of_the_mask():
    task = Segmentation(CLASSES[:2])
    coarse = torch.tensor([[[[5.0, -5.0]], [[-5.0, 5.0]]]])
    mask = task.encode([[[0, 0, 1, 1], [0, 0, 1, 1]]])
    assert task.score(coarse, mask) == 1.0
    assert task.loss(coarse, mask)[0] < 0.1 * 8


def test_mean_iou_of_all_batches_is_not_the_mean_of_batches():
    task = Segmentation(CLASSES[:2])
    metric = task.metric()
    for true, found in (([[0, 0, 0, 0]], [[0, 0, 0, 1]]), ([[1, 1, 1, 0]], [[1, 1, 1, 0]])):
        metric.update(F.one_hot(torch.tensor([found]), 2).movedim(-1, 1).float(), task.encode([true]))
    assert metric.compute() == pytest.approx((4 / 5 + 3 / 4) / 2)
    masks = [np.array([[0, 0, 0, 0]]), np.array([[1, 1, 1, 0]])], [np.array([[0, 0, 0, 1]]), np.array([[1, 1, 1, 0]])]
    assert Segmentation.score_labels(*masks) == pytest.approx(metric.compute())
    assert task.agreement(*masks) == 7 / 8


def test_class_weights_prefer_rare_classes():
    weights = class_weights_of([80, 20, 0])
    assert weights[1] / weights[0] == pytest.approx(math.log(1.9) / math.log(1.3)) and weights[2] == 0
    task = Segmentation.from_labels([np.array([[0, 0, 0, 0, 1]])], class_weights="log")
    assert task.class_weights[1] > task.class_weights[0]


def test_from_labels_finds_classes_and_the_usual_size():
    task = Segmentation.from_labels([np.zeros((4, 6)), np.full((4, 6), 2), np.full((3, 3), 255)])
    assert task.classes == ("0", "1", "2") and task.size == (4, 6)
    assert task.encode([np.array([[0, 1], [2, 255]])]).shape == (1, 4, 6)
    assert set(task.encode([np.array([[0, 1], [2, 255]])]).unique().tolist()) == {0, 1, 2, 255}
    assert task.accepts([np.array([[2, 255]])]) and not task.accepts([np.array([[3]])])


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: Segmentation([]), InputError, "classes holds 0 names"),
        (lambda: Segmentation(["a", "b"], class_weights=[1.0]), InputError, "class_weights has 1 entries"),
        (lambda: Segmentation(["a"]).encode([[[1]]]), LabelError, "the number 1, but there are 1 classes"),
        (lambda: Segmentation.from_labels([np.full((2, 2), 255)]), LabelError, "no pixel that counts"),
        (lambda: Segmentation.check([]), InputError, "X has no images"),
        (lambda: Segmentation.check([np.zeros((2, 2, 3))]), InputError, r"X\[0\] is no image"),
        (lambda: Segmentation.check([np.zeros((2, 2, 3), np.uint8)], [np.zeros((3, 2), int)]), LabelError, "one size"),
        (lambda: Segmentation.check([np.zeros((2, 2, 3), np.uint8)], []), LabelError, "y has 0 masks"),
        (lambda: Segmentation(["a"]).read("nowhere"), ReadError, "no predicted masks"),
    ],
)
def test_errors_are_one_line(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_predictions_have_the_sizes_of_the_images(tmp_path):
    X, y = squares(12)
    model = learner().fit(X, y)
    wide, truth = squares(4, (24, 40), seed=1)
    Image.fromarray(wide[0]).save(tmp_path / "a.png")
    found = model.predict([str(tmp_path / "a.png"), *wide[1:], X[0]])
    assert [m.shape for m in found] == [(24, 40)] * 4 + [(32, 32)]
    assert Segmentation.score_labels(truth, found[:4]) > 0.7


def test_it_learns_survives_pickling_and_repeats_itself():
    X, y = squares(12)
    new = squares(4, seed=1)
    model = learner().fit(X, y)
    assert model.score(*new) > 0.8
    again = pickle.loads(pickle.dumps(model))
    other = learner().fit(X, y)
    for mask, one, two in zip(model.predict(new[0]), again.predict(new[0]), other.predict(new[0]), strict=True):
        assert np.array_equal(mask, one) and np.array_equal(mask, two)


def test_known_classes_are_carried_over_and_packed_without_a_module():
    net = rebuild({"kind": "segmenter", "name": "espnet", "maps": 5, "p": 1, "q": 1})
    X, y = squares(4)
    model = learner(net, epochs=1, task_options={"classes": ["class_2", "green", "Class 4"]}).fit(X, y)
    assert model.network_.head.kept == ("class_2", "Class 4")
    state = model.__getstate__()
    assert state["network_"]["module"] is None
    again = pickle.loads(pickle.dumps(model))
    assert again.network_.head.classes == ("class_2", "green", "Class 4")
    assert np.array_equal(again.predict(X)[0], model.predict(X)[0])


def test_pixels_of_the_target_tune_the_source():
    X, y = squares(12)
    Xt, yt = squares(6, seed=3)
    for x in Xt:  # the channels of the two classes are exchanged
        x[..., [1, 2]] = x[..., [2, 1]]
    plain, tuned = learner(), learner(epochs=20, batch_size=2)
    plain.fit(X, y)
    tuned.fit(X, y, X_target=Xt, y_target=[*yt[:5], None])
    assert tuned.score(Xt[5:], yt[5:]) > plain.score(Xt[5:], yt[5:]) + 0.2


def test_unlabelled_images_adapt_a_network_with_its_task():
    net = load_backbone(rebuild({"kind": "segmenter", "name": "espnet", "maps": 5, "p": 1, "q": 1}))
    task = Segmentation.adopt(net, ["class_1", "green"])
    assert task.kept(net) == ("class_1",) and Segmentation.adopt(net, ["green"]) is None
    X, _ = squares(4)
    methods = Segmentation.adaptation(source_free=True)["self-training"]
    model = learner((net, task), epochs=2, methods=methods)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    found = model.adapt(X).predict(X)
    assert [m.shape for m in found] == [(32, 32)] * 4
    assert any(not torch.equal(v, before[k]) for k, v in model.network_.state_dict().items())
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    with pytest.raises(LabelError, match="no target sample is labelled"):
        learner((net, task), epochs=1).adapt(X)


def test_writes_masks_and_overlays(tmp_path):
    X, y = squares(2)
    for name, x in zip("ab", X, strict=True):
        Image.fromarray(x).save(tmp_path / f"{name}.png")
    task = Segmentation(CLASSES)
    out = task.write(tmp_path / "out", [tmp_path / "a.png", "b"], y)
    assert np.array_equal(read_mask(out / "masks" / "a.png"), y[0])
    assert sorted(p.name for p in (out / "overlays").iterdir()) == ["a.png"]
    assert np.array(Image.open(out / "overlays" / "a.png")).shape == (32, 32, 3)
    ids, masks = task.read(out)
    assert ids == ["a", "b"] and np.array_equal(masks[1], y[1])
    same = task.write(tmp_path / "same", ["x/a.jpg", "y/a.jpg"], y)
    assert sorted(p.name for p in (same / "masks").iterdir()) == ["x_a.png", "y_a.png"]


def test_masks_are_read_from_files(tmp_path):
    X, y = squares(2)
    write_mask(tmp_path / "m.png", y[0])
    _, masks = Segmentation.check(X, [tmp_path / "m.png", None])
    assert np.array_equal(masks[0], y[0]) and masks[1] is None


def test_backbones_are_ranked_by_their_features_of_pixels():
    from landbridge import rank

    class Blind(nn.Module):
        def forward(self, x):
            return torch.randn(len(x), 6, 8, 8, generator=torch.Generator().manual_seed(0))

    sees = load_backbone(nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(3, 6, 1)))
    blind = Network({"blind": Blind()}, in_features=6)
    found = rank({"blind": blind, "sees": sees}, squares(8), task="segmentation", score="logme", n_bootstrap=10)
    assert found.names == ("sees", "blind")


def test_shown_pictures_are_small():
    x, y = squares(1, (300, 500))
    drawn = Segmentation(CLASSES).show(x[0], y[0], y[0])
    assert set(drawn) == {"picture", "label", "prediction"}
    for uri in drawn.values():
        assert len(uri) < 30_000
        image = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
        assert image.size == (160, 96)
    assert "label" not in Segmentation(CLASSES).show(x[0], None, y[0])


def test_networks_without_preprocessing_get_shares():
    X, _ = squares(2)
    task = Segmentation(CLASSES, size=(16, 16))
    plain = task.read_inputs(load_backbone(small()), X)
    assert plain.shape == (2, 3, 16, 16) and plain.is_floating_point() and float(plain.max()) <= 1.0
    known = rebuild({"kind": "segmenter", "name": "espnet", "maps": 5, "p": 1, "q": 1})
    assert task.read_inputs(known, X).dtype == torch.uint8
