"""SourcePooling: sources count as much as the target looks like them."""

import numpy as np
import pytest
from scipy.optimize import minimize

from landbridge.instance import SourcePooling, mixture_weights


def test_weights_are_the_best_mixture():
    rng = np.random.default_rng(0)
    means, aim = rng.normal(size=(4, 6)), rng.normal(size=6)
    w = mixture_weights(means, aim)
    found = minimize(
        lambda v: np.sum((v @ means - aim) ** 2),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda v: v.sum() - 1},
        tol=1e-12,
    )
    np.testing.assert_allclose(w, found.x, atol=1e-4)
    assert w.sum() == pytest.approx(1.0)


def test_recovers_the_shares_of_a_mixture():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    code = np.repeat([0, 1, 2], 400)
    X = rng.normal(size=(1200, 2)) + centres[code]
    Xt = rng.normal(size=(1000, 2)) + centres[rng.choice(3, 1000, p=[0.7, 0.3, 0.0])]
    model = SourcePooling(min_weight=0.0, random_state=0).fit(X, code, X_target=Xt, source_domain=code)
    np.testing.assert_allclose(model.domain_weights_, [0.7, 0.3, 0.0], atol=0.06)
    for k in range(3):
        assert model.source_weights_[code == k].sum() / 1200 == pytest.approx(model.domain_weights_[k])


def test_a_bad_source_no_longer_spoils_the_pool():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 3))
    X[300:] += 3.0
    source = np.repeat(["like", "unlike"], 300)
    # the same rule would not do: the unlike source is labelled the other way round
    y = np.where(source == "like", X[:, 0] > 0, X[:, 0] < 3).astype(int)
    Xt = rng.normal(size=(300, 3))
    told = (
        SourcePooling(random_state=0).fit(X, y, X_target=Xt, source_domain=source).score(Xt, (Xt[:, 0] > 0).astype(int))
    )
    pooled = SourcePooling(random_state=0).fit(X, y, X_target=Xt).score(Xt, (Xt[:, 0] > 0).astype(int))
    assert told > 0.88 and told > pooled + 0.1


def test_one_source_is_left_as_it_is():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), np.arange(50) % 2
    np.testing.assert_array_equal(SourcePooling(random_state=0).fit(X, y, X_target=X + 1).source_weights_, np.ones(50))


def test_every_source_keeps_its_floor():
    rng = np.random.default_rng(0)
    X, source = rng.normal(size=(200, 2)), np.repeat([0, 1], 100)
    X[100:] += 50.0
    model = SourcePooling(min_weight=0.2, random_state=0).fit(
        X, np.arange(200) % 2, X_target=rng.normal(size=(80, 2)), source_domain=source
    )
    assert model.domain_weights_[1] == pytest.approx(0.1, abs=0.01)
