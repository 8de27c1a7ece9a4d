"""NeuralClassifier and NeuralRegressor under the contract."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.data import load_builtin  # noqa: E402
from landbridge.exceptions import InputError, LabelError  # noqa: E402
from landbridge.neural import Method, NeuralClassifier, NeuralRegressor, load_backbone  # noqa: E402


class Freeze(Method):
    def __init__(self, names=None):
        self.names = names

    def prepare(self, network, task):
        network.freeze(self.names)


DIGITS = load_builtin("handwritten")
PRINTED = load_builtin("printed")


def digits(**changes):
    return NeuralClassifier(**{"image_shape": (8, 8), "epochs": 4, "device": "cpu", "random_state": 0} | changes)


@pytest.mark.parametrize(
    "estimator",
    [
        NeuralClassifier(epochs=15),
        NeuralRegressor(epochs=12),
        NeuralClassifier(epochs=20, patience=5, average="ema", clip=1.0, schedule="linear", accumulation=2),
        NeuralRegressor(epochs=12, optimizer="sgd", learning_rate=0.02, average="tail", batch_size=16),
    ],
    ids=["classifier", "regressor", "classifier-2", "regressor-2"],
)
def test_scikit_learn_contract(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


def test_labelled_target_rows_are_learned_after_the_source():
    Xt, yt = DIGITS.X[:300], DIGITS.y[:300].astype(float)
    few = np.full(300, np.nan)
    few[:60] = yt[:60]
    source = digits().fit(PRINTED.X[:600], PRINTED.y[:600], X_target=Xt)
    both = digits().fit(PRINTED.X[:600], PRINTED.y[:600], X_target=Xt, y_target=few)
    rest, truth = DIGITS.X[300:900], DIGITS.y[300:900]
    assert both.score(rest, truth) > source.score(rest, truth)
    again = clone(both).fit(PRINTED.X[:600], PRINTED.y[:600]).adapt(Xt, few)
    assert np.allclose(again.predict_proba(rest), both.predict_proba(rest), atol=1e-6)


def test_unlabelled_target_rows_reach_the_methods_that_read_them():
    seen = []

    class Reader(Method):
        reads_target = True

        def loss(self, network, source, target, progress):
            seen.append(target.inputs.flatten(1).sum(1))
            return {"match": (source.logits.mean(0) - target.logits.mean(0)).square().sum()}

    X, Xt = DIGITS.X[:64], PRINTED.X[:32]
    digits(methods=[Reader()], epochs=1).fit(X, DIGITS.y[:64], X_target=Xt)
    sums = torch.cat(seen)
    assert len(sums) == 64
    assert {round(float(s), 2) for s in sums} <= {round(float(s), 2) for s in Xt.sum(1)}


def test_source_free_adaptation_keeps_the_caller_safe():
    model = digits().fit(PRINTED.X[:300], PRINTED.y[:300])
    before = model.network_
    weights = before.head.weight.clone()
    y = np.array([None] * 40, dtype=object)
    with pytest.raises(LabelError, match="no target sample is labelled"):
        model.adapt(DIGITS.X[:40], y)
    y[:20] = DIGITS.y[:20]
    model.adapt(DIGITS.X[:40], y)
    assert torch.equal(before.head.weight, weights)
    assert not torch.equal(model.network_.head.weight, weights)


def test_pickle_holds_plain_data_and_keeps_the_answers():
    model = digits(methods=[Freeze(["edges"])]).fit(DIGITS.X[:100], DIGITS.y[:100])
    state = model.__getstate__()["network_"]
    assert isinstance(state["weights"], bytes) and state["module"] is None
    back = pickle.loads(pickle.dumps(model))
    assert np.array_equal(back.predict_proba(DIGITS.X[100:200]), model.predict_proba(DIGITS.X[100:200]))
    assert back.network_.frozen == ("edges",)


def test_a_module_as_backbone_is_not_changed_and_pickles():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU())
    before = module[1].weight.clone()
    model = digits(backbone=load_backbone(module), epochs=30).fit(DIGITS.X[:200] / 16, DIGITS.y[:200])
    assert torch.equal(module[1].weight, before)
    assert model.score(DIGITS.X[200:400] / 16, DIGITS.y[200:400]) > 0.6
    back = pickle.loads(pickle.dumps(model))
    assert np.array_equal(back.predict(DIGITS.X[:50] / 16), model.predict(DIGITS.X[:50] / 16))


def test_methods_given_are_never_changed():
    class Remembers(Method):
        def __init__(self):
            self._source = None

        def prepare(self, network, task):
            self._source = network.head.weight.clone()

    method = Remembers()
    digits(methods=[method], epochs=1).fit(DIGITS.X[:40], DIGITS.y[:40])
    assert method._source is None


def test_images_in_their_own_shape_equal_flat_ones():
    flat = digits().fit(DIGITS.X[:80], DIGITS.y[:80])
    shaped = digits(image_shape=None).fit(DIGITS.X[:80].reshape(-1, 8, 8), DIGITS.y[:80])
    assert np.allclose(
        flat.predict_proba(DIGITS.X[:9]), shaped.predict_proba(DIGITS.X[:9].reshape(-1, 8, 8)), atol=1e-6
    )


def test_strings_as_labels_and_early_stopping():
    names = np.array(["zero", "one"])[DIGITS.y[:200] % 2]
    model = digits(patience=2, epochs=30).fit(DIGITS.X[:200], names)
    assert set(model.predict(DIGITS.X[200:260])) <= {"zero", "one"}
    assert "held_out_accuracy" in model.history_.epochs[0]


@pytest.mark.parametrize(
    ("changes", "X", "y", "says"),
    [
        ({}, DIGITS.X[:10], np.zeros(10), "one class only"),
        ({"image_shape": (7, 8)}, DIGITS.X[:10], DIGITS.y[:10], r"image_shape=\(7, 8\) does not make 64 columns"),
        ({"device": "cuda:9"}, DIGITS.X[:10], DIGITS.y[:10], "device='cuda:9'"),
        ({"backbone": "./no/such/folder"}, DIGITS.X[:10], DIGITS.y[:10], "is no folder"),
        ({"precision": "16"}, DIGITS.X[:10], DIGITS.y[:10], "needs a GPU"),
        ({"validation_fraction": 0.99, "patience": 1}, DIGITS.X[:10], DIGITS.y[:10], "hold out"),
    ],
)
def test_bad_input_is_named_in_one_line(changes, X, y, says):
    with pytest.raises(InputError, match=says) as caught:
        digits(**changes).fit(X, y)
    assert "\n" not in str(caught.value)


def test_more_classes_in_the_target_than_the_head_has():
    model = digits().fit(DIGITS.X[:50], DIGITS.y[:50] % 5)
    with pytest.raises(LabelError, match="class 9"):
        model.adapt(DIGITS.X[:1], [9])


def test_a_checkpointed_fit_resumes(tmp_path):
    whole = digits().fit(DIGITS.X[:64], DIGITS.y[:64])

    class Stop(Method):
        now = True

        def step(self, network, progress):
            if self.now and progress > 0.6:
                raise KeyboardInterrupt

    settings = {"checkpoint_dir": tmp_path, "checkpoint_every": 1, "resume": True}
    with pytest.raises(KeyboardInterrupt):
        digits(methods=[Stop()], **settings).fit(DIGITS.X[:64], DIGITS.y[:64])
    assert list(tmp_path.rglob("state.json"))
    Stop.now = False
    back = digits(methods=[Stop()], **settings).fit(DIGITS.X[:64], DIGITS.y[:64])
    assert np.array_equal(back.predict_proba(DIGITS.X[:50]), whole.predict_proba(DIGITS.X[:50]))
