import numpy as np
import pytest

from landbridge.data import make_shift
from landbridge.guard import dev_risk, embedded_validation


def test_control_variate_keeps_the_mean_and_lowers_the_variance():
    """A toy with a known answer: source N(0,1), target N(1,1), loss 1 where x > 1; target risk 0.5."""
    plain, dev = [], []
    for seed in range(200):
        x = np.random.default_rng(seed).normal(size=400)
        w = np.exp(x - 0.5)
        loss = (x > 1).astype(float)
        plain.append((w * loss).mean())
        dev.append(dev_risk(loss, w))
    assert np.mean(dev) == pytest.approx(0.5, abs=0.03)
    assert np.var(dev) < 0.7 * np.var(plain)


def test_equal_weights_give_the_plain_risk():
    assert dev_risk(np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4)) == pytest.approx(0.25)


def test_scores_a_whole_model():
    from sklearn.linear_model import LogisticRegression

    source, target = make_shift("covariate", random_state=0)
    good = LogisticRegression().fit(source.X, source.y)
    bad = LogisticRegression().fit(source.X, 1 - source.y)
    assert embedded_validation(good, source, target, refit=False).value < 0.5
    assert embedded_validation(bad, source, target, refit=False).value > 0.5
