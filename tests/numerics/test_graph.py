"""The neighbourhood Laplacian against loops."""

import numpy as np
import pytest

from landbridge.numerics.graph import neighbour_laplacian


@pytest.mark.parametrize("affinity", ["cosine", "rbf"])
def test_laplacian_by_loops(affinity):
    X = np.random.default_rng(0).normal(size=(12, 3))
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    D = np.array(
        [
            [np.sum((a - b) ** 2) for b in (unit if affinity == "cosine" else X)]
            for a in (unit if affinity == "cosine" else X)
        ]
    )
    W, edges = np.zeros((12, 12)), []
    for i in range(12):
        for j in [j for j in np.argsort(D[i]) if j != i][:3]:
            edges.append((i, j))
    mean = np.mean([D[e] for e in edges])
    for i, j in edges:
        W[i, j] = W[j, i] = max(unit[i] @ unit[j], 0.0) if affinity == "cosine" else np.exp(-D[i, j] / mean)
    degree = W.sum(axis=1)
    expected = np.eye(12) - W / np.sqrt(np.outer(degree, degree))
    assert np.allclose(neighbour_laplacian(X, 3, affinity=affinity).toarray(), expected)


def test_laplacian_is_semi_definite_and_smooth_functions_cost_nothing():
    X = np.random.default_rng(1).normal(size=(40, 2))
    L = neighbour_laplacian(X, 5, affinity="rbf").toarray()
    values = np.linalg.eigvalsh(L)
    assert values[0] > -1e-10 and values[-1] <= 2 + 1e-10
    assert abs(values[0]) < 1e-10


def test_equal_rows_and_single_rows():
    assert np.isfinite(neighbour_laplacian(np.ones((6, 2)), 3, affinity="rbf").toarray()).all()
    assert neighbour_laplacian(np.ones((1, 2)), 3).shape == (1, 1)
    assert neighbour_laplacian(np.zeros((4, 2)), 3).shape == (4, 4)
