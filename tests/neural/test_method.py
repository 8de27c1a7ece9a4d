"""How several methods add up."""

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Batch, Classification, Method, Methods, Network, Samples, Training, train  # noqa: E402


def small(seed=0):
    torch.manual_seed(seed)
    return Network({"a": nn.Linear(3, 5), "b": nn.Linear(5, 4)}, in_features=4, head=nn.Linear(4, 2))


class Pull(Method):
    def __init__(self, strength):
        self.strength = strength

    def loss(self, network, source, target, progress):
        return {"pull": self.strength * sum((p**2).sum() for p in network.parameters())}


class Slow(Method):
    def __init__(self, factor, stage):
        self.factor = factor
        self.stage = stage

    def parameter_groups(self, network, learning_rate):
        return [{"params": list(network.part(self.stage).parameters()), "lr": learning_rate * self.factor}]


def test_terms_of_one_name_are_kept_apart_and_summed():
    net = small()
    both = Methods([Pull(1.0), Pull(2.0)])
    both.prepare(net, None)
    batch = Batch(None, None, torch.zeros(1, 2))
    terms = both.loss(net, batch, None, 0.0)
    assert list(terms) == ["pull", "Pull pull"]
    assert torch.allclose(terms["Pull pull"], 2 * terms["pull"])


def test_rates_multiply_and_vectors_are_not_decayed():
    net = small()
    groups = Methods([Slow(0.1, "a"), Slow(0.5, "a"), Slow(0.5, "head")]).parameter_groups(net, 0.2, 0.01)
    found = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    assert found[id(net.stages["a"].weight)] == pytest.approx((0.2 * 0.05, 0.01))
    assert found[id(net.head.bias)] == pytest.approx((0.1, 0.0))
    assert found[id(net.stages["b"].weight)] == pytest.approx((0.2, 0.01))
    assert len(found) == 6


def test_frozen_everything_is_an_error():
    net = small().freeze([*small().stage_names, "head"])
    with pytest.raises(InputError, match="nothing is left to train"):
        Methods([]).parameter_groups(net, 0.1, 0.0)


def test_no_method_is_an_error_that_says_so():
    with pytest.raises(InputError, match="is no Method"):
        Methods([Pull])


def test_hooks_are_called_in_order_with_one_shared_forward_pass():
    seen = []

    class Spy(Method):
        stages = ("a", "embedding")
        reads_target = True

        def prepare(self, network, task):
            seen.append("prepare")

        def epoch(self, network, epoch, epochs):
            seen.append(f"epoch {epoch} of {epochs}")

        def transform(self, inputs, labels, generator):
            seen.append("transform")
            return inputs + 0, labels

        def loss(self, network, source, target, progress):
            assert set(source.features) == {"a", "embedding"}
            assert torch.equal(network.head(source.features["embedding"]), source.logits)
            assert target is not None and target.labels is None and len(target.logits) == len(source.logits)
            seen.append(f"loss {progress:.2f}")
            return {}

        def gradients(self, network, progress):
            assert network.head.weight.grad is not None
            seen.append("gradients")

        def step(self, network, progress):
            seen.append("step")

        def finish(self, network):
            seen.append("finish")

    X, y = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 0, 1])
    train(
        small(),
        Classification([0, 1]),
        Samples(X, y),
        methods=[Spy()],
        target=Samples(torch.randn(4, 3)),
        settings=Training(epochs=2, batch_size=6, device="cpu", random_state=0),
    )
    step = ["transform", "loss {}", "gradients", "step"]
    first, second = ([s.format(p) for s in step] for p in ("0.00", "0.50"))
    assert seen == ["prepare", "epoch 0 of 2", *first, "epoch 1 of 2", *second, "finish"]


def test_a_method_that_reads_the_target_needs_one():
    class Reader(Method):
        reads_target = True

    with pytest.raises(InputError, match="give X_target"):
        train(
            small(), Classification([0, 1]), Samples(torch.randn(4, 3), torch.tensor([0, 1, 0, 1])), methods=[Reader()]
        )


def test_order_chooses_the_rows_of_an_epoch():
    rows = []

    class Only(Method):
        def order(self, labels, epoch, generator):
            return torch.zeros(len(labels), dtype=torch.long)

        def loss(self, network, source, target, progress):
            rows.extend(source.rows.tolist())
            return {}

    settings = Training(epochs=1, batch_size=2, device="cpu", random_state=0)
    train(
        small(),
        Classification([0, 1]),
        Samples(torch.randn(4, 3), torch.tensor([0, 1, 0, 1])),
        methods=[Only()],
        settings=settings,
    )
    assert rows == [0, 0, 0, 0]


def test_repr_shows_the_parameters():
    assert repr(Pull(0.5)) == "Pull(strength=0.5)"
