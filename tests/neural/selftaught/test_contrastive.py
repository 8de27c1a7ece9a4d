"""Contrastive pretraining: the loss against a loop and finite differences, the views, and the network."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural.backbones import builtin_backbone, mlp_backbone
from landbridge.neural.selftaught import contrastive_pretrain, corrupt_features, nt_xent


def naive(z1, z2, temperature):
    z = [*z1.tolist(), *z2.tolist()]
    n = len(z1)

    def cosine(a, b):
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    total = 0.0
    for i in range(2 * n):
        partner = i + n if i < n else i - n
        others = sum(math.exp(cosine(z[i], z[k]) / temperature) for k in range(2 * n) if k != i)
        total -= cosine(z[i], z[partner]) / temperature - math.log(others)
    return total / (2 * n)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_nt_xent_is_the_naive_loop(temperature):
    dice = torch.Generator().manual_seed(0)
    z1, z2 = torch.randn((2, 7, 5), generator=dice, dtype=torch.float64)
    assert nt_xent(z1, z2, temperature).item() == pytest.approx(naive(z1, z2, temperature), rel=1e-12)


def test_nt_xent_has_the_gradient_of_finite_differences():
    dice = torch.Generator().manual_seed(1)
    z1, z2 = (torch.randn((4, 3), generator=dice, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, 0.5), (z1, z2))


def test_nt_xent_knows_order_and_length_only_through_direction():
    dice = torch.Generator().manual_seed(2)
    z1, z2 = torch.randn((2, 6, 4), generator=dice, dtype=torch.float64)
    loss = nt_xent(z1, z2)
    assert torch.allclose(nt_xent(z2, 3.0 * z1), loss)
    assert nt_xent(z1, z1) < loss < nt_xent(z1, -z1)


def test_corruption_takes_values_of_the_same_column_for_a_share_of_them():
    reference = torch.arange(50.0).reshape(10, 5) % 5 + 10 * torch.arange(1.0, 11.0)[:, None]
    x = torch.zeros(200, 5)
    out = corrupt_features(x, reference, 0.4, torch.Generator().manual_seed(0))
    assert ((out > 0).sum(dim=1) == 2).all()
    column = torch.arange(5.0).expand_as(out)
    assert (out[out > 0] % 5 == column[out > 0]).all()
    assert len(out[out > 0].unique()) > 40


def test_the_network_is_a_trained_copy_and_the_same_seed_gives_the_same():
    X = load_builtin("tumours-large").X[:150]
    start = mlp_backbone(X.shape[1], (16, 8), random_state=0)
    before = [p.clone() for p in start.parameters()]
    state = torch.random.get_rng_state()
    a, b, c = (contrastive_pretrain(start, X, epochs=2, batch_size=64, random_state=s) for s in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(p, q) for p, q in zip(before, start.parameters(), strict=True))
    assert not torch.equal(before[0], next(a.parameters()))
    x = torch.tensor(np.asarray(X[:5]), dtype=torch.float32)
    assert torch.equal(a.embed(x), b.embed(x))
    assert not torch.equal(a.embed(x), c.embed(x))
    assert not a.training


def test_pretraining_on_unlabelled_images_helps_five_labelled_rows_a_class():
    digits = load_builtin("handwritten")
    X, y = digits.X.reshape(-1, 8, 8), digits.y
    few = np.concatenate([np.flatnonzero(y == c)[:5] for c in range(10)])
    losses = []

    def score(network):
        with torch.inference_mode():
            Z = network.embed(torch.tensor(X[:, None], dtype=torch.float32)).numpy()
        Z = (Z - Z.mean(axis=0)) / (Z.std(axis=0) + 1e-6)
        return LogisticRegression(max_iter=500).fit(Z[few], y[few]).score(Z[600:], y[600:])

    start = builtin_backbone(pretrained=False, random_state=0).eval()
    trained = contrastive_pretrain(
        start, X[:600], epochs=6, batch_size=128, progress=lambda _, loss: losses.append(loss), random_state=0
    )
    assert losses[-1] < losses[0]
    assert score(trained) > score(
        contrastive_pretrain(start, X[:600], epochs=1, batch_size=600, learning_rate=1e-12, random_state=0)
    )


def test_both_views_of_a_callers_change_are_changed():
    seen = []

    def change(x, dice):
        seen.append(len(x))
        return x + torch.randn(x.shape, generator=dice)

    contrastive_pretrain(
        mlp_backbone(3, (4,), random_state=0),
        np.random.default_rng(0).normal(size=(9, 3)),
        epochs=2,
        augment=change,
        random_state=0,
    )
    assert seen == [9] * 4


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 1}, "batch_size"),
        ({"temperature": 0.0}, "temperature"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"inputs": np.zeros((1, 3))}, "inputs"),
        ({"inputs": np.full((4, 3), np.nan)}, "inputs"),
        ({"inputs": np.array(["a", "b"])}, "inputs"),
        ({"backbone": 3}, "backbone"),
    ],
)
def test_bad_input_is_named(change, name):
    given = {"backbone": mlp_backbone(3, random_state=0), "inputs": np.zeros((4, 3)), "epochs": 1} | change
    with pytest.raises(InputError, match=name):
        contrastive_pretrain(given.pop("backbone"), given.pop("inputs"), **given)
