"""Stages, freezing, and what train mode must leave alone."""

import copy

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Network, batch_norms, is_folded, pool  # noqa: E402


def conv_net(seed=0):
    torch.manual_seed(seed)
    stages = {
        "low": nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5)),
        "high": nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()),
    }
    return Network(stages, in_features=6, head=nn.Linear(6, 3))


def test_stages_compose_and_begin_anywhere():
    net = conv_net().eval()
    x = torch.randn(5, 1, 8, 8)
    by_hand = net.head(net.stages["high"](net.stages["low"](x)).mean((2, 3)))
    assert torch.allclose(net(x), by_hand)
    for stage in (*net.stage_names, "embedding"):
        assert torch.allclose(net(net.activations(x, stage), start=net.after(stage)), by_hand)
    logits, kept = net(x, stages=("low", "embedding"))
    assert torch.allclose(logits, by_hand)
    assert kept["low"].shape == (5, 4, 8, 8)
    assert torch.allclose(net.head(kept["embedding"]), by_hand)
    assert {k: v.shape for k, v in net.features(x).items()} == {"low": (5, 4), "high": (5, 6)}


def test_pool_averages_places_time_and_respects_masks():
    from landbridge.neural.backbones._split import StageState

    x = torch.randn(2, 5, 3)
    assert torch.allclose(pool(x), x.mean(1))
    mask = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]])
    assert torch.allclose(pool(StageState(x, mask))[0], x[0, :2].mean(0))
    assert pool(torch.ones(2, 3, 4, 4, 4)).shape == (2, 3)


def test_frozen_stages_do_not_move_by_a_bit():
    net = conv_net().freeze(["low"])
    before = copy.deepcopy(net.stages["low"].state_dict())
    other = copy.deepcopy(net.stages["high"].state_dict())
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=0.1)
    for _ in range(3):
        net.train()
        net(torch.randn(4, 1, 8, 8)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    after = net.stages["low"].state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    moved = net.stages["high"].state_dict()
    assert not torch.equal(other["1.running_mean"], moved["1.running_mean"])
    assert not torch.equal(other["0.weight"], moved["0.weight"])


def test_frozen_dropout_is_off_and_comes_back():
    net = conv_net().freeze(["low"]).train()
    assert not any(m.training for m in net.stages["low"].modules())
    assert net.stages["high"].training
    net.unfreeze()
    assert net.frozen == ()
    assert net.stages["low"].training
    assert all(p.requires_grad for p in net.parameters())


def test_folded_batch_norm_stays_in_eval_mode_and_fresh_ones_train():
    net = conv_net()
    folded = net.stages["low"][1]
    nn.init.normal_(folded.bias)
    net = Network(dict(net.stages), in_features=6)
    net.train()
    assert is_folded(folded) and not folded.training
    assert net.stages["high"][1].training
    before = folded.running_mean.clone()
    net(torch.randn(8, 1, 8, 8) + 5)
    assert torch.equal(before, folded.running_mean)


def test_scaled_or_real_statistics_are_not_folded():
    norm = nn.BatchNorm2d(3)
    nn.init.normal_(norm.bias)
    assert is_folded(norm)
    norm.running_mean.add_(0.1)
    assert not is_folded(norm)
    other = nn.BatchNorm1d(3)
    nn.init.normal_(other.bias)
    nn.init.constant_(other.weight, 2.0)
    assert not is_folded(other)


def test_reset_draws_fresh_weights_by_seed_and_leaves_the_global_generator():
    net = conv_net()
    nn.init.normal_(net.stages["low"][1].bias)
    net.stages["low"][1].momentum = 0.997
    net = Network(dict(net.stages), in_features=6)
    old = net.stages["high"][0].weight.clone()
    state = torch.get_rng_state()
    net.reset(["low"], random_state=3)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(net.stages["high"][0].weight, old)
    first = net.stages["low"][0].weight.clone()
    assert torch.equal(net.reset(["low"], random_state=3).stages["low"][0].weight, first)
    assert not torch.equal(net.reset(["low"], random_state=4).stages["low"][0].weight, first)
    # the norm is an ordinary fresh one now: it learns statistics, at a sane pace
    assert net.train().stages["low"][1].training
    assert net.stages["low"][1].momentum == 0.1


def test_frozen_prefix_is_the_unbroken_run_from_the_input():
    net = conv_net()
    assert net.frozen_prefix() is None
    assert net.freeze(["high"]).frozen_prefix() is None
    assert net.freeze(["low"]).frozen_prefix() == "high"
    assert net.unfreeze(["high"]).frozen_prefix() == "low"


def test_unknown_stage_is_named_with_the_choices():
    with pytest.raises(InputError, match="no stage 'middle'; choose from low, high"):
        conv_net().freeze(["middle"])
    with pytest.raises(InputError, match="at least one stage"):
        Network({}, in_features=1)


def test_statistics_can_be_frozen_on_request():
    net = conv_net().freeze_statistics().train()
    assert not any(m.training for m in batch_norms(net))
