"""Sources that fit is told of: the same as groups by hand, names, rows held out, fine-tuning, copies and the guard."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from landbridge import Domain, load_result, make_pipeline, transfer
from landbridge.exceptions import InputError
from landbridge.feature import DomainScaler
from landbridge.guard.validators._importance_weighted import source_losses_and_weights
from landbridge.guard.validators._reverse_validation import reverse_validation
from landbridge.neural import NeuralClassifier, NeuralRegressor
from landbridge.neural._heads import SourceMixture
from landbridge.neural.feature import MCC, MomentMatchingSources, SourceAttention, SourceHeads

KINDS = [SourceHeads, MomentMatchingSources, SourceAttention]


def table(n=240, seed=0):
    """Three classes from two hospitals; the labels of every second row of "south" are another's."""
    dice = np.random.RandomState(seed)
    y, names = np.arange(n) % 3, np.array(["south", "north"])[np.arange(n) // 3 % 2]
    X = np.eye(3)[y] * 3 + 0.5 * dice.randn(n, 3)
    south = np.flatnonzero(names == "south")
    y[south] = dice.permutation(y[south])
    w = np.arange(n // 2) % 3
    return X, y, names, np.eye(3)[w] * 3 + 0.5 * dice.randn(n // 2, 3) + 0.3, w


def network(*methods, **how):
    return NeuralClassifier(methods=list(methods), **({"epochs": 4, "random_state": 0} | how))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_name", [True, False])
def test_what_fit_is_told_is_what_groups_by_hand_are(kind, by_name):
    X, y, names, Z, _ = table()
    numbers = (names == "south").astype(int)
    method = kind()
    told = network(method).fit(X, y, X_target=Z, source_domain=(names if by_name else numbers).tolist())
    by_hand = network(kind().set_source_domain(numbers)).fit(X, y, X_target=Z)
    pooled = network(kind()).fit(X, y, X_target=Z)
    np.testing.assert_array_equal(told.predict_proba(Z), by_hand.predict_proba(Z))
    assert not np.array_equal(told.predict_proba(Z), pooled.predict_proba(Z))
    assert told.methods_[0].sources_ == (("north", "south") if by_name else (0, 1))
    assert method.source_domain_ is None and told.methods[0] is method and not hasattr(method, "sources_")


def test_groups_by_hand_go_first_and_others_do_not_care():
    X, y, names, Z, _ = table()
    numbers = np.arange(len(X)) % 2
    one = network(SourceHeads().set_source_domain(numbers)).fit(X, y, X_target=Z, source_domain=names)
    np.testing.assert_array_equal(one.methods_[0].source_domain_, numbers)
    for methods in ([], [MCC()]):
        plain, told = network(*methods).fit(X, y, X_target=Z), network(*methods)
        told.fit(X, y, X_target=Z, source_domain=names)
        np.testing.assert_array_equal(told.predict_proba(Z), plain.predict_proba(Z))


def test_the_source_whose_labels_are_wrong_weighs_less():
    X, y, names, Z, w = table(480)
    model = network(SourceHeads(), epochs=20).fit(X, y, X_target=Z, source_domain=names)
    right, wrong = model.methods_[0].source_weights_
    assert right > 1.5 * wrong and model.score(Z, w) > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_rows_held_out_are_taken_off_the_sources_too(kind):
    X, y, names, Z, _ = table()
    X = np.c_[X, np.arange(len(X)) / len(X)]  # the last column tells which row it is
    Z = np.c_[Z, np.zeros(len(Z))]
    seen = {}

    class Watch(MCC):
        def loss(self, net, source, target, progress):
            at = (source.inputs[:, 3].double() * len(X)).round().long().tolist()
            seen.update(zip(source.rows.tolist(), at, strict=True))
            return {}

    model = network(kind(), Watch(), patience=2, validation_fraction=0.25)
    model.fit(X, y, X_target=Z, source_domain=names)
    groups = model.methods_[0].source_domain_
    assert 170 <= len(groups) <= 190 and "held_out_loss" in model.history_.epochs[0]
    assert len(seen) > 100  # SourceHeads keeps some out of its own
    assert all(groups[row] == names[at] for row, at in seen.items())
    with pytest.raises(InputError, match=r"source_domain has 240 entries but there are .* pass source_domain to fit"):
        network(kind().set_source_domain(np.arange(240) % 2), patience=2).fit(X, y, X_target=Z)


@pytest.mark.parametrize("kind", KINDS)
def test_on_labelled_target_rows_they_act_as_with_one_source(kind):
    X, y, names, Z, w = table()
    told = network(kind()).fit(X, y, X_target=Z, y_target=w, source_domain=names)
    pooled = network(kind()).fit(X, y, X_target=Z, y_target=w)
    np.testing.assert_array_equal(told.predict_proba(Z), pooled.predict_proba(Z))
    assert told.methods_[0].sources_ == (0,) and told.score(Z, w) > 0.9


def test_heads_of_several_sources_go_on_as_their_mean():
    X, y, names, Z, w = table()
    model = network(SourceHeads(weights=[3.0, 1.0])).fit(X, y, X_target=Z, source_domain=names)
    np.testing.assert_allclose(model.methods_[0].source_weights_, [0.75, 0.25])
    before = model.predict_proba(Z)
    model.adapt(Z, w)
    assert isinstance(model.network_.head, SourceMixture) and not np.array_equal(model.predict_proba(Z), before)
    np.testing.assert_array_equal(model.methods_[0].source_weights_, [1.0])
    np.testing.assert_allclose(model.network_.head.weights.numpy(), [0.75, 0.25])
    assert model.score(Z, w) > 0.9


def test_copies_answer_alike():
    X, y, names, Z, _ = table()
    model = network(SourceHeads(), MomentMatchingSources()).fit(X, y, X_target=Z, source_domain=names)
    P = model.predict_proba(Z)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(Z), P)
    again = clone(model).fit(X, y, X_target=Z, source_domain=names)
    np.testing.assert_array_equal(again.predict_proba(Z), P)
    np.testing.assert_array_equal(clone(model).fit(X, y, X_target=Z).methods_[0].source_weights_, [1.0])


@pytest.mark.parametrize("scaler", [StandardScaler(), DomainScaler()])
def test_a_pipeline_hands_it_on(scaler):
    X, y, names, Z, _ = table()
    model = make_pipeline(scaler, network(SourceHeads())).fit(X, y, X_target=Z, source_domain=names)
    assert model[-1].methods_[0].sources_ == ("north", "south")
    with pytest.raises(InputError, match="source_domain was given, but no step"):
        make_pipeline(StandardScaler(), DomainScaler()).fit(X, y, source_domain=names)


def test_values_and_images():
    X, _, names, Z, _ = table()
    model = NeuralRegressor(methods=[SourceAttention()], epochs=2, random_state=0)
    model.fit(X, X[:, 0], X_target=Z, source_domain=names)
    assert model.methods_[0].source_weights_.shape == (2,)
    images = np.random.RandomState(0).rand(24, 8, 8)
    images[::2, :4] += 1
    model = network(MomentMatchingSources(), epochs=1).fit(
        images, np.arange(24) % 2, X_target=images, source_domain=np.arange(24) // 12
    )
    assert model.methods_[0].sources_ == (0, 1)


def test_validators_fit_again_on_parts():
    X, y, names, Z, _ = table()
    source, target = Domain(X, y, source_domain=names), Domain(Z)
    model = network(SourceHeads(), MomentMatchingSources(), epochs=15)
    model.fit(X, y, X_target=Z, source_domain=names)
    assert 0.3 < float(reverse_validation(model, source, target)) <= 1
    losses, weights = source_losses_and_weights(model, source, target, cv=3)
    assert losses[names == "north"].mean() < losses[names == "south"].mean() and np.isfinite(weights).all()


def test_transfer_tries_and_saves_them(tmp_path):
    X, y, names, Z, w = table()
    source = Domain(X, y, source_domain=names)
    how = {"network": "mlp", "epochs": 3, "target_labels": "hide", "n_jobs": 1}
    result = transfer(source, (Z, w), methods=["SourceHeads", [SourceHeads(), MomentMatchingSources()]], **how)
    assert [c.status for c in result.candidates[:3]] == ["tried"] * 3
    assert result.settings["n_by_source"] == {"north": 120, "south": 120}
    network_ = network(SourceHeads()).fit(X, y, X_target=Z, source_domain=names)
    object.__setattr__(result, "model", network_)
    result.save(tmp_path)
    np.testing.assert_array_equal(load_result(tmp_path).predict_proba(Z), network_.predict_proba(Z))


def test_arguments_at_fault_are_named():
    X, y, names, Z, _ = table()
    gap = names.astype(object)
    gap[3] = None
    for told, message in [
        (names[:3], r"source_domain has shape \(3,\) but X has 240 samples"),
        (np.c_[names, names], r"source_domain has shape \(240, 2\)"),
        (gap, "source_domain has samples without a source"),
        (np.where(np.arange(240) == 1, np.nan, 1.0), "source_domain has samples without a source"),
    ]:
        with pytest.raises(InputError, match=message):
            network(SourceHeads()).fit(X, y, X_target=Z, source_domain=told)
    with pytest.raises(InputError, match=r"weights must be one number per source \(2\)"):
        network(SourceHeads(weights=[1.0, 1.0, 1.0])).fit(X, y, X_target=Z, source_domain=names)
    with pytest.raises(InputError, match="weights must be one number per source, none negative"):
        SourceHeads(weights=[[1.0]]).validate_params()
