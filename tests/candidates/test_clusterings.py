"""Clusterings where neither domain has labels."""

import numpy as np
import pytest

from landbridge.candidates._clusterings import MOST_CLUSTERS, number_of_clusters
from landbridge.exceptions import LabelError


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_silhouette_finds_the_number_of_clusters(k):
    rng = np.random.default_rng(0)
    centres = 20 * rng.normal(size=(k, 4))
    X = np.repeat(centres, 30, axis=0) + rng.normal(size=(30 * k, 4))
    assert number_of_clusters(X, 0) == k <= MOST_CLUSTERS


def test_too_few_samples():
    with pytest.raises(LabelError, match="too few samples to cluster"):
        number_of_clusters(np.eye(2), 0)
