"""MultiTaskNetwork: what is shared, what is not, and what a forward pass through several columns gives."""

import pickle

import pytest
import torch
from torch import nn

from landbridge.exceptions import InputError
from landbridge.neural import Classification, Network, Regression, load_backbone
from landbridge.neural.multitask import MultiTaskNetwork, cross_stitch


def make(sharing="hard", **how):
    tasks = {"kind": Classification(["a", "b", "c"]), "size": Regression()}
    return MultiTaskNetwork(load_backbone("builtin"), tasks, sharing=sharing, **how).eval()


def images(n, seed=0, side=8):
    return torch.randn(n, 1, side, side, generator=torch.Generator().manual_seed(seed))


def test_hard_sharing_is_one_object():
    net = make(shared_until="strokes")
    kind, size = net.column("kind"), net.column("size")
    for name in ("edges", "strokes"):
        own, other = list(kind.part(name).parameters()), list(size.part(name).parameters())
        assert own and all(p is q for p, q in zip(own, other, strict=True))
    for name in ("parts", "shapes", "head"):
        pairs = zip(kind.part(name).parameters(), size.part(name).parameters(), strict=True)
        assert all(p is not q for p, q in pairs)
    shared = {id(p) for p in net.shared_parameters()}
    assert shared == {id(p) for n in ("edges", "strokes") for p in kind.part(n).parameters()}
    assert len(list(net.parameters())) == len({id(p) for p in net.parameters()})
    again = pickle.loads(pickle.dumps(net))
    assert again.column("kind").part("edges") is again.column("size").part("edges")


def test_a_given_network_is_copied():
    given = load_backbone("builtin")
    net = MultiTaskNetwork(given, {"kind": Classification([0, 1])}, random_state=0)
    assert net.column("kind").part("edges") is not given.part("edges")
    assert isinstance(given.head, nn.Identity)


def test_a_column_says_what_the_whole_says():
    net = make(shared_until="parts")
    a, b = images(5), images(3, 1)
    out = net({"kind": a, "size": b})
    torch.testing.assert_close(out["kind"], net.column("kind")(a), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(out["size"], net.column("size")(b), rtol=1e-4, atol=1e-5)
    mixed = net({"kind": a, "size": images(3, 1, side=16)})  # images of two sizes
    torch.testing.assert_close(mixed["kind"], out["kind"], rtol=1e-4, atol=1e-5)


def test_batch_norm_sees_the_mixture():
    net = make().train()
    a, b = images(6), images(6, 1) * 5 + 3
    norm = net.column("kind").part("edges")[1]
    norm.reset_running_stats()
    norm.momentum = 1.0
    net({"kind": a, "size": b})
    base = net.column("kind")
    raw = base.part("edges")[0](base.preprocess(torch.cat([a, b])))
    torch.testing.assert_close(norm.running_mean, raw.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)


def test_soft_sharing_begins_as_the_network_that_was_given_and_mixes():
    net, x = make("soft"), images(4)
    assert net.shared == () and len(net.stitches) == 4
    wanted = load_backbone("builtin").embed(x)
    for name in net.names:
        head = net.column(name).head
        torch.testing.assert_close(net({name: x})[name], head(wanted), rtol=1e-4, atol=1e-5)
    # what one task learns reaches the other's column through the units
    loss = net({"kind": x})["kind"].square().sum()
    loss.backward()
    assert net.column("size").part("edges")[0].weight.grad.abs().sum() > 0
    with torch.no_grad():
        for alpha in net.stitches:
            alpha.copy_(torch.eye(2))
    net.zero_grad()
    net({"kind": x})["kind"].square().sum().backward()
    assert net.column("size").part("edges")[0].weight.grad.abs().sum() == 0


def test_cross_stitch_is_a_sum_over_columns():
    x = torch.randn(3, 2, 4, 5, dtype=torch.float64)
    alpha = torch.randn(3, 3, dtype=torch.float64)
    found = cross_stitch(x, alpha)
    for i in range(3):
        torch.testing.assert_close(found[i], sum(alpha[i, j] * x[j] for j in range(3)))


def test_heads_depend_on_their_name_alone():
    body = Network({"low": nn.Linear(4, 3)}, in_features=3)
    one = MultiTaskNetwork(body, {"a": Regression(), "b": Regression()}, random_state=1)
    two = MultiTaskNetwork(body, {"b": Regression()}, random_state=1)
    assert torch.equal(one.column("b").head.weight, two.column("b").head.weight)
    assert not torch.equal(one.column("b").head.weight, one.column("a").head.weight)


def test_frozen_stages_stay_frozen():
    given = load_backbone("builtin").freeze(["edges"])
    net = MultiTaskNetwork(given, {"a": Regression(), "b": Regression()}, random_state=0).train()
    assert not net.column("b").part("edges").training
    assert not {id(p) for p in net.shared_parameters()} & {id(p) for p in net.column("a").part("edges").parameters()}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"sharing": "none"}, "sharing='none' is unknown"),
        ({"shared_until": "knees"}, "shared_until='knees' is no stage; choose from edges"),
        ({"sharing": "soft", "shared_until": "edges"}, "shared_until goes with sharing='hard'"),
    ],
)
def test_faults_are_named(how, message):
    with pytest.raises(InputError, match=message):
        make(**how)


def test_other_faults_are_named():
    with pytest.raises(InputError, match="tasks is empty"):
        MultiTaskNetwork(load_backbone("builtin"), {}, random_state=0)
    with pytest.raises(InputError, match="no task 'colour'; choose from kind, size"):
        make().column("colour")


class Split:
    """A body that runs the stages by itself, as wrapped models do."""

    def __init__(self, stages):
        self.stages = stages

    def __call__(self, x, start, stop, wanted, kept):
        for name, stage in self.stages.items():
            if start in (None, name):
                start, x = None, stage(x)
                if name in wanted:
                    kept[name] = x
                if name == stop:
                    break
        return x


def test_a_body_of_its_own_shares_its_stages_too():
    stages = {"low": nn.Linear(4, 5), "high": nn.Linear(5, 3)}
    given = Network(stages, in_features=3, body=Split(stages))
    net = MultiTaskNetwork(given, {"a": Regression(), "b": Regression()}, shared_until="low", random_state=0)
    one, two = net.column("a"), net.column("b")
    assert one.body.stages["low"] is two.body.stages["low"] is two.part("low")
    assert two.body.stages["high"] is two.part("high") is not one.part("high")
    x = torch.randn(3, 4)
    assert set(net({"a": x, "b": x})) == {"a", "b"}
    with pytest.raises(InputError, match="sharing='soft' needs a backbone"):
        MultiTaskNetwork(given, {"a": Regression()}, sharing="soft", random_state=0)
