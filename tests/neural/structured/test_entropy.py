"""Entropy of maps."""

import math

import pytest
import torch

from landbridge.exceptions import InputError
from landbridge.neural.structured import map_entropy


def logits(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_it_is_the_mean_over_pixels_by_the_number_of_classes():
    x = logits(2, 3, 4, 5)
    p = x.softmax(1)
    naive = [
        -sum(v * math.log(v) for v in p[i, :, j, k].tolist()) for i in range(2) for j in range(4) for k in range(5)
    ]
    assert map_entropy(x).item() == pytest.approx(sum(naive) / 40 / math.log(3))


def test_only_pixels_of_the_mask_count():
    x = logits(2, 3, 4, 5)
    mask = torch.zeros(2, 4, 5, dtype=torch.bool)
    mask[0, :2] = True
    assert map_entropy(x, mask).item() == pytest.approx(map_entropy(x[:1, :, :2]).item())
    assert map_entropy(x, torch.zeros_like(mask)).item() == 0.0


def test_gradients():
    x = logits(2, 3, 2, 2).requires_grad_()
    mask = torch.tensor([[[True, False], [True, True]], [[False, False], [True, True]]])
    assert torch.autograd.gradcheck(map_entropy, (x,))
    assert torch.autograd.gradcheck(map_entropy, (x, mask))


def test_certain_predictions_have_finite_gradients():
    x = torch.tensor([[[1e4], [-1e4]]], requires_grad=True)
    value = map_entropy(x)
    value.backward()
    assert value.item() == 0.0 and x.grad.isfinite().all()


def test_half_precision_is_computed_in_single():
    x = logits(1, 3, 8, 8).half()
    assert map_entropy(x).dtype == torch.float32


def test_bad_input_gets_one_line():
    with pytest.raises(InputError, match="with two classes"):
        map_entropy(torch.zeros(2, 1, 4, 4))
    with pytest.raises(InputError, match="mask has the shape"):
        map_entropy(torch.zeros(2, 3, 4, 4), torch.ones(2, 4))
