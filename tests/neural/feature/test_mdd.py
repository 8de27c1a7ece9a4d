"""MDD: the disparity by hand and against finite differences, the two players, gains on digits."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, NeuralClassifier, NeuralRegressor, load_backbone
from landbridge.neural.feature._mdd import MDD, margin_disparity
from landbridge.neural.tasks import Classification


def rows(n, d, seed, requires_grad=False):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=g).requires_grad_(requires_grad)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_disparity_by_hand():
    A, B, C, D = (rows(6, 4, s) for s in range(4))
    own, other = A.numpy().argmax(1), C.numpy().argmax(1)
    on_source = -np.log(softmax(B.numpy())[range(6), own]).mean()
    on_target = -np.log(1 - softmax(D.numpy())[range(6), other]).mean()
    assert float(margin_disparity(A, B, C, D, 3.0)) == pytest.approx(3 * on_source + on_target)


def test_gradient_against_finite_differences_and_none_to_the_head():
    A, C = rows(5, 3, 0, True), rows(4, 3, 1, True)
    B, D = rows(5, 3, 2, True), rows(4, 3, 3, True)
    assert torch.autograd.gradcheck(lambda b, d: margin_disparity(A.detach(), b, C.detach(), d), (B, D))
    found = torch.autograd.grad(margin_disparity(A, B, C, D), (A, C), allow_unused=True)
    assert found == (None, None)


def test_finite_where_the_auxiliary_head_is_sure():
    D = torch.tensor([[200.0, 0.0]], requires_grad=True)
    value = margin_disparity(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), D)
    value.backward()
    assert float(value.detach()) == pytest.approx(4 * np.log(2) + 200, rel=1e-5)
    torch.testing.assert_close(D.grad, torch.tensor([[1.0, -1.0]]))


def test_the_auxiliary_head_and_the_features_pull_apart():
    method = MDD(1.0, ramp_up=False)
    torch.manual_seed(0)
    network = load_backbone("builtin")
    network.replace_head(nn.Linear(network.in_features, 10)).eval()
    method.prepare(network, Classification(range(10)))
    g = torch.Generator().manual_seed(0)
    X = [torch.rand(16, 1, 8, 8, generator=g) + shift for shift in (0.0, 0.5)]

    def term():
        return method.loss(network, *(Batch(x, None, *network(x, ("embedding",))) for x in X), 1.0)["mdd"]

    head, stages = (list(m.parameters()) for m in (network.extras["auxiliary_head"], network.stages))
    for params, sign in ((head, -1), (stages, 1)):
        kept, before = copy.deepcopy(network.state_dict()), term()
        grads = torch.autograd.grad(before, params)
        with torch.no_grad():
            for p, slope in zip(params, grads, strict=True):
                p.sub_(1e-3 * slope)
        assert sign * (float(term().detach()) - float(before.detach())) > 0
        network.load_state_dict(kept)


def turned(n, seed, turn):
    """Three clusters on a circle, turned by so many degrees; at 60 the classes change places."""
    dice = np.random.RandomState(seed)
    y = np.arange(n) % 3
    angle = 2 * np.pi * y / 3 + np.deg2rad(turn)
    return 3 * np.c_[np.cos(angle), np.sin(angle)] + 0.5 * dice.randn(n, 2), y


def test_it_lifts_turned_clusters_and_repeats_by_its_seed():
    (X, y), (Z, w) = turned(300, 0, 0), turned(300, 1, 48)
    models = [
        NeuralClassifier(methods=m, epochs=20, random_state=0).fit(X, y, X_target=Z) for m in ([], [MDD()], [MDD()])
    ]
    np.testing.assert_array_equal(models[1].predict_proba(Z), models[2].predict_proba(Z))
    assert models[1].score(Z, w) > models[0].score(Z, w) + 0.03
    assert not len(models[1].network_.extras)


@pytest.mark.parametrize("dtype", ["float32", "images"])
def test_images_and_plain_rows_are_taken(dtype):
    source, target = load_builtin("printed").take(range(60)), load_builtin("handwritten").take(range(60))
    shape = (8, 8) if dtype == "images" else None
    model = NeuralClassifier("builtin" if shape else "mlp", methods=[MDD()], epochs=1, image_shape=shape)
    X, Z = source.X.astype("float32"), target.X.astype("float32")
    assert model.fit(X, source.y, X_target=Z).predict_proba(Z).shape == (60, 10)


def test_arguments_at_fault_are_named():
    with pytest.raises(InputError, match=r"'margin'.*Got 0"):
        MDD(margin=0).validate_params()
    patients = load_builtin("patients-younger")
    with pytest.raises(InputError, match="MDD, which needs classes"):
        NeuralRegressor(methods=[MDD()], epochs=1).fit(patients.X, patients.y)
