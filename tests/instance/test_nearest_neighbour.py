"""Nearest-neighbour weights: the counts are Voronoi counts."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from landbridge.instance import NearestNeighbourWeights, voronoi_counts


def test_counts_are_the_naive_ones():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(50, 3)), rng.normal(size=(200, 3))
    want = np.bincount(cdist(Xt, Xs).argmin(axis=1), minlength=50)
    assert voronoi_counts(Xs, Xt).tolist() == want.tolist()


def test_copies_share():
    Xs = np.repeat([[0.0], [1.0]], [3, 1], axis=0)
    assert voronoi_counts(Xs, np.array([[0.1], [-2.0], [0.9]])) == pytest.approx([2 / 3, 2 / 3, 2 / 3, 1])


def test_smoothing():
    X, Xt = np.array([[0.0], [1.0], [2.0]]), np.array([[0.1], [0.2], [0.0]])
    assert NearestNeighbourWeights(smoothing=0.0).fit(X, [0, 0, 1], X_target=Xt).source_weights_.tolist() == [3, 0, 0]
    smooth = NearestNeighbourWeights(smoothing=3.0).fit(X, [0, 0, 1], X_target=Xt).source_weights_
    assert smooth == pytest.approx(np.array([6, 3, 3]) / 4)


def test_weighted_mean_moves_to_the_target():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(2000, 1)), rng.normal(1.0, 0.5, size=(2000, 1))
    model = NearestNeighbourWeights(smoothing=0.0).fit(X, X[:, 0] > 0, X_target=Xt)
    assert np.average(X[:, 0], weights=model.source_weights_) == pytest.approx(1.0, abs=0.05)
