"""The trainer runs any phase: its own optimisers and steps, with checkpoints, early stopping and exact resuming."""

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Training  # noqa: E402
from landbridge.neural._phase import Phase  # noqa: E402
from landbridge.neural._trainer import run_phase  # noqa: E402


class Duel(Phase):
    """Two layers with an optimiser each, a generator, dropout, and a tensor that steps change."""

    name = "a duel"
    n_steps = 4

    def __init__(self, stop_at=None):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.module = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Sequential(nn.Linear(3, 1), nn.Dropout(0.5))})
        self.generators = {"noise": torch.Generator().manual_seed(0)}
        self.count, self.stop_at = torch.zeros(()), stop_at

    def start(self, run):
        super().start(run)
        self.optimizers = {k: torch.optim.Adam(m.parameters(), lr=0.01) for k, m in self.module.items()}

    def rate(self, step, total):
        return None

    def step(self, batch, share):
        x = torch.randn((5, 3), generator=self.generators["noise"])
        self.descend(self.module["b"](self.module["a"](x).detach()).square().mean(), "b")
        loss = (1 - self.module["b"](self.module["a"](x))).square().mean()
        self.descend(loss, "a")
        self.run.means.add("first", loss, len(x))
        self.count = self.count + 1
        if self.stop_at is not None and self.run.state.step == self.stop_at:
            raise KeyboardInterrupt

    def evaluate(self):
        return {"held_out_loss": float(self.module["a"].weight.detach().square().sum()), "held_out_score": 0.0}

    def state(self):
        return {"count": self.count}

    def load_state(self, state):
        self.count = state["count"]

    def fingerprint(self):
        return {"duel": 1}


def weights(phase):
    return torch.cat([p.detach().flatten() for p in phase.module.parameters()])


def plan(**changes):
    return Training(**{"epochs": 5, "device": "cpu", "random_state": 3, "precision": "32"} | changes)


@pytest.mark.parametrize("stop_at", [2, 4, 9, 19])
def test_a_stopped_phase_resumes_to_the_same_bits(tmp_path, stop_at):
    whole, first, second = Duel(), Duel(stop_at), Duel()
    expected = run_phase(whole, plan(average="ema"))
    how = plan(average="ema", checkpoint_dir=tmp_path, checkpoint_every=1, resume=True)
    with pytest.raises(KeyboardInterrupt):
        run_phase(first, how)
    found = run_phase(second, how)
    assert torch.equal(weights(whole), weights(second)) and int(second.count) == 20
    assert [e["first"] for e in found.epochs] == pytest.approx([e["first"] for e in expected.epochs], rel=1e-6)
    assert not torch.equal(weights(whole), weights(first))


def test_a_phase_stops_early_and_keeps_its_best():
    phase = Duel()
    history = run_phase(phase, plan(epochs=60, patience=2))
    assert len(history.epochs) == history.best_epoch + 4 < 60
    best = min(e["held_out_loss"] for e in history.epochs)
    assert float(phase.module["a"].weight.detach().square().sum()) == pytest.approx(best)


def test_a_phase_leaves_the_generators_of_the_process_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, second = Duel(), Duel()
    run_phase(first, plan())
    torch.rand(4)
    run_phase(second, plan())
    torch.set_rng_state(before)
    assert torch.equal(weights(first), weights(second))
    run_phase(Duel(), plan())
    assert torch.equal(torch.get_rng_state(), before)


def test_what_a_phase_cannot_do_is_one_line():
    with pytest.raises(InputError, match="a duel runs in one process"):
        run_phase(Duel(), plan(processes=2))
    with pytest.raises(InputError, match="precision='16' is not available for a duel"):
        run_phase(Duel(), plan(precision="16"))


def test_a_phase_runs_in_bf16():
    seen = []

    class Watch(Duel):
        def step(self, batch, share):
            seen.append(self.module["a"](torch.zeros(1, 3)).dtype)
            super().step(batch, share)

    run_phase(Watch(), plan(epochs=1, precision="bf16"))
    assert set(seen) == {torch.bfloat16}
