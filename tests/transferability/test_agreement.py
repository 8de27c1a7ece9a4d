"""Correlations with published accuracies come out as printed where the tables are sound."""

import numpy as np
import pytest

from landbridge.exceptions import InputError
from landbridge.transferability import agreement

# Fine-tuned accuracy, H-score, LEEP, LogME, NCE of ten ImageNet networks on CIFAR10, as TLlib prints them.
CIFAR10 = np.array(
    [
        [96.2, 5.911, -1.385, 0.293, -1.139],
        [97.5, 6.363, -1.259, 0.349, -1.060],
        [96.8, 6.567, -1.010, 0.388, -1.007],
        [97.7, 6.901, -0.829, 0.463, -0.838],
        [97.9, 6.945, -0.838, 0.469, -0.851],
        [97.2, 6.210, -1.035, 0.302, -1.006],
        [97.4, 6.547, -0.934, 0.343, -0.946],
        [97.4, 6.706, -0.888, 0.369, -0.866],
        [95.7, 5.928, -1.100, 0.291, -1.089],
        [96.8, 6.018, -1.066, 0.304, -1.086],
    ]
)


@pytest.mark.parametrize(
    ("column", "tau", "r"), [(1, 0.800, 0.839), (2, 0.638, 0.604), (3, 0.785, 0.733), (4, 0.714, 0.786)]
)
def test_published_correlations(column, tau, r):
    found = agreement(scores=CIFAR10[:, column], accuracies=CIFAR10[:, 0])
    assert found.weighted_kendall == pytest.approx(tau, abs=0.005)
    assert found.pearson == pytest.approx(r, abs=0.005)


def test_bad_input():
    with pytest.raises(InputError, match="shapes"):
        agreement(scores=[1, 2], accuracies=[1])
    with pytest.raises(InputError, match="finite"):
        agreement(scores=[1, np.nan], accuracies=[1, 2])
    assert np.isnan(agreement(scores=[1, 1], accuracies=[1, 2]).pearson)
