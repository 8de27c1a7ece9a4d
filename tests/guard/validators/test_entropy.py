import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from landbridge import Domain
from landbridge.guard import mean_entropy, prediction_entropy


def test_certain_rows_have_no_entropy_and_even_rows_have_all():
    assert mean_entropy(np.eye(4)) == pytest.approx(0.0, abs=1e-9)
    assert mean_entropy(np.full((5, 4), 0.25)) == pytest.approx(1.0)


def test_naive_recomputation():
    p = np.random.default_rng(0).dirichlet(np.ones(3), size=20)
    naive = np.mean([-sum(v * np.log(v) for v in row) for row in p]) / np.log(3)
    assert mean_entropy(p) == pytest.approx(naive)


def test_it_is_blind_to_collapse_and_says_so():
    X = np.random.default_rng(0).normal(size=(50, 2))
    y = (X[:, 0] > 0).astype(int)
    sure = LogisticRegression(C=1e6).fit(X, y)
    unsure = LogisticRegression(C=1e-6).fit(X, y)
    target = Domain(X + 100.0)  # far away: all rows get one class with certainty
    source = Domain(X, y)
    assert prediction_entropy(sure, source, target).value < prediction_entropy(unsure, source, target).value
    assert "collapse" in prediction_entropy.__doc__
