import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge import Domain, make_pipeline
from landbridge.feature import CORAL
from landbridge.guard import held_out_predictions, importance_weighted, predict_source
from landbridge.guard.validators._importance_weighted import source_losses_and_weights


def test_nearer_to_the_truth_than_the_plain_source_error():
    """A line cannot learn |x| < 1; the target sits where it errs, and weighting the held-out rows finds that out."""
    apart_weighted, apart_plain = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        Xs, Xt = rng.normal(0.0, 1.0, size=(800, 1)), rng.normal(1.2, 0.6, size=(800, 1))
        source = Domain(Xs, (np.abs(Xs[:, 0]) < 1).astype(int))
        model = LogisticRegression().fit(source.X, source.y)
        truth = np.mean(model.predict(Xt) != (np.abs(Xt[:, 0]) < 1))
        apart_weighted.append(abs(importance_weighted(model, source, Domain(Xt)).value - truth))
        apart_plain.append(abs(np.mean(held_out_predictions(model, source, Domain(Xt)) != source.y) - truth))
    assert np.mean(apart_weighted) < 0.5 * np.mean(apart_plain)


def test_source_rows_go_through_the_source_map():
    rng = np.random.default_rng(0)
    Xs = rng.normal(size=(200, 2))
    ys = (Xs[:, 0] > 0).astype(int)
    Xt = Xs[:, ::-1] * [5.0, 0.2] + [30.0, 3.0]
    model = make_pipeline(CORAL(center=True), LogisticRegression()).fit(Xs, ys, X_target=Xt)
    assert np.mean(predict_source(model, Xs) == ys) > 0.95
    # through the target's map the same rows lie somewhere else entirely
    assert np.mean(model.predict(Xs) == ys) < 0.8


def test_held_out_rows_are_really_held_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 80))
    y = rng.integers(2, size=60)
    source, target = Domain(X, y), Domain(rng.normal(size=(30, 80)))
    model = LogisticRegression(C=1e4, max_iter=500).fit(X, y)
    assert np.mean(model.predict(X) != y) == 0.0  # learnt by heart
    assert np.mean(held_out_predictions(model, source, target) != y) > 0.3


def test_regression_risk_is_in_units_of_the_variance():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    source, target = Domain(X, X[:, 0] * 10 + 5 + rng.normal(size=200)), Domain(X + 0.1)
    model = plain_pipeline(StandardScaler(), Ridge()).fit(source.X, source.y)
    assert importance_weighted(model, source, target, n_bootstrap=50).value == pytest.approx(0.01, abs=0.01)


def test_density_ratios_are_those_of_a_penalised_logistic_regression_and_at_most_20():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(300, 6)), rng.normal(size=(150, 6)) + 0.8
    source = Domain(X, (X[:, 0] > 0).astype(int))
    model = LogisticRegression().fit(X, source.y)
    weights = source_losses_and_weights(model, source, Domain(Z), refit=False)[1]
    both, domain = np.concatenate([X, Z]), np.repeat([0, 1], [300, 150])
    p = plain_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(both, domain).predict_proba(X)[:, 1]
    ratio = 2 * p / (1 - p)
    assert ratio.max() > 20
    np.testing.assert_allclose(weights, np.minimum(ratio, 20.0), rtol=1e-3)
