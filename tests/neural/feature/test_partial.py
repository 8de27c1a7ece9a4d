"""Targets with fewer classes, and with others: weights of classes, the unknown class's loss, players, rejection."""

import copy
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, Method, Network, NeuralClassifier, NeuralRegressor, Samples, Training, train
from landbridge.neural.feature._partial import (
    OpenSetBackprop,
    OpenSetHead,
    PartialAdversarial,
    unknown_loss,
    unknown_probability,
)
from landbridge.neural.tasks import Classification


def rows(n, d, seed, requires_grad=False):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=g).requires_grad_(requires_grad)


def clusters(n, seed, keep, turn=0.0):
    """Six clusters on a circle, turned by so many degrees."""
    dice = np.random.RandomState(seed)
    y = np.asarray(keep)[np.arange(n) % len(keep)]
    angle = 2 * np.pi * y / 6 + np.deg2rad(turn)
    return 4 * np.c_[np.cos(angle), np.sin(angle)] + 0.4 * dice.randn(n, 2), y


def network_of(width, n_classes):
    torch.manual_seed(0)
    stages = {"only": nn.Linear(2, width)}
    return Network(stages, in_features=width, head=nn.Linear(width, n_classes))


def test_classes_that_the_target_lacks_lose_their_weight():
    torch.manual_seed(0)
    network = network_of(16, 6)
    method = PartialAdversarial(0.05)
    (X, y), (Z, _) = clusters(360, 0, range(6)), clusters(240, 1, (0, 1, 2), 10)
    A, B = (torch.tensor(x, dtype=torch.float32) for x in (X, Z))
    settings = Training(epochs=12, learning_rate=5e-3, device="cpu", random_state=0)
    train(
        network,
        Classification(range(6)),
        Samples(A, torch.tensor(y)),
        methods=[method],
        target=Samples(B),
        settings=settings,
    )
    assert method.weights_.max() == 1.0
    assert method.weights_[:3].min() > 0.5 > 0.3 > method.weights_[3:].max()
    assert not len(network.extras)


def seen(network, seed, labels=None):
    x = rows(6, 2, seed).float()
    logits, features = network(x, ("embedding",))
    return Batch(x, labels, logits, features)


def test_weights_come_from_the_answers_of_the_epoch_before_and_weigh_both_losses():
    method, network = PartialAdversarial(ramp_up=False), network_of(4, 3)
    method.prepare(network, Classification(range(3)))
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    source, target = seen(network, 0, labels), seen(network, 1)
    first = method.loss(network, source, target, 1.0)
    assert float(first["task"].detach()) == pytest.approx(float(F.cross_entropy(source.logits, labels).detach()))
    assert set(first) == {"task", "partialadversarial"}
    method.epoch(network, 1, 2)
    means = target.logits.softmax(dim=1).mean(dim=0)
    w = (means / means.max()).detach()[labels]
    second = method.loss(network, source, target, 1.0)
    each = F.cross_entropy(source.logits, labels, reduction="none")
    torch.testing.assert_close(second["task"], (w * each).sum() / w.sum())
    said = [network.extras["discriminator"](b.features["embedding"])[:, 0] for b in (source, target)]
    wanted = (w * F.softplus(-said[0])).sum() / w.sum() + F.softplus(said[1]).mean()
    torch.testing.assert_close(second["partialadversarial"], wanted)
    # weights are not used before the reversal is, and shares of classes weigh as their mixture
    method.ramp_up = True
    torch.testing.assert_close(method.loss(network, source, target, 0.0)["task"], each.mean())
    method.ramp_up = False
    source.labels = F.one_hot(labels, 3).float()
    torch.testing.assert_close(method.loss(network, source, target, 1.0)["task"], second["task"])
    other = PartialAdversarial()
    other.prepare(network, Classification(range(3)))
    other.load_state(method.state())
    assert torch.equal(other._weights, method._weights) and torch.equal(other._sums, method._sums)


def test_the_unknown_class_by_hand_and_its_gradient():
    logits = rows(5, 4, 0, True)
    p = logits.detach().softmax(dim=1)[:, -1].numpy()
    wanted = -(0.3 * np.log(p) + 0.7 * np.log(1 - p)).mean()
    assert float(unknown_loss(logits, 0.3).detach()) == pytest.approx(wanted)
    assert torch.autograd.gradcheck(lambda x: unknown_loss(x, 0.3), (logits,))
    assert torch.isfinite(unknown_loss(torch.tensor([[0.0, 500.0], [500.0, 0.0]])))


def test_the_head_wants_the_threshold_and_the_features_anything_else():
    method, network = OpenSetBackprop(ramp_up=False), network_of(4, 3)
    method.prepare(network, Classification(range(3)))
    assert isinstance(network.head, OpenSetHead)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])

    def term():
        return method.loss(network, seen(network, 0, labels), seen(network, 1), 1.0)["unknown"]

    for part, sign in ((network.head, -1), (network.stages, 1)):
        kept, before = copy.deepcopy(network.state_dict()), term()
        grads = torch.autograd.grad(before, list(part.parameters()))
        with torch.no_grad():
            for p, g in zip(part.parameters(), grads, strict=True):
                p.sub_(1e-2 * g)
        assert sign * (float(term().detach()) - float(before.detach())) > 0
        network.load_state_dict(kept)


def test_rows_of_other_classes_are_rejected():
    (X, y), (Z, w) = clusters(200, 0, (0, 1, 2, 3)), clusters(300, 1, (0, 1, 2, 3, 4.5), 10)
    one, two = (
        NeuralClassifier(methods=[OpenSetBackprop()], epochs=15, random_state=0).fit(X, y, X_target=Z) for _ in range(2)
    )
    unknown = unknown_probability(one, Z)
    np.testing.assert_array_equal(unknown, unknown_probability(two, Z))
    known = w < 4
    assert (unknown[~known] > 0.5).mean() > 0.7 and (unknown[known] > 0.5).mean() < 0.3
    assert one.score(Z[known], w[known]) > 0.9
    np.testing.assert_allclose(one.predict_proba(Z).sum(axis=1), 1.0)
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_allclose(unknown_probability(again, Z), unknown)


def test_a_model_trained_otherwise_is_named():
    X, y = clusters(40, 0, (0, 1))
    model = NeuralClassifier(epochs=1, random_state=0).fit(X, y)
    with pytest.raises(InputError, match="knows no unknown class"):
        unknown_probability(model, X)


class Stop(Method):
    """Breaks a run off at its third epoch, where armed."""

    armed = False

    def epoch(self, network, epoch, epochs):
        if self.armed and epoch == 2:
            raise KeyboardInterrupt


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(tmp_path, monkeypatch):
    (X, y), (Z, _) = clusters(200, 0, range(6)), clusters(200, 1, (0, 1, 2), 10)
    how = {"epochs": 4, "random_state": 0}
    whole = NeuralClassifier(methods=[PartialAdversarial(), Stop()], **how).fit(X, y, X_target=Z)
    how["checkpoint_dir"] = tmp_path
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        NeuralClassifier(methods=[PartialAdversarial(), Stop()], **how).fit(X, y, X_target=Z)
    monkeypatch.setattr(Stop, "armed", False)
    resumed = NeuralClassifier(methods=[PartialAdversarial(), Stop()], resume=True, **how).fit(X, y, X_target=Z)
    np.testing.assert_array_equal(whole.predict_proba(Z), resumed.predict_proba(Z))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PartialAdversarial(0), "'strength'"),
        (lambda: OpenSetBackprop(-1), "'strength'"),
        (lambda: OpenSetBackprop(threshold=1.0), "'threshold'"),
    ],
)
def test_arguments_at_fault_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call().validate_params()


@pytest.mark.parametrize("method", [PartialAdversarial, OpenSetBackprop])
def test_a_task_without_classes_is_named(method):
    patients = load_builtin("patients-younger")
    with pytest.raises(InputError, match=f"{method.__name__}, which needs classes"):
        NeuralRegressor(methods=[method()], epochs=1).fit(patients.X, patients.y)
