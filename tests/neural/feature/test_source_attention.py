"""Attention by hand, weights of rows and sources, and real digits of which half the source is wrong."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, Method, Network, NeuralClassifier, NeuralRegressor
from landbridge.neural.feature._adda import CollapseWatch
from landbridge.neural.feature._adversarial import DANN
from landbridge.neural.feature._source_attention import SourceAttention, attention_weights
from landbridge.neural.tasks import Classification

PRINTED, WRITTEN = load_builtin("printed"), load_builtin("handwritten")


def rows(n, d, seed):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_hand(S, T, temperature, agreement=None):
    S, T = S.numpy(), T.numpy()
    middle = (S.mean(0) + T.mean(0)) / 2
    w = np.zeros(len(S))
    for j, t in enumerate(T - middle):
        a = [np.exp(t @ s / np.linalg.norm(t) / np.linalg.norm(s) / temperature) for s in S - middle]
        a = np.array(a) * (1.0 if agreement is None else agreement[j].numpy())
        w += a / a.sum()
    return w * len(S) / len(T)


def test_attention_by_hand():
    S, T = rows(7, 3, 0), rows(5, 3, 1)
    np.testing.assert_allclose(attention_weights(S, T, 0.2).numpy(), by_hand(S, T, 0.2))
    agreement = torch.rand(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) + 0.01
    found = attention_weights(S.requires_grad_(), T, 0.5, agreement)
    np.testing.assert_allclose(found.numpy(), by_hand(S.detach(), T, 0.5, agreement))
    assert found.mean() == pytest.approx(1.0) and not found.requires_grad
    far = attention_weights(torch.ones(4, 2), torch.zeros(3, 2))  # directions that are none are all alike
    assert torch.isfinite(far).all()
    torch.testing.assert_close(attention_weights(S, T, 1e6), torch.ones(7, dtype=torch.float64), atol=1e-4, rtol=0)


def small(out=2):
    torch.manual_seed(0)
    return Network({"only": nn.Linear(2, 4)}, in_features=4, head=nn.Linear(4, out)).double()


def batch(network, x, labels, numbers):
    logits, features = network(x, ("embedding",))
    return Batch(x, labels, logits, features, None, torch.tensor(numbers))


def test_losses_and_weights_by_hand():
    network, task = small(), Classification([0, 1], label_smoothing=0.1)
    groups = [7, 7, 3, 3, 3, 7]
    method = SourceAttention(sharpness=2.0, momentum=0.5, max_weight=100.0, match_labels=False).set_source_domain(
        groups
    )
    method.prepare(network, task)
    assert method.sources_ == (3, 7)
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    source = batch(network, rows(6, 2, 0), labels, [0, 1, 2, 3, 4, 5])
    first, second = (batch(network, rows(5, 2, k), None, [0, 1, 2, 3, 4]) for k in (1, 2))
    plain = method.loss(network, source, first, 0.0)["task"]
    torch.testing.assert_close(plain, task.mean_loss(source.logits, labels))  # in the first epoch all count alike
    method.epoch(network, 1, 3)
    found = method.loss(network, source, second, 0.5)["task"]

    def weigh(seen):
        w = seen / np.array([seen[labels == k].mean() for k in (0, 1)])[labels]
        means = np.array([w[np.equal(groups, g)].mean() for g in (3, 7)])
        w = w * means[np.equal(groups, 7).astype(int)]
        return w / w.mean()

    one, two = (by_hand(source.features["embedding"].detach(), t.features["embedding"].detach(), 0.1)
                for t in (first, second))  # fmt: skip
    w = weigh(one)
    each = [task.mean_loss(source.logits[i : i + 1], labels[i : i + 1]).item() for i in range(6)]
    assert found.item() == pytest.approx(np.mean(w * each))
    method.finish(network)
    w = weigh((one + two) / 2)
    np.testing.assert_allclose(method.row_weights_, w)
    means = np.array([w[np.equal(groups, g)].mean() for g in (3, 7)])
    np.testing.assert_allclose(method.source_weights_, means / means.mean())


def test_no_row_counts_more_than_allowed_and_no_class_less_than_it_did():
    X, y, Z = PRINTED.X[:300], PRINTED.y[:300], WRITTEN.X[:300]
    how = {"epochs": 3, "image_shape": (8, 8), "random_state": 0, "device": "cpu"}
    fitted = NeuralClassifier("builtin", methods=[SourceAttention(max_weight=1e9)], **how).fit(X, y, X_target=Z)
    w = fitted.methods_[0].row_weights_
    assert w.shape == (300,) and w.mean() == pytest.approx(1.0) and w.std() > 0.1
    np.testing.assert_allclose([w[y == c].mean() for c in range(10)], 1.0, rtol=1e-5)
    np.testing.assert_array_equal(fitted.methods_[0].source_weights_, [1.0])
    fitted = NeuralClassifier("builtin", methods=[SourceAttention(max_weight=1.5)], **how).fit(X, y, X_target=Z)
    w = fitted.methods_[0].row_weights_
    assert w.max() < 1.5 * 1.5 and w.mean() == pytest.approx(1.0)


def digits(seed, n=400):
    """Printed digits, every second of which has a label drawn by chance, and written ones."""
    dice = np.random.RandomState(seed)
    i, j = dice.permutation(len(PRINTED.y))[:n], dice.permutation(len(WRITTEN.y))[:n]
    y, groups = PRINTED.y[i].copy(), np.arange(n) % 2
    y[groups == 1] = dice.randint(10, size=(groups == 1).sum())
    return PRINTED.X[i], y, groups, WRITTEN.X[j], WRITTEN.y[j]


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_half_a_source_labelled_by_chance_does_less_harm(seed):
    X, y, groups, Z, w = digits(seed)
    how = {"epochs": 8, "image_shape": (8, 8), "random_state": seed, "device": "cpu"}
    # Both see the target's rows, so that batch norms do, too.
    plain, chosen = (
        NeuralClassifier("builtin", methods=[m], **how).fit(X, y, X_target=Z)
        for m in (CollapseWatch(warn=False), SourceAttention().set_source_domain(groups))
    )
    assert chosen.score(Z, w) > plain.score(Z, w) + 0.03
    good, bad = chosen.methods_[0].source_weights_
    assert good > 2 * bad


def test_rows_alone_tell_wrong_labels_without_being_told_of_sources():
    X, y, groups, Z, _ = digits(14)
    how = {"epochs": 8, "image_shape": (8, 8), "random_state": 0, "device": "cpu"}
    model = NeuralClassifier("builtin", methods=[SourceAttention()], **how).fit(X, y, X_target=Z)
    w = model.methods_[0].row_weights_
    assert w[groups == 0].mean() > 1.3 * w[groups == 1].mean()
    blind = NeuralClassifier("builtin", methods=[SourceAttention(match_labels=False)], **how).fit(X, y, X_target=Z)
    v = blind.methods_[0].row_weights_
    assert v[groups == 0].mean() / v[groups == 1].mean() < w[groups == 0].mean() / w[groups == 1].mean()


class Stop(Method):
    """Breaks a run off at its third epoch, where armed."""

    armed = False

    def epoch(self, network, epoch, epochs):
        if self.armed and epoch == 2:
            raise KeyboardInterrupt


def table(n=120, seed=0):
    dice = np.random.RandomState(seed)
    y = np.arange(n) % 3
    X = np.eye(3)[y] * 3 + 0.5 * dice.randn(n, 3)
    return X, y, (np.arange(n) // 3) % 2, X[::2] + 0.3


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(tmp_path, monkeypatch):
    X, y, groups, Z = table()
    how = {"epochs": 4, "random_state": 0}
    whole = NeuralClassifier(methods=[SourceAttention().set_source_domain(groups), Stop()], **how).fit(X, y, X_target=Z)
    how["checkpoint_dir"] = tmp_path
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        NeuralClassifier(methods=[SourceAttention().set_source_domain(groups), Stop()], **how).fit(X, y, X_target=Z)
    monkeypatch.setattr(Stop, "armed", False)
    resumed = NeuralClassifier(methods=[SourceAttention().set_source_domain(groups), Stop()], resume=True, **how).fit(
        X, y, X_target=Z
    )
    np.testing.assert_array_equal(whole.predict_proba(Z), resumed.predict_proba(Z))
    np.testing.assert_array_equal(whole.methods_[0].row_weights_, resumed.methods_[0].row_weights_)


def test_values_other_methods_and_labelled_targets_go_along():
    X, y, groups, Z = table()
    numbers = NeuralRegressor(methods=[SourceAttention().set_source_domain(groups)], epochs=3, random_state=0)
    numbers.fit(X, X[:, 0], X_target=Z)
    assert np.isfinite(numbers.predict(Z)).all() and len(numbers.methods_[0].row_weights_) == 120
    both = NeuralClassifier(methods=[SourceAttention().set_source_domain(groups), DANN()], epochs=3, random_state=0)
    again = clone(both)
    same = both.fit(X, y, X_target=Z).predict_proba(Z), again.fit(X, y, X_target=Z).predict_proba(Z)
    np.testing.assert_array_equal(*same)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(both)).predict_proba(Z), same[0])
    few = np.full(len(Z), None, dtype=object)
    few[:20] = y[::2][:20]
    tuned = NeuralClassifier(methods=[SourceAttention()], epochs=3, random_state=0).fit(X, y, X_target=Z, y_target=few)
    assert len(tuned.methods_[0].row_weights_) == 20  # the labelled rows of the target are what is learned from then


def test_arguments_at_fault_are_named():
    with pytest.raises(InputError, match="source_domain must be one whole number or name"):
        SourceAttention().set_source_domain([0.5, 1.5])
    with pytest.raises(InputError, match="'temperature'"):
        SourceAttention(temperature=0).validate_params()
    with pytest.raises(InputError, match="sharpness"):
        SourceAttention(sharpness=-1).validate_params()
    with pytest.raises(InputError, match="'momentum'"):
        SourceAttention(momentum=1.0).validate_params()
    X, y, _, Z = table()
    with pytest.raises(InputError, match="source_domain has 2 entries but there are 120 training samples"):
        NeuralClassifier(methods=[SourceAttention().set_source_domain([0, 1])], epochs=1).fit(X, y, X_target=Z)
    assert repr(SourceAttention().set_source_domain([0, 1])) == repr(SourceAttention())
