"""A head a source: whose rows teach which head, weights by hand, and digits of which one source is wrong."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Batch, Method, Network, NeuralClassifier, NeuralRegressor, Samples, Training, train
from landbridge.neural._heads import SourceMixture, mixed_answers
from landbridge.neural._method import Methods
from landbridge.neural.feature._adda import CollapseWatch
from landbridge.neural.feature._multi_source import MomentMatchingSources, moment_distances
from landbridge.neural.feature._partial import OpenSetBackprop
from landbridge.neural.feature._source_attention import SourceAttention
from landbridge.neural.feature._source_heads import SourceHeads, head_weights
from landbridge.neural.feature._target_side import MCC
from landbridge.neural.tasks import Classification

PRINTED, WRITTEN = load_builtin("printed"), load_builtin("handwritten")


def test_gradients_by_finite_differences():
    dice = torch.Generator().manual_seed(0)
    logits = torch.randn((3, 4, 5), generator=dice, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: mixed_answers(z, weights), (logits,))
    mixture = SourceMixture(nn.Linear(4, 3).double(), 2)
    rows, of = torch.randn((5, 4), generator=dice, dtype=torch.float64, requires_grad=True), torch.arange(5) % 2
    assert torch.autograd.gradcheck(lambda x: mixture.own(x, of), (rows,))
    assert torch.autograd.gradcheck(mixture, (rows,))


def test_answers_and_weights_by_hand():
    logits = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    w = torch.tensor([0.2, 0.0, 0.8], dtype=torch.float64)
    wanted = (w[:, None, None] * logits.softmax(2)).sum(0)
    torch.testing.assert_close(mixed_answers(logits, w).softmax(1), wanted)
    accuracies, near = np.array([0.9, 0.5, 0.1]), np.exp(-2.0 * np.array([1.0, 2.0, 6.0]) / 3.0)
    a, d = torch.tensor(accuracies), torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    np.testing.assert_allclose(head_weights(a), accuracies / 1.5)
    np.testing.assert_allclose(head_weights(distances=d, sharpness=2.0), near / near.sum())
    np.testing.assert_allclose(head_weights(a, d, 2.0), accuracies * near / (accuracies @ near))
    np.testing.assert_allclose(head_weights(torch.zeros(2)), [0.5, 0.5])
    with pytest.raises(InputError, match="got neither"):
        head_weights()


def small(out=2):
    torch.manual_seed(0)
    return Network({"only": nn.Linear(2, 4)}, in_features=4, head=nn.Linear(4, out)).double()


def batch(network, numbers, labels=None, seed=0):
    x = torch.randn(len(numbers), 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    logits, features = network(x, ("embedding",))
    return Batch(x, labels, logits, features, None, torch.tensor(numbers))


@pytest.mark.parametrize(
    "others", [[], [MomentMatchingSources(0.5).set_source_domain([7, 7, 3, 3, 3])]], ids=["alone", "moments"]
)
@pytest.mark.parametrize("last", [False, True])
def test_a_head_learns_from_its_own_source_alone(others, last):
    network, task, heads = small(), Classification([0, 1]), SourceHeads().set_source_domain([7, 7, 3, 3, 3])
    methods = Methods([*others, heads] if last else [heads, *others])
    methods.prepare(network, task)
    assert heads.sources_ == (3, 7) and isinstance(network.head, SourceMixture)
    labels = torch.tensor([0, 1])
    source, target = batch(network, [0, 1], labels), batch(network, [0, 1, 2], None, 1)  # rows of source 7 alone
    plain = network.head.heads[1](source.features["embedding"])
    for m in methods.answers:
        m.answer(network, source, target)
    torch.testing.assert_close(source.logits, plain)
    (task.mean_loss(source.logits, labels) + sum(methods.loss(network, source, target, 0.5).values())).backward()
    other, own = network.head.heads
    assert float(other.weight.grad.abs().sum() + other.bias.grad.abs().sum()) == 0
    assert float(own.weight.grad.abs().sum()) > 0 and float(network.stages["only"].weight.grad.abs().sum()) > 0


def test_rows_of_both_sources_meet_their_heads():
    network, heads = small(), SourceHeads().set_source_domain([7, 7, 3, 3, 3])
    Methods([heads]).prepare(network, Classification([0, 1]))
    with torch.no_grad():
        network.head.heads[0].bias.add_(1.0)
        network.head.heads[1].weight.mul_(-2.0)
    source = batch(network, [4, 0, 2], torch.tensor([0, 1, 1]))
    E = source.features["embedding"]
    wanted = torch.stack([network.head.heads[k](E[i]) for i, k in enumerate([0, 1, 0])])
    heads.answer(network, source, None)
    torch.testing.assert_close(source.logits, wanted)


def table(n=240, seed=0):
    """Two sources of three classes, and a target; the second source lies further off."""
    dice = np.random.RandomState(seed)
    y, groups = np.arange(n) % 3, np.where(np.arange(n) % 2, 9, 4)
    X = np.eye(3)[y] * 3 + 0.5 * dice.randn(n, 3) + np.where(groups == 9, 1.5, 0.0)[:, None]
    w = np.arange(n // 2) % 3
    return X, y, groups, np.eye(3)[w] * 3 + 0.5 * dice.randn(n // 2, 3) + 0.3, w


def fitted(methods, X, y, Z, **how):
    return NeuralClassifier(methods=methods, **({"epochs": 5, "random_state": 0} | how)).fit(X, y, X_target=Z)


def by_hand(model, Z, weights):
    network = model.network_
    with torch.no_grad():
        E = network.embed(torch.as_tensor(Z, dtype=next(network.parameters()).dtype))
        return sum(w * head(E).double().softmax(1).numpy() for w, head in zip(weights, network.head.heads, strict=True))


@pytest.mark.parametrize("rule", ["both", "accuracy", "moments", "equal", (3.0, 1.0)])
def test_predictions_are_the_weighted_mean_of_the_heads(rule):
    X, y, groups, Z, _ = table()
    model = fitted([SourceHeads(rule).set_source_domain(groups)], X, y, Z)
    method = model.methods_[0]
    w = method.source_weights_
    assert w.shape == (2,) and w.sum() == pytest.approx(1.0) and method.sources_ == (4, 9)
    P = by_hand(model, Z, w)
    np.testing.assert_allclose(model.predict_proba(Z), P, rtol=1e-6)
    np.testing.assert_array_equal(model.predict(Z), model.classes_[P.argmax(1)])
    assert np.abs(P - by_hand(model, Z, [1.0, 0.0])).max() > 1e-3  # the heads differ
    wanted = {"equal": [0.5, 0.5], (3.0, 1.0): [0.75, 0.25]}.get(rule)
    if wanted is None:
        a, d = (None if v is None else torch.tensor(v) for v in (method.accuracies_, method.distances_))
        assert (a is not None) == (rule != "moments") and (d is not None) == (rule != "accuracy")
        wanted = head_weights(a, d).numpy()
    np.testing.assert_allclose(w, wanted)
    if rule == "moments":
        assert w[0] > 1.5 * w[1]


def test_distances_and_accuracies_are_those_of_the_trained_network():
    X, y, groups, Z, _ = table()
    seen = []

    class Watch(Method):
        def loss(self, network, source, target, progress):
            seen.append(source.rows.clone())
            return {}

    model = fitted([SourceHeads(validation_fraction=0.2).set_source_domain(groups), Watch()], X, y, Z)
    method, network = model.methods_[0], model.network_
    held = np.setdiff1d(np.arange(len(X)), torch.cat(seen).numpy())
    for g in (4, 9):
        for c in range(3):  # of each class of each source its share
            assert abs((held[(groups[held] == g) & (y[held] == c)]).size - 8) <= 1
    assert all(len(torch.cat(seen[k : k + 8])) == len(X) for k in (0, 8))  # an epoch keeps its length
    with torch.no_grad():
        E, T = (network.embed(torch.tensor(A)) for A in (X, Z))
        D = moment_distances([E[groups == 4], E[groups == 9], T])
        np.testing.assert_allclose(method.distances_, D[2, :2])
        hits = [
            (head(E[held[groups[held] == g]]).argmax(1).numpy() == y[held[groups[held] == g]])
            for g, head in zip((4, 9), network.head.heads, strict=True)
        ]
    average = np.concatenate(hits).mean()
    np.testing.assert_allclose(method.accuracies_, [(h.sum() + average) / (len(h) + 1) for h in hits])


def digits(seed, n=400):
    """Printed digits, every second of which has another's label, and written ones."""
    dice = np.random.RandomState(seed)
    i, j = dice.permutation(len(PRINTED.y))[:n], dice.permutation(len(WRITTEN.y))[:n]
    y, groups = PRINTED.y[i].copy(), np.arange(n) % 2
    y[groups == 1] = dice.permutation(y[groups == 1])
    return PRINTED.X[i], y, groups, WRITTEN.X[j], WRITTEN.y[j]


def test_the_source_whose_labels_fit_is_preferred_and_one_head_for_all_does_worse():
    """One run of few epochs depends on the rounding of the processor; the mean of three does not."""
    assert np.mean([_gain_of_own_heads(seed) for seed in (31, 32, 33)]) > 0.03


def _gain_of_own_heads(seed):
    X, y, groups, Z, w = digits(seed)
    how = {"backbone": "builtin", "epochs": 8, "image_shape": (8, 8), "random_state": seed, "device": "cpu"}
    pooled = fitted([MomentMatchingSources().set_source_domain(groups)], X, y, Z, **how)
    both = fitted(
        [SourceHeads().set_source_domain(groups), MomentMatchingSources().set_source_domain(groups)], X, y, Z, **how
    )
    right, wrong = both.methods_[0].source_weights_
    assert right > 3 * wrong and right + wrong == pytest.approx(1.0)
    return both.score(Z, w) - pooled.score(Z, w)


def test_one_source_is_plain_training():
    X, y, _, Z, _ = table()
    plain = fitted([CollapseWatch(warn=False)], X, y, Z)
    for heads in (SourceHeads(), SourceHeads().set_source_domain(np.full(len(X), 5))):
        model = fitted([heads], X, y, Z)
        np.testing.assert_array_equal(model.predict_proba(Z), plain.predict_proba(Z))
        assert type(model.network_.head) is nn.Linear
        np.testing.assert_array_equal(model.methods_[0].source_weights_, [1.0])


@pytest.mark.parametrize(
    "others", [(), (MomentMatchingSources,), (SourceAttention,), (MCC,)], ids=["alone", "moments", "attention", "MCC"]
)
def test_runs_repeat_and_models_come_back_from_pickles(others):
    X, y, groups, Z, w = table()
    more = [m() if m is MCC else m().set_source_domain(groups) for m in others]
    model = fitted([SourceHeads().set_source_domain(groups), *more], X, y, Z)
    P = model.predict_proba(Z)
    assert model.score(Z, w) > 0.9
    np.testing.assert_array_equal(clone(model).fit(X, y, X_target=Z).predict_proba(Z), P)
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict_proba(Z), P)
    np.testing.assert_array_equal(back.network_.head.weights, model.network_.head.weights)


class Stop(Method):
    """Breaks a run off at its third epoch, where armed."""

    armed = False

    def epoch(self, network, epoch, epochs):
        if self.armed and epoch == 2:
            raise KeyboardInterrupt


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(tmp_path, monkeypatch):
    X, y, groups, Z, _ = table()
    whole = fitted([SourceHeads().set_source_domain(groups), Stop()], X, y, Z)
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        fitted([SourceHeads().set_source_domain(groups), Stop()], X, y, Z, checkpoint_dir=tmp_path)
    monkeypatch.setattr(Stop, "armed", False)
    resumed = fitted([SourceHeads().set_source_domain(groups), Stop()], X, y, Z, checkpoint_dir=tmp_path, resume=True)
    np.testing.assert_array_equal(whole.predict_proba(Z), resumed.predict_proba(Z))
    np.testing.assert_array_equal(whole.methods_[0].source_weights_, resumed.methods_[0].source_weights_)


def test_a_frozen_head_stays_frozen_and_a_tiny_source_is_taken():
    network, y = small(), torch.arange(40) % 2
    network.freeze(["head"])
    X = torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    method = SourceHeads().set_source_domain([0] * 39 + [1])  # of one row none can be held out
    settings = Training(epochs=1, device="cpu", random_state=0)
    train(network, Classification([0, 1]), Samples(X, y), methods=[method], target=Samples(X), settings=settings)
    assert network.frozen == ("head",)
    assert torch.equal(network.head.heads[0].weight, network.head.heads[1].weight)
    assert method.accuracies_[1] == pytest.approx(method.accuracies_[0], abs=0.2)
    assert np.isfinite(method.source_weights_).all()


def test_arguments_at_fault_are_named():
    for wrong, message in [
        (lambda: SourceHeads().set_source_domain([0.5, 1.5]), "source_domain must be one whole number or name"),
        (SourceHeads("luck").validate_params, "'weights'.*Got 'luck'"),
        (
            lambda: fitted([SourceHeads([1.0]).set_source_domain(table()[2])], *table()[:2], table()[3]),
            r"weights must be one number per source \(2\)",
        ),
        (SourceHeads([1.0, -1.0]).validate_params, "none negative"),
        (SourceHeads(validation_fraction=0.0).validate_params, "'validation_fraction'"),
        (SourceHeads(sharpness=-1).validate_params, "sharpness"),
    ]:
        with pytest.raises(InputError, match=message):
            wrong()
    X, y, groups, Z, _ = table()
    with pytest.raises(InputError, match="source_domain has 2 entries but there are 240 training samples"):
        fitted([SourceHeads().set_source_domain([0, 1])], X, y, Z)
    with pytest.raises(InputError, match="needs classes"):
        NeuralRegressor(methods=[SourceHeads().set_source_domain(groups)], epochs=1).fit(X, X[:, 0], X_target=Z)
    for methods in (
        [SourceHeads().set_source_domain(groups), OpenSetBackprop()],
        [OpenSetBackprop(), SourceHeads().set_source_domain(groups)],
    ):
        with pytest.raises(InputError, match="methods holds SourceHeads"):
            fitted(methods, X, y, Z)
    assert repr(SourceHeads().set_source_domain([0, 1])) == repr(SourceHeads())
