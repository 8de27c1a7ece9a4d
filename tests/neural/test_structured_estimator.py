"""Estimator of structured tasks: source, target, both; new heads; saved without pickle."""

import numpy as np
import pytest
import skops.io
import torch
from sklearn.base import clone

from landbridge.exceptions import InputError, LabelError
from landbridge.neural import NeuralStructuredEstimator
from landbridge.neural.parameter import L2SP, LinearProbe
from landbridge.trusted import foreign_types

NAMES = ["Anna", "Otto", "Eva", "Hans"]
X = [["I", "saw", name, "there"] if i % 4 else ["no", "one"] for i, name in enumerate(NAMES * 8)]
Y = [["O", "O", "B-PER", "O"] if len(s) == 4 else ["O", "O"] for s in X]
PLACES = [["O", "O", "B-LOC", "O"] if len(s) == 4 else ["O", "O"] for s in X]


def model(**given):
    settings = {"epochs": 8, "batch_size": 4, "device": "cpu", "random_state": 0} | given
    return NeuralStructuredEstimator("characters", **settings)


@pytest.fixture(scope="module")
def fitted():
    return model().fit(X, Y)


def test_learns_and_predicts_ragged_labels(fitted):
    found = fitted.predict([["I", "saw", "Eva", "there"], ["no"], []])
    assert found == [["O", "O", "B-PER", "O"], ["O"], []]
    assert fitted.score(X, Y) == 1.0
    assert fitted.score([*X, ["x"]], [*Y, None]) == 1.0
    assert fitted.embed(X[:3]).shape == (3, 128)


def test_two_fits_with_one_seed_are_equal(fitted):
    again = clone(fitted).fit(X, Y)
    assert all(
        torch.equal(a, b) for a, b in zip(again.network_.parameters(), fitted.network_.parameters(), strict=True)
    )


def test_nothing_of_the_caller_is_changed():
    held, tags = [list(s) for s in X[:4]], [list(t) for t in Y[:4]]
    before = torch.random.get_rng_state()
    model(epochs=1).fit(held, tags)
    assert held == X[:4] and tags == Y[:4]
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("options", [None, {"crf": True}])
def test_is_saved_without_pickle(options):
    one = model(epochs=2, task_options=options).fit(X, Y, X_target=X, y_target=PLACES)
    data = skops.io.dumps(one)
    types = skops.io.get_untrusted_types(data=data)
    assert foreign_types(types) == []
    assert skops.io.loads(data, trusted=types).predict(X) == one.predict(X)


def test_labels_of_other_types_get_a_new_head_and_keep_the_stages(fitted):
    tuned = NeuralStructuredEstimator(
        (fitted.network_, fitted.task_), epochs=12, batch_size=4, device="cpu", random_state=0
    ).fit(X, PLACES)
    assert tuned.task_.types == ["LOC"]
    assert tuned.score(X, PLACES) == 1.0
    assert fitted.task_.types == ["PER"]
    frozen = NeuralStructuredEstimator((fitted.network_, fitted.task_), methods=[LinearProbe()], epochs=1, device="cpu")
    frozen.fit(X, PLACES)
    same = [fitted.network_.stages.state_dict(), frozen.network_.stages.state_dict()]
    assert all(torch.equal(v, same[1][k]) for k, v in same[0].items())


def test_a_network_is_kept_as_it_is_with_no_epochs(fitted):
    kept = NeuralStructuredEstimator((fitted.network_, fitted.task_), epochs=0).fit(X, PLACES)
    assert kept.predict(X) == fitted.predict(X)
    data = skops.io.dumps(kept)
    assert skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data)).predict(X) == kept.predict(X)


def test_target_labels_are_tuned_on_learned_jointly_or_ignored():
    given = {"X_target": X, "y_target": [t if i % 2 else None for i, t in enumerate(PLACES)]}
    tuned = model(epochs=10).fit(X, Y, **given)
    assert tuned.task_.types == ["LOC"] and tuned.score(X, PLACES) == 1.0
    assert model(epochs=1, on_target="joint").fit(X, Y, **given).task_.types == ["LOC", "PER"]
    assert model(epochs=1, on_target="ignore").fit(X, Y, **given).task_.types == ["PER"]


def test_adapt_starts_from_the_source(fitted):
    one = clone(fitted).fit(X, Y)
    first = one.adapt(X, PLACES).predict(X)
    assert one.adapt(X, PLACES).predict(X) == first
    with pytest.raises(LabelError, match="y_target: no target sample"):
        one.adapt(X, [None] * len(X))


def test_early_stopping_and_methods():
    one = model(epochs=3, patience=1, monitor="score", methods=[L2SP(0.01)]).fit(X, Y, X_target=X, y_target=Y)
    assert "held_out_entity F1" in one.history_.epochs[0]


def test_frozen_stages_are_run_once_and_give_the_same(fitted):
    one = NeuralStructuredEstimator(
        fitted.network_, methods=[LinearProbe()], epochs=15, batch_size=4, learning_rate=0.01, device="cpu"
    ).fit(X, Y)
    assert one.score(X, Y) == 1.0


def test_object_arrays_are_lists(fitted):
    rows = np.empty(2, dtype=object)
    rows[0], rows[1] = X[0], X[1]
    assert fitted.predict(rows) == fitted.predict(X[:2])


def test_errors_are_one_line(fitted):
    with pytest.raises(LabelError, match="every source sample needs one"):
        model().fit(X, [None, *Y[1:]])
    with pytest.raises(InputError, match="one label per sample; take NeuralClassifier"):
        model(task="classification").fit(X, Y)
    with pytest.raises(InputError, match="task='nothing' is unknown"):
        model(task="nothing").fit(X, Y)
    with pytest.raises(InputError, match="no option 'depth'"):
        model(task_options={"depth": 3}).fit(X, Y)
    with pytest.raises(InputError, match="without X_target"):
        model().fit(X, Y, y_target=Y)
    with pytest.raises(InputError, match="reads no words"):
        NeuralStructuredEstimator("builtin", device="cpu").fit(X, Y)
