"""The baseline where no learner was given: linear, unless trees are clearly better on the source."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from landbridge.domain import Domain
from landbridge.problem._better_trees import better_trees
from landbridge.tasks import get_task


def rows(n=300, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def trees_of(task, source):
    task = get_task(task)
    linear = task.default_estimator(is_sparse=sparse.issparse(source.X))
    return better_trees(linear, task, source, random_state=0)


def checkerboard(X):
    return ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(int)


def test_trees_are_chosen_where_a_linear_model_cannot_learn():
    X = rows()
    learner, advantage, inferred = trees_of("classification", Domain(X, checkerboard(X)))
    assert isinstance(learner, HistGradientBoostingClassifier) and advantage > 0.3
    assert "better than a linear model by cross-validation" in inferred[0] and "pass estimator" in inferred[0]
    learner, _, _ = trees_of("regression", Domain(X, X[:, 0] * X[:, 1]))
    assert isinstance(learner, HistGradientBoostingRegressor)


@pytest.mark.parametrize("rule", [lambda X: (X[:, 0] > 0).astype(int), lambda X: np.arange(len(X)) % 2])
def test_the_linear_model_stays_where_trees_are_no_better(rule):
    X = rows()
    learner, advantage, inferred = trees_of("classification", Domain(X, rule(X)))
    assert not isinstance(learner, HistGradientBoostingClassifier) and inferred == () and advantage == 0.0


def test_costly_comparisons_and_tiny_sources_are_not_made():
    X = rows(d=60)
    y = checkerboard(X) + 2 * (np.arange(300) % 5)
    for case in (Domain(X, y), Domain(X[:40], checkerboard(X)[:40]), Domain(sparse.csr_matrix(X), checkerboard(X))):
        learner, _, _ = trees_of("classification", case)
        assert not isinstance(learner, HistGradientBoostingClassifier)


def test_groups_stay_together():
    """Trees learn persons by heart; only folds of whole persons show that nothing else was learned."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 8)
    X = rng.normal(size=(40, 6))[person] + rng.normal(0, 0.05, (320, 6))
    y = rng.integers(0, 2, 40)[person]
    alone, _, _ = trees_of("classification", Domain(X, y))
    assert isinstance(alone, HistGradientBoostingClassifier)
    together, _, _ = trees_of("classification", Domain(X, y, groups=person))
    assert not isinstance(together, HistGradientBoostingClassifier)
