"""Layers of our own against finite differences, for their inputs and for every parameter."""

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.neural import Network  # noqa: E402
from landbridge.neural._heads import OpenSetHead, SourceMixture  # noqa: E402
from landbridge.neural.feature import reverse_gradient  # noqa: E402
from landbridge.neural.fewshot._siamese import SiameseNetwork  # noqa: E402
from landbridge.neural.multitask._network import MultiTaskNetwork  # noqa: E402
from landbridge.neural.parameter._stage_attention import StageHead  # noqa: E402
from landbridge.neural.progressive import Lateral  # noqa: E402
from landbridge.neural.selftaught._ddtl import Coder, row_losses  # noqa: E402
from landbridge.neural.tasks import Classification  # noqa: E402


@pytest.fixture(autouse=True)
def same_dice():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def rows(*shape):
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def check(module, call, *inputs):
    """Compare the gradient of `call` in its inputs and in all parameters, drawn anew so that none is zero."""
    module.double()
    names = [n for n, _ in module.named_parameters()]
    given = [torch.randn_like(p).requires_grad_() for _, p in module.named_parameters()]

    class Called(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, *args):
            return call(self.inner, *args)

    def run(*all_of_them):
        xs, ps = all_of_them[: len(inputs)], all_of_them[len(inputs) :]
        state = {f"inner.{n}": p for n, p in zip(names, ps, strict=True)}
        return torch.func.functional_call(Called(), state, xs)

    assert torch.autograd.gradcheck(run, (*inputs, *given))


def network():
    return Network({"a": nn.Sequential(nn.Linear(3, 4), nn.Tanh()), "b": nn.Linear(4, 3)}, in_features=3)


def test_lateral():
    check(Lateral([2, 2], 3, adapter_width=2), lambda m, x: m(x), rows(4, 4))
    check(Lateral([2, 2], 3, adapter_width=2), lambda m, x: m(x), rows(2, 4, 2, 2))


def test_heads():
    check(OpenSetHead(nn.Linear(3, 2), 3), lambda m, x: m.all_logits(x), rows(4, 3))
    check(SourceMixture(nn.Linear(3, 2), 2), lambda m, x: m(x), rows(4, 3))
    of = torch.tensor([0, 1, 1, 0])
    check(SourceMixture(nn.Linear(3, 2), 2), lambda m, x: m.own(x, of), rows(4, 3))


def test_attention_over_stages():
    def call(head, seen, embedding):
        head.seen[0] = seen
        return head(embedding)

    check(StageHead(nn.Linear(3, 2), [4], 3), call, rows(5, 4), rows(5, 3))


def test_siamese():
    check(SiameseNetwork(network()), lambda m, a, b: m.pairs(m.network.embed(a), m.network.embed(b)), *[rows(3, 3)] * 2)


def test_cross_stitch():
    tasks = {"one": Classification([0, 1]), "two": Classification([0, 1, 2])}
    shared = MultiTaskNetwork(network(), tasks, sharing="soft", random_state=0)
    check(shared, lambda m, x: tuple(m({"one": x, "two": x}).values()), rows(3, 3))


def test_distant_transfer():
    y = torch.tensor([0, 1, 1])
    check(Coder([3, 2], 2), lambda m, x: row_losses(x, *m(x), y), rows(3, 3))
    check(Coder([3, 2], 2), lambda m, x: row_losses(x, *m(x)), rows(3, 3))


def test_reversal_turns_the_difference_round():
    x = rows(4, 3)

    def loss(z):
        return (z.sin() * z).sum()

    turned = torch.autograd.grad(loss(reverse_gradient(x, 0.7)), x)[0]
    h = 1e-6
    for i in range(4):
        step = torch.zeros_like(x)
        step[i, 1] = h
        slope = float((loss(x + step) - loss(x - step)).detach()) / (2 * h)
        assert float(turned[i, 1]) == pytest.approx(-0.7 * slope, rel=1e-6)
