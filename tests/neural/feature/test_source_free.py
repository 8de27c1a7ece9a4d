"""Adapting a trained network afterwards, from the model alone."""

import pytest
import torch

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import NeuralClassifier
from landbridge.neural.feature import adapt_shot, centroid_labels


@pytest.fixture(scope="module")
def trained():
    source, target = load_builtin("printed").take(range(600)), load_builtin("handwritten").take(range(600))
    model = NeuralClassifier("builtin", pretrained=False, epochs=10, image_shape=(8, 8), random_state=0)
    model.fit(source.X, source.y)
    A, B = (torch.tensor(d.X.reshape(-1, 1, 8, 8), dtype=torch.float32) for d in (source, target))
    return model.network_, A, B, torch.tensor(target.y)


def right(network, rows, truth):
    with torch.inference_mode():
        return float((network.eval()(rows).argmax(dim=1) == truth).float().mean())


def test_the_model_alone_is_enough(trained):
    network, _, B, y = trained
    before = {k: v.clone() for k, v in network.state_dict().items()}
    one, two = (adapt_shot(network, B, epochs=5, random_state=1) for _ in range(2))
    assert right(one, B, y) > right(network, B, y) + 0.03
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(one.head.parameters(), network.head.parameters(), strict=True):
        assert torch.equal(a, b)


def test_centroids_mend_answers_that_are_off():
    g = torch.Generator().manual_seed(0)
    truth = torch.arange(60) % 3
    embedded = 5 * torch.eye(3)[truth] + 0.3 * torch.randn(60, 3, generator=g)
    answers = torch.softmax(torch.eye(3)[truth] + 0.8 * torch.randn(60, 3, generator=g), dim=1)
    assert (answers.argmax(dim=1) == truth).float().mean() < 0.9
    assert (centroid_labels(embedded, answers) == truth).all()


def test_rows_at_fault_are_named(trained):
    network, _, B, _ = trained
    with pytest.raises(InputError, match="inputs has 1 sample"):
        adapt_shot(network, B[:1], random_state=0)
