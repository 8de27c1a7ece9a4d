"""Streamed samples: the batches and weights of those in memory, resumed within an epoch, from files and from disk."""

import threading
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError, ReadError  # noqa: E402
from landbridge.neural import (  # noqa: E402
    ArrayRows,
    Classification,
    ImageFiles,
    Method,
    Network,
    Samples,
    StreamedSamples,
    Training,
    load_backbone,
    predict,
    train,
)
from landbridge.neural.feature import DAN  # noqa: E402
from landbridge.neural.parameter import BalancedBatches, LinearProbe  # noqa: E402

TASK = Classification([0, 1, 2])
KINDS = [{"n_workers": 0}, {"n_workers": 2}, {"n_workers": 2, "workers": "process"}]


class Pairs:
    """A map-style data set that is nothing of this library."""

    def __init__(self, X, y=None, slow=0.0):
        self.X, self.y_hidden, self.slow = X, y, slow

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        time.sleep(self.slow * (i % 3))  # so that workers end in another order than they began
        return self.X[i] if self.y_hidden is None else (self.X[i], int(self.y_hidden[i]))


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        stage = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3))
        return Network({"a": stage, "b": nn.Linear(8, 6)}, in_features=6, head=nn.Linear(6, 3))


def data(n=30, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(3, (n,), generator=generator)
    return torch.randn((n, 4), generator=generator) + nn.functional.one_hot(y, 4) * 2.0, y


def plan(**changes):
    given = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "device": "cpu", "random_state": 5}
    return Training(**given | changes)


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize("kind", KINDS)
def test_streamed_samples_give_the_bits_of_those_in_memory(kind):
    (X, y), (Z, _) = data(), data(19, 1)
    a, b = network(), network()
    history = train(
        a,
        TASK,
        Samples(X, y),
        methods=[DAN()],
        target=Samples(Z),
        held_out=Samples(X, y),
        settings=plan(accumulation=2),
    )
    rows, target = StreamedSamples(Pairs(X, y, 1e-4), **kind), StreamedSamples(Pairs(Z), **kind)
    again = train(b, TASK, rows, methods=[DAN()], target=target, held_out=rows, settings=plan(accumulation=2))
    assert torch.equal(weights(a), weights(b)) and again.epochs == history.epochs


def test_the_generator_of_the_process_is_left_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    for kind in KINDS:
        list(StreamedSamples(Pairs(*data()), **kind).feed([torch.arange(3)]))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_stopped_run_resumes_within_an_epoch(tmp_path, kind):
    class Stop(Method):
        def __init__(self, at):
            self.at = at

        def step(self, net, progress):
            if self.at is not None and progress >= self.at / 12:
                raise KeyboardInterrupt

        def __repr__(self):
            return "Stop"

    class Free(Stop):
        def __init__(self):
            self.at = None

    rows = StreamedSamples(Pairs(*data()), **kind)
    whole, part = network(), network()
    train(whole, TASK, rows, methods=[Free()], settings=plan())
    how = plan(checkpoint_dir=tmp_path, checkpoint_every=1, resume=True)
    stop = Free()
    stop.at = 6
    with pytest.raises(KeyboardInterrupt):
        train(network(), TASK, rows, methods=[stop], settings=how)
    train(part, TASK, rows, methods=[Free()], settings=how)
    assert torch.equal(weights(whole), weights(part))


def test_memory_holds_the_batches_that_are_read_ahead_and_no_more():
    alive, most = set(), []
    lock = threading.Lock()

    class Counted:
        def __len__(self):
            return 400

        def __getitem__(self, i):
            with lock:
                alive.add(i)
                most.append(len(alive))
            return torch.zeros(4), 0

    rows = StreamedSamples(Counted(), n_workers=2, prefetch=2)
    for _, cut in zip(rows.feed(torch.arange(400).split(10)), torch.arange(400).split(10), strict=True):
        with lock:
            alive.difference_update(cut.tolist())
        time.sleep(0.001)
    assert max(most) <= 10 * (2 * 2 + 2)


def test_arrays_on_disk_stream(tmp_path):
    X, y = data()
    np.save(tmp_path / "X.npy", X.numpy())
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    a, b = network(), network()
    train(a, TASK, Samples(X, y), settings=plan())
    train(b, TASK, StreamedSamples(ArrayRows(on_disk, y), n_workers=1), settings=plan())
    assert torch.equal(weights(a), weights(b))
    c = network()
    train(c, TASK, StreamedSamples(on_disk, y), settings=plan())
    assert torch.equal(weights(a), weights(c))


def test_a_folder_of_images_streams(tmp_path):
    rng = np.random.default_rng(0)
    paths, y = [], np.arange(12) % 3
    for i in range(12):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(rng.integers(256, size=(40, 30, 3), dtype=np.uint8)).save(paths[-1])
    net = load_backbone("builtin", channels=3, random_state=0)
    net.replace_head(TASK.head(net.in_features))
    files = ImageFiles(paths, y, size=(32, 32))
    x, label = files[4]
    assert x.shape == (3, 32, 32) and x.dtype == torch.uint8 and int(label) == 1
    rows = StreamedSamples(files, n_workers=2)
    history = train(net, TASK, rows, settings=plan(epochs=2, batch_size=4))
    assert history.steps == 6
    found = predict(net, TASK, StreamedSamples(ImageFiles(paths, size=(32, 32))))
    assert np.array_equal(found, TASK.predict(net(torch.stack([files[i][0] for i in range(12)]))))
    paths[3].write_bytes(b"no image")
    with pytest.raises(ReadError, match=r"3\.png"):
        train(net, TASK, rows, settings=plan(epochs=1))


def test_images_are_read_as_a_network_takes_them(tmp_path):
    from landbridge.neural.backbones._images import ImageInput

    Image.fromarray(np.full((20, 40, 3), 7, dtype=np.uint8)).save(tmp_path / "a.png")
    net = network()
    net.preprocess = ImageInput((16, 16), [0.5] * 3, [0.5] * 3, edge=18)
    files = ImageFiles.for_network(net, [tmp_path / "a.png"])
    assert torch.equal(files[0], net.preprocess.read([tmp_path / "a.png"])[0])
    with pytest.raises(InputError, match="does not say at which size"):
        ImageFiles.for_network(network(), [tmp_path / "a.png"])


def test_frozen_stages_are_run_once_over_streamed_samples():
    X, y = data()
    a, b = network(), network()
    seen = []

    class Watched(Pairs):
        def __getitem__(self, i):
            seen.append(i)
            return super().__getitem__(i)

    train(a, TASK, Samples(X, y), methods=[LinearProbe()], settings=plan())
    train(b, TASK, StreamedSamples(Watched(X), y), methods=[LinearProbe()], settings=plan())
    assert torch.equal(weights(a), weights(b)) and sorted(seen) == list(range(30))


def test_what_needs_all_labels_says_so():
    X, y = data()
    method = BalancedBatches()
    with pytest.raises(InputError, match=r"needs the labels of all samples; give StreamedSamples\(..., labels=...\)"):
        train(network(), TASK, StreamedSamples(Pairs(X, y)), methods=[method], settings=plan())
    a, b = network(), network()
    train(a, TASK, Samples(X, y), methods=[method], settings=plan())
    train(b, TASK, StreamedSamples(Pairs(X), y), methods=[method], settings=plan())
    assert torch.equal(weights(a), weights(b))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: StreamedSamples(iter([1])), "has no length or no entries"),
        (lambda: StreamedSamples(Pairs(data()[0]), [1]), "labels has 1 entries but there are 30"),
        (lambda: StreamedSamples(Pairs(data()[0]), workers="fibre"), "choose 'thread' or 'process'"),
        (lambda: StreamedSamples(Pairs(data()[0]), n_workers=-1), "n_workers must be at least 0"),
        (lambda: StreamedSamples(Pairs(data()[0])).lengths(), "by_length needs the lengths"),
        (lambda: ArrayRows(np.zeros((3, 2)), np.zeros(2)), "y has 2 entries but X has 3 samples"),
        (lambda: ImageFiles(["a", "b"], [1], size=(8, 8)), "y has 1 entries but there are 2 paths"),
    ],
)
def test_what_cannot_stream_is_said_in_one_line(make, says):
    with pytest.raises(InputError, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_image_files_too_large_for_memory_are_read_during_training(tmp_path, monkeypatch):
    from landbridge.neural import NeuralClassifier, _inputs
    from landbridge.neural.backbones._images import ImageInput
    from landbridge.neural.feature import SHOT

    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    paths = [str(tmp_path / f"{i}.png") for i in range(24)]
    for path, label in zip(paths, y, strict=True):
        shade = rng.integers(100, size=(20, 20, 3)) + 150 * label
        Image.fromarray(shade.astype(np.uint8)).save(path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        stages = {"a": nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), "b": nn.Conv2d(4, 6, 3)}
    backbone = Network(stages, in_features=6, preprocess=ImageInput((16, 16), [0.5] * 3, [0.5] * 3))

    def fitted(**changes):
        how = {"epochs": 3, "batch_size": 8, "device": "cpu", "random_state": 0, "patience": 3}
        labels = np.where(np.arange(24) < 8, y, -1)
        return NeuralClassifier(backbone, **how | changes).fit(paths, y, X_target=paths, y_target=labels)

    expected = fitted()
    monkeypatch.setattr(_inputs, "LARGEST", 100)
    seen = []
    read = ImageFiles.__getitem__
    monkeypatch.setattr(ImageFiles, "__getitem__", lambda self, i: seen.append(i) or read(self, i))
    found = fitted()
    assert len(seen) > 24 * 3 and np.array_equal(found.predict_proba(paths), expected.predict_proba(paths))
    assert np.array_equal(found.embed(paths), expected.embed(paths))
    seen.clear()
    fitted(methods=[SHOT(1)])  # whose second stage needs all samples at once
    assert not seen
    rows = StreamedSamples(ImageFiles(paths, size=(16, 16)), TASK.encode(y))
    with pytest.raises(InputError, match=r"SHOT\(.*needs all samples in memory"):
        train(backbone, TASK, rows, methods=[SHOT(1)], target=rows, settings=plan())


def test_samples_are_selected():
    X, y = data()
    rows, texts = torch.tensor([3, 1]), [torch.arange(n) for n in (4, 2, 3, 1)]
    for samples in (Samples(X, y), StreamedSamples(Pairs(X), y), StreamedSamples(ArrayRows(X.numpy(), y))):
        x, labels = samples.subset(rows).take(torch.tensor([1, 0]))
        assert torch.equal(x, X[[1, 3]]) and torch.equal(labels, y[[1, 3]])
        assert samples.subset(rows, torch.tensor([7, 8])).take(torch.tensor([1]))[1].tolist() == [8]
    some = Samples(texts, texts).subset(rows)
    assert len(some) == 2 and some.lengths().tolist() == [1, 2] and some.labels[1].tolist() == [0, 1]
    assert Samples({"x": X}).subset(rows).inputs["x"].shape == (2, 4)


def test_streamed_samples_in_two_processes_give_the_result_of_one():
    X, y = data()
    a, b = (Network({"a": nn.Linear(4, 6)}, in_features=6, head=nn.Linear(6, 3)) for _ in range(2))
    b.load_state_dict(a.state_dict())
    first = train(a, TASK, StreamedSamples(Pairs(X, y), n_workers=1), settings=plan(epochs=2))
    second = train(b, TASK, StreamedSamples(Pairs(X, y), n_workers=1), settings=plan(epochs=2, processes=2))
    assert torch.allclose(weights(a), weights(b), atol=1e-6)
    assert second.epochs[-1]["loss"] == pytest.approx(first.epochs[-1]["loss"], abs=1e-5)


def test_batches_of_similar_lengths():
    lengths = np.arange(40) % 8
    seen = []

    class Watch(Method):
        def transform(self, inputs, labels, generator):
            seen.append(inputs.shape[1])
            return inputs, labels

    class Texts(Pairs):
        def __getitem__(self, i):
            return torch.ones(int(lengths[i]) + 1, 4), int(i % 3)

    rows = StreamedSamples(Texts(lengths), lengths=lengths)

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(1)

    net = Network({"a": Mean(), "b": nn.Linear(4, 6)}, in_features=6, head=nn.Linear(6, 3))
    train(net, TASK, rows, methods=[Watch()], settings=plan(epochs=1, batch_size=10, by_length=True))
    assert sorted(seen) == [2, 4, 6, 8]  # in any other order, batches padded to about eight
