"""Tasks on feature maps and with decoders, each as short as their files will be."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from landbridge.neural import Network, Samples, StreamedSamples, Training, predict, train  # noqa: E402
from landbridge.neural._ragged import IGNORED  # noqa: E402
from landbridge.neural.feature import DeepCORAL  # noqa: E402
from landbridge.neural.parameter import L2SP  # noqa: E402
from landbridge.neural.tasks import Metric, Task  # noqa: E402


class Share(Metric):
    def __init__(self):
        self.right, self.n = 0, 0

    def update(self, output, labels):
        found, counts = output.argmax(1), labels != IGNORED
        self.right += int(((found == labels) & counts).sum())
        self.n += int(counts.sum())

    def compute(self):
        return self.right / self.n


class Places(Task):
    """A class per place of an image; or, with `takes` of a decoder, per position of a sequence."""

    name, metric_name, takes = "places of a test", "accuracy", "map"

    def __init__(self, n_outputs):
        self.n_outputs = n_outputs

    def encode(self, y):
        return [torch.as_tensor(row) for row in y]

    def weight(self, labels):
        return (labels != IGNORED).sum()

    def loss(self, output, labels):
        return F.cross_entropy(output, labels, ignore_index=IGNORED, reduction="sum"), self.weight(labels)

    def metric(self):
        return Share()

    def predict(self, output):
        return output.argmax(1).numpy()


def plan(**changes):
    given = {"epochs": 12, "batch_size": 6, "learning_rate": 0.03, "device": "cpu", "random_state": 0}
    return Training(**given | changes)


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def pictures(n=24, seed=0):
    """Bright squares on a dark ground; some places have no label."""
    rng = np.random.default_rng(seed)
    X, Y = 0.3 * rng.random((n, 1, 12, 12)).astype(np.float32), np.zeros((n, 12, 12), dtype=np.int64)
    for x, y in zip(X, Y, strict=True):
        top, left = rng.integers(6, size=2)
        x[0, top : top + 5, left : left + 5] += 0.7
        y[top : top + 5, left : left + 5] = 1
        y[rng.random((12, 12)) < 0.1] = IGNORED
    return torch.from_numpy(X), Y


def segmenter(task):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        low = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        return Network({"low": low, "high": nn.Conv2d(8, 8, 3, padding=1)}, in_features=8, head=task.head(8))


def test_places_of_images_are_learned_with_methods_beside_and_streamed_to_the_same_bits():
    task, (X, Y), (Z, _) = Places(2), pictures(), pictures(seed=1)
    a, b = segmenter(task), segmenter(task)
    rows, target = Samples(X, task.encode(Y)), Samples(Z)
    how = {"methods": [L2SP(0.001), DeepCORAL(0.1)], "settings": plan(accumulation=2)}
    history = train(a, task, rows, target=target, held_out=rows, **how)
    assert history.epochs[-1]["held_out_accuracy"] > 0.9
    found = predict(a, task, X, batch_size=7)
    assert found.shape == Y.shape and (found == Y)[Y != IGNORED].mean() > 0.9
    train(b, task, StreamedSamples(list(X), task.encode(Y), n_workers=1), target=target, held_out=rows, **how)
    assert torch.equal(weights(a), weights(b))


class Copying(nn.Module):
    """A head with a decoder: each step sees the last label and the mean of the encoded positions."""

    takes = "decoder"

    def __init__(self, width, n_outputs):
        super().__init__()
        self.table, self.out = nn.Embedding(n_outputs + 1, width), nn.Linear(2 * width, n_outputs)

    def forward(self, x, decoder_ids):
        mean = x.hidden.mean(1, keepdim=True).expand(-1, decoder_ids.shape[1], -1)
        return self.out(torch.cat([self.table(decoder_ids), mean], 2)).transpose(1, 2)


def test_a_decoder_is_given_its_inputs_and_labels_of_several_lengths():
    rng = np.random.default_rng(0)
    task = Places(4)
    labels = [
        (np.arange(n) + first) % 4 for n, first in zip(rng.integers(2, 7, 30), rng.integers(4, size=30), strict=True)
    ]
    inputs = [
        {"inputs": F.one_hot(torch.tensor(y[0]), 4).float(), "decoder_ids": torch.as_tensor(np.r_[4, y[:-1]])}
        for y in labels
    ]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Network({"a": nn.Linear(4, 8), "b": nn.Linear(8, 8)}, in_features=8, head=Copying(8, 4))
    rows = Samples(inputs, task.encode(labels))
    history = train(net, task, rows, held_out=rows, settings=plan(epochs=25))
    assert history.epochs[-1]["held_out_accuracy"] > 0.95
    batch, _ = rows.bound(task).take(torch.arange(5))
    assert net.embed(batch).shape == (5, 8)
