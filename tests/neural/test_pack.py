"""Networks go to disk as plain data and come back with the same answers, whatever head a method gave them."""

import numpy as np
import pytest
import skops.io
import torch

from landbridge.data import load_builtin
from landbridge.neural import NeuralClassifier
from landbridge.neural._heads import OpenSetHead, SourceMixture, made_around, parts_of
from landbridge.neural._pack import pack, unpack
from landbridge.neural.feature import MomentMatchingSources, OpenSetBackprop, SourceHeads

GROUPS = np.arange(120) % 2
METHODS = {
    "none": [],
    "unknown class": [OpenSetBackprop()],
    "heads": [SourceHeads().set_source_domain(GROUPS)],
    "heads and moments": [SourceHeads().set_source_domain(GROUPS), MomentMatchingSources().set_source_domain(GROUPS)],
}


@pytest.mark.parametrize("name", METHODS)
def test_a_network_comes_back_with_its_head(name):
    source, target = load_builtin("printed").take(range(120)), load_builtin("handwritten").take(range(60))
    model = NeuralClassifier("builtin", methods=METHODS[name], epochs=1, image_shape=(8, 8), random_state=0)
    model.fit(source.X, source.y, X_target=target.X)
    packed = pack(model.network_)
    assert packed["module"] is None  # nothing but numbers and names: no code is stored
    back = unpack(packed)
    assert type(back.head) is type(model.network_.head)
    for key, value in model.network_.state_dict().items():
        assert torch.equal(value, back.state_dict()[key]), key
    blob = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=blob)
    again = skops.io.loads(blob, trusted=trusted)
    assert np.array_equal(model.predict_proba(target.X), again.predict_proba(target.X))


def test_a_head_around_another_is_told_by_name():
    inner = torch.nn.Linear(3, 2)
    for made in (OpenSetHead(inner, 3), SourceMixture(inner, 4)):
        plain, around = parts_of(made)
        assert isinstance(plain, torch.nn.Linear)
        back = made_around(torch.nn.Linear(3, 2), *around)
        back.load_state_dict(made.state_dict())
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
        assert torch.equal(back(x), made(x))
