"""Distillation: the loss against its definition, and students that answer as their teacher does."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.data import load_builtin  # noqa: E402
from landbridge.exceptions import InputError, LabelError  # noqa: E402
from landbridge.neural import NeuralClassifier, NeuralRegressor, load_backbone, predict_logits  # noqa: E402
from landbridge.neural.backbones import mlp_backbone, module_backbone  # noqa: E402
from landbridge.neural.handover import distil, distillation_loss  # noqa: E402


def small_net(seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return module_backbone(
            nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 16), nn.ReLU()),
            example=torch.zeros(2, 1, 8, 8),
        )


def divergence(told, said):
    return float((told * (np.log(told + 1e-9) - np.log(said + 1e-9))).sum(1).mean())


def test_loss_is_its_definition():
    rng = np.random.default_rng(0)
    z, t, labels, T, w = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), np.array([0, -1, 3, -1, 2]), 3.0, 0.3

    def softmax(x):
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    soft = T**2 * np.mean((softmax(t / T) * (np.log(softmax(t / T)) - np.log(softmax(z / T)))).sum(1))
    known = labels >= 0
    hard = -np.mean(np.log(softmax(z)[known, labels[known]]))
    mine = distillation_loss(*map(torch.tensor, (z, t, labels)), temperature=T, label_weight=w)
    assert float(mine) == pytest.approx((1 - w) * soft + w * hard, rel=1e-6)
    assert float(distillation_loss(torch.tensor(z), torch.tensor(t), temperature=T)) == pytest.approx(soft, rel=1e-6)
    none = distillation_loss(torch.tensor(z), torch.tensor(t), torch.full((5,), -1), temperature=T, label_weight=w)
    assert float(none) == pytest.approx((1 - w) * soft, rel=1e-6)


def test_student_is_closer_to_the_teacher_than_one_that_had_labels_only(teacher, digits):
    told = teacher.predict_proba(digits.X[600:])
    apart = {"taught": [], "alone": []}
    for seed in (0, 1, 2):
        how = {"epochs": 12, "learning_rate": 5e-3, "device": "cpu", "random_state": seed}
        taught = distil(teacher, digits.X[:400], small_net(seed), temperature=3.0, **how)
        alone = NeuralClassifier(small_net(seed), image_shape=(8, 8), **how).fit(digits.X[:400], digits.y[:400])
        apart["taught"].append(divergence(told, taught.predict_proba(digits.X[600:])))
        apart["alone"].append(divergence(told, alone.predict_proba(digits.X[600:])))
        assert taught.network_.stage_names == alone.network_.stage_names
    assert np.mean(apart["taught"]) < 0.8 * np.mean(apart["alone"])


def test_classifier_gives_a_classifier_with_its_classes_and_stays_as_it_was(teacher, digits):
    before = {k: v.clone() for k, v in teacher.network_.state_dict().items()}
    student = distil(teacher, digits.X[:200], epochs=4, device="cpu", random_state=0)
    assert isinstance(student, NeuralClassifier)
    assert student.network_ is not teacher.network_
    assert student.get_params()["epochs"] == 4
    assert teacher.get_params()["epochs"] == 8
    assert np.array_equal(student.classes_, teacher.classes_)
    assert (student.predict(digits.X[600:]) == teacher.predict(digits.X[600:])).mean() > 0.8
    assert all(torch.equal(before[k], v) for k, v in teacher.network_.state_dict().items())


def test_network_gives_a_network_and_one_seed_gives_one_student(teacher, images):
    first, again, other = (
        distil(teacher.network_, images[:80], small_net(0), epochs=2, device="cpu", random_state=seed)
        for seed in (3, 3, 4)
    )
    a, b, c = (predict_logits(s, images[80:]) for s in (first, again, other))
    assert a.shape == (len(images) - 80, 10)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_labels_of_some_rows_correct_a_teacher_that_is_wrong(teacher, digits):
    wrong = load_backbone(teacher.network_)
    with torch.no_grad():
        wrong.head.weight.copy_(wrong.head.weight.roll(1, 0))  # every answer is the next digit
        wrong.head.bias.copy_(wrong.head.bias.roll(1, 0))
    rows = torch.tensor(digits.X, dtype=torch.float32).reshape(-1, 1, 8, 8)
    labels = np.array([int(v) if i % 2 else None for i, v in enumerate(digits.y[:400])], dtype=object)
    how = {"epochs": 6, "device": "cpu", "random_state": 0}

    def score(student):
        return (predict_logits(student, rows[600:]).argmax(1).numpy() == digits.y[600:].astype(int)).mean()

    assert score(distil(wrong, rows[:400], **how)) < 0.1
    assert score(distil(wrong, rows[:400], labels=labels, label_weight=1.0, **how)) > 0.8


def test_tables_and_string_labels():
    tumours = load_builtin("tumours-small")
    y = np.where(tumours.y == tumours.y[0], "one", "other")
    teacher = NeuralClassifier(epochs=10, device="cpu", random_state=0).fit(tumours.X, y)
    student = distil(teacher, tumours.X, "mlp", labels=y, epochs=10, device="cpu", random_state=0)
    assert set(student.predict(tumours.X)) <= {"one", "other"}
    assert (student.predict(tumours.X) == teacher.predict(tumours.X)).mean() > 0.9
    narrow = distil(
        teacher,
        tumours.X,
        mlp_backbone(tumours.X.shape[1], (4,), random_state=0),
        epochs=3,
        device="cpu",
        random_state=0,
    )
    assert narrow.network_.stage_names == ("layer1",)


def test_bad_input_is_named(teacher, digits):
    X = digits.X[:20]
    for change, found in [
        ({"temperature": 0.0}, "temperature"),
        ({"label_weight": 1.5}, "label_weight"),
        ({"epochs": 0}, "epochs"),
        ({"student": "mlp"}, "student='mlp'"),
        ({"student": 3}, "backbone"),
        ({"inputs": X[:0]}, "inputs"),
    ]:
        with pytest.raises(InputError, match=found):
            distil(**{"teacher": teacher, "inputs": X, **change})
    with pytest.raises(LabelError, match="labels has 3"):
        distil(teacher, X, labels=[1, 2, 3], random_state=0)
    with pytest.raises(InputError, match="teacher"):
        distil(NeuralClassifier(), X, random_state=0)
    with pytest.raises(InputError, match="teacher must be"):
        distil("builtin", X, random_state=0)
    with pytest.raises(InputError, match="teacher must be"):
        years = load_builtin("patients-younger")
        distil(NeuralRegressor(epochs=1, device="cpu").fit(years.X, years.y), years.X, random_state=0)
    with pytest.raises(InputError, match="student='builtin'"):
        table = NeuralClassifier(epochs=1, device="cpu").fit(digits.X[:50], digits.y[:50])
        distil(table, X, random_state=0)
