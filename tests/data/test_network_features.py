import json

import numpy as np
import pytest
from PIL import Image

import landbridge
from landbridge.data import ReadOptions
from landbridge.data._images import read_image_pair
from landbridge.data._network_features import LIBRARIES, network_at_hand
from landbridge.exceptions import InputError

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("networks") / "small-vit"
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8
    )
    transformers.ViTModel(config).save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("photographs")
    for side, offset in (("a", 0), ("b", 40)):
        for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
            (root / side / name).mkdir(parents=True)
            for i in range(12):
                pixels = np.clip(rng.normal(colour, 40, (48, 64, 3)) + offset, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / side / name / f"{i}.png")
    return root / "a", root / "b"


def test_the_network_at_hand_describes_photographs(network, folders, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_BACKBONE", str(network))
    one, two = read_image_pair(*folders)
    assert one.X.shape == (24, 16) == two.X.shape and one.features == f"network:{network}"
    assert any("16 pooled features of the trained network small-vit" in note for note in one.notes)
    monkeypatch.setenv("LANDBRIDGE_BACKBONE", "none")
    assert read_image_pair(*folders)[0].features == "gradients"


def test_a_model_in_the_cache_of_the_hub_is_at_hand(tmp_path, monkeypatch):
    monkeypatch.delenv("LANDBRIDGE_BACKBONE", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert network_at_hand() is None
    for name, kind, size in (
        ("acme--large", "resnet", 90),
        ("acme--small", "mobilenet_v2", 9),
        ("acme--text", "bert", 1),
    ):
        folder = tmp_path / f"models--{name}" / "snapshots" / "abc"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"model_type": kind}))
        (folder / "model.safetensors").write_bytes(b"0" * size)
    assert network_at_hand() == "acme/small"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in LIBRARIES else 1)
    assert network_at_hand() is None


def test_a_run_predicts_new_photographs_by_the_same_network(network, folders, tmp_path, monkeypatch):
    options = {"features": str(network)}
    result = landbridge.transfer(
        str(folders[0]), str(folders[1]), target_labels="hide", methods=["CORAL"], read_options=options
    )
    assert result["source-only"].hidden.value > 0.8
    result.save(tmp_path / "out")
    again = landbridge.load_result(tmp_path / "out")
    X, names = again.encoder.read(folders[1])
    assert X.shape == (24, 16) and len(names) == 24
    np.testing.assert_array_equal(again.predict(X), result.predict(X))


def test_other_words_and_other_data_are_refused(folders, tmp_path):
    with pytest.raises(InputError, match="features='pixel' must be 'pixels', 'gradients', or a trained network"):
        read_image_pair(*folders, features="pixel")
    (tmp_path / "a.csv").write_text("x,y\n1,0\n2,1\n")
    with pytest.raises(InputError, match="features='pixels' applies to images"):
        landbridge.inspect(str(tmp_path / "a.csv"), read_options=ReadOptions.of({"features": "pixels"}))
