"""Weights of source rows by a first discriminator: by hand, whom they move, and what they find."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landbridge.exceptions import InputError
from landbridge.neural import Batch, Method, Network, NeuralClassifier, Samples, Training, train
from landbridge.neural.feature._instance_weighting import InstanceWeightedAdversarial, likeness_weights
from landbridge.neural.tasks import Classification


def test_weights_by_hand_and_where_the_discriminator_is_sure():
    said = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)
    wanted = 1 - torch.sigmoid(said)
    torch.testing.assert_close(likeness_weights(said), wanted / wanted.mean())
    sure = likeness_weights(torch.tensor([200.0, 201.0]))
    torch.testing.assert_close(sure[0] / sure[1], torch.tensor(np.e, dtype=torch.float32))
    assert torch.autograd.gradcheck(likeness_weights, (said.requires_grad_(True),))


def prepared(method):
    torch.manual_seed(0)
    network = Network({"only": nn.Linear(2, 4)}, in_features=4, head=nn.Linear(4, 3))
    method.prepare(network, Classification(range(3)))
    g, found = torch.Generator().manual_seed(0), []
    for _ in range(2):
        x = torch.randn(8, 2, generator=g)
        logits, features = network(x, ("embedding",))
        found.append(Batch(x, torch.arange(8) % 3, logits, features))
    return network, found


def test_the_loss_by_hand_and_whom_it_moves():
    method = InstanceWeightedAdversarial(ramp_up=False, max_weight=1.2)
    network, found = prepared(method)
    terms = method.loss(network, *found, 1.0)
    weigh, tell = (
        [network.extras[n](b.features["embedding"])[:, 0] for b in found] for n in ("weigher", "discriminator")
    )
    torch.testing.assert_close(terms["weigher"], F.softplus(-weigh[0]).mean() + F.softplus(weigh[1]).mean())
    w = likeness_weights(weigh[0]).clamp(max=1.2).detach()
    wanted = (w * F.softplus(-tell[0])).sum() / w.sum() + F.softplus(tell[1]).mean()
    torch.testing.assert_close(terms["instanceweightedadversarial"], wanted)
    stages = list(network.stages.parameters())
    first = torch.autograd.grad(terms["weigher"], stages, retain_graph=True, allow_unused=True)
    assert first == (None, None)  # the first discriminator only looks
    second = torch.autograd.grad(terms["instanceweightedadversarial"], stages, retain_graph=True)
    plain = torch.autograd.grad(wanted, stages)
    for a, b in zip(second, plain, strict=True):
        torch.testing.assert_close(a, -b)
    method.finish(network)
    assert not len(network.extras)


class Listen(Method):
    """Keeps the weights of the last epoch's rows."""

    reads_target = True

    def __init__(self, other, n):
        self.other, self.weights = other, torch.zeros(n)

    def loss(self, network, source, target, progress):
        self.weights[source.rows] = likeness_weights(self.other._own)
        return {}


def test_rows_that_the_target_lacks_count_less_and_runs_repeat():
    dice = np.random.RandomState(0)
    y = np.arange(300) % 3
    X = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 4.0]])[y] + 0.5 * dice.randn(300, 2)
    Z = X[y < 2] + 0.3
    task, A = Classification(range(3)), torch.tensor(X, dtype=torch.float32)
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        network = Network({"only": nn.Linear(2, 8)}, in_features=8, head=nn.Linear(8, 3))
        method = InstanceWeightedAdversarial(0.05)
        listen = Listen(method, 300)
        rows, target = Samples(A, torch.tensor(y)), Samples(torch.tensor(Z, dtype=torch.float32))
        settings = Training(epochs=8, learning_rate=5e-3, device="cpu", random_state=0)
        train(network, task, rows, methods=[method, listen], target=target, settings=settings)
        found.append((listen.weights, network.state_dict()))
        np.testing.assert_array_equal(method.source_weights_.shape, (300,))
        assert method.source_weights_.mean() == pytest.approx(1.0) and method.source_weights_.min() >= 0
        assert method.source_weights_[y == 2].mean() < 0.5 * method.source_weights_[y < 2].mean()
    weights = found[0][0]
    assert weights[y == 2].mean() < 0.5 < 1.0 < weights[y < 2].mean()
    for k, v in found[0][1].items():
        assert torch.equal(v, found[1][1][k])


def test_without_a_target_there_is_nothing_to_add_and_arguments_at_fault_are_named():
    method = InstanceWeightedAdversarial()
    network, found = prepared(method)
    assert method.loss(network, found[0], None, 1.0) == {}
    with pytest.raises(InputError, match="'max_weight'"):
        InstanceWeightedAdversarial(max_weight=0.5).validate_params()
    with pytest.raises(InputError, match="'strength'"):
        InstanceWeightedAdversarial(0).validate_params()
    X = np.random.RandomState(0).randn(40, 3)
    y = np.arange(40) % 2
    model = NeuralClassifier(methods=[InstanceWeightedAdversarial()], epochs=1, random_state=0)
    assert model.fit(X, y, X_target=X[:5]).predict(X).shape == (40,)
