"""MCD: the discrepancy by hand, gradients of heads and features against each other, gains on digits."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, NeuralClassifier, NeuralRegressor, load_backbone
from landbridge.neural.feature._mcd import MCD, classifier_discrepancy, fresh_copy
from landbridge.neural.tasks import Classification


def rows(n, d, seed, requires_grad=False):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=g).requires_grad_(requires_grad)


def test_discrepancy_by_hand_and_its_gradient():
    A, B = rows(5, 3, 0), rows(5, 3, 1)
    P, Q = (np.exp(x.numpy()) / np.exp(x.numpy()).sum(1, keepdims=True) for x in (A, B))
    assert float(classifier_discrepancy(A, B)) == pytest.approx(np.abs(P - Q).mean())
    assert torch.autograd.gradcheck(classifier_discrepancy, (rows(5, 3, 0, True), rows(5, 3, 1, True)))


def test_a_fresh_copy_has_the_shapes_and_other_weights():
    head = nn.Linear(4, 3).requires_grad_(False)
    other = fresh_copy(head)
    assert other.weight.shape == head.weight.shape and not torch.equal(other.weight, head.weight)
    assert other.weight.requires_grad


def prepared(method):
    torch.manual_seed(0)
    network = load_backbone("builtin")
    network.replace_head(nn.Linear(network.in_features, 10)).eval()
    method.prepare(network, Classification(range(10)))
    return network


def batches(network):
    g, found = torch.Generator().manual_seed(0), []
    for shift in (0.0, 0.5):
        x = torch.rand(16, 1, 8, 8, generator=g) + shift
        found.append(Batch(x, torch.arange(16) % 10, *network(x, ("embedding",))))
    return found


def test_heads_make_the_disagreement_larger_and_features_smaller():
    method = MCD(ramp_up=False)
    network = prepared(method)

    def term():
        return method.loss(network, *batches(network), 1.0)["discrepancy"]

    heads = [*network.head.parameters(), *network.extras["second_head"].parameters()]
    for params, sign in ((heads, -1), (list(network.stages.parameters()), 1)):
        kept, before = copy.deepcopy(network.state_dict()), term()
        grads = torch.autograd.grad(before, params)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p.sub_(1e-4 * g)
        # the term is the disagreement with its sign turned
        assert sign * (float(term().detach()) - float(before.detach())) > 0
        network.load_state_dict(kept)


def test_the_head_that_is_kept_is_the_mean_of_both():
    method = MCD()
    network = prepared(method)
    x = torch.rand(4, network.in_features)
    wanted = (network.head(x) + network.extras["second_head"](x)) / 2
    method.finish(network)
    torch.testing.assert_close(network.head(x), wanted)
    assert not len(network.extras)


def turned(n, seed, turn):
    """Three clusters on a circle, turned by so many degrees; at 60 the classes change places."""
    dice = np.random.RandomState(seed)
    y = np.arange(n) % 3
    angle = 2 * np.pi * y / 3 + np.deg2rad(turn)
    return 3 * np.c_[np.cos(angle), np.sin(angle)] + 0.5 * dice.randn(n, 2), y


def test_it_lifts_turned_clusters_and_repeats_by_its_seed():
    (X, y), (Z, w) = turned(300, 0, 0), turned(300, 1, 48)
    models = [
        NeuralClassifier(methods=m, epochs=20, random_state=0).fit(X, y, X_target=Z) for m in ([], [MCD()], [MCD()])
    ]
    np.testing.assert_array_equal(models[1].predict_proba(Z), models[2].predict_proba(Z))
    assert models[1].score(Z, w) > models[0].score(Z, w) + 0.03
    assert not len(models[1].network_.extras)


@pytest.mark.parametrize("dtype", ["float32", "images"])
def test_images_and_plain_rows_are_taken(dtype):
    source, target = load_builtin("printed").take(range(60)), load_builtin("handwritten").take(range(60))
    shape = (8, 8) if dtype == "images" else None
    model = NeuralClassifier("builtin" if shape else "mlp", methods=[MCD()], epochs=1, image_shape=shape)
    X, Z = source.X.astype("float32"), target.X.astype("float32")
    assert model.fit(X, source.y, X_target=Z).predict_proba(Z).shape == (60, 10)


def test_arguments_at_fault_are_named():
    with pytest.raises(InputError, match=r"'strength'.*Got 0"):
        MCD(0).validate_params()
    patients = load_builtin("patients-younger")
    with pytest.raises(InputError, match="MCD, which needs classes"):
        NeuralRegressor(methods=[MCD()], epochs=1).fit(patients.X, patients.y)
