"""ADDA and the watch over collapse: scores by hand, what stays as it was, gains on digits, collapse provoked."""

import copy

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, Method, Network, NeuralClassifier, load_backbone, predict_logits
from landbridge.neural._samples import Samples
from landbridge.neural.feature import CDAN, DANN, WDGRL
from landbridge.neural.feature._adda import (
    CollapseWatch,
    adapt_adda,
    effective_classes,
    information_score,
    settle_statistics,
    slope_penalty,
)
from landbridge.neural.tasks import Classification


@pytest.fixture(scope="module")
def pair():
    return load_builtin("printed").take(range(500)), load_builtin("handwritten").take(range(500))


@pytest.fixture(scope="module")
def trained(pair):
    source, _ = pair
    model = NeuralClassifier(
        "builtin", pretrained=False, epochs=8, batch_size=64, image_shape=(8, 8), device="cpu", random_state=0
    )
    return model.fit(source.X, source.y)


def score(model, network, rows):
    model = copy.copy(model)
    model.network_ = network
    return model.score(rows.X, rows.y)


def test_scores_by_hand():
    assert effective_classes(torch.tensor([1, 1, 2])) == pytest.approx(np.exp(1.5 * np.log(2)))
    assert information_score(torch.zeros(3, 4)) == pytest.approx(0, abs=1e-12)
    assert information_score(60 * torch.eye(4)) == pytest.approx(np.log(4))
    assert information_score(60 * torch.eye(4)[[0, 0]]) == pytest.approx(0, abs=1e-9)


def test_slope_penalty_by_hand_and_its_gradient():
    g = torch.Generator().manual_seed(0)
    X = torch.randn(6, 3, dtype=torch.float64, generator=g)
    line = nn.Linear(3, 1).double()
    wanted = float(line.weight.detach().square().sum()) / 2
    assert float(slope_penalty(line, X).detach()) == pytest.approx(wanted)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    weight = torch.randn(4, 3, dtype=torch.float64, generator=g).requires_grad_(True)

    def of(w):
        return slope_penalty(lambda x: critic[2](torch.tanh(x @ w.T)), X)

    assert torch.autograd.gradcheck(of, (weight,))


def turned(n, seed, turn):
    """Three clusters on a circle, turned by so many degrees; at 60 the classes change places."""
    dice = np.random.RandomState(seed)
    y = np.arange(n) % 3
    angle = 2 * np.pi * y / 3 + np.deg2rad(turn)
    return 3 * np.c_[np.cos(angle), np.sin(angle)] + 0.5 * dice.randn(n, 2), y


def test_it_lifts_the_target_and_repeats_by_its_seed():
    (X, y), (Z, w) = turned(300, 0, 0), turned(300, 1, 48)
    model = NeuralClassifier(epochs=15, device="cpu", random_state=1).fit(X, y)
    before, plain = {k: v.clone() for k, v in model.network_.state_dict().items()}, model.score(Z, w)
    options = {"n_steps": 200, "eval_every": 100, "random_state": 1}
    one, two = (adapt_adda(model, X, Z, **options) for _ in range(2))
    assert not one.collapsed and one.step > 0 and not one.reason
    assert one.history["step"] == [0, 100, 200] == two.history["step"]
    for k, v in model.network_.state_dict().items():
        assert torch.equal(v, before[k])
    for a, b in zip(one.network.state_dict().values(), two.network.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(one.network.head.parameters(), model.network_.head.parameters(), strict=True):
        assert torch.equal(a, b) and a.requires_grad
    model.network_ = one.network
    assert model.score(Z, w) > plain + 0.05


def test_a_network_and_tensors_give_what_an_estimator_and_tables_give(trained, pair):
    A, B = (torch.tensor(d.X.reshape(-1, 1, 8, 8), dtype=torch.float32) for d in pair)
    options = {"n_steps": 5, "n_warmup_steps": 5, "batch_size": 16, "random_state": 0}
    one = adapt_adda(trained.network_, A, B, **options).network
    two = adapt_adda(trained, pair[0].X, pair[1].X, **options).network
    assert torch.equal(predict_logits(one, B), predict_logits(two, B))


def test_without_brakes_it_collapses_and_says_so(trained, pair):
    source, target = pair
    found = adapt_adda(
        trained, source.X, target.X, n_steps=400, learning_rate=3e-3, gradient_penalty=0.0, decay=0.9, random_state=0
    )
    assert found.collapsed and f"network of step {found.step} is returned" in found.reason
    assert found.history["effective_classes"][-1] < 0.5 * found.history["effective_classes"][0]
    assert score(trained, found.network, target) > trained.score(target.X, target.y) - 0.05
    best = max(range(len(found.history["step"]) - 1), key=found.history["information"].__getitem__)
    assert found.history["step"][best] == found.step


def test_a_discriminator_that_cannot_be_deceived_stops_it(trained, pair):
    source, target = pair
    found = adapt_adda(
        trained,
        source.X,
        target.X + 100.0,
        n_steps=400,
        learning_rate=1e-7,
        statistics="source",
        eval_every=10,
        random_state=0,
    )
    assert found.collapsed and "discriminator is right" in found.reason
    assert found.history["step"][-1] < 400


def test_statistics_and_frozen_stages(trained, pair):
    _, target = pair
    B = torch.tensor(target.X.reshape(-1, 1, 8, 8), dtype=torch.float32)
    network = copy.deepcopy(trained.network_).eval()
    settle_statistics(network, Samples(B[:200]))
    conv, norm = next(iter(network.stages.values()))[:2]
    with torch.no_grad():
        seen = conv(network.preprocess(B[:200]))
    torch.testing.assert_close(norm.running_mean, seen.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-4)
    assert norm.momentum == 0.1 and not norm.training

    network = copy.deepcopy(trained.network_).freeze(["edges"])
    found = adapt_adda(network, B, B, n_steps=5, n_warmup_steps=2, statistics="source", random_state=0).network
    assert found.frozen == ("edges",)
    weights = [dict(n.named_parameters()) for n in (network, found)]
    for name in weights[0]:
        assert name.startswith(("stages.edges", "head")) <= torch.equal(weights[0][name], weights[1][name])
    with pytest.raises(InputError, match="every stage is frozen"):
        adapt_adda(copy.deepcopy(network).freeze(), B, B, random_state=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps must be positive"),
        ({"learning_rate": -1.0}, "learning_rate must be positive"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"statistics": "both"}, "statistics must be"),
        ({"decay": 1.0}, "decay"),
    ],
)
def test_arguments_at_fault_are_named(trained, pair, options, message):
    with pytest.raises(InputError, match=message):
        adapt_adda(trained, pair[0].X, pair[1].X, **options)


def test_rows_at_fault_are_named(trained, pair):
    with pytest.raises(InputError, match="target has 1 sample"):
        adapt_adda(trained, pair[0].X, pair[1].X[:1], random_state=0)
    with pytest.raises(InputError, match="min_class_fraction"):
        CollapseWatch(0).validate_params()


class Favour(Method):
    """Pulls the answers on the target to one class."""

    reads_target = True

    def loss(self, network, source, target, progress):
        return {"favour": -50.0 * target.logits.log_softmax(dim=1)[:, 3].mean()}


def fit(methods, pair, epochs=3):
    source, target = pair
    model = NeuralClassifier("builtin", methods=methods, epochs=epochs, image_shape=(8, 8), random_state=0)
    return model.fit(source.X, source.y, X_target=target.X)


def test_the_watch_warns_of_answers_that_fall_together(pair):
    with pytest.warns(ConvergenceWarning, match=r"in epoch 3 the predictions on the target fill 1\.\d classes where"):
        fit([Favour(), CollapseWatch()], pair)
    fit([Favour(), CollapseWatch(warn=False)], pair, epochs=1)


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("method", [DANN, CDAN, WDGRL])
def test_the_watch_changes_nothing_beside_an_adversary(method, pair):
    one, two = fit([method()], pair, 2), fit([method(), CollapseWatch()], pair, 2)
    np.testing.assert_array_equal(one.predict_proba(pair[1].X), two.predict_proba(pair[1].X))


def watched(shift, n_steps=4):
    torch.manual_seed(0)
    network = Network({"only": nn.Identity()}, in_features=2, head=nn.Linear(2, 2))
    adversary, watch = DANN(), CollapseWatch(warn=False)
    for m in (adversary, watch):
        m.prepare(network, Classification([0, 1]))
    line = network.extras["discriminator"] = nn.Linear(2, 1)
    with torch.no_grad():
        line.weight.copy_(torch.tensor([[1.0, 0.0]]))
        line.bias.zero_()
    for _ in range(n_steps):
        found = []
        for x in (torch.tensor([[shift, 1.0], [shift, -1.0]]), torch.tensor([[-1.0, 1.0], [-1.0, -1.0]])):
            logits, features = network(x, ("embedding",))
            found.append(Batch(x, torch.tensor([0, 1]), logits, features))
        for m in (adversary, watch):
            m.loss(network, *found, 1.0)
    watch.finish(network)
    return watch


def test_the_watch_counts_the_discriminators_answers():
    with torch.no_grad():
        sure, half = watched(1.0), watched(-1.0)
    assert sure.history_[0]["accuracy"] == 1.0 and half.history_[0]["accuracy"] == 0.5
    assert "discriminator is right on 100.0%" in sure.collapsed_
    assert "discriminator" not in half.collapsed_
    assert not watched(1.0)._handle


def test_the_watch_goes_on_after_a_break():
    watch, other = CollapseWatch(), CollapseWatch()
    network = load_backbone("builtin").replace_head(nn.Linear(64, 3))
    for m in (watch, other):
        m.prepare(network, Classification(range(3)))
    logits = torch.eye(3)[[0, 0, 1]]
    watch.loss(network, Batch(None, torch.tensor([0, 1, 2]), logits), Batch(None, None, logits), 0.0)
    other.load_state(watch.state())
    for m in (watch, other):
        m.finish(network)
    assert watch.history_ == other.history_ and watch.history_[0]["largest"] == pytest.approx(2 / 3)
