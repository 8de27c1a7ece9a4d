import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from landbridge.relation import Clause, ClauseScorer, FactBase, Grounder, Literal, clause_features, fit_weights

pytest.importorskip("duckdb", reason="duckdb is not installed")


def problem(n=80, k=3, seed=0):
    rng = np.random.default_rng(seed)
    F = rng.integers(0, 3, size=(n, k)).astype(float)
    truth = rng.uniform(size=n) < 1 / (1 + np.exp(1.0 - F @ [1.5, -1.0, 0.0]))
    return F, truth, rng.uniform(0.5, 2.0, size=n)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_weights_are_the_mode(scale):
    F, truth, s = problem()
    mean = np.array([1.0, 0.0, -2.0])
    weights, value = fit_weights(F, truth, s, prior_mean=mean, prior_scale=scale)
    p, signs, n = s / s.sum(), np.where(truth, 1.0, -1.0), len(F)

    def loss(w):
        fit = p @ np.logaddexp(0, -signs * (w[0] + F @ w[1:]))
        return fit + 0.5e-6 * w[0] ** 2 + ((w[1:] - mean) ** 2).sum() / (2 * n * scale**2)

    oracle = minimize(loss, np.zeros(4), method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 5000})
    assert -value == pytest.approx(oracle.fun, abs=1e-9)
    np.testing.assert_allclose(weights, oracle.x, atol=1e-3)


def test_it_is_logistic_regression_when_the_prior_is_zero():
    F, truth, s = problem(seed=1)
    weights, _ = fit_weights(F, truth, s, prior_scale=2.0)
    model = LogisticRegression(C=4.0 * len(F) / s.sum(), tol=1e-10, max_iter=10000).fit(F, truth, sample_weight=s)
    np.testing.assert_allclose(weights, np.append(model.intercept_, model.coef_), atol=1e-3)


def test_separable_and_constant_columns_are_finite():
    F = np.column_stack([np.repeat([0.0, 1.0], 10), np.ones(20), np.zeros(20)])
    weights, value = fit_weights(F, np.repeat([False, True], 10), np.ones(20))
    assert np.isfinite(weights).all() and weights[1] > 1.0
    assert weights[3] == pytest.approx(0.0)
    assert -np.log(2) < value < 0


def test_no_clause_leaves_the_base_rate():
    weights, _ = fit_weights(np.empty((10, 0)), np.repeat([True, False], [8, 2]), np.ones(10))
    assert weights[0] == pytest.approx(np.log(4), abs=1e-4)


def test_a_narrow_prior_keeps_the_source_and_the_initial_weights_change_nothing():
    F, truth, s = problem()
    mean = np.array([0.3, 0.2, -0.1])
    tight, _ = fit_weights(F, truth, s, prior_mean=mean, prior_scale=1e-4)
    np.testing.assert_allclose(tight[1:], mean, atol=1e-5)
    cold, _ = fit_weights(F, truth, s)
    warm, _ = fit_weights(F, truth, s, init=np.array([3.0, -5.0, 5.0, 1.0]))
    np.testing.assert_allclose(cold, warm, atol=1e-5)


def test_features_of_counts():
    counts = np.array([0.0, 1.0, 3.0])
    assert clause_features(counts, "count").tolist() == [0, 1, 3]
    assert clause_features(counts, "log").tolist() == [0, 1, 2]
    assert clause_features(counts, "any").tolist() == [0, 1, 1]


def scorer(**options):
    base = FactBase({"good": [["a"], ["b"]], "bad": [["d"]], "all": [["a"], ["b"], ["c"], ["d"]]})
    atoms = base.encode([["a"], ["b"], ["c"], ["d"]], 1)
    return ClauseScorer(Grounder(base, atoms), np.array([True, True, False, False]), **options)


def unary(name, weight=None):
    return Clause(Literal("query", (0,)), (Literal(name, (0,)),), weight)


def test_scoring_ranks_counts_and_agrees_with_fitting():
    s = scorer(length_penalty=0.2)
    candidates = [unary("good"), unary("bad"), unary("all")]
    scores, weights = s.score_all([], candidates)
    assert s.n_scored == 3
    assert scores[0] > scores[1] > scores[2]
    assert weights[0] > 0 > weights[1] and weights[2] == pytest.approx(0.0, abs=1e-6)
    for candidate, score, weight in zip(candidates, scores, weights, strict=True):
        fitted, alone = s.fit([candidate])
        assert score == pytest.approx(alone, abs=1e-9)
        assert weight == pytest.approx(fitted[1], abs=1e-5)
    assert s.n_scored == 3
    # A useless literal costs exactly its penalty.
    assert s.fit([])[1] - scores[2] == pytest.approx(0.2 / 4)


def test_true_and_false_atoms_have_the_same_weight():
    base = FactBase({"good": [["a"]], "all": [[c] for c in "abcde"]})
    s = ClauseScorer(Grounder(base, base.encode([[c] for c in "abcde"], 1)), np.arange(5) == 0)
    assert s.sample_weight[:1].sum() == pytest.approx(s.sample_weight[1:].sum())
    assert s.fit([])[1] == pytest.approx(-np.log(2))


def test_the_source_weight_is_where_the_prior_is_centred():
    s = scorer(prior_scale=1e-3)
    assert s.fit([unary("bad", 2.0)])[0][1] == pytest.approx(2.0, abs=1e-3)
    assert s.score_all([], [unary("bad", 2.0)])[1][0] == pytest.approx(2.0, abs=1e-3)
