"""The regularisers and output methods, checked in the corners: other shapes, other company, and by hand."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, Network, NeuralClassifier, NeuralRegressor, load_backbone
from landbridge.neural.parameter import (
    L2SP,
    AttentionTransfer,
    BatchSpectralShrinkage,
    BiTuning,
    CoTuning,
    Delta,
    Distillation,
    LearningWithoutForgetting,
    LinearProbe,
    LowRankAdapters,
    Mixup,
    StochasticNorm,
    attention_map,
    calibration_temperature,
    channel_attention,
    class_relations,
    smallest_squares,
)
from landbridge.neural.parameter._bi_tuning import contrast


class Ten:
    n_outputs = 10


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def table_network():
    torch.manual_seed(0)
    low, high = nn.Sequential(nn.Linear(4, 6), nn.Tanh()), nn.Sequential(nn.Linear(6, 5), nn.Tanh())
    return Network({"low": low, "high": high}, in_features=5, head=nn.Linear(5, 10))


def normed_network():
    torch.manual_seed(0)
    net = Network({"a": nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8))}, in_features=8, head=nn.Linear(8, 10))
    net(5 + 3 * draw(16, 1, 6, 6))  # some statistics
    return net


def batch(network, x, stages=(), labels=None):
    logits, features = network(x, (*stages, "embedding"))
    return Batch(x, torch.arange(len(x)) % 3 if labels is None else labels, logits, features)


def nudge(network):
    with torch.no_grad():
        for k, p in enumerate(network.stages.parameters()):
            p.add_(0.1 * draw(*p.shape, seed=k))


# --- L2-SP


def test_l2sp_turns_weight_decay_off_and_lets_adapters_be():
    net = table_network()
    method = L2SP(0.1)
    method.prepare(net, Ten())
    (group,) = method.parameter_groups(net, 0.1)
    assert group["weight_decay"] == 0.0 and "lr" not in group and len(group["params"]) == 6
    bare = L2SP(0.1, head_strength=0.0)
    bare.prepare(net, Ten())
    assert len(bare.parameter_groups(net, 0.1)[0]["params"]) == 4
    assert float(bare.loss(net, batch(net, draw(6, 4)), None, 0)["l2sp"].detach()) == 0.0
    LowRankAdapters(2).prepare(net, Ten())
    assert np.isfinite(float(method.loss(net, batch(net, draw(6, 4)), None, 0)["l2sp"].detach()))
    with pytest.raises(InputError, match="'head_strength'"):
        L2SP(head_strength=-1).validate_params()


# --- DELTA


@pytest.mark.parametrize("attention", ["spread", "classes", "uniform"])
@pytest.mark.parametrize("kind", ["table", "tokens", "maps", "clips"])
def test_delta_holds_stages_of_every_shape(kind, attention):
    make = {
        "table": (lambda: nn.Linear(4, 5), (6, 4)),
        "tokens": (lambda: nn.Linear(4, 5), (6, 3, 4)),
        "maps": (lambda: nn.Conv2d(4, 5, 1), (6, 4, 3, 2)),
        "clips": (lambda: nn.Conv3d(4, 5, 1), (6, 4, 2, 3, 2)),
    }
    layer, shape = make[kind]
    torch.manual_seed(0)
    net = Network({"only": layer()}, in_features=5, head=nn.Linear(5, 10))
    method = Delta(attention=attention)
    method.prepare(net, Ten())
    x = draw(*shape)
    assert float(method.loss(net, batch(net, x, method.stages_), None, 0)["delta"].detach()) == 0.0
    then = net.activations(x, "only").detach()
    nudge(net)
    now = net.activations(x, "only").detach()
    term = float(method.loss(net, batch(net, x, method.stages_), None, 0)["delta"].detach())
    channel = 2 if kind == "tokens" else 1
    others = [a for a in range(then.ndim) if a != channel]
    apart = (now - then).square().mean(dim=others)
    if attention == "uniform":
        assert term == pytest.approx(0.1 * float(apart.mean()), rel=1e-4)
    elif attention == "spread":
        w = then.var(dim=0, unbiased=False).mean(dim=[a - 1 for a in others if a]) if kind != "table" else None
        w = then.var(dim=0, unbiased=False) if w is None else w
        assert term == pytest.approx(0.1 * float((w / w.mean() * apart).mean()), rel=1e-4)
    else:
        assert term > 0


def test_channels_that_tell_classes_apart_weigh_more():
    y = torch.arange(90) % 3
    x = draw(90, 4)
    x[:, 2] += 5.0 * y
    Y = F.one_hot(y, 3).float()
    weight = channel_attention(Y.sum(0), Y.T @ x, x.square().sum(0))
    assert float(weight.mean()) == pytest.approx(1.0, rel=1e-5)
    assert int(weight.argmax()) == 2 and float(weight[2]) > 3.5
    flat = channel_attention(Y.sum(0), torch.zeros(3, 4), torch.zeros(4))
    torch.testing.assert_close(flat, torch.ones(4))
    # by hand: between over within, with the floor of one hundredth of the mean variance
    between = torch.stack([(x[y == k].mean(0) - x.mean(0)).square() / 3 for k in range(3)]).sum(0)
    total = x.var(0, unbiased=False)
    ratio = between / (total - between + 0.01 * total.mean())
    torch.testing.assert_close(weight, ratio / ratio.mean(), rtol=1e-3, atol=1e-4)


def test_delta_by_classes_needs_classes():
    X, y = draw(20, 4).numpy(), np.arange(20.0)
    with pytest.raises(InputError, match="attention='classes' needs classes"):
        NeuralRegressor("mlp", methods=[Delta(attention="classes")], epochs=1).fit(X, y)
    with pytest.raises(InputError, match=r"'attention'.*Got 'best'"):
        Delta(attention="best").validate_params()


# --- outputs


def test_what_is_to_be_kept_costs_nothing_at_the_source():
    net = load_backbone("builtin")
    torch.manual_seed(0)
    net.replace_head(nn.Linear(net.in_features, 10)).eval()
    x = draw(6, 1, 8, 8)
    for method in (Distillation(net), LearningWithoutForgetting(net.head)):
        own = copy.deepcopy(net)
        method.prepare(own, Ten())
        (term,) = method.loss(own, batch(own, x), None, 0).values()
        assert abs(float(term.detach())) < 1e-6
        nudge(own)
        (term,) = method.loss(own, batch(own, x), None, 0).values()
        assert float(term.detach()) > 1e-4


# --- attention transfer


def test_attention_maps_are_of_unit_length_over_places():
    for shape, places in [((2, 5, 3, 4), 12), ((2, 7, 5), 7), ((2, 5, 2, 3, 4), 24)]:
        x = draw(*shape)
        found = attention_map(x)
        assert found.shape == (2, places)
        torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
        channel = 2 if x.ndim == 3 else 1
        by_hand = F.normalize(x.square().sum(dim=channel).flatten(1), dim=1)
        torch.testing.assert_close(found, by_hand)
    net = table_network()
    method = AttentionTransfer()
    method.prepare(net, Ten())
    with pytest.raises(InputError, match="no stage of low, high has places"):
        method.loss(net, batch(net, draw(6, 4), method.stages_), None, 0)


# --- spectral shrinkage


def test_attention_without_places_is_refused():
    X, y = draw(20, 4).numpy(), np.arange(20) % 2
    with pytest.raises(InputError, match=r"no stage of layer1, layer2 has places \(maps or tokens\)"):
        NeuralClassifier("mlp", methods=[AttentionTransfer()], epochs=1).fit(X, y)


def test_shrinkage_takes_half_precision_and_more_than_there_are():
    x = draw(5, 7)
    assert float(smallest_squares(x, 99)) == pytest.approx(float(x.square().sum()), rel=1e-5)
    assert float(smallest_squares(x.bfloat16(), 1)) == pytest.approx(float(smallest_squares(x, 1)), rel=0.1)
    flat = torch.ones(4, 6, requires_grad=True)  # three singular values of zero
    BatchSpectralShrinkage(n_singular_values=2).loss(table_network(), batch(table_network(), draw(4, 4)), None, 0)
    smallest_squares(flat, 2).backward()
    assert bool(torch.isfinite(flat.grad).all())


# --- stochastic normalisation


@torch.no_grad()
def test_every_channel_goes_by_one_branch_or_the_other():
    x = draw(12, 1, 6, 6, seed=3)
    plain = normed_network()
    by_run = plain.eval().part("a")(x)
    by_batch = copy.deepcopy(plain).train().part("a")(x)
    assert float((by_run - by_batch).abs().amax(dim=(0, 2, 3)).min()) > 0.1
    share = []
    for seed in range(40):
        net = copy.deepcopy(plain)
        StochasticNorm(0.25).prepare(net, Ten())
        torch.manual_seed(seed)
        mixed = net.train().part("a")(x)
        near_run = (mixed - by_run).abs().amax(dim=(0, 2, 3)) < 1e-5
        near_batch = (mixed - by_batch).abs().amax(dim=(0, 2, 3)) < 1e-5
        assert bool((near_run ^ near_batch).all())
        share.append(float(near_batch.float().mean()))
    assert 0.15 < np.mean(share) < 0.35
    whole = copy.deepcopy(plain)
    StochasticNorm(1.0).prepare(whole, Ten())
    torch.testing.assert_close(whole.train().part("a")(x), by_batch)


def test_stochastic_norms_move_statistics_as_plain_ones_and_go_back_to_them():
    x = draw(12, 1, 6, 6, seed=3)
    plain, net = normed_network(), normed_network()
    parameters = [id(p) for p in net.parameters()]
    method = StochasticNorm()
    method.prepare(net, Ten())
    net.train()(x)
    plain.train()(x)
    for mine, its in zip(net.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(mine, its)
    method.finish(net)
    assert [id(p) for p in net.parameters()] == parameters
    assert type(net.part("a")[1]) is nn.BatchNorm2d and not hasattr(net.part("a")[1], "p")
    torch.testing.assert_close(net.eval()(x), plain.eval()(x))


def test_stochastic_norm_leaves_alone_what_is_frozen_or_has_no_statistics():
    net = normed_network()
    LinearProbe().prepare(net, Ten())
    StochasticNorm().prepare(net, Ten())
    assert net.frozen_prefix() == "a"
    method = StochasticNorm()
    bare = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3, affine=False, track_running_stats=False))
    folded = nn.BatchNorm1d(3)
    nn.init.constant_(folded.bias, 0.3)
    for idle, kind in (
        (normed_network().freeze_statistics(), nn.BatchNorm2d),
        (Network({"a": bare}, in_features=3), nn.BatchNorm1d),
        (Network({"a": nn.Sequential(nn.Linear(3, 3), folded)}, in_features=3), nn.BatchNorm1d),
        (Network({"a": nn.Sequential(nn.Linear(3, 3), nn.ReLU())}, in_features=3), nn.ReLU),
    ):
        with pytest.raises(InputError, match="no batch norm whose statistics are in use") as caught:
            method.prepare(idle, Ten())
        assert "\n" not in str(caught.value) and type(idle.part("a")[1]) is kind
    net = Network({"a": nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))}, in_features=3)
    method.prepare(net, Ten())
    assert type(net.part("a")[1]).__name__.endswith("StochasticNorm1d")
    assert net.train().part("a")(draw(4, 3)).shape == (4, 3)


# --- co-tuning


def test_the_temperature_undoes_overconfidence():
    true = draw(4000, 5)
    labels = torch.multinomial(true.softmax(dim=1), 1, generator=torch.Generator().manual_seed(1))[:, 0]
    assert calibration_temperature(3.0 * true, labels) == pytest.approx(3.0, rel=0.1)

    def loss(t):
        return float(F.cross_entropy(3.0 * true.double() / t, labels))

    best = calibration_temperature(3.0 * true, labels)
    assert loss(best) <= min(loss(best * 0.99), loss(best * 1.01))


def test_relations_take_shares_and_are_learned_over_batches():
    P = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    shares = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    expected = torch.tensor([[(0.9 + 0.35) / 1.5, (0.1 + 0.15) / 1.5], [(0.35 + 0.2) / 1.5, (0.15 + 0.8) / 1.5]])
    torch.testing.assert_close(class_relations(P, shares, 2), expected)
    net = table_network().eval()
    x, y = draw(12, 4), torch.arange(12) % 3
    method = CoTuning(net.head, temperature=2.0)
    method.prepare(net, Ten())
    for part in (slice(0, 5), slice(5, 12)):
        method.loss(net, batch(net, x[part], labels=y[part]), None, 0)
    state = method.state()
    with torch.no_grad():
        told = (net(x) / 2.0).softmax(dim=1)
    seen = (state["sums"] / state["counts"][:, None])[:3]
    torch.testing.assert_close(seen, class_relations(told, y, 3))


# --- bi-tuning


def test_contrast_is_the_mean_over_right_keys_and_finite_without_any():
    s = draw(3, 5).double().requires_grad_()
    alike = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], dtype=torch.bool)
    known = torch.tensor([1, 1, 1, 1, 0], dtype=torch.bool).expand(3, 5)
    by_hand = [
        -np.mean([float(s[i, j].detach() - s[i, :4].detach().logsumexp(0)) for j in range(5) if alike[i, j]])
        for i in (0, 1)
    ]
    assert float(contrast(s, alike, known).detach()) == pytest.approx(np.mean(by_hand))
    nothing = contrast(s, torch.zeros_like(alike), torch.zeros_like(alike))
    nothing.backward()
    assert float(nothing.detach()) == 0.0 and bool((s.grad == 0).all())


def test_the_queue_keeps_the_newest_keys_and_its_network_follows_slowly():
    net = table_network()
    method = BiTuning(queue=8, momentum=0.75)
    method.prepare(net, Ten())
    start = [p.detach().clone() for p in net.parameters()]
    keys = []
    for k in range(3):
        x = draw(5, 4, seed=k)
        labels = torch.full((5,), k)
        with torch.no_grad():
            keys.append(F.normalize(method._keys.extras["projection"](method._keys.embed(x)), dim=1))
        assert float(method.loss(net, batch(net, x, labels=labels), None, 0)["contrast"].detach()) > 0
    assert sorted(method._labels.tolist()) == [1, 1, 1, 2, 2, 2, 2, 2]
    newest = torch.cat(keys)[-8:]
    assert float((method._projected @ newest.T).amax(dim=0).min()) == pytest.approx(1.0, abs=1e-5)
    nudge(net)
    method.step(net, 0.0)
    for key, before, now in zip(method._keys.parameters(), start, net.parameters(), strict=True):
        torch.testing.assert_close(key, 0.75 * before + 0.25 * now.detach())
        assert not key.requires_grad
    state = {k: v.clone() for k, v in method.state().items()}
    other = BiTuning(queue=8, momentum=0.75)
    other.prepare(table_network(), Ten())
    other.load_state(state)
    assert all(torch.equal(v, other.state()[k]) for k, v in state.items())


def test_batches_larger_than_the_queue_and_no_queue_at_all():
    net = table_network()
    method = BiTuning(queue=3)
    method.prepare(net, Ten())
    method.loss(net, batch(net, draw(7, 4)), None, 0)
    assert method._labels.tolist() == [1, 2, 0]
    net = table_network()
    method = BiTuning(queue=0)
    method.prepare(net, Ten())
    assert method.state() == {}
    method.loss(net, batch(net, draw(1, 4)), None, 0)["contrast"].backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in net.parameters() if p.grad is not None)


# --- company


@pytest.mark.parametrize(
    "make",
    [
        lambda net: [BiTuning(), LowRankAdapters(2), L2SP()],
        lambda net: [L2SP(), CoTuning(net.head), BiTuning(queue=16), Mixup()],
        lambda net: [StochasticNorm(), Delta(attention="classes"), AttentionTransfer(), Mixup()],
        lambda net: [LinearProbe(), Delta(), StochasticNorm(), BatchSpectralShrinkage()],
        lambda net: [LearningWithoutForgetting(net.head), Distillation(net), StochasticNorm()],
    ],
)
def test_they_go_together(make):
    part = load_builtin("handwritten").take(range(80))
    how = {"epochs": 2, "image_shape": (8, 8), "random_state": 0}
    old = NeuralClassifier("builtin", **how).fit(part.X, part.y).network_
    new = NeuralClassifier(old, methods=make(old), **how).fit(part.X, part.y)
    assert all(np.isfinite(list(e.values())).all() for e in new.history_.epochs)
    assert new.score(part.X, part.y) > 0.3


@pytest.mark.parametrize("how", [{"precision": "64"}, {"precision": "bf16"}, {"accumulation": 2}])
@pytest.mark.filterwarnings("ignore:.*Precision.*")
def test_they_take_every_precision_and_parts_of_batches(how):
    part = load_builtin("handwritten").take(range(60))
    plain = {"epochs": 2, "image_shape": (8, 8), "random_state": 0}
    old = NeuralClassifier("builtin", **plain).fit(part.X, part.y).network_
    methods = [BiTuning(), StochasticNorm(), CoTuning(old.head), Delta(attention="classes"), BatchSpectralShrinkage()]
    methods += [AttentionTransfer(), LearningWithoutForgetting(old.head), Distillation(old), L2SP()]
    new = NeuralClassifier(old, methods=methods, **plain, **how).fit(part.X, part.y)
    assert all(np.isfinite(list(e.values())).all() for e in new.history_.epochs)


class Stop(L2SP):
    """Fall over in the third epoch."""

    armed = False

    def epoch(self, network, epoch, epochs):
        if self.armed and epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("make", [lambda: Delta(attention="classes"), lambda: BiTuning(queue=40, momentum=0.9)])
def test_what_is_gathered_while_training_is_resumed_to_the_bit(make, tmp_path, monkeypatch):
    part = load_builtin("handwritten").take(range(100))
    how = {"image_shape": (8, 8), "random_state": 0, "epochs": 4}
    whole = NeuralClassifier("builtin", methods=[make(), Stop()], **how).fit(part.X, part.y)
    how |= {"checkpoint_dir": tmp_path}
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        NeuralClassifier("builtin", methods=[make(), Stop()], **how).fit(part.X, part.y)
    monkeypatch.setattr(Stop, "armed", False)
    resumed = NeuralClassifier("builtin", methods=[make(), Stop()], resume=True, **how).fit(part.X, part.y)
    np.testing.assert_array_equal(whole.predict_proba(part.X), resumed.predict_proba(part.X))
