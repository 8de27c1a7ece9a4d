import numpy as np
import pytest

from landbridge.guard import neighbourhood_density


def test_naive_recomputation():
    p = np.random.default_rng(1).dirichlet(np.ones(3), size=12)
    unit = p / np.linalg.norm(p, axis=1, keepdims=True)
    total = 0.0
    for i in range(12):
        s = np.array([unit[i] @ unit[j] / 0.05 for j in range(12) if j != i])
        q = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
        total += -(q * np.log(q)).sum()
    assert neighbourhood_density(p) == pytest.approx(total / 12)


def test_fails_by_design_when_everything_collapses():
    collapsed = np.tile([1.0, 0.0], (30, 1))
    two_clusters = np.repeat(np.eye(2), 15, axis=0)
    assert neighbourhood_density(collapsed) == pytest.approx(np.log(29))
    assert neighbourhood_density(collapsed) > neighbourhood_density(two_clusters)
