"""Separation of neighbouring samples: the mutual information of their labels."""

import numpy as np
import pytest
from scipy.sparse import block_diag, csr_matrix
from sklearn.metrics import mutual_info_score

from landbridge.guard import neighbour_graph, neighbour_information, separation_gain


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [120, 90, 60])
    return rng.normal(size=(270, 4)) + 4.0 * np.eye(3, 4)[y], y


def test_it_is_the_mutual_information_over_links(blobs):
    X, y = blobs
    graph = neighbour_graph(X)
    labels = np.random.default_rng(1).permutation(y)
    for one in (y, labels):
        first, second = one[graph.nonzero()[0]], one[graph.nonzero()[1]]
        assert neighbour_information(graph, one, 3).mean() == pytest.approx(mutual_info_score(first, second))


def test_islands_tell_all_and_chance_tells_nothing():
    graph = csr_matrix(block_diag([np.ones((40, 40))] * 3))
    islands = np.repeat([0, 1, 2], 40)
    assert neighbour_information(graph, islands, 3).mean() == pytest.approx(np.log(3))
    assert neighbour_information(graph, np.zeros(120, dtype=int), 3).mean() == 0.0
    chance = np.random.default_rng(0).integers(3, size=120)
    assert abs(neighbour_information(graph, chance, 3).mean()) < 0.05


def test_cutting_and_merging_both_lose(blobs):
    X, y = blobs
    graph = neighbour_graph(X)
    merged = np.where(y == 2, 1, y)
    cut = np.where((y == 0) & (X[:, 3] > 0), 1, y)
    for worse in (merged, cut):
        found = separation_gain(graph, y, worse, 3)
        assert found.value < 0 and found.details["z"] < -2
        assert separation_gain(graph, worse, y, 3).value == pytest.approx(-found.value)
    assert separation_gain(graph, y, y, 3).details["z"] == 0.0


def test_the_interval_is_of_95_percent(blobs):
    X, y = blobs
    found = separation_gain(neighbour_graph(X), y, np.where(y == 2, 1, y), 3)
    error = found.value / found.details["z"]
    assert (found.low, found.high) == pytest.approx((found.value - 1.96 * error, found.value + 1.96 * error))
