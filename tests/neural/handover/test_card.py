"""Model cards: everything that is known is in them, and nothing of this machine is."""

import re

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

from landbridge import transfer  # noqa: E402
from landbridge.data import make_shift  # noqa: E402
from landbridge.exceptions import InputError  # noqa: E402
from landbridge.measurement import Measurement  # noqa: E402
from landbridge.neural import NeuralClassifier, load_backbone  # noqa: E402
from landbridge.neural.handover import distil, hand_over, model_card, take_over  # noqa: E402
from landbridge.neural.parameter import L2SP  # noqa: E402


def head_of(card):
    yaml = pytest.importorskip("yaml", reason="comes with transformers")
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("---\n")[1])


def test_card_of_a_classifier(teacher):
    figures = {"accuracy on 300 digits": Measurement("accuracy", 0.951, 0.92, 0.97), "loss: last | one": 0.2}
    card = model_card(
        teacher,
        name='The "digits": 0-9',
        data="400 digits.",
        licence="bsd-3-clause",
        figures=figures,
        limits=["No 10."],
    )
    head = head_of(card)
    assert head["license"] == "bsd-3-clause"
    assert head["pipeline_tag"] == "image-classification"
    assert head["model-index"][0]["name"] == 'The "digits": 0-9'
    assert [m["value"] for m in head["model-index"][0]["results"][0]["metrics"]] == [0.951, 0.2]
    assert "tells 10 classes apart: 0, 1, 2" in card
    assert "| accuracy on 300 digits | 0.951 | 0.92 to 0.97 |" in card
    assert "trained on printed digits" in card
    assert "at most 8 epochs" in card
    assert "- No 10." in card
    for section in ("Training", "Data", "Figures", "Limits", "Use"):
        assert f"\n## {section}\n" in card


def test_card_says_when_nothing_is_known(teacher):
    card = model_card(teacher.network_, name="digits", data="digits")
    assert "None were given" in card
    assert "No figure was measured" in card
    assert "model-index" not in head_of(card)


def test_card_of_a_result_has_the_verdict_and_the_figures():
    source, target = make_shift("translation", random_state=0)
    result = transfer(source, target, target_labels="hide", methods=["DomainScaler"])
    card = model_card(result, name="shifted", data="make_shift")
    chosen = result[result.decision.chosen]
    assert result.decision.reason.split(";")[0] in card
    assert f"rests on: {result.decision.evidence}" in card
    for candidate in result.candidates:
        assert f"| {candidate.name} |" in card
    assert f"{chosen.hidden.value:.4g} | {chosen.hidden.low:.4g} to {chosen.hidden.high:.4g}" in card
    assert ("No label of the target was seen" in card) == (result.decision.evidence != "target labels")
    assert head_of(card)["tags"] == ["transfer-learning", "classification"]
    assert "load_result" in card


def test_no_place_of_this_machine(tiny, tmp_path):
    _, rows = tiny("vit")
    model = NeuralClassifier(tmp_path / "tiny-vit", epochs=1, device="cpu", random_state=0)
    images = rows.permute(0, 2, 3, 1).numpy().astype("uint8")
    model.fit(images, [0, 1, 0, 1, 0, 1])
    said = f"Images of {tmp_path}/photos, of C:\\Users\\me\\photos and of https://example.org/a/photos."
    card = model_card(model, name="vit", data=said, path=tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == card
    assert str(tmp_path) not in card
    assert "Users" not in card
    assert "tiny-vit, a ViTModel of transformers" in card
    assert "https://example.org/a/photos" in card
    assert not re.search(r"(?<![:/\w.])/(?:home|tmp|root|work|Users)/", card)


def test_card_of_a_result_that_holds_a_network(digits, tmp_path):
    found = transfer(
        load_backbone("builtin"), digits, target_labels=6, epochs=2, methods=["LinearProbe"], random_state=0
    )
    card = model_card(found, name="digits", data="handwritten digits")
    assert "Method: LinearProbe." in card
    assert "take_over" in card
    assert len(head_of(card)["model-index"][0]["results"][0]["metrics"]) == 3
    assert f"| gain over not transferring, estimated | {found.decision.gain.value:.4g} |" in card
    # a Network as backbone: nobody knows what its weights were trained on
    assert "trained on printed digits" not in card
    images = digits.X[:40].reshape(-1, 8, 8)
    folder = hand_over(
        found, tmp_path / "out", example=images[:2], formats="safetensors", card={"name": "d", "data": "e"}
    )
    assert (take_over(folder).predict(images) == found.predict(images)).all()
    assert "Settings" not in model_card(take_over(folder), name="x", data="y")


def test_a_student_is_said_to_be_one(teacher, digits):
    student = distil(teacher, digits.X[:50], epochs=1, device="cpu", temperature=4.0, random_state=0)
    card = model_card(student, name="x", data="y")
    assert "distillation from a network of 47,194 weights on 50 samples (temperature 4, weight of labels 0)" in card


def test_methods_are_named(digits):
    model = NeuralClassifier("builtin", methods=[L2SP(0.1)], epochs=1, image_shape=(8, 8), device="cpu", random_state=5)
    card = model_card(model.fit(digits.X[:40], digits.y[:40]), name="x", data="y")
    assert "Method: L2SP." in card
    assert "seed 5" in card


def test_bad_input_is_named(teacher, tmp_path):
    with pytest.raises(InputError, match="name must be"):
        model_card(teacher, name="", data="x")
    with pytest.raises(InputError, match="data must be"):
        model_card(teacher, name="x", data=None)
    with pytest.raises(InputError, match="result_or_model"):
        model_card(NeuralClassifier(), name="x", data="y")
    with pytest.raises(InputError, match="figures"):
        model_card(teacher, name="x", data="y", figures={"a": "good"})
    with pytest.raises(InputError, match="limits"):
        model_card(teacher, name="x", data="y", limits="one")
    with pytest.raises(InputError, match="does not exist"):
        model_card(teacher, name="x", data="y", path=tmp_path / "none" / "card.md")
