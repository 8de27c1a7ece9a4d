"""Folders: what was handed over answers as before, nothing is half written, and nothing in them is executed."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.data import load_builtin  # noqa: E402
from landbridge.exceptions import InputError, ReadError, UntrustedModelError  # noqa: E402
from landbridge.neural import NeuralClassifier, NeuralRegressor, load_backbone, predict_logits  # noqa: E402
from landbridge.neural.backbones import module_backbone  # noqa: E402
from landbridge.neural.handover import check_parity, hand_over, quantise, take_over  # noqa: E402


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_everything_in_one_folder(teacher, digits, tmp_path):
    for library in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(library, reason="needs the extra landbridge[export]")
    card = {"name": "digits", "data": "400 handwritten digits.", "figures": {"accuracy": 0.95}}
    folder = hand_over(teacher, tmp_path / "out" / "digits", example=digits.X[:3], card=card)
    assert names(folder) == ["README.md", "config.json", "model.onnx", "model.pt2", "model.safetensors"]
    assert names(tmp_path / "out") == ["digits"]
    again = take_over(folder)
    assert isinstance(again, NeuralClassifier)
    assert np.array_equal(again.predict_proba(digits.X[600:]), teacher.predict_proba(digits.X[600:]))
    assert np.array_equal(again.predict(digits.X[600:]), teacher.predict(digits.X[600:]))
    assert again.score(digits.X[600:], digits.y[600:]) == teacher.score(digits.X[600:], digits.y[600:])
    for file in ("model.onnx", "model.pt2"):
        assert check_parity(again, folder / file, digits.X[600:617]).agree == 1.0
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "| accuracy | 0.95 |" in text
    assert "`model.pt2`" in text
    for file in folder.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes(), file.name


@pytest.mark.parametrize("kind", ["vit", "bert", "resnet"])
def test_models_of_transformers_read_both_ways(kind, tiny, tmp_path):
    network, rows = tiny(kind)
    folder = hand_over(network, tmp_path / "out", example=rows, formats=["safetensors"], card="# A card")
    again = take_over(folder)
    want = predict_logits(network, rows)
    assert torch.equal(predict_logits(again, rows), want)
    plain = load_backbone(folder).replace_head(network.head)
    assert torch.allclose(predict_logits(plain, rows), want, atol=1e-6)
    assert "# A card" in (folder / "README.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in (folder / "config.json").read_text(encoding="utf-8")
    # and once more from what was read
    third = hand_over(plain, tmp_path / "third", example=rows, formats=["safetensors"])
    assert torch.allclose(predict_logits(take_over(third), rows), want, atol=1e-6)


@pytest.mark.parametrize("kind", ["builtin", "resnet", "bert"])
def test_whole_numbers_come_back(kind, teacher, images, tiny, tmp_path):
    network, rows = (teacher.network_, images) if kind == "builtin" else tiny(kind)
    small = quantise(network, mode="static", calibration_data=rows)
    folder = hand_over(small, tmp_path / "out", example=rows, formats=["safetensors"])
    assert torch.equal(predict_logits(take_over(folder), rows), small(rows))
    whole = hand_over(network, tmp_path / "whole", example=rows, formats=["safetensors"])
    sizes = [(f / "model.safetensors").stat().st_size for f in (folder, whole)]
    assert sizes[0] < (0.9 if kind == "bert" else 0.6) * sizes[1]
    assert "whole numbers of eight bits" in (folder / "README.md").read_text(encoding="utf-8")


def test_tables_and_values(tmp_path):
    patients = load_builtin("patients-younger")
    model = NeuralRegressor(epochs=3, device="cpu", random_state=0).fit(patients.X, patients.y)
    folder = hand_over(model, tmp_path / "out", example=patients.X[:3], formats=["safetensors", "program"])
    again = take_over(folder)
    assert isinstance(again, NeuralRegressor)
    assert np.array_equal(again.predict(patients.X), model.predict(patients.X))
    with pytest.raises(ValueError, match="features"):
        again.predict(patients.X[:, :2])


def test_string_classes_come_back(digits, tmp_path):
    y = np.array([f"digit {v}" for v in digits.y[:60]])
    for labels in (y, y.astype(object)):
        model = NeuralClassifier("builtin", epochs=1, image_shape=(8, 8), device="cpu", random_state=0)
        model.fit(digits.X[:60], labels)
        again = take_over(hand_over(model, tmp_path / "out", example=digits.X[:2], formats="safetensors"))
        assert again.classes_.dtype == model.classes_.dtype
        assert np.array_equal(again.predict(digits.X[:60]), model.predict(digits.X[:60]))


def test_a_module_needs_its_code(tmp_path):
    def made(seed):
        torch.manual_seed(seed)
        return module_backbone(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)))

    rows = torch.rand(5, 4)
    folder = hand_over(made(0), tmp_path / "out", example=rows, formats=["safetensors"])
    with pytest.raises(ReadError, match="like="):
        take_over(folder)
    assert torch.equal(predict_logits(take_over(folder, like=made(1)), rows), predict_logits(made(0), rows))
    with pytest.raises(ReadError, match="do not fit"):
        take_over(folder, like=module_backbone(nn.Sequential(nn.Linear(4, 5))))


def test_an_older_folder_is_replaced_and_a_stranger_is_not(teacher, digits, tmp_path, monkeypatch):
    folder, rows = tmp_path / "out", digits.X[:3]
    hand_over(teacher, folder, example=rows, formats=["safetensors", "program"])
    hand_over(teacher, folder, example=rows, formats=["safetensors"])
    assert names(folder) == ["README.md", "config.json", "model.safetensors"]
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def broken(*args, **kwargs):
        raise InputError("no card")

    from landbridge.neural.handover import _folder

    monkeypatch.setattr(_folder, "model_card", broken)
    with pytest.raises(InputError, match="no card"):
        hand_over(teacher, folder, example=rows, formats=["safetensors"])
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert names(tmp_path) == ["out"]
    stranger = tmp_path / "mine"
    stranger.mkdir()
    (stranger / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"):
        hand_over(teacher, stranger, example=rows)
    assert names(stranger) == ["thesis.tex"]


def test_changed_weights_are_refused(teacher, digits, tmp_path):
    folder = hand_over(teacher, tmp_path / "out", example=digits.X[:3], formats=["safetensors"])
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(UntrustedModelError, match="was changed"):
        take_over(folder)
    weights.unlink()
    with pytest.raises(ReadError, match="holds no model"):
        take_over(folder)
    weights.write_bytes(bytes(data[:-1]) + bytes([data[-1] ^ 1]))
    config = json.loads((folder / "config.json").read_text())
    for change in ({"spec": {"kind": "mlp"}}, {"dtype": "nothing"}, {"head": 3}, {"int8": ["none"]}, {"estimator": {}}):
        told = {"landbridge": {**config["landbridge"], **change}}
        (folder / "config.json").write_text(json.dumps(told))
        with pytest.raises(ReadError, match="does not describe a network"):
            take_over(folder)
    config["landbridge"]["format"] = 99
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ReadError, match="format 99"):
        take_over(folder)
    with pytest.raises(ReadError, match="not written by hand_over"):
        take_over(tmp_path)


def test_bad_input_is_named(teacher, digits, tmp_path):
    for change, found in [
        ({"formats": ["tflite"]}, "formats"),
        ({"formats": []}, "formats"),
        ({"example": []}, "example"),
    ]:
        with pytest.raises(InputError, match=found):
            hand_over(teacher, tmp_path / "out", **{"example": digits.X[:2], **change})
    with pytest.raises(InputError, match="model must be"):
        hand_over(nn.Linear(2, 2), tmp_path / "out", example=digits.X)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        hand_over(teacher, tmp_path / "file", example=digits.X[:2])
    assert names(tmp_path) == ["file"]
