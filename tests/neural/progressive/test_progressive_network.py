"""Columns: equations by hand, gradients that stay where they belong, sensitivities by hand."""

import pytest
import torch
from torch import nn

from landbridge.exceptions import InputError
from landbridge.neural import Network, Samples, load_backbone
from landbridge.neural.backbones import mlp_backbone
from landbridge.neural.progressive import Lateral, ProgressiveNetwork, fisher_sensitivity


def filled(net, scale=0.3):
    """Lateral connections that say something."""
    with torch.no_grad():
        for lateral in net.columns[-1].laterals.values():
            lateral.up.weight.normal_(0.0, scale, generator=torch.Generator().manual_seed(1))
    return net


def grown(n_features=3, images=False):
    net = ProgressiveNetwork()
    x = torch.randn(6, *((1, 8, 8) if images else (5,)), generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for k in range(n_features):
            base = load_backbone("builtin") if images else mlp_backbone(5, (7, 4), random_state=k)
            net.grow(base, nn.Linear(base.in_features, k + 2), x, random_state=k)
            filled(net)
    return net, x


def test_the_answer_is_the_equations_by_hand():
    net, x = grown()
    hs = []
    for column in net.columns:
        h, own = x, []
        for i, name in enumerate(("layer1", "layer2")):
            h = column.part(name)(h)
            own.append(h)
            if hs:
                lateral = column.laterals[name]
                joined = torch.cat([lateral.alpha[j] * earlier[i] for j, earlier in enumerate(hs)], dim=1)
                h = h + torch.relu(joined @ lateral.down.weight.T + lateral.down.bias) @ lateral.up.weight.T
        hs.append(own)
        answer = column.head(h)
    torch.testing.assert_close(net(x, 2), answer)
    assert not torch.allclose(net(x, 2), net.columns[2].head(net.columns[2].part("layer2")(hs[2][0])))


def test_a_lateral_connection_is_the_same_at_every_place():
    lateral, x = Lateral([3, 2], 4, 6), torch.randn(2, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        lateral.up.weight.normal_(generator=torch.Generator().manual_seed(0))
        lateral.alpha.copy_(torch.tensor([0.5, 2.0]))
    places = lateral(x)
    torch.testing.assert_close(places[:, :, 1, 2], lateral(x[:, :, 1, 2]))
    sequence = x.flatten(2).transpose(1, 2)
    torch.testing.assert_close(lateral(sequence).transpose(1, 2).reshape(2, 4, 3, 3), places)
    video = lateral(x.unsqueeze(2))
    torch.testing.assert_close(video.squeeze(2), places)


@pytest.mark.parametrize("images", [False, True], ids=["tables", "images"])
def test_gradients_reach_the_last_column_alone(images):
    net, x = grown(images=images)
    net.train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    torch.autograd.backward(net(x, 2).square().sum())
    for k, column in enumerate(net.columns):
        for name, p in column.named_parameters():
            assert p.requires_grad == (k == 2), (k, name)
            assert (p.grad is not None) == (k == 2), (k, name)
        assert column.training == (k == 2)
    # Statistics of batch norm move in the last column only.
    moved = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert all(key.startswith("columns.2.") for key in moved)
    assert bool(moved) == images
    parameters = {id(p) for p in net.columns[2].parameters()}
    assert not parameters & {id(p) for c in net.columns[:2] for p in c.parameters()}


def test_outputs_kept_for_training_are_those_of_the_pass():
    net, x = grown(images=True)
    column = net.column(2).eval()
    rows = column.with_below(Samples(x, torch.zeros(6)), batch_size=4)
    assert set(rows.inputs) == {"input", *(f"below.{n}" for n in column.stage_names)}
    torch.testing.assert_close(column(rows.take(torch.arange(6))[0]), net(x, 2))
    assert net.column(0).with_below(Samples(x)).inputs is x


def test_the_first_scales_make_columns_equally_loud():
    net, x = grown()
    column = net.column(2).requires_grad_(False)
    for name in column.stage_names:
        parts = column.below(x)[name].split(column.below(x)[name].shape[1] // 2, dim=1)
        loud = [float((a * p).square().mean()) for a, p in zip(column.laterals[name].alpha, parts, strict=True)]
        assert loud == pytest.approx([1.0, 1.0], rel=1e-4)


def test_sensitivity_by_finite_differences():
    net, x = grown(2)
    net = net.double().eval()
    x = x.double()
    column = net.column(1)
    shares = fisher_sensitivity(column, x, random_state=0)
    assert shares.shape == (2, 2)
    torch.testing.assert_close(shares.sum(1), torch.ones(2, dtype=torch.float64))

    def log_shares(bumps):
        hs = [[], []]
        for j, c in enumerate(net.columns):
            h = c.preprocess(x)
            for i, name in enumerate(column.stage_names):
                h = c.part(name)(h) + bumps.get((i, j), 0.0)
                hs[j].append(h)
                if j:
                    h = h + c.laterals[name](hs[0][i])
        return torch.log_softmax(c.head(h), 1), hs

    with torch.no_grad():
        plain, hs = log_shares({})
        for i in range(2):
            found = []
            for j in range(2):
                total = 0.0
                for m in range(hs[j][i].shape[1]):
                    bump = torch.zeros_like(hs[j][i])
                    bump[:, m] = 1e-6
                    slope = (log_shares({(i, j): bump})[0] - log_shares({(i, j): -bump})[0]) / 2e-6
                    total += float(hs[j][i][:, m].var(correction=0) * (plain.exp() * slope**2).sum(1).mean())
                found.append(total)
            wanted = torch.tensor(found, dtype=torch.float64) / sum(found)
            torch.testing.assert_close(shares[i], wanted, atol=1e-5, rtol=1e-4)


def test_drawn_classes_come_near_to_all_of_them(monkeypatch):
    import landbridge.neural.progressive._sensitivity as sensitivity

    net, _ = grown(3)
    x = torch.randn(300, 5, generator=torch.Generator().manual_seed(2))
    exact = fisher_sensitivity(net.column(2).eval(), x, random_state=0)
    monkeypatch.setattr(sensitivity, "MANY", 3)
    drawn = fisher_sensitivity(net.column(2), x, random_state=0)
    assert not torch.equal(drawn, exact)
    torch.testing.assert_close(drawn, exact, atol=0.05, rtol=0.2)


def test_columns_at_fault_are_named():
    net, x = grown(1)
    with pytest.raises(InputError, match="has stages layer1 but the columns before it"):
        net.grow(mlp_backbone(5, (7,), random_state=0), nn.Linear(7, 2), x)
    with pytest.raises(InputError, match="from its input on"):
        net.column(0)(x, start="layer2")
    with pytest.raises(InputError, match="one after another"):
        ProgressiveNetwork().grow(
            Network({"a": nn.Linear(5, 3)}, in_features=3, body=lambda *a: a[0]), nn.Linear(3, 2), x
        )
