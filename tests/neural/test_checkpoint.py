"""Checkpoints: whole or not at all, and a killed run goes on to the same bits."""

import json
import os
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from safetensors.torch import load_file  # noqa: E402

from landbridge.exceptions import InputError, ReadError  # noqa: E402
from landbridge.neural._checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint  # noqa: E402

# Each run is a process of its own, begun by one that has the imports behind it.
RUN = '''
import os, signal, sys, time
from pathlib import Path
import torch
from torch import nn
from safetensors.torch import save_file
from landbridge.neural import Classification, Method, Network, Samples, Training, train

class Slow(Method):
    """Gives the killer time, and keeps a state of its own."""
    total = torch.zeros(())
    def __init__(self, pause):
        self.pause = pause
    def step(self, network, progress):
        self.total = self.total + network.head.bias.detach().sum()
        time.sleep(self.pause)
    def state(self):
        return {"total": self.total}
    def load_state(self, state):
        self.total = state["total"]

def run(folder, pause, begun):
    torch.manual_seed(0)
    stage = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4))
    net = Network({"a": stage}, in_features=8, head=nn.Linear(8, 3))
    X, y = torch.randn(40, 4), torch.randint(3, (40,))
    held_out = Samples(torch.randn(10, 4), torch.randint(3, (10,)))
    slow = Slow(pause)
    settings = Training(epochs=6, batch_size=8, learning_rate=0.02, clip=1.0, average="ema", patience=6, device="cpu",
                        random_state=0, checkpoint_dir=folder, checkpoint_every=2, resume=True)
    os.write(begun, b".")
    history = train(net, Classification([0, 1, 2]), Samples(X, y), methods=[slow], held_out=held_out,
                    settings=settings)
    losses = torch.tensor([[e["loss"], e["held_out_loss"]] for e in history.epochs])
    save_file({**net.state_dict(), "losses": losses, "total": slow.total}, f"{folder}.safetensors")

def start(name, pause):
    ready, begun = os.pipe()
    process = os.fork()
    if process == 0:
        run(Path(sys.argv[1], name), pause, begun)
        os._exit(0)
    os.close(begun)
    os.read(ready, 1)
    return process

whole = start("whole", 0)
for moment in (0.15, 0.12):
    killed = start("killed", 0.01)
    time.sleep(moment)
    os.kill(killed, signal.SIGKILL)
    os.waitpid(killed, 0)
for process in (whole, start("killed", 0.01)):
    assert os.waitpid(process, 0)[1] == 0
'''


def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(RUN)
    subprocess.run([sys.executable, script, tmp_path], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
    expected, found = load_file(tmp_path / "whole.safetensors"), load_file(tmp_path / "killed.safetensors")
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_only_whole_checkpoints_are_found_and_old_ones_go(tmp_path):
    for step in (2, 4, 10):
        save_checkpoint(tmp_path, step, {"w": torch.full((2,), float(step))}, {"step": step}, keep=2)
    (tmp_path / ".part-abc").mkdir()
    (tmp_path / "step-000000099").mkdir()  # no state within
    assert latest_checkpoint(tmp_path).name == "step-000000010"
    assert not (tmp_path / "step-000000002").exists()
    tensors, state = load_checkpoint(latest_checkpoint(tmp_path))
    assert tensors["w"].tolist() == [10.0, 10.0] and state == {"step": 10}
    save_checkpoint(tmp_path, 11, {"w": torch.zeros(1)}, {})
    assert not list(tmp_path.glob(".part-*"))


def test_a_damaged_checkpoint_is_named(tmp_path):
    place = save_checkpoint(tmp_path, 1, {"w": torch.zeros(100)}, {})
    file = place / "tensors.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ReadError, match="step-000000001 cannot be read"):
        load_checkpoint(place)


def test_nothing_is_pickled(tmp_path):
    place = save_checkpoint(tmp_path, 1, {"w": torch.zeros(3)}, {"a": 1})
    assert sorted(p.name for p in place.iterdir()) == ["state.json", "tensors.safetensors"]
    assert json.loads((place / "state.json").read_text())["state"] == {"a": 1}


def small_run(folder, **changes):
    from torch import nn

    from landbridge.neural import Classification, Network, Samples, Training, train

    torch.manual_seed(0)
    net = Network({"a": nn.Linear(4, 4)}, in_features=4, head=nn.Linear(4, 2))
    X, y = torch.randn(12, 4), torch.arange(12) % 2
    settings = Training(**{"epochs": 3, "batch_size": 4, "device": "cpu", "checkpoint_dir": folder} | changes)
    return net, train(net, Classification([0, 1]), Samples(X, y), settings=settings)


def test_a_finished_run_is_only_read(tmp_path):
    first, history = small_run(tmp_path)
    second, again = small_run(tmp_path, resume=True)
    assert torch.equal(first.head.weight, second.head.weight)
    assert again.epochs == history.epochs


def test_resuming_with_other_settings_is_an_error_that_names_them(tmp_path):
    small_run(tmp_path)
    with pytest.raises(InputError, match="made with another learning_rate"):
        small_run(tmp_path, resume=True, learning_rate=0.5)


def test_without_resume_the_old_run_is_forgotten(tmp_path):
    small_run(tmp_path, epochs=5)
    _, history = small_run(tmp_path, epochs=2)
    assert len(history.epochs) == 2
    assert latest_checkpoint(tmp_path).name == "step-000000006"
