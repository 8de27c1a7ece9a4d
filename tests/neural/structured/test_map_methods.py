"""Methods on maps: augmentation moves masks with images; unlabelled images are learned from."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Network, Samples, Training  # noqa: E402
from landbridge.neural._heads import MapHead  # noqa: E402
from landbridge.neural._loop import train  # noqa: E402
from landbridge.neural.structured import (  # noqa: E402
    MapAdversarial,
    MapAugmentation,
    MapEntropyMinimization,
    MapSelfTraining,
    map_entropy,
    pseudo_masks,
)
from landbridge.neural.tasks import Classification, Segmentation  # noqa: E402

TASK = Segmentation(["a", "b"])
SETTINGS = Training(epochs=4, batch_size=4, learning_rate=0.02, device="cpu", random_state=0)


def network():
    torch.manual_seed(0)
    stage = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
    return Network({"stage": stage}, in_features=6, head=MapHead(6, 2))


def images(n=8, offset=0.0):
    rng = np.random.RandomState(0)
    masks = (rng.rand(n, 3, 3) > 0.5).repeat(4, 1).repeat(4, 2)
    x = masks[:, None] + offset + 0.1 * rng.randn(n, 1, 12, 12)
    return torch.tensor(x, dtype=torch.float32), torch.from_numpy(masks.astype(np.uint8))


def test_masks_move_with_their_images():
    rng = torch.Generator().manual_seed(0)
    masks = torch.randint(0, 2, (6, 4, 5)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    x, y = MapAugmentation(smallest=0.4).transform(masks.unsqueeze(1).to(torch.uint8) * 200, masks, rng)
    assert x.dtype == torch.uint8 and x.shape == (6, 1, 32, 40) and y.shape == (6, 32, 40)
    assert ((x[:, 0] > 100) == (y == 1)).float().mean() > 0.97  # but for the edges, where images are interpolated
    assert not torch.equal(y, masks)


def test_augmentation_repeats_itself_and_can_reduce_the_size():
    masks = torch.arange(96).reshape(1, 8, 12)
    draw = [MapAugmentation(size=(4, 6)).transform(masks[None], masks, torch.Generator().manual_seed(3)) for _ in "ab"]
    assert torch.equal(draw[0][1], draw[1][1]) and draw[0][1].shape == (1, 4, 6) and draw[0][0].shape == (1, 1, 4, 6)
    still = MapAugmentation(flip=False, smallest=1.0).transform(masks[None], masks, torch.Generator())
    assert torch.equal(still[1], masks)


def test_augmentation_keeps_other_labels_and_refuses_tables():
    x = torch.zeros(2, 1, 4, 4)
    assert MapAugmentation().transform(x, None, torch.Generator().manual_seed(0))[1] is None
    with pytest.raises(InputError, match="images of one size"):
        MapAugmentation().transform(torch.zeros(2, 4), None, torch.Generator())


def test_entropy_falls_without_labels_and_only_norms_move():
    net, (x, _) = network(), images()
    entropy = float(map_entropy(net.train()(x)).detach())
    before = copy.deepcopy(net.state_dict())
    train(net, TASK, Samples(x), methods=[MapEntropyMinimization(1.0, source_free=True)], settings=SETTINGS)
    assert float(map_entropy(net.train()(x)).detach()) < entropy - 0.01
    moved = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert moved and all(".1." in k for k in moved)
    assert all(p.requires_grad for p in net.parameters())


def test_entropy_accompanies_a_labelled_source():
    (x, y), (xt, _) = images(), images(offset=0.3)
    net, plain = network(), network()
    train(plain, TASK, Samples(x, y), settings=SETTINGS)
    method = MapEntropyMinimization(3.0)
    history = train(net, TASK, Samples(x, y), methods=[method], target=Samples(xt), settings=SETTINGS)
    assert {"task", "entropy"} <= set(history.epochs[-1])
    assert map_entropy(net.eval()(xt)) < map_entropy(plain.eval()(xt))


def test_confident_pixels_are_learned_those_of_hard_classes_too():
    logits = torch.zeros(1, 2, 1, 5)
    logits[0, 0, 0] = torch.tensor([5.0, 4.0, 0.0, 0.0, 0.0])
    logits[0, 1, 0] = torch.tensor([0.0, 0.0, 1.0, 0.5, 0.4])  # the class is never above 0.9
    assert pseudo_masks(logits, 0.9).tolist() == [[[0, 0, 1, 1, 255]]]


def test_self_training_adapts_to_a_brighter_target():
    (x, y), (xt, yt) = images(24), images(24, offset=0.25)
    net = network()
    train(net, TASK, Samples(x, y), settings=SETTINGS)
    before = TASK.score(net.eval()(xt).detach(), yt)
    train(net, TASK, Samples(xt), methods=[MapSelfTraining(source_free=True)], settings=SETTINGS)
    assert TASK.score(net.eval()(xt).detach(), yt) > before


def test_the_discriminator_is_trained_and_removed():
    (x, y), (xt, _) = images(), images(offset=0.3)
    net = network()
    history = train(net, TASK, Samples(x, y), methods=[MapAdversarial(width=4)], target=Samples(xt), settings=SETTINGS)
    terms = [e["adversarial"] for e in history.epochs]
    assert terms[-1] < terms[0] and not net.extras


def test_other_tasks_are_refused():
    for method in (MapEntropyMinimization(), MapSelfTraining(), MapAdversarial()):
        with pytest.raises(InputError, match="needs maps"):
            method.check_task(Classification(["a", "b"]))
