"""transfer() from a trained network: guarded against training from scratch, saved, read back, and bad input named."""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from landbridge import load_result, transfer
from landbridge.cli import app
from landbridge.data import load_builtin
from landbridge.exceptions import InputError, LabelError, ReadError
from landbridge.neural import load_backbone
from landbridge.neural.parameter import LPFT, LinearProbe
from landbridge.problem import is_network, network_name
from landbridge.report import write_report


@pytest.fixture(scope="module")
def digits():
    return load_builtin("handwritten").take(range(400))


@pytest.fixture(scope="module")
def result(digits):
    return transfer(load_backbone("builtin"), digits, target_labels=6, epochs=8, methods=["LinearProbe", "LPFT"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    """Images of three digits, one sub-folder each."""
    root = tmp_path_factory.mktemp("digits")
    for c in (0, 1, 2):
        (root / f"digit{c}").mkdir()
        for i, row in enumerate(np.flatnonzero(digits.y == c)[:12]):
            dots = (digits.X[row].reshape(8, 8) / digits.X.max() * 255).astype(np.uint8)
            Image.fromarray(dots).resize((16, 16)).convert("RGB").save(root / f"digit{c}" / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny image model of transformers with random weights, saved as the hub saves them."""
    transformers = pytest.importorskip("transformers")
    path = tmp_path_factory.mktemp("model")
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic", num_channels=3
    )
    torch.manual_seed(0)
    transformers.ResNetModel(config).save_pretrained(path)
    (path / "preprocessor_config.json").write_text(
        json.dumps({"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3})
    )
    return path


def test_a_network_trained_on_print_is_worth_something_on_handwriting(result, digits):
    assert result.decision.transferred and result.decision.chosen in ("LinearProbe", "LPFT")
    assert [c.name for c in result.candidates] == ["target-only", "LinearProbe", "LPFT"]
    chosen, scratch = result[result.decision.chosen], result["target-only"]
    assert chosen.hidden.value > scratch.hidden.value + 0.05 and chosen.hidden.value > 0.7
    assert chosen.estimate.low < chosen.estimate.value and chosen.defensible
    assert result.diagnosis.kind == "model" and "60 labelled target samples" in result.decision.reason
    assert result.metric == "accuracy" and result.predict(digits.X.reshape(-1, 8, 8)).shape == (400,)


def test_the_result_is_saved_and_reported_without_the_network_it_came_from(result, digits, tmp_path):
    again = load_result(result.save(tmp_path))
    X = digits.X.reshape(-1, 8, 8)
    np.testing.assert_array_equal(again.predict(X), result.predict(X))
    page = write_report(result, tmp_path).read_text(encoding="utf-8")
    assert result.decision.chosen in page and "from random weights" in page
    assert "Kind of shift" not in page and ("DeCAF" in page or "distort pretrained features" in page)


def test_a_network_that_knows_nothing_is_refused(digits):
    blank = load_backbone("builtin", pretrained=False, random_state=3)
    with torch.no_grad():
        for p in blank.parameters():
            p.zero_()
    found = transfer(blank, digits, target_labels=5, epochs=5, methods=["LinearProbe"])
    assert not found.decision.transferred and found.decision.chosen == "target-only"


def test_methods_go_together_and_plain_modules_do(digits):
    images = digits.X[:120].reshape(-1, 8, 8), digits.y[:120]
    found = transfer(load_backbone("builtin"), images, epochs=2, methods=[[LinearProbe()], LPFT(0.3)])
    assert [c.name for c in found.candidates] == ["target-only", "LinearProbe", "LPFT"]
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 8))
    assert is_network(module) and network_name(module) == "Sequential"


def test_command_line_on_a_folder_of_images(model, folder, tmp_path):
    out = tmp_path / "out"
    command = ["transfer", str(model), str(folder), "--task", "classification", "--epochs", "2"]
    shown = CliRunner().invoke(app, [*command, "--methods", "LinearProbe,LPFT", "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert "LinearProbe" in shown.output and (out / "report.html").is_file()
    rows = CliRunner().invoke(app, ["predict", str(out), str(folder / "digit0")])
    lines = rows.output.splitlines()
    assert lines[0] == "row,label,p(digit0),p(digit1),p(digit2)" and len(lines) == 13
    again = CliRunner().invoke(app, [*command, "--methods", "LinearProbe", "--out", str(tmp_path / "b"), "--json"])
    assert json.loads(again.output)["settings"]["source"] == model.name


def test_an_image_that_cannot_be_read_is_named_and_skipped_on_request(model, folder, tmp_path):
    import shutil

    root = tmp_path / "images"
    shutil.copytree(folder, root)
    (root / "digit1" / "broken.png").write_bytes(b"no image")
    with pytest.raises(ReadError, match=r"broken\.png"):
        transfer(str(model), root, epochs=1)
    found = transfer(str(model), root, epochs=1, skip_corrupt=True, methods=["LinearProbe"])
    assert "36 labelled" in found.diagnosis.words
    (root / "empty").mkdir()
    with pytest.raises(ReadError, match="empty holds no images"):
        transfer(str(model), root, epochs=1)


@pytest.mark.parametrize(
    ("side", "yes"),
    [
        ("timm/inception_v3.tv_in1k", True),
        ("somewhere/weights.safetensors", True),
        ("data/rows.csv", False),
        ("builtin:printed", False),
        ("nowhere", False),
        (np.eye(2), False),
    ],
)
def test_what_counts_as_a_network(side, yes, model, folder):
    assert is_network(side) is yes
    assert is_network(model) and is_network(str(model)) and not is_network(folder)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"target_labels": "hide"}, InputError, "a network's head is learned from target labels"),
        ({"methods": ["Lora"]}, InputError, "no way to fine-tune"),
        ({"task": "ranking"}, InputError, "task must be"),
        ({"target_labels": 0}, InputError, "target_labels must be"),
    ],
)
def test_arguments_at_fault_are_named(digits, change, kind, message):
    with pytest.raises(kind, match=message) as caught:
        transfer(load_backbone("builtin"), digits, **change)
    assert "\n" not in str(caught.value)


def test_targets_at_fault_are_named(digits, tmp_path):
    backbone = load_backbone("builtin")
    with pytest.raises(LabelError, match="has no labels"):
        transfer(backbone, digits.without_labels())
    with pytest.raises(LabelError, match="one class only"):
        transfer(backbone, digits.take(np.flatnonzero(digits.y == 1)))
    with pytest.raises(LabelError, match="label at least six"):
        transfer(backbone, digits.take(range(4)))
    with pytest.raises(InputError, match="one label per sample"):
        transfer(backbone, (digits.X.reshape(-1, 8, 8), digits.y[:3]))
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(ReadError, match="is a file"):
        transfer(backbone, tmp_path / "rows.csv")
    with pytest.raises(ReadError, match="does not exist"):
        transfer(backbone, tmp_path / "nowhere")


def test_networks_are_ranked_by_what_they_see(digits):
    from landbridge import rank

    blind = load_backbone("builtin")
    with torch.no_grad():
        for p in blind.parameters():
            p.mul_(0.0)
    found = rank({"blind": blind, "sees": load_backbone("builtin")}, digits, n_bootstrap=10, n_permutations=20)
    assert found.score == "logme" and found.best == "sees"
    assert found.candidates[0].above_chance > 0.1 and found.candidates[1].score.p_value > 0.04


def test_networks_are_ranked_on_a_folder_of_images(model, folder):
    shown = CliRunner().invoke(app, ["rank", str(model), str(folder), "--json"])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.output)
    assert told["candidates"][0]["name"] == model.name and told["n_samples"] == 36
    with pytest.raises(InputError, match="label some of the target"):
        from landbridge import rank

        rank([model], [str(p) for p in (folder / "digit0").iterdir()])


class Stop(Exception):
    """Ends a run from inside."""


def test_an_interrupted_run_goes_on(tmp_path, digits):
    few = digits.take(range(150))
    given = {"target_labels": 6, "epochs": 2, "methods": ["LinearProbe", "FineTuning"]}
    whole = transfer(load_backbone("builtin"), few, **given)

    def stop(done, total, name):
        if name == "LinearProbe":
            raise Stop

    with pytest.raises(Stop):
        transfer(load_backbone("builtin"), few, **given, work_dir=tmp_path / "work", progress=stop)
    held = [json.loads(f.read_text()) for f in (tmp_path / "work").glob("*.json") if f.name != "scores.json"]
    assert sum(map(len, held)) == 10  # five folds of two candidates
    with pytest.raises(InputError, match="another epochs"):
        transfer(load_backbone("builtin"), few, **given | {"epochs": 3}, work_dir=tmp_path / "work", resume=True)
    asked = []
    again = transfer(
        load_backbone("builtin"), few, **given, work_dir=tmp_path / "work", resume=True,
        progress=lambda done, total, name: asked.append(name),
    )  # fmt: skip
    assert [c.estimate for c in again.candidates] == [c.estimate for c in whole.candidates]
    assert [c.hidden for c in again.candidates] == [c.hidden for c in whole.candidates]
    assert not (tmp_path / "work").exists()


def test_resume_needs_a_folder(digits):
    with pytest.raises(InputError, match="work_dir"):
        transfer(load_backbone("builtin"), digits, resume=True)
