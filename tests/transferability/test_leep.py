import numpy as np
import pytest

from landbridge.transferability import leep_score, nce_score


def by_hand(P, y):
    n = len(y)
    joint = {(c, z): sum(P[i, z] for i in range(n) if y[i] == c) / n for c in set(y) for z in range(P.shape[1])}
    alone = [sum(joint[c, z] for c in set(y)) for z in range(P.shape[1])]
    return np.mean([np.log(sum(joint[y[i], z] / alone[z] * P[i, z] for z in range(P.shape[1]))) for i in range(n)])


@pytest.mark.parametrize("seed", range(3))
def test_against_loops_and_the_bound_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    P, y = rng.dirichlet(np.full(4, 0.3), size=40), rng.integers(0, 3, 40)
    y[:3] = 0, 1, 2
    assert leep_score(P, y) == pytest.approx(by_hand(P, y.tolist()))
    assert leep_score(P, y) <= 0
    z = P.argmax(axis=1)
    # property 1 of the paper, with the average log-likelihood of the labels that a model gives its own rows
    assert leep_score(P, y) >= nce_with(P, y, z) + np.log(P[np.arange(40), z]).mean() - 1e-12


def nce_with(P, y, z):
    """The conditional entropy under LEEP's own estimate of p(y | z)."""
    given = np.array([[P[y == c, k].sum() for k in range(P.shape[1])] for c in range(3)]) / P.sum(axis=0)
    return np.log(given[y, z]).mean()


def test_hard_answers_give_nce():
    rng = np.random.default_rng(0)
    z, y = rng.integers(0, 4, 60), rng.integers(0, 3, 60)
    assert leep_score(np.eye(4)[z], y) == pytest.approx(nce_score(z, y))


def test_a_source_class_that_is_never_given_does_no_harm():
    P = np.column_stack([np.eye(2)[[0, 1, 0, 1]], np.zeros(4)])
    assert leep_score(P, np.array([0, 1, 0, 1])) == 0.0
