"""DeepLabV3 on MobileNetV2: the stages are the model, and only its own folder is taken."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from landbridge.data import shared_weights
from landbridge.exceptions import InputError, ReadError
from landbridge.neural.backbones._deeplab import load_deeplab

transformers = pytest.importorskip("transformers", reason="DeepLabV3 needs transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A narrow model with random weights, saved as transformers saves it."""
    place = tmp_path_factory.mktemp("deeplab")
    config = transformers.MobileNetV2Config(
        depth_multiplier=0.1, num_labels=3, output_stride=16, image_size=64, id2label={0: "none", 1: "cat", 2: "dog"}
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.MobileNetV2ForSemanticSegmentation(config).eval()
    weights = {
        k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items() if "v2.conv_1x1" not in k
    }
    config.architectures = ["MobileNetV2ForSemanticSegmentation"]
    (place / "config.json").write_text(json.dumps(config.to_dict()))
    save_file(weights, place / "model.safetensors")
    settings = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": {"height": 64, "width": 96}}
    (place / "preprocessor_config.json").write_text(json.dumps(settings))
    return place


def test_the_stages_and_the_head_are_the_model(folder):
    before = torch.random.get_rng_state()
    net = load_deeplab(folder)
    assert torch.equal(before, torch.random.get_rng_state())
    assert list(net.stages) == ["stem", *(f"layer_{i}" for i in range(16))]
    assert net.classes == ("none", "cat", "dog") and net.size == (64, 96) and net.in_features == 32
    assert net.mean == (127.5,) * 3 and net.std == (63.75,) * 3
    images = torch.randint(0, 256, (2, 3, 64, 96), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    model = transformers.MobileNetV2ForSemanticSegmentation(transformers.MobileNetV2Config.from_pretrained(folder))
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()}, strict=False)
    with torch.inference_mode():
        logits = net.logits(images)
        theirs = model.eval()((images / 255.0 - 0.5) / 0.25).logits
    assert theirs.shape == (2, 3, 4, 6) and logits.shape == (2, 3, 64, 96)
    expected = torch.nn.functional.interpolate(theirs, (64, 96), mode="bilinear", align_corners=False)
    torch.testing.assert_close(logits, expected)
    assert all(p.dtype == torch.float32 for p in net.modules.parameters())
    assert not any(m.training for m in net.modules.modules() if m is not net.modules)


def changed(folder, place, config=None, drop=(), add=None):
    copy = place / "copy"
    shutil.copytree(folder, copy)
    if config is not None:
        held = json.loads((copy / "config.json").read_text()) | config
        (copy / "config.json").write_text(json.dumps(held))
    weights = {k: v for k, v in load_file(copy / "model.safetensors").items() if k not in drop} | (add or {})
    save_file(weights, copy / "model.safetensors")
    return copy


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"config": {"architectures": ["MobileNetV2Model"]}}, r"holds \['MobileNetV2Model'\]; give a folder of"),
        (
            {"drop": ["mobilenet_v2.layer.3.conv_3x3.convolution.weight"]},
            "do not fit its config.json at mobilenet_v2.la",
        ),
        ({"add": {"other.weight": torch.zeros(1)}}, "do not fit its config.json at other.weight"),
        ({"config": {"depth_multiplier": 1.0}}, "do not fit its config.json"),
    ],
)
def test_other_models_are_refused(folder, tmp_path, change, why):
    with pytest.raises(InputError, match=why):
        load_deeplab(changed(folder, tmp_path, **change))


def test_folders_that_cannot_be_read(folder, tmp_path):
    with pytest.raises(ReadError, match=r"config\.json' cannot be read"):
        load_deeplab(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ReadError, match="holds no settings"):
        load_deeplab(tmp_path)
    shutil.copy(folder / "config.json", tmp_path)
    with pytest.raises(ReadError, match=r"model\.safetensors' cannot be read"):
        load_deeplab(tmp_path)


@pytest.mark.data
def test_published_weights():
    """Trained on Pascal VOC, with 21 classes and batch norms that are folded into the layers before them."""
    place = shared_weights("deeplabv3_mobilenet_v2_pascal")
    if place is None:
        pytest.skip("the shared weights folder is absent")
    net = load_deeplab(place)
    assert len(net.classes) == 21 and net.classes[15] == "person" and net.in_features == 320 and net.size == (513, 513)
    with torch.inference_mode():
        logits = net.logits(torch.full((1, 3, 65, 97), 127.0))
    # Nothing is on a grey image.
    assert logits.shape == (1, 21, 65, 97) and (logits.argmax(1) == 0).all()
