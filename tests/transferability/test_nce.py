import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from landbridge.transferability import nce, nce_score


def test_is_mutual_information_less_entropy():
    rng = np.random.default_rng(0)
    z, y = rng.integers(0, 5, 200), rng.integers(0, 3, 200)
    p = np.bincount(y) / 200
    assert nce_score(z, y) == pytest.approx(mutual_info_score(z, y) + (p * np.log(p)).sum())


def test_any_labels_of_the_source_will_do():
    m = nce(source_labels=["a", "b"] * 20, target_labels=[True, False] * 20, random_state=0)
    assert m.value == 0.0 and m.null < -0.5
    assert nce(source_labels=["a"] * 40, target_labels=[0, 1] * 20, random_state=0).value == pytest.approx(-np.log(2))
