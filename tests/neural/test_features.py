"""Outputs of frozen stages: computed once, right, and found again on disk by content."""

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

from landbridge.neural import cached_features, load_backbone  # noqa: E402


def test_features_are_those_of_the_stage_in_eval_mode():
    net = load_backbone("builtin").train()
    x = torch.rand(7, 1, 8, 8)
    for stage in ("strokes", "embedding"):
        found = cached_features(net, x, stage, batch_size=3)
        assert net.training
        net.eval()
        with torch.inference_mode():
            assert torch.allclose(found, net.activations(x, stage), atol=1e-6)
            assert torch.allclose(net(found, start=net.after(stage)), net(x), atol=1e-5)
        net.train()


def test_the_disk_is_keyed_by_content(tmp_path):
    net = load_backbone("builtin")
    calls = []
    net.stages["edges"].register_forward_hook(lambda m, a, out: calls.append(1))
    x = torch.rand(4, 1, 8, 8)
    first = cached_features(net, x, cache_dir=tmp_path)
    again = cached_features(net, x.clone(), cache_dir=tmp_path)
    assert torch.equal(first, again) and len(calls) == 1
    cached_features(net, x + 1, cache_dir=tmp_path)
    assert len(calls) == 2
    cached_features(net, x, "parts", cache_dir=tmp_path)
    assert len(calls) == 3
    net.replace_head(torch.nn.Linear(64, 2))  # later layers do not matter to a stage before them
    cached_features(net, x, "parts", cache_dir=tmp_path)
    assert len(calls) == 3
    with torch.no_grad():
        net.stages["edges"][0].weight.mul_(1.01)
    cached_features(net, x, "parts", cache_dir=tmp_path)
    assert len(calls) == 4
    net.preprocess.mean.add_(1.0)
    cached_features(net, x, "parts", cache_dir=tmp_path)
    assert len(calls) == 5
    assert len(list(tmp_path.glob("*.safetensors"))) == 5 and not list(tmp_path.glob(".*"))
