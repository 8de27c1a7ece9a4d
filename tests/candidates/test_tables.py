"""Two tables with the same features: read, diagnosed, planned."""

import numpy as np
from scipy import sparse
from sklearn.linear_model import Ridge

from landbridge import Domain
from landbridge.candidates import find_strategy
from landbridge.candidates._tables import baselines
from landbridge.data import make_shift
from landbridge.problem import Arguments, Sides


def _read(source, target, **given):
    sides = Sides(source, target, Arguments.of(**given))
    strategy = find_strategy(sides)
    return strategy, strategy.read(sides), sides


def test_the_problem_is_complete():
    source, target = make_shift("label", n_source=60, n_target=60, random_state=0)
    strategy, problem, sides = _read(source, target, target_labels=5)
    assert problem.situation == strategy.name == "tables" and problem.task.name == "classification"
    assert problem.n_labelled == 10 and problem.splits is not None and problem.same_features
    assert sum(v is not None for v in problem.hidden_labels) == 50
    diagnosis = strategy.diagnose(problem)
    specs = strategy.plan(problem, diagnosis, sides)
    assert [s.role for s in specs[:3]] == ["source-only", "target-only", "candidate"]


def test_the_learner_follows_task_and_storage():
    X = np.random.default_rng(0).normal(size=(30, 3))
    problem = _read((X, X[:, 0] + 0.5), X)[1]
    assert isinstance(problem.estimator[-1], Ridge)
    Y = (X[:, 0] > 0).astype(int)
    scaler = _read(Domain(sparse.csr_matrix(X), Y), Domain(sparse.csr_matrix(X)))[1].estimator[0]
    assert type(scaler).__name__ == "MaxAbsScaler"


def test_target_only_needs_two_classes():
    source, target = make_shift("label", n_source=60, n_target=60, random_state=0)
    y = np.where(target.y == 1, 1, None)
    for labels, names in ((None, ["source-only"]), (y, ["source-only"]), (target.y, ["source-only", "target-only"])):
        problem = _read(source, target.replace(y=labels))[1]
        assert [b.name for b in baselines(problem)] == names
