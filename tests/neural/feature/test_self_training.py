"""Self-training: the temperature by search, rows held out, rows that are sure, and gains on turned clusters."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, Method, Network, NeuralClassifier, NeuralRegressor, Samples, Training, train
from landbridge.neural.feature._self_training import SelfTraining, _scattered, calibrated_temperature
from landbridge.neural.tasks import Classification


def test_the_temperature_makes_the_labels_likeliest():
    g = torch.Generator().manual_seed(0)
    truth = torch.randn(400, 4, generator=g)
    labels = torch.multinomial(truth.softmax(dim=1), 1, generator=g)[:, 0]
    found = calibrated_temperature(3.0 * truth, labels)
    grid = torch.linspace(0.5, 8.0, 751)
    losses = torch.stack([F.cross_entropy(3.0 * truth / t, labels) for t in grid])
    assert found == pytest.approx(float(grid[losses.argmin()]), abs=0.02)
    assert 2.3 < found < 3.9  # logits were three times too large
    sure = 5.0 * torch.eye(3)
    assert calibrated_temperature(sure, torch.arange(3)) == pytest.approx(0.05, rel=1e-6)
    assert calibrated_temperature(sure, torch.tensor([1, 2, 0])) == pytest.approx(20.0, rel=1e-6)


def test_held_out_rows_are_the_same_always_and_of_the_share_asked_for():
    numbers = torch.arange(20000)
    found = _scattered(numbers)
    assert torch.equal(found, _scattered(numbers)) and found.min() >= 0 and found.max() < 1
    assert float((found < 0.1).double().mean()) == pytest.approx(0.1, abs=0.01)
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.03


def prepared(**options):
    torch.manual_seed(0)
    network = Network({"only": nn.Identity()}, in_features=3, head=nn.Identity())
    network.head = nn.Linear(3, 3)
    with torch.no_grad():
        network.head.weight.copy_(torch.eye(3))
        network.head.bias.zero_()
    method = SelfTraining(**options)
    method.prepare(network, Classification(range(3)))
    return network, method


def batch(network, x, numbers, labels=None):
    return Batch(x, labels, network(x), {}, None, torch.tensor(numbers))


def test_only_sure_rows_are_learned_and_answers_are_averaged():
    network, method = prepared(temperature=2.0, ramp_up=False, momentum=0.5, threshold=0.9)
    source = batch(network, torch.eye(3), [0, 1, 2], torch.arange(3))
    target = batch(network, torch.tensor([[9.0, 0, 0], [1.0, 0, 0]]), [5, 2])
    terms = method.loss(network, source, target, 1.0)
    torch.testing.assert_close(terms["task"], F.cross_entropy(source.logits, source.labels))
    torch.testing.assert_close(terms["selftraining"], F.cross_entropy(target.logits[:1], torch.tensor([0])) / 2)
    # the same rows with another answer: the mean of both is unsure, and the label of the mean counts
    other = batch(network, torch.tensor([[0, 9.0, 0], [0, 0, 12.0]]), [5, 2])
    assert float(method.loss(network, source, other, 1.0)["selftraining"].detach()) == 0.0
    p = [(b.logits / 2).softmax(dim=1) for b in (target, other)]
    torch.testing.assert_close(method._mean[[5, 2]], (p[0] + p[1]) / 2)
    method.finish(network)
    assert method.shares_ == [0.25] and method.temperature_ == 2.0


def test_held_out_rows_set_the_temperature_and_are_not_learned():
    network, method = prepared(validation_fraction=0.5)
    numbers = list(range(40))
    out = _scattered(torch.arange(40)) < 0.5
    g = torch.Generator().manual_seed(0)
    x = 4.0 * torch.randn(40, 3, generator=g)
    labels = torch.randint(3, (40,), generator=g)  # answers that are sure and wrong
    source = batch(network, x, numbers, labels)
    target = batch(network, x[:2], [0, 1])
    terms = method.loss(network, source, target, 1.0)
    torch.testing.assert_close(terms["task"], F.cross_entropy(source.logits[~out], labels[~out]))
    other = SelfTraining(validation_fraction=0.5)
    other.prepare(network, Classification(range(3)))
    other.load_state(method.state())
    for m in (method, other):
        m.epoch(network, 1, 2)
        assert float(m._now) == pytest.approx(calibrated_temperature(source.logits[out], labels[out]))
    assert float(method._now) > 4
    method._aside = [(10.0 * torch.eye(3), torch.arange(3))]
    method.epoch(network, 2, 3)
    assert float(method._now) == pytest.approx(1.0)  # never surer than the network


def turned(n, seed, turn):
    dice = np.random.RandomState(seed)
    y = np.arange(n) % 3
    angle = 2 * np.pi * y / 3 + np.deg2rad(turn)
    return 3 * np.c_[np.cos(angle), np.sin(angle)] + 0.5 * dice.randn(n, 2), y


def test_it_lifts_turned_clusters_and_repeats_by_its_seed():
    (X, y), (Z, w) = turned(300, 0, 0), turned(300, 1, 48)
    models = [
        NeuralClassifier(methods=m, epochs=15, random_state=0).fit(X, y, X_target=Z)
        for m in ([], [SelfTraining(0.8)], [SelfTraining(0.8)])
    ]
    np.testing.assert_array_equal(models[1].predict_proba(Z), models[2].predict_proba(Z))
    assert models[1].score(Z, w) > models[0].score(Z, w) + 0.02


def test_more_rows_are_learned_as_training_goes():
    (X, y), (Z, _) = turned(200, 0, 0), turned(200, 1, 30)
    torch.manual_seed(0)
    network = Network({"only": nn.Sequential(nn.Linear(2, 16), nn.ReLU())}, in_features=16, head=nn.Linear(16, 3))
    method = SelfTraining(0.8, momentum=0.5)
    rows, target = Samples(torch.tensor(X).float(), torch.tensor(y)), Samples(torch.tensor(Z).float())
    settings = Training(epochs=8, learning_rate=3e-2, device="cpu", random_state=0)
    train(network, Classification(range(3)), rows, methods=[method], target=target, settings=settings)
    assert len(method.shares_) == 8 and method.shares_[-1] > method.shares_[0] + 0.3
    assert method.temperature_ >= 1.0


class Stop(Method):
    """Breaks a run off at its third epoch, where armed."""

    armed = False

    def epoch(self, network, epoch, epochs):
        if self.armed and epoch == 2:
            raise KeyboardInterrupt


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(tmp_path, monkeypatch):
    (X, y), (Z, _) = turned(200, 0, 0), turned(200, 1, 30)
    how = {"epochs": 4, "random_state": 0}
    whole = NeuralClassifier(methods=[SelfTraining(0.6), Stop()], **how).fit(X, y, X_target=Z)
    how["checkpoint_dir"] = tmp_path
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        NeuralClassifier(methods=[SelfTraining(0.6), Stop()], **how).fit(X, y, X_target=Z)
    monkeypatch.setattr(Stop, "armed", False)
    resumed = NeuralClassifier(methods=[SelfTraining(0.6), Stop()], resume=True, **how).fit(X, y, X_target=Z)
    np.testing.assert_array_equal(whole.predict_proba(Z), resumed.predict_proba(Z))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.0}, "threshold"),
        ({"temperature": "cold"}, "temperature.*'auto'"),
        ({"temperature": 0}, "temperature"),
        ({"strength": 0}, "strength"),
        ({"validation_fraction": 0}, "validation_fraction"),
        ({"momentum": 1}, "momentum"),
    ],
)
def test_arguments_at_fault_are_named(options, message):
    with pytest.raises(InputError, match=message):
        SelfTraining(**options).validate_params()


def test_a_task_without_classes_is_named():
    patients = load_builtin("patients-younger")
    with pytest.raises(InputError, match="SelfTraining, which needs classes"):
        NeuralRegressor(methods=[SelfTraining()], epochs=1).fit(patients.X, patients.y)
