"""Labels of several lengths: a tagging task in one file, exact over parts, processes and last batches."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.neural import (  # noqa: E402
    Features,
    Method,
    Network,
    Samples,
    Training,
    predict,
    train,
)
from landbridge.neural._ragged import IGNORED, concatenate, pad, padded, select  # noqa: E402
from landbridge.neural.tasks import Metric, Task  # noqa: E402


class Share(Metric):
    def __init__(self):
        self.right, self.n = 0, 0

    def update(self, output, labels):
        counts = labels != IGNORED
        self.right += int(((output["logits"].argmax(-1) == labels) & counts).sum())
        self.n += int(counts.sum())

    def compute(self):
        return self.right / self.n


class Tags(Task):
    """Tags of words: all that a new task has to say."""

    name, metric_name, takes = "tags of a test", "accuracy", "tokens"

    def __init__(self, n_outputs):
        self.n_outputs = n_outputs

    def encode(self, y):
        return [torch.as_tensor(row) for row in y]

    def weight(self, labels):
        return (labels != IGNORED).sum()

    def loss(self, output, labels):
        logits = output["logits"].flatten(0, 1)
        total = nn.functional.cross_entropy(logits, labels.flatten(), ignore_index=IGNORED, reduction="sum")
        return total, self.weight(labels)

    def metric(self):
        return Share()

    def predict(self, output):
        found = output["logits"].argmax(-1)
        return [row[mask].numpy() for row, mask in zip(found, output["mask"], strict=True)]


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(12, 6)

    def forward(self, x):
        return Features(self.table(x["ids"]), x["mask"])


TASK = Tags(3)


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Network({"words": Words()}, in_features=6, head=TASK.head(6))


def texts(n=23, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, size=n)
    ids = [torch.as_tensor(rng.integers(12, size=k)) for k in sizes]
    inputs = [{"ids": row, "mask": torch.ones(len(row), dtype=torch.bool)} for row in ids]
    return Samples(inputs, TASK.encode([row.numpy() % 3 for row in ids]))


def plan(**changes):
    given = {"epochs": 3, "batch_size": 8, "learning_rate": 0.05, "device": "cpu", "random_state": 0}
    return Training(**given | changes)


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_tags_are_learned_and_predicted_with_their_own_lengths():
    net, rows = network(), texts(60)
    history = train(net, TASK, rows, held_out=texts(9, 1), settings=plan(epochs=15, patience=15))
    assert history.epochs[-1]["held_out_accuracy"] > 0.95
    found = predict(net, TASK, rows.inputs, batch_size=7)
    assert [len(one) for one in found] == [len(y) for y in rows.labels]
    assert np.mean([(one == y.numpy()).mean() for one, y in zip(found, rows.labels, strict=True)]) > 0.95
    assert TASK.agreement(found, [y.numpy() for y in rows.labels]) > 0.95


def test_the_loss_of_an_epoch_is_the_mean_over_positions():
    class Still(Method):
        def gradients(self, net, progress):
            for p in net.parameters():
                p.grad = None  # so that all batches see one set of weights

    net, rows = network(), texts()
    history = train(net, TASK, rows, held_out=rows, methods=[Still()], settings=plan(epochs=1))
    losses = []
    for x, y in zip(rows.inputs, rows.labels, strict=True):
        logits = net({k: v[None] for k, v in x.items()})["logits"][0].detach()
        losses.append(nn.functional.cross_entropy(logits, y, reduction="none"))
    mean = float(torch.cat(losses).mean())
    assert history.epochs[0]["loss"] == pytest.approx(mean, rel=1e-5)
    assert history.epochs[0]["held_out_loss"] == pytest.approx(mean, rel=1e-5)
    assert mean != pytest.approx(float(torch.stack([loss.mean() for loss in losses]).mean()), rel=1e-3)


def test_parts_of_a_batch_with_ignored_positions_give_the_result_of_the_whole():
    a, b = network(), network()
    first = train(a, TASK, texts(), settings=plan())
    second = train(b, TASK, texts(), settings=plan(accumulation=3))
    assert torch.allclose(weights(a), weights(b), atol=1e-5)
    assert first.epochs[-1]["loss"] == pytest.approx(second.epochs[-1]["loss"], rel=1e-5)


def test_two_processes_with_ignored_positions_give_the_result_of_one():
    a, b = network(), network()
    first = train(a, TASK, texts(), settings=plan(epochs=2, optimizer="sgd"))
    second = train(b, TASK, texts(), settings=plan(epochs=2, optimizer="sgd", processes=2))
    assert torch.allclose(weights(a), weights(b), atol=1e-5)
    assert first.epochs[-1]["loss"] == pytest.approx(second.epochs[-1]["loss"], rel=1e-5)


def test_batches_by_length_pad_less_and_see_every_sample_once():
    seen = []

    class Watch(Method):
        def transform(self, inputs, labels, generator):
            seen.append(tuple(inputs["ids"].shape))
            return inputs, labels

    padding = []
    for by_length in (False, True):
        seen.clear()
        train(network(), TASK, texts(64), methods=[Watch()], settings=plan(epochs=1, by_length=by_length))
        assert sum(n for n, _ in seen) == 64
        padding.append(sum(n * time for n, time in seen))
    assert padding[1] < 0.85 * padding[0]
    again = [network(), network()]
    for net in again:
        train(net, TASK, texts(64), settings=plan(by_length=True))
    assert torch.equal(weights(again[0]), weights(again[1]))


def test_outputs_are_joined_selected_and_padded():
    rows = [torch.ones(2, 3), torch.ones(1, 4)]
    assert pad(rows, IGNORED).shape == (2, 2, 4) and pad(rows, IGNORED)[1, 1, 0] == IGNORED
    assert padded(torch.ones(2, 3, 4), 5).sum(1).tolist() == [[3.0] * 4] * 2
    outputs = [{"a": torch.zeros(2, 3)}, {"a": torch.ones(1, 3)}]
    assert concatenate(outputs)["a"].shape == (3, 3)
    assert select(concatenate(outputs), torch.tensor([2]))["a"].tolist() == [[1.0] * 3]
    ragged = concatenate([{"a": torch.zeros(2, 3)}, {"a": torch.ones(1, 5)}])
    assert [len(one["a"]) for one in ragged] == [3, 3, 5] and len(select(ragged, torch.tensor([2, 0]))) == 2
