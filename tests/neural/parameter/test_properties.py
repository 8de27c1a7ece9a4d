"""What each method promises, checked on the numbers."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from landbridge.data import load_builtin
from landbridge.neural import Batch, Network, NeuralClassifier, load_backbone
from landbridge.neural.parameter import (
    L2SP,
    LPFT,
    AttentionTransfer,
    BalancedBatches,
    BatchSpectralShrinkage,
    ConservativeTraining,
    Delta,
    FineTuning,
    GradientClipping,
    GradientProjection,
    GradualUnfreezing,
    LayerTransfer,
    LayerwiseDecay,
    LearningWithoutForgetting,
    LinearProbe,
    LowRankAdapters,
    Mixup,
    StochasticNorm,
    TrustRegion,
    class_relations,
    smallest_squares,
    soft_cross_entropy,
    supervised_contrast,
)


class Ten:
    n_outputs = 10


@pytest.fixture
def network():
    net = load_backbone("builtin")
    torch.manual_seed(0)
    return net.replace_head(nn.Linear(net.in_features, 10))


@pytest.fixture
def images():
    return torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def batch(network, images, stages=()):
    names = (*stages, "embedding") if "embedding" not in stages else stages
    logits, features = network(images, names)
    return Batch(images, torch.tensor([0, 1, 0, 1, 2, 2]), logits, features)


def nudge(network, size=0.1):
    torch.manual_seed(1)
    with torch.no_grad():
        for p in network.stages.parameters():
            p.add_(size * torch.randn_like(p))


def test_the_gradient_of_l2sp_is_the_way_back_to_the_source(network, images):
    method = L2SP(0.3, head_strength=0.2)
    method.prepare(network, Ten())
    start = {n: p.detach().clone() for n, p in network.stages.named_parameters()}
    assert float(method.loss(network, batch(network, images), None, 0)["l2sp"].detach()) == pytest.approx(
        0.1 * sum(float((p.detach() ** 2).sum()) for p in network.head.parameters()), rel=1e-5
    )
    nudge(network)
    method.loss(network, batch(network, images), None, 0)["l2sp"].backward()
    for name, p in network.stages.named_parameters():
        torch.testing.assert_close(p.grad, 0.3 * (p.detach() - start[name]))
    for p in network.head.parameters():
        torch.testing.assert_close(p.grad, 0.2 * p.detach())


@pytest.mark.parametrize("make", [Delta, AttentionTransfer, ConservativeTraining])
def test_what_keeps_the_source_vanishes_at_the_source(make, network, images):
    network.eval()
    method = make()
    method.prepare(network, Ten())

    def term():
        stages = getattr(method, "stages_", method.stages)
        return float(sum(method.loss(network, batch(network, images, stages), None, 0).values()).detach())

    assert term() < 1e-9
    nudge(network)
    assert term() > 1e-4


def test_spectral_shrinkage_against_finite_differences():
    F = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: smallest_squares(a, 2), F)
    s = np.linalg.svd(F.detach().numpy(), compute_uv=False)
    assert float(smallest_squares(F, 2).detach()) == pytest.approx((s[-2:] ** 2).sum())


def test_losses_against_finite_differences_and_by_hand():
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 4, dtype=torch.float64, generator=g) for _ in range(2))
    assert torch.autograd.gradcheck(lambda t: soft_cross_entropy(t, b, 2.0), a.clone().requires_grad_())
    assert float(soft_cross_entropy(a, a, 2.0)) == pytest.approx(0.0, abs=1e-12)
    y = torch.tensor([0, 0, 1, 1, 1, 2])
    z = torch.nn.functional.normalize(a, dim=1)
    assert torch.autograd.gradcheck(lambda t: supervised_contrast(t, y, 0.5), z.clone().requires_grad_())
    by_hand = []
    for i in range(6):
        mates = [j for j in range(6) if j != i and y[j] == y[i]]
        below = sum(float(torch.exp(z[i] @ z[k] / 0.5)) for k in range(6) if k != i)
        if mates:
            by_hand.append(-np.mean([float(z[i] @ z[j]) / 0.5 - np.log(below) for j in mates]))
    assert float(supervised_contrast(z, y, 0.5)) == pytest.approx(np.mean(by_hand))
    P = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    torch.testing.assert_close(
        class_relations(P, torch.tensor([0, 0, 2]), 3), torch.tensor([[0.8, 0.2], [0.5, 0.5], [0.2, 0.8]])
    )


def test_stochastic_norm_is_batch_norm_when_it_answers():
    g = torch.Generator().manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
    plain(torch.randn(8, 1, 6, 6, generator=g))  # some statistics
    net = Network({"a": copy.deepcopy(plain)}, in_features=3)
    StochasticNorm(0.5).prepare(net, Ten())
    x = torch.randn(4, 1, 6, 6, generator=g)
    assert type(net.part("a")[1]).__name__.endswith("StochasticNorm2d")
    torch.testing.assert_close(net.eval().part("a")(x), plain.eval()(x))
    net.train()
    torch.manual_seed(0)
    mixed = net.part("a")(x)
    by_batch = plain.train()(x)
    same = (mixed - by_batch).abs().amax(dim=(0, 2, 3)) < 1e-5
    assert len(same) == 3 and torch.isfinite(mixed).all()
    StochasticNorm(0.5).finish(net)
    assert type(net.part("a")[1]) is nn.BatchNorm2d


@pytest.mark.parametrize("kind", ["lora", "dora", "rslora"])
def test_adapters_change_nothing_at_first_and_merge_without_a_trace(kind, network, images):
    network.eval()
    before = network(images).detach()
    method = LowRankAdapters(2, kind=kind)
    method.prepare(network, Ten())
    torch.testing.assert_close(network(images), before)
    learning = [n for n, p in network.stages.named_parameters() if p.requires_grad]
    assert learning and all("lora" in n for n in learning)
    torch.manual_seed(0)
    with torch.no_grad():
        for n, p in network.stages.named_parameters():
            if "lora_B" in n or "lora_A" in n:
                p.add_(0.05 * torch.randn_like(p))
    apart = network(images).detach()
    assert not torch.allclose(apart, before, atol=1e-4)
    method.finish(network)
    torch.testing.assert_close(network(images), apart, atol=1e-5, rtol=1e-4)
    assert not any("lora" in n for n, _ in network.named_parameters())


def test_frozen_parameters_do_not_move_by_a_bit_and_statistics_do_not_drift():
    part = load_builtin("handwritten").take(range(100))
    model = NeuralClassifier("builtin", methods=[LinearProbe()], epochs=3, image_shape=(8, 8), random_state=0)
    kept = model.fit(part.X, part.y).network_.stages.state_dict()
    for name, value in load_backbone("builtin").stages.state_dict().items():
        assert torch.equal(kept[name], value), name


def test_probing_comes_first_and_tuning_after(network):
    method, frozen = LPFT(0.5), []
    for epoch in range(4):
        method.epoch(network, epoch, 4)
        frozen.append(len(network.frozen))
    assert frozen == [4, 4, 0, 0]
    rates = [g["lr"] for g in method.parameter_groups(network, 1.0)]
    assert rates == [0.1, 10.0] and FineTuning(0.2).parameter_groups(network, 1.0)[0]["lr"] == 0.2


def test_stages_thaw_from_the_head_down(network):
    frozen = []
    for epoch in range(6):
        GradualUnfreezing(1.0).epoch(network, epoch, 6)
        frozen.append(network.frozen)
    names = network.stage_names
    assert frozen[0] == names and frozen[-1] == ()
    assert all(f == names[: len(f)] for f in frozen)
    assert [len(f) for f in frozen] == sorted((len(f) for f in frozen), reverse=True)


def test_rates_fall_from_the_head_down(network):
    rates = [g["lr"] for g in LayerwiseDecay(0.5).parameter_groups(network, 8.0)]
    assert rates == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("how", "kept"), [({"first": 2}, (0, 1)), ({"last": 1}, (3,)), ({"stages": ["strokes"]}, (1,))]
)
def test_what_is_not_carried_over_starts_anew(how, kept, network):
    names, before = network.stage_names, copy.deepcopy(network.stages.state_dict())
    LayerTransfer(**how).prepare(network, Ten())
    for i, name in enumerate(names):
        own = {k: v for k, v in network.stages.state_dict().items() if k.startswith(f"{name}.") and "weight" in k}
        same = all(torch.equal(v, before[k]) for k, v in own.items())
        assert same is (i in kept), name
    assert network.frozen == tuple(names[i] for i in kept)


def test_no_stage_ever_leaves_its_ball():
    part = load_builtin("handwritten").take(range(100))
    source = {n: p.detach().clone() for n, p in load_backbone("builtin").stages.named_parameters()}
    how = {"epochs": 4, "image_shape": (8, 8), "random_state": 0, "learning_rate": 0.05}
    held = NeuralClassifier("builtin", methods=[TrustRegion(0.02)], **how).fit(part.X, part.y).network_
    free = NeuralClassifier("builtin", **how).fit(part.X, part.y).network_

    def moved(network, stage):
        own = {n: p for n, p in network.stages.named_parameters() if n.startswith(f"{stage}.")}
        far = sum(float((p.detach() - source[n]).square().sum()) for n, p in own.items())
        return np.sqrt(far / sum(float(source[n].square().sum()) for n in own))

    for stage in held.stage_names:
        assert moved(held, stage) <= 0.02 * (1 + 1e-4)
    assert max(moved(free, s) for s in free.stage_names) > 0.05


def test_gradients_are_cut_and_turned(network, images):
    network(images).sum().backward()
    GradientClipping(0.01).gradients(network, 0)
    assert max(float(p.grad.norm()) for p in network.parameters() if p.grad is not None) <= 0.01 * (1 + 1e-5)


def test_steps_that_lead_away_from_the_source_are_turned(network):
    method = GradientProjection(0.0)
    method.prepare(network, Ten())
    start = {n: p.detach().clone() for n, p in network.stages.named_parameters()}
    nudge(network)
    away = {n: p.detach() - start[n] for n, p in network.stages.named_parameters()}

    def stepped(direction):
        """Distance along `away` and the move itself, after a step in a direction."""
        before = {n: p.detach().clone() for n, p in network.stages.named_parameters()}
        for _, p in network.stages.named_parameters():
            p.grad = torch.ones_like(p)
        method.gradients(network, 0)
        with torch.no_grad():
            for n, p in network.stages.named_parameters():
                p.add_(direction[n])
        method.step(network, 0)
        moves = {n: p.detach() - before[n] for n, p in network.stages.named_parameters()}
        with torch.no_grad():
            for n, p in network.stages.named_parameters():
                p.copy_(before[n])
        return moves

    for move in stepped({n: 0.1 * v for n, v in away.items()}).values():
        assert float(move.abs().max()) < 1e-6  # straight outwards: nothing is left
    back = stepped({n: -0.1 * v for n, v in away.items()})
    for n, move in back.items():
        torch.testing.assert_close(move, -0.1 * away[n])
    torch.manual_seed(2)
    aside = {n: torch.randn_like(v) for n, v in away.items()}
    for n, move in stepped(aside).items():
        assert float((move * away[n]).sum()) < 1e-3 * float(aside[n].norm() * away[n].norm())
    method.slack = 100.0
    for n, move in stepped({n: 0.1 * v for n, v in away.items()}).items():
        torch.testing.assert_close(move, 0.1 * away[n], rtol=1e-3, atol=1e-6)


def test_gradient_projection_stays_nearer_to_the_source_than_plain_tuning():
    part = load_builtin("handwritten").take(range(100))
    source = {n: p.detach().clone() for n, p in load_backbone("builtin").stages.named_parameters()}

    def fitted(*methods):
        how = {"epochs": 6, "image_shape": (8, 8), "random_state": 0}
        model = NeuralClassifier("builtin", methods=list(methods), **how).fit(part.X, part.y)
        own = dict(model.network_.stages.named_parameters())
        return model, sum(float((own[n].detach() - source[n]).square().sum()) for n in source) ** 0.5

    (free, far), (held, near) = fitted(), fitted(GradientProjection())
    assert near < 0.8 * far
    assert not np.array_equal(free.predict_proba(part.X), held.predict_proba(part.X))
    assert held.score(part.X, part.y) > 0.8
    assert fitted(GradientProjection(slack=10.0))[1] == far  # within the slack nothing is removed


@pytest.mark.parametrize("method", [GradientProjection(), TrustRegion(0.01)])
def test_adapters_that_come_later_are_left_free(method):
    part = load_builtin("handwritten").take(range(60))
    how = {"epochs": 2, "image_shape": (8, 8), "random_state": 0}
    model = NeuralClassifier("builtin", methods=[method, LowRankAdapters(2)], **how).fit(part.X, part.y)
    assert all(np.isfinite(list(e.values())).all() for e in model.history_.epochs)


def test_adapters_leave_the_statistics_of_batch_norms_alone():
    part = load_builtin("handwritten").take(range(100))
    before = {n: b.clone() for n, b in load_backbone("builtin").stages.named_buffers()}
    assert before

    def fitted(*methods):
        how = {"epochs": 2, "image_shape": (8, 8), "random_state": 0}
        return NeuralClassifier("builtin", methods=list(methods), **how).fit(part.X, part.y).network_

    kept = fitted(LowRankAdapters(2))
    assert all(torch.equal(b, before[n]) for n, b in kept.stages.named_buffers())
    moved = dict(fitted().stages.named_buffers())
    assert not all(torch.equal(moved[n], before[n]) for n in before)
    # and in a later training they move as before
    assert any(norm.training for norm in kept.train().stages.modules() if isinstance(norm, nn.BatchNorm2d))


def test_mixtures_sum_to_one_and_lie_between_their_rows():
    method = Mixup(1.0)
    method.prepare(None, Ten())
    x, y = torch.arange(8.0)[:, None].repeat(1, 3), torch.arange(8)
    mixed, shares = method.transform(x, y, torch.Generator().manual_seed(0))
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(8))
    torch.testing.assert_close(mixed[:, 0], shares[:, :8] @ torch.arange(8.0))


def test_an_epoch_is_balanced_over_classes_or_sources():
    g = torch.Generator().manual_seed(0)
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    order = BalancedBatches().order(labels, 0, g)
    assert sorted(labels[order].bincount().tolist()) == [33, 33, 34] and len(order) == 100
    groups = np.array(["a"] * 90 + ["b"] * 10)
    order = BalancedBatches("source", shares={"a": 1, "b": 3}).set_source_domain(groups).order(labels, 0, g)
    assert (groups[order.numpy()] == "b").sum() == 75


def test_the_old_task_is_forgotten_less():
    printed, digits = load_builtin("printed").take(range(400)), load_builtin("handwritten").take(range(300))
    turned = 9 - digits.y  # a task that contradicts the old one
    how = {"epochs": 8, "image_shape": (8, 8), "random_state": 0}
    old = NeuralClassifier("builtin", **how).fit(printed.X, printed.y)
    method = LearningWithoutForgetting(old.network_.head, 2.0)
    kept = NeuralClassifier(old.network_, methods=[method], **how).fit(digits.X, turned).network_
    lost = NeuralClassifier(old.network_, **how).fit(digits.X, turned).network_
    X = torch.tensor(printed.X.reshape(-1, 1, 8, 8), dtype=torch.float32)
    with torch.inference_mode():
        truth = old.network_.eval()(X).argmax(dim=1)
        with_method = kept.eval().extras["old_head"](kept.embed(X)).argmax(dim=1)
        without = copy.deepcopy(old.network_.head)(lost.eval().embed(X)).argmax(dim=1)
    assert float((with_method == truth).float().mean()) > float((without == truth).float().mean())


def test_shrinkage_and_contrast_are_in_the_loss(network, images):
    term = BatchSpectralShrinkage(0.5, n_singular_values=1).loss(network, batch(network, images), None, 0)["bss"]
    s = torch.linalg.svdvals(network.embed(images).detach())
    assert float(term.detach()) == pytest.approx(0.5 * float(s[-1] ** 2), rel=1e-3, abs=1e-9)
