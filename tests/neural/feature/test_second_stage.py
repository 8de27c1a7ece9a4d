"""ADDA and SHOT as methods: the second stage is that of the functions, and the estimator tells what they saw."""

import pytest

pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

import torch

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import NeuralClassifier
from landbridge.neural.feature import ADDA, SHOT, adapt_shot


@pytest.fixture(scope="module")
def sides():
    return load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))


def fit(sides, methods, **settings):
    model = NeuralClassifier("builtin", methods=methods, epochs=3, image_shape=(8, 8), random_state=0, **settings)
    return model.fit(sides[0].X, sides[0].y, X_target=sides[1].X)


def test_shot_is_the_function_after_training(sides):
    plain, ours = fit(sides, []), fit(sides, [SHOT(2)])
    rows = torch.tensor(sides[1].X.reshape(-1, 1, 8, 8), dtype=torch.float32)
    from landbridge.neural._samples import mix

    expected = adapt_shot(plain.network_, rows, epochs=2, random_state=mix(ours._seed, 8))
    pairs = zip(expected.parameters(), ours.network_.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_adda_moves_the_stages_and_not_the_head(sides):
    plain, ours = fit(sides, []), fit(sides, [ADDA(60)])
    assert torch.equal(plain.network_.head.weight, ours.network_.head.weight)
    moved = [
        not torch.equal(a, b)
        for a, b in zip(plain.network_.stages.parameters(), ours.network_.stages.parameters(), strict=True)
    ]
    assert any(moved)
    assert ours.methods_[0].collapsed_ is False
    again = fit(sides, [ADDA(60)])
    assert all(torch.equal(a, b) for a, b in zip(ours.network_.parameters(), again.network_.parameters(), strict=True))


def test_the_methods_given_stay_as_they_were(sides):
    given = ADDA(20)
    fit(sides, [given])
    assert not hasattr(given, "collapsed_")
    assert repr(given) == "ADDA(n_steps=20)"


@pytest.mark.parametrize(
    "make", [lambda: ADDA(0), lambda: ADDA(learning_rate=0.0), lambda: SHOT(0), lambda: SHOT(pseudo_label_weight=-1.0)]
)
def test_bad_settings(make):
    with pytest.raises(InputError, match=r"parameter of (ADDA|SHOT) must be"):
        make().validate_params()
