"""Whole numbers: layers against exact arithmetic, and networks against what they were."""

import copy
import pickle

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from safetensors.torch import save  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Network, NeuralClassifier, load_backbone, predict_logits  # noqa: E402
from landbridge.neural.handover import (  # noqa: E402
    Int8Conv2d,
    Int8Linear,
    _int8,
    quantise,
    quantise_rows,
    weight_bytes,
)


def dice(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_rows_are_rounded_to_within_half_a_step():
    x = dice(6, 40) * torch.tensor([1e-3, 1.0, 10.0, 1e4, 0.0, 3.0])[:, None]
    q, scale = quantise_rows(x)
    assert q.dtype == torch.int8
    assert scale[4] == 1
    assert (q.float() * scale - x).abs().max(1).values.le(0.5001 * scale[:, 0]).all()
    assert q[[0, 1, 2, 3, 5]].abs().amax(1).eq(127).all()


@pytest.mark.parametrize("kernel", [True, False])
def test_linear_layer_is_the_product_of_the_rounded_numbers(kernel, monkeypatch):
    if not kernel:
        monkeypatch.setattr(_int8, "_whole_products_are_exact", lambda: False)
    layer = Int8Linear(33, 7)
    x = dice(5, 3, 33)
    q, scale = quantise_rows(x.reshape(-1, 33))
    want = (q.double() * scale.double()) @ layer.weight.double().T + layer.bias.double()
    assert torch.allclose(layer(x).double(), want.reshape(5, 3, 7), atol=1e-5)
    assert torch.equal(layer(x)[:1], layer(x[:1]))  # no row depends on the others of its batch


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("how", [{}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"groups": 2}, {"bias": False}])
def test_convolution_is_that_of_the_rounded_numbers(kernel, how, monkeypatch):
    if not kernel:
        monkeypatch.setattr(_int8, "_whole_convolutions_are_exact", lambda: False)
    layer = Int8Conv2d(4, 6, 3, **how)
    layer.set_range(-1.0, 3.0)
    x = dice(2, 4, 9, 9, seed=1) * 2
    step, zero = 4.0 / 255, round(255 / 4)
    rounded = (torch.clamp(torch.round(x / step) + zero, 0, 255) - zero).double() * step
    bias = None if layer.bias is None else layer.bias.double()
    want = F.conv2d(rounded, layer.weight.double(), bias, layer.stride, layer.padding, layer.dilation, layer.groups)
    assert torch.allclose(layer(x).double(), want, atol=1e-4)


def test_static_answers_agree_and_the_file_is_a_third(teacher, digits, images):
    small = quantise(teacher, mode="static", calibration_data=digits.X[:100], evaluation_data=digits.X[600:])
    assert len(small.layers) == 5
    assert small.parity.n_samples == 300
    assert small.parity.agree >= 0.95
    assert 0 < small.parity.largest < 1.5
    files = [
        len(save({k: v.contiguous() for k, v in n.state_dict().items()})) for n in (teacher.network_, small.network)
    ]
    assert files[1] < 0.4 * files[0]
    assert small.bytes_after == weight_bytes(small.network) < 0.35 * small.bytes_before
    assert "300 samples" in str(small)
    again = small(images).argmax(1)
    assert (again == predict_logits(teacher.network_, images).argmax(1)).float().mean() == pytest.approx(
        small.parity.agree
    )


def test_dynamic_table_network_agrees(digits):
    model = NeuralClassifier("mlp", epochs=10, device="cpu", random_state=0).fit(digits.X[:400], digits.y[:400])
    before = {k: v.clone() for k, v in model.network_.state_dict().items()}
    small = quantise(model, evaluation_data=digits.X[600:])
    assert small.layers == ("stages.layer1.0", "stages.layer2.0", "head")
    assert small.parity.agree >= 0.95
    assert small.bytes_after < 0.25 * small.bytes_before  # it was in 64 bits
    assert all(torch.equal(before[k], v) for k, v in model.network_.state_dict().items())


@pytest.mark.parametrize(("kind", "mode"), [("vit", "dynamic"), ("bert", "dynamic"), ("resnet", "static")])
def test_models_of_transformers(kind, mode, tiny):
    network, rows = tiny(kind)
    small = quantise(network, mode=mode, calibration_data=rows if mode == "static" else None, evaluation_data=rows)
    spread = predict_logits(network, rows).abs().max()
    assert small.parity.largest < 0.1 * spread
    assert small.network.stage_names == network.stage_names
    assert small.network.features(rows).keys() == network.features(rows).keys()
    assert weight_bytes(small.network) < (0.8 if kind == "bert" else 0.6) * weight_bytes(network)


def test_batch_norms_are_folded_only_where_nothing_else_listens():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)

        def forward(self, x):
            y = self.conv(x)
            return self.norm(y) + y  # the convolution's output goes two ways

    torch.manual_seed(0)
    for stage, bias in [(Both(), False), (nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3)), True)]:
        network = Network({"one": stage}, in_features=3, head=nn.Linear(3, 2)).eval()
        norm = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
        norm.running_mean.copy_(torch.tensor([1.0, -2.0, 0.5]))
        norm.running_var.copy_(torch.tensor([4.0, 0.3, 2.0]))
        rows = dice(30, 2, 7, 7)
        small = quantise(network, mode="static", calibration_data=rows)
        assert small.parity.largest < 0.05
        left = next(m for m in small.network.modules() if isinstance(m, nn.BatchNorm2d))
        assert (left.weight is None) == bias


def test_copies_and_pickles_answer_alike(teacher, digits, images):
    small = quantise(teacher, mode="static", calibration_data=digits.X[:50]).network
    want = predict_logits(small, images[:9])
    assert torch.equal(predict_logits(copy.deepcopy(small), images[:9]), want)
    assert torch.equal(predict_logits(pickle.loads(pickle.dumps(small)), images[:9]), want)
    other = quantise(
        load_backbone("builtin").replace_head(nn.Linear(64, 10)), mode="static", calibration_data=images
    ).network
    other.load_state_dict(small.state_dict())
    assert torch.equal(predict_logits(other, images[:9]), want)


def test_bad_input_is_named(teacher, digits):
    with pytest.raises(InputError, match="mode='int4'"):
        quantise(teacher, mode="int4")
    with pytest.raises(InputError, match="calibration_data is missing"):
        quantise(teacher, mode="static")
    with pytest.raises(InputError, match="calibration_data has no samples"):
        quantise(teacher, mode="static", calibration_data=digits.X[:0])
    with pytest.raises(InputError, match="evaluation_data contains NaN"):
        quantise(teacher.network_, evaluation_data=torch.full((2, 1, 8, 8), torch.nan))
    with pytest.raises(InputError, match="no linear layers"):
        quantise(load_backbone("builtin"))
    with pytest.raises(InputError, match="quantised already"):
        quantise(quantise(teacher).network)
    with pytest.raises(InputError, match="network must be"):
        quantise(nn.Linear(2, 2))
