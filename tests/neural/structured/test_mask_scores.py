"""Scores of masks against counts by hand."""

import math

import numpy as np
import pytest

from landbridge.exceptions import InputError
from landbridge.neural.structured import MaskScores


def test_scores_are_those_of_sets_of_pixels():
    rng = np.random.RandomState(0)
    true, predicted = rng.randint(0, 4, (2, 3, 9, 7))
    true[rng.rand(*true.shape) < 0.2] = 255
    scores = MaskScores(6)
    for y, p in zip(true, predicted, strict=True):
        scores.update(y, p)
    y, p = true[true != 255], predicted[true != 255]
    assert scores.pixel_accuracy() == pytest.approx((y == p).mean())
    naive = [((y == c) & (p == c)).sum() / ((y == c) | (p == c)).sum() for c in range(4)]
    np.testing.assert_allclose(scores.iou()[:4], naive)
    assert np.isnan(scores.iou()[4:]).all()
    assert scores.mean_iou() == pytest.approx(np.mean(naive))
    assert scores.confusion.sum() == len(y)


def test_a_class_that_is_only_predicted_counts_as_zero():
    scores = MaskScores(3)
    scores.update([[0, 0]], [[0, 2]])
    assert scores.mean_iou() == pytest.approx(0.25)


def test_what_is_predicted_on_ignored_pixels_does_not_matter():
    scores = MaskScores(2)
    scores.update(np.array([[0, 255]], dtype=np.uint8), np.array([[0, 77]], dtype=np.uint8))
    assert scores.pixel_accuracy() == 1.0


def test_counts_add_up():
    one, other, both = MaskScores(2), MaskScores(2), MaskScores(2)
    for scores in (one, both):
        scores.update([[0, 1]], [[1, 1]])
    for scores in (other, both):
        scores.update([[0, 0]], [[0, 1]])
    np.testing.assert_array_equal((one + other).confusion, both.confusion)
    with pytest.raises(InputError, match="other has 3 classes, not 2"):
        one + MaskScores(3)


def test_nothing_counted_is_nan():
    scores = MaskScores(2)
    scores.update(np.full((2, 2), 255), np.zeros((2, 2), dtype=int))
    assert math.isnan(scores.pixel_accuracy()) and math.isnan(scores.mean_iou())


@pytest.mark.parametrize(
    ("true", "predicted", "why"),
    [
        ([[0, 1]], [[0], [1]], r"predicted has the shape \(2, 1\) and true \(1, 2\)"),
        ([[0, 2]], [[0, 1]], "true holds the number 2, which is no class; classes are 0 to 1"),
        ([[0, 1]], [[0, -1]], "predicted holds the number -1"),
        ([[0, 1]], [[0, 0.5]], "predicted must hold whole numbers"),
    ],
)
def test_bad_masks_get_one_line(true, predicted, why):
    scores = MaskScores(2)
    with pytest.raises(InputError, match=why):
        scores.update(true, predicted)
    assert scores.confusion.sum() == 0


def test_at_least_one_class():
    with pytest.raises(InputError, match="n_classes must be a whole number of at least 1"):
        MaskScores(0)
