"""The nuclear norm of answers: by singular values, blind neither to doubt nor to collapse."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from landbridge.data import make_shift
from landbridge.guard import answer_nuclear_norm, nuclear_norm


@pytest.mark.parametrize("n", [2, 5, 40])
def test_by_singular_values(n):
    P = np.random.default_rng(0).dirichlet(np.ones(5), size=n)
    assert nuclear_norm(P) == pytest.approx(np.linalg.svd(P, compute_uv=False).sum() / np.sqrt(n * min(n, 5)))


def test_sure_and_diverse_beats_doubt_and_collapse():
    sure = np.eye(4)[np.arange(40) % 4]
    collapsed = np.eye(4)[np.zeros(40, dtype=int)]
    doubt = np.full((40, 4), 0.25)
    assert nuclear_norm(sure) == pytest.approx(1.0)
    assert nuclear_norm(collapsed) == pytest.approx(0.5)
    assert nuclear_norm(doubt) < nuclear_norm(0.5 * sure + 0.5 * doubt) < 1.0


def test_of_a_model():
    source, target = make_shift("covariate", random_state=0)
    sharp, soft = (LogisticRegression(C=c).fit(source.X, source.y) for c in (100.0, 1e-3))
    values = [answer_nuclear_norm(m, source, target) for m in (sharp, soft)]
    assert values[0].value > values[1].value
    assert values[0].higher_is_better
