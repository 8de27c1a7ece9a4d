"""Several sources: distances of moments by hand, weights of sources, and rows that belong to none."""

import numpy as np
import pytest
import torch
from torch import nn

from landbridge.exceptions import InputError
from landbridge.neural import Batch, Method, Network, NeuralClassifier, Samples, Training, train
from landbridge.neural.feature._multi_source import MomentMatchingSources, moment_distances
from landbridge.neural.tasks import Classification, Regression


def rows(n, d, seed, requires_grad=False):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=g).requires_grad_(requires_grad)


def test_distances_by_hand_and_their_gradient():
    A, B, C = rows(5, 3, 0), rows(4, 3, 1), rows(6, 3, 2)
    D = moment_distances([A, B, C], n_moments=3).numpy()
    a, b = A.numpy(), C.numpy()
    wanted = sum(np.linalg.norm((a**k).mean(0) - (b**k).mean(0)) for k in (1, 2, 3))
    assert D[0, 2] == D[2, 0] == pytest.approx(wanted)
    assert (np.diag(D) == 0).all()
    assert torch.autograd.gradcheck(lambda x, y: moment_distances([x, y]), (rows(5, 3, 0, True), rows(4, 3, 1, True)))
    same = rows(4, 3, 0, True)
    moment_distances([same, same]).sum().backward()
    assert torch.isfinite(same.grad).all()  # the root's slope at zero is none


def small():
    torch.manual_seed(0)
    return Network({"only": nn.Linear(2, 4)}, in_features=4, head=nn.Linear(4, 2))


def batch(network, x, labels, numbers):
    logits, features = network(x, ("embedding",))
    return Batch(x, labels, logits, features, None, torch.tensor(numbers))


def test_the_loss_by_hand():
    network = small()
    groups = [7, 7, 3, 3, 3, 7, 3, 3]
    method = MomentMatchingSources(0.5, ramp_up=False).set_source_domain(groups)
    task = Classification([0, 1])
    method.prepare(network, task)
    assert method.sources_ == (3, 7)
    g = torch.Generator().manual_seed(0)
    source = batch(network, torch.randn(6, 2, generator=g), torch.tensor([0, 1, 0, 1, 0, 1]), [0, 1, 2, 3, 4, 5])
    target = batch(network, torch.randn(5, 2, generator=g), None, [0, 1, 2, 3, 4])
    terms = method.loss(network, source, target, 1.0)
    torch.testing.assert_close(terms["task"], task.mean_loss(source.logits, source.labels))  # all alike at first
    E, T = source.features["embedding"], target.features["embedding"]
    D = moment_distances([E[2:5], E[[0, 1, 5]], T])
    torch.testing.assert_close(terms["moments"], 0.5 * ((D[0, 2] + D[1, 2]) / 2 + D[0, 1]))
    # now the sources have distances, and the nearer one counts more
    second = method.loss(network, source, target, 1.0)
    d = D[:2, 2].detach()
    w = torch.softmax(-d / d.mean(), dim=0)
    parts = torch.stack([task.mean_loss(source.logits[k], source.labels[k]) for k in ([2, 3, 4], [0, 1, 5])])
    torch.testing.assert_close(second["task"], (w * parts).sum())
    other = MomentMatchingSources().set_source_domain(groups)
    other.prepare(network, task)
    other.load_state(method.state())
    method.finish(network)
    other.finish(network)
    torch.testing.assert_close(torch.as_tensor(method.distances_), d)
    np.testing.assert_allclose(other.source_weights_, method.source_weights_)
    assert float(method.source_weights_.mean()) == pytest.approx(1.0)


def three_sources(seed=0):
    """Two sources turned a little to either side of the target, and one that is wrong throughout."""
    dice = np.random.RandomState(seed)
    y, groups = np.arange(360) % 3, np.repeat([0, 1, 2], 120)
    angle = 2 * np.pi * y / 3 + np.deg2rad(np.array([20, -20, 70])[groups])
    far = np.array([0.0, 0.0, 3.0])[groups][:, None]
    X = 3 * np.c_[np.cos(angle), np.sin(angle)] + far + 0.4 * dice.randn(360, 2)
    w = np.arange(150) % 3
    Z = 3 * np.c_[np.cos(2 * np.pi * w / 3), np.sin(2 * np.pi * w / 3)] + 0.4 * dice.randn(150, 2)
    return X, y, groups, Z, w


def test_the_far_source_counts_least_and_runs_repeat():
    X, y, groups, Z, _ = three_sources()
    A, B = (torch.tensor(x, dtype=torch.float32) for x in (X, Z))
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        network = Network({"only": nn.Linear(2, 8)}, in_features=8, head=nn.Linear(8, 3))
        method = MomentMatchingSources(0.01).set_source_domain(groups)
        settings = Training(epochs=5, learning_rate=5e-3, device="cpu", random_state=0)
        data = Samples(A, torch.tensor(y))
        train(network, Classification(range(3)), data, methods=[method], target=Samples(B), settings=settings)
        found.append((method, network.state_dict()))
    method = found[0][0]
    assert method.source_weights_.argmin() == 2 and method.distances_.argmax() == 2
    assert method.source_weights_[2] < 0.7 * method.source_weights_[:2].min()
    for k, v in found[0][1].items():
        assert torch.equal(v, found[1][1][k])


def test_it_beats_pooling_the_sources_where_one_contradicts_the_others():
    X, y, groups, Z, w = three_sources()
    X = np.r_[X[groups < 2], X[groups < 2] + 0.8]
    y = np.r_[y[groups < 2], (y[groups < 2] + 1) % 3]
    groups = np.repeat([0, 1], 240)
    methods = ([MomentMatchingSources(1e-6)], [MomentMatchingSources(1e-6, sharpness=3.0).set_source_domain(groups)])
    pooled, several = (
        NeuralClassifier(methods=m, epochs=10, random_state=0).fit(X, y, X_target=Z).score(Z, w) for m in methods
    )
    assert several > 0.9 > pooled + 0.1


class Stop(Method):
    """Breaks a run off at its third epoch, where armed."""

    armed = False

    def epoch(self, network, epoch, epochs):
        if self.armed and epoch == 2:
            raise KeyboardInterrupt


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(tmp_path, monkeypatch):
    X, y, groups, Z, _ = three_sources()
    how = {"epochs": 4, "random_state": 0}
    whole = NeuralClassifier(methods=[MomentMatchingSources().set_source_domain(groups), Stop()], **how).fit(
        X, y, X_target=Z
    )
    how["checkpoint_dir"] = tmp_path
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        NeuralClassifier(methods=[MomentMatchingSources().set_source_domain(groups), Stop()], **how).fit(
            X, y, X_target=Z
        )
    monkeypatch.setattr(Stop, "armed", False)
    resumed = NeuralClassifier(
        methods=[MomentMatchingSources().set_source_domain(groups), Stop()], resume=True, **how
    ).fit(X, y, X_target=Z)
    np.testing.assert_array_equal(whole.predict_proba(Z), resumed.predict_proba(Z))


def test_values_and_single_rows_are_taken():
    network = small().replace_head(nn.Linear(4, 1))
    method = MomentMatchingSources().set_source_domain([0, 1, 1])
    method.prepare(network, Regression.of(np.arange(3.0)))
    source = batch(network, torch.randn(3, 2), torch.randn(3, 1), [0, 1, 2])
    terms = method.loss(network, source, batch(network, torch.randn(2, 2), None, [0, 1]), 1.0)
    assert torch.isfinite(sum(terms.values()))
    alone = MomentMatchingSources()
    alone.prepare(network, Regression.of(np.arange(3.0)))
    assert set(alone.loss(network, source, None, 1.0)) == {"task"}


def test_arguments_at_fault_are_named():
    with pytest.raises(InputError, match="source_domain must be one whole number or name"):
        MomentMatchingSources().set_source_domain([0.5, 1.5])
    with pytest.raises(InputError, match="n_moments"):
        MomentMatchingSources(n_moments=0).validate_params()
    with pytest.raises(InputError, match="sharpness"):
        MomentMatchingSources(sharpness=-1).validate_params()
    X, y, _, Z, _ = three_sources()
    with pytest.raises(InputError, match="source_domain has 2 entries but there are 360 training samples"):
        NeuralClassifier(methods=[MomentMatchingSources().set_source_domain([0, 1])], epochs=1).fit(X, y, X_target=Z)
    assert repr(MomentMatchingSources().set_source_domain([0, 1])) == repr(MomentMatchingSources())
