"""What a resumed run has to share with the run that it goes on from, damaged checkpoints, and one run a folder."""

import multiprocessing
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError, ReadError  # noqa: E402
from landbridge.neural import Classification, Method, Network, Samples, Training, train  # noqa: E402
from landbridge.neural._checkpoint import latest_checkpoint, load_latest  # noqa: E402
from landbridge.neural._lock import one_run  # noqa: E402
from landbridge.neural._resume import describe  # noqa: E402
from landbridge.neural.parameter import L2SP, CoTuning, LearningWithoutForgetting  # noqa: E402

TASK = Classification([0, 1])


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Network({"a": nn.Linear(4, 4)}, in_features=4, head=nn.Linear(4, 2))


def rows(seed=0, n=12):
    generator = torch.Generator().manual_seed(seed)
    return Samples(torch.randn(n, 4, generator=generator), torch.arange(n) % 2)


def run(folder, data=None, methods=(), task=TASK, held_out=None, target=None, **changes):
    given = {"epochs": 3, "batch_size": 4, "device": "cpu", "random_state": 0, "checkpoint_dir": folder}
    net = network()
    history = train(
        net, task, rows() if data is None else data, methods=methods, held_out=held_out, target=target,
        settings=Training(**given | changes),
    )  # fmt: skip
    return net, history


class Pull(Method):
    reads_target = True

    def loss(self, net, source, target, progress):
        return {"pull": target.logits.square().mean()}


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({}, {"data": rows(1)}, "with other training samples or labels"),  # the same labels: noise in place of inputs
        ({}, {"data": Samples(rows().inputs, 1 - rows().labels)}, "with other training samples or labels"),
        ({"methods": [L2SP(0.1)]}, {"methods": [L2SP(0.9)]}, r"with another L2SP\(\)"),
        ({"methods": [L2SP(0.1)]}, {"methods": []}, "with another methods"),
        ({}, {"task": Classification([0, 1], label_smoothing=0.2)}, "with another task"),
        ({}, {"clip": 0.5}, "with another clip"),
        ({"held_out": rows(2)}, {"held_out": rows(3)}, "with other held-out samples"),
        (
            {"methods": [Pull()], "target": rows(2)},
            {"methods": [Pull()], "target": rows(3)},
            "with other target samples",
        ),
    ],
)
def test_a_run_does_not_go_on_from_another_one(tmp_path, first, second, says):
    net, _ = run(tmp_path, **first)
    with pytest.raises(InputError, match=says) as caught:
        run(tmp_path, resume=True, **second)
    assert "\n" not in str(caught.value) and "resume=False" in str(caught.value)
    again, _ = run(tmp_path, resume=True, **first)
    assert torch.equal(net.head.weight, again.head.weight)


def test_methods_are_described_by_their_arguments():
    head, other = nn.Linear(4, 3), nn.Linear(4, 3)
    assert describe(LearningWithoutForgetting(head)) == describe(LearningWithoutForgetting(head))
    assert describe(LearningWithoutForgetting(head)) != describe(LearningWithoutForgetting(other))
    assert describe(Classification(np.array(["a", "b"]))) != describe(Classification(np.array(["a", "c"])))
    assert " at 0x" not in describe(CoTuning(nn.Linear(4, 3)))


def damage(folder):
    file = latest_checkpoint(folder) / "tensors.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))


def test_after_a_damaged_checkpoint_the_run_goes_on_from_the_one_before(tmp_path):
    expected, history = run(tmp_path)
    damage(tmp_path)
    with pytest.warns(UserWarning) as caught:
        found, again = run(tmp_path, resume=True)
    assert [str(w.message) for w in caught if "damaged" in str(w.message)] == [
        f"checkpoint {tmp_path / 'step-000000009'} is damaged; the run goes on from step-000000006 instead."
    ]
    assert torch.equal(expected.head.weight, found.head.weight) and again.epochs == history.epochs
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        run(tmp_path, resume=True)  # the damaged one was replaced


def test_without_a_whole_checkpoint_the_damage_is_named(tmp_path):
    run(tmp_path, epochs=1)
    damage(tmp_path)
    with pytest.raises(ReadError, match="step-000000003 cannot be read"):
        load_latest(tmp_path)


def hold(folder, begun, done):
    with one_run(folder):
        begun.set()
        done.wait(60)


def test_one_run_writes_a_folder_at_a_time(tmp_path):
    with one_run(tmp_path), pytest.raises(InputError, match="is being written by another run") as caught:
        run(tmp_path)
    assert "\n" not in str(caught.value)
    context = multiprocessing.get_context("fork")
    begun, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, begun, done))
    other.start()
    try:
        assert begun.wait(60)
        with pytest.raises(InputError, match="is being written by another run"):
            run(tmp_path)
    finally:
        done.set()
        other.join()
    run(tmp_path)  # which has ended, and holds nothing
    assert not list(tmp_path.glob(".part-*"))
