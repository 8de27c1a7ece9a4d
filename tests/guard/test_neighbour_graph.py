"""The graph of nearest neighbours, and smoothing over it."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from landbridge.guard import MAX_GRAPH_SAMPLES, N_NEIGHBORS, neighbour_graph, smooth_votes

X = np.random.default_rng(0).normal(size=(40, 3))


def test_symmetric_normalised_and_without_loops():
    S = neighbour_graph(X).toarray()
    links = S > 0
    assert np.array_equal(links, links.T) and not links.diagonal().any()
    assert links.sum(axis=1).min() >= 10
    degree = links.sum(axis=1)
    np.testing.assert_allclose(S, links / np.sqrt(np.outer(degree, degree)))


def test_constants():
    assert (N_NEIGHBORS, MAX_GRAPH_SAMPLES) == (10, 20_000)


def test_features_are_standardised_and_samples_compared_by_angle():
    scaled = X * [1.0, 1e3, 1e-3] + [5.0, -7.0, 0.0]
    assert (neighbour_graph(scaled) != neighbour_graph(X)).nnz == 0
    constant = np.column_stack([X, np.ones(40)])
    assert (neighbour_graph(constant) != neighbour_graph(X)).nnz == 0


def test_sparse_features_and_few_samples():
    S = neighbour_graph(csr_matrix(np.abs(X)))
    assert S.shape == (40, 40) and S.nnz >= 400
    assert neighbour_graph(X[:4]).nnz == 12  # all are neighbours


def test_smoothing_converges_to_its_closed_form():
    S, votes = neighbour_graph(X), np.eye(3)[np.arange(40) % 3]
    expected = 0.3 * np.linalg.solve(np.eye(40) - 0.7 * S.toarray(), votes)
    np.testing.assert_allclose(smooth_votes(votes, S), expected, atol=2e-6)
    assert abs(smooth_votes(votes, S, n_iter=10) - expected).max() > 2e-6
    expected = 0.8 * np.linalg.solve(np.eye(40) - 0.2 * S.toarray(), votes)
    np.testing.assert_allclose(smooth_votes(votes, S, 0.2), expected, atol=1e-9)


@pytest.mark.parametrize("smoothing", [0.0])
def test_no_smoothing(smoothing):
    votes = np.eye(2)[np.arange(40) % 2]
    assert smooth_votes(votes, neighbour_graph(X), smoothing) is votes
