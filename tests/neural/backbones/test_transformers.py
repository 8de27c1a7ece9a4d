"""Models of transformers as stages: every architecture must say what it says by itself, from every stage on."""

import copy
import pickle

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
transformers = pytest.importorskip("transformers", reason="networks need the extra landbridge[neural]")

from landbridge.data import shared_weights  # noqa: E402
from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Classification, Samples, Training, is_folded, load_backbone, train  # noqa: E402
from landbridge.neural._pack import pack, unpack  # noqa: E402
from landbridge.neural.backbones._transformers import _network  # noqa: E402

T = transformers
SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
WORDS = {
    "input_ids": torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
}
IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
CASES = {
    "resnet": (
        T.ResNetConfig,
        {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"},
        IMAGES,
    ),
    "vit": (T.ViTConfig, {**SMALL, "image_size": 32, "patch_size": 8}, IMAGES),
    "convnext": (T.ConvNextConfig, {"hidden_sizes": [4, 8], "depths": [1, 1], "num_stages": 2}, IMAGES),
    "swin": (
        T.SwinConfig,
        {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4},
        IMAGES,
    ),
    "bert": (T.BertConfig, {**SMALL, "vocab_size": 50}, WORDS),
    "distilbert": (
        T.DistilBertConfig,
        {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "vocab_size": 50},
        WORDS,
    ),
    "t5": (
        T.T5Config,
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "vocab_size": 50},
        WORDS,
    ),
    "modernbert": (
        T.ModernBertConfig,
        {**SMALL, **ENDS, "vocab_size": 50, "cls_token_id": 1, "sep_token_id": 2},
        WORDS,
    ),
    "wav2vec2": (
        T.Wav2Vec2Config,
        {
            **SMALL,
            "conv_dim": (8, 8),
            "conv_stride": (5, 4),
            "conv_kernel": (10, 4),
            "num_feat_extract_layers": 2,
            "num_conv_pos_embeddings": 8,
            "num_conv_pos_embedding_groups": 2,
        },
        torch.randn(2, 1600, generator=torch.Generator().manual_seed(0)),
    ),
    "videomae": (
        T.VideoMAEConfig,
        {**SMALL, "image_size": 16, "patch_size": 8, "num_frames": 4},
        IMAGES.reshape(2, 3, 4, 16, 16).transpose(1, 2),
    ),
}


def build(name):
    config, parts, x = CASES[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return _network(T.AutoModel.from_config(config(**parts)), None, True), x


@pytest.mark.parametrize("name", CASES)
def test_every_stage_leads_to_what_the_model_says_itself(name):
    net, x = build(name)
    with torch.no_grad():
        model = net.body.model
        own = model(**x) if isinstance(x, dict) else model(x)
        own = getattr(own, "pooler_output", None) if getattr(own, "pooler_output", None) is not None else own[0]
        whole = net.embed(x)
        if own.shape[:2] == whole.shape:
            assert torch.allclose(own.flatten(1), whole, atol=1e-5)
        assert net.stage_names[0] == "embeddings" and net.stage_names[-1] == "pooler"
        features = net.features(x)
        assert list(features) == list(net.stage_names)
        assert all(f.shape[0] == 2 and f.ndim == 2 for f in features.values())
        for stage in net.stage_names:
            begun = net.embed(net.activations(x, stage), start=net.after(stage))
            assert torch.allclose(begun, whole, atol=1e-5), stage


@pytest.mark.parametrize("name", ["vit", "bert", "resnet"])
def test_copies_are_whole_and_apart(name):
    net, x = build(name)
    with torch.no_grad():
        said = net.embed(x)
        for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
            assert torch.equal(other.embed(x), said)
            for p in other.parameters():
                p.zero_()
            assert torch.equal(net.embed(x), said) and not torch.equal(other.embed(x), said)
        net.replace_head(torch.nn.Linear(net.in_features, 2))
        packed = pack(net)
        assert packed["module"] is None
        assert torch.allclose(unpack(pickle.loads(pickle.dumps(packed)))(x), net(x), atol=1e-6)


def test_training_moves_what_is_not_frozen_and_caches_what_is():
    net, _ = build("vit")
    net.freeze(["embeddings", "layer_0"]).replace_head(torch.nn.Linear(16, 2))
    frozen = copy.deepcopy(net.stages["layer_0"].state_dict())
    tuned = copy.deepcopy(net.stages["layer_2"].state_dict())
    data = Samples(IMAGES.repeat(4, 1, 1, 1), torch.tensor([0, 1] * 4))
    calls = []
    next(net.stages["layer_0"].children()).register_forward_hook(lambda m, a, out: calls.append(1))
    settings = Training(epochs=4, batch_size=4, device="cpu", learning_rate=0.01, random_state=0)
    history = train(net, Classification([0, 1]), data, settings=settings)
    assert len(calls) == 1 + 2  # the trial of one row, and all rows in two batches
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]
    assert all(torch.equal(v, net.stages["layer_0"].state_dict()[k]) for k, v in frozen.items())
    assert not torch.equal(next(iter(tuned.values())), next(iter(net.stages["layer_2"].state_dict().values())))


def test_a_folder_is_loaded_with_its_processor(tmp_path):
    net, _ = build("vit")
    net.body.model.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"size": {"height": 32, "width": 32}, "image_mean": [0.1, 0.2, 0.3]}'
    )
    found = load_backbone(str(tmp_path))
    assert found.preprocess.size == (32, 32)
    assert found.preprocess.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    dots = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        by_hand = (dots / 255 - torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)) / 0.5
        assert torch.allclose(found.embed(dots), net.embed(by_hand), atol=1e-5)
    fresh = load_backbone(tmp_path, pretrained=False, random_state=0)
    assert not torch.allclose(fresh.embed(dots), found.embed(dots))


def test_what_is_not_there_says_how_to_pass_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="pass a local folder") as caught:
        load_backbone("nobody/no-such-model-here")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"has no config\.json"):
        load_backbone(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        load_backbone(tmp_path / "nothing")
    with pytest.raises(InputError, match="must be a name, a folder or a torch module"):
        load_backbone(3)


@pytest.mark.data
def test_shared_mobilenet_keeps_its_folded_norms_in_eval_mode():
    folder = shared_weights("mobilenet_v1_0.25_128_imagenet")
    if folder is None:
        pytest.skip("the shared weights are not there")
    net = load_backbone(folder)
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == 27 and all(is_folded(m) for m in norms)
    x = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        before = net.embed(x)
        net.train()
        assert torch.equal(net.embed(x), before)
        assert torch.equal(net.eval().embed(x), before)
        # from scratch they are ordinary norms
        assert net.reset(random_state=0).train().stages["layer_0"].normalization.training


def test_methods_that_reach_inside_suit_models_that_read_their_layers():
    """MobileNet reads stride and padding off its convolutions, and its last stage is no module of its own."""
    from landbridge.neural.parameter import LowRankAdapters, StageAttention

    config = T.MobileNetV1Config(image_size=32, depth_multiplier=0.25)
    y = torch.tensor([0, 1])
    for make in (LowRankAdapters, StageAttention):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net = _network(T.AutoModel.from_config(config), None, True)
            net.replace_head(torch.nn.Linear(net.in_features, 2))
        history = train(
            net,
            Classification([0, 1]),
            Samples(IMAGES, y),
            methods=[make()],
            settings=Training(epochs=2, batch_size=2, random_state=0),
        )
        assert history.steps == 2
        assert net(IMAGES).shape == (2, 2)
