"""Facts about the domains: each feature belongs to its column."""

import numpy as np
import pandas as pd
import pytest

from landbridge.data import read_pair
from landbridge.problem import inspect_domains


def test_the_features_of_a_column_are_found_by_their_names():
    rng = np.random.default_rng(0)
    n = 40
    A = pd.DataFrame({"a": rng.normal(size=n), "a=b": rng.normal(size=n), "b": ["x", "y"] * (n // 2)})
    B = A.assign(**{"a=b": A["a=b"] + 9, "b": ["x"] * (n - 2) + ["y"] * 2})
    one, two, encoder = read_pair(A.assign(ill=[0, 1] * (n // 2)), B, label="ill")
    held = {c.name: c for c in inspect_domains(one, two, encoder).columns}
    assert held["a"].separates == pytest.approx(0.5)
    assert held["a=b"].separates == pytest.approx(1.0)
    assert held["b"].separates == pytest.approx(0.5 + 0.5 * (0.5 - 2 / n))
