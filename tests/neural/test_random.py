"""Random numbers of a training: its own, whatever other threads draw, and the process's generator left alone."""

import copy
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from landbridge.neural import Classification, Method, Network, Samples, Training, train  # noqa: E402
from landbridge.neural._random import OwnState, draws_nothing, seeded  # noqa: E402

DRAWS = {
    "rand": lambda: torch.rand(3),
    "randn": lambda: torch.randn(3),
    "randperm": lambda: torch.randperm(9),
    "rand_like": lambda: torch.rand_like(torch.zeros(3)),
    "normal_": lambda: torch.zeros(3).normal_(),
    "bernoulli": lambda: torch.bernoulli(torch.full((9,), 0.5)),
    "multinomial": lambda: torch.multinomial(torch.ones(9), 4),
    "dropout": lambda: F.dropout(torch.ones(9), 0.5),
    "layer": lambda: nn.Dropout(0.5)(torch.ones(9)),
    "dropout2d": lambda: nn.Dropout2d(0.5)(torch.ones(1, 9, 2, 2)),
    "first weights": lambda: nn.Linear(3, 3).weight.detach(),
    "attention": lambda: F.scaled_dot_product_attention(*[torch.ones(1, 1, 4, 4)] * 3, dropout_p=0.5),
    "layer of attention": lambda: nn.MultiheadAttention(4, 2, dropout=0.5)(*[torch.ones(5, 1, 4)] * 3)[0].detach(),
    "recurrent": lambda: nn.LSTM(3, 3, num_layers=2, dropout=0.5)(torch.ones(5, 1, 3))[0].detach(),
    "transformer": lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.5)(torch.ones(5, 1, 4)).detach(),
    "gumbel": lambda: F.gumbel_softmax(torch.zeros(4)),
    "distribution": lambda: torch.distributions.Normal(0.0, 1.0).sample((3,)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_every_draw_comes_from_the_own_state(name):
    draw = DRAWS[name]
    with seeded(3):
        expected = [draw(), draw()]
    with seeded(3):
        own = OwnState()
    torch.manual_seed(8)
    before = torch.get_rng_state()
    with own.active():
        found = [draw(), draw()]
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_blocks_and_generators_within_keep_their_own_numbers():
    with seeded(1):
        own = OwnState()
    with own.active():
        with seeded(3):
            inner = torch.rand(2)
        given = torch.rand(2, generator=torch.Generator().manual_seed(3))
        outer = torch.rand(2)
    with seeded(3):
        assert torch.equal(inner, torch.rand(2)) and torch.equal(inner, given)
    with seeded(1):
        assert torch.equal(outer, torch.rand(2))


@pytest.mark.parametrize("name", DRAWS)
def test_a_run_within_a_run_draws_from_its_own_state(name):
    draw = DRAWS[name]
    with seeded(1):
        outer = OwnState()
        expected_after = torch.rand(2)
    with seeded(3):
        inner = OwnState()
        expected = draw()
    with outer.active():
        with inner.active():
            found = draw()
        after = torch.rand(2)
    assert torch.equal(found, expected) and torch.equal(after, expected_after)


def test_the_state_goes_through_a_checkpoint():
    with seeded(1):
        own = OwnState()
    with own.active():
        torch.rand(5)
        kept = own.state()
        expected = torch.rand(5)
        own.load(kept)
        assert torch.equal(torch.rand(5), expected)


def test_layers_that_may_draw_are_known():
    plain = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Dropout(0.0))

    class Noise(nn.Module):
        def forward(self, x):
            return x + torch.randn_like(x)

    assert draws_nothing(plain) and draws_nothing(Network({"a": plain}, in_features=2))
    for module in (nn.Dropout(0.1), nn.LSTM(2, 2), nn.MultiheadAttention(2, 1), Noise()):
        assert not draws_nothing(nn.Sequential(nn.Linear(2, 2), module))


def test_methods_that_draw_without_a_generator_say_so():
    """Others are not watched during training, which saves time; layers are looked at one by one."""
    from pathlib import Path

    import landbridge.neural

    draw = re.compile(r"torch\.(?:rand|randn|randint|randperm|bernoulli|multinomial|normal)\((?!.*generator=)")
    folder = Path(landbridge.neural.__file__).parent
    files = {
        f.stem: f.read_text(encoding="utf-8") for room in ("feature", "parameter") for f in (folder / room).glob("*.py")
    }
    found = {
        name
        for name, text in files.items()
        if any(draw.search(line) for line in text.splitlines() if ">>>" not in line)
    }
    assert {name for name in found if "draws: ClassVar[bool] = True" not in files[name]} == {
        "_layer_transfer",  # before training, from the seed of the run
        "_stochastic_norm",  # in a layer, which is none of those known to draw nothing
    }


@pytest.mark.parametrize("kind", ["WDGRL", "StochasticNorm"])
def test_what_methods_draw_leaves_the_process_alone(kind):
    from landbridge.neural.feature import WDGRL
    from landbridge.neural.parameter import StochasticNorm

    X, y = torch.randn(40, 4, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3
    found = []
    for _ in range(2):
        stage = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
        net = Network({"a": stage}, in_features=8, head=nn.Linear(8, 3)).reset(["a", "head"], random_state=0)
        before = torch.get_rng_state()
        method = WDGRL() if kind == "WDGRL" else StochasticNorm()
        how = Training(epochs=2, batch_size=8, device="cpu", random_state=1)
        train(net, Classification([0, 1, 2]), Samples(X, y), methods=[method], target=Samples(X), settings=how)
        assert torch.equal(before, torch.get_rng_state())
        found.append(weights(net))
        torch.rand(3)
    assert torch.equal(*found)


class Together(Method):
    """Lets two trainings take each step at the same time; a training that waited for the other would time out."""

    def __init__(self, barrier):
        self.barrier = barrier

    def step(self, network, progress):
        self.barrier.wait(timeout=60)

    def __deepcopy__(self, memo):
        return self


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_two_trainings_in_threads_run_side_by_side_and_repeat_bit_for_bit(dropout):
    X, y = torch.randn(40, 4, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3

    first = Network({"a": nn.Sequential(nn.Linear(4, 8), nn.Dropout(dropout))}, in_features=8, head=nn.Linear(8, 3))

    def trained(seed, barrier):
        net = copy.deepcopy(first)
        how = Training(epochs=4, batch_size=8, device="cpu", random_state=seed)
        train(net, Classification([0, 1, 2]), Samples(X, y), methods=[Together(barrier)], settings=how)
        return weights(net)

    alone = [trained(seed, threading.Barrier(1)) for seed in (1, 2)]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda seed: trained(seed, barrier), (1, 2)))
    assert torch.equal(alone[0], found[0]) and torch.equal(alone[1], found[1])
    assert torch.equal(torch.get_rng_state(), before)
