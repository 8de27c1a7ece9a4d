"""LSConS and LSGeTarS: maps per class, shared maps with other class shares, and where they must not be trusted."""

import time

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge import make_pipeline
from landbridge.data import make_shift
from landbridge.feature import DomainScaler, LSConS, LSGeTarS, class_location_scale, location_scale_shares


@pytest.mark.parametrize("shares", [[0.98, 0.02], [0.2, 0.8]])
def test_other_shares_and_a_map_where_either_repair_alone_fails(shares):
    source, target = make_shift("label+concept", source_shares=[0.5, 0.5], target_shares=shares, random_state=0)
    model = LSGeTarS(random_state=0).fit(source.X, source.y, X_target=target.X)
    np.testing.assert_allclose(model.target_priors_, shares, atol=0.05)
    scaled = make_pipeline(DomainScaler(), LogisticRegression()).fit(source.X, source.y, X_target=target.X)
    right = model.score(target.X, target.y)
    assert right > 0.97 and right > np.mean(scaled.predict(target.X) == target.y) + 0.05


def test_the_map_found_is_the_one_that_was_made():
    source, target = make_shift("label+concept", source_shares=[0.5, 0.5], target_shares=[0.9, 0.1], random_state=0)
    model = LSGeTarS(random_state=0).fit(source.X, source.y, X_target=target.X)
    scale = model.target_scale_ / model.source_scale_
    np.testing.assert_allclose(scale, [2.5, 0.5], rtol=0.15)
    np.testing.assert_allclose(model.target_center_ - scale * model.source_center_, [4.0, 1.0], atol=0.6)


@pytest.mark.parametrize(("share", "move"), [(0.04, "offset"), (0.98, "gain")])
def test_tumours_with_other_shares_and_another_instrument(share, move):
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))
    source, rest = order[:280], order[280:]
    ones, others = rest[y[rest] == 1], rest[y[rest] == 0]
    n = int(min(len(ones) / share, len(others) / (1 - share)))
    rows = np.concatenate([ones[: round(n * share)], others[: n - round(n * share)]])
    d = X.shape[1]
    change = X.std(axis=0) * rng.normal(0, 1.5, d) if move == "offset" else 0.0
    Xt = X[rows] * (1.0 if move == "offset" else np.exp(rng.normal(0, 0.7, d))) + change
    learner = LogisticRegression(max_iter=1000)
    model = make_pipeline(DomainScaler(), LSGeTarS(learner, reweight="always", random_state=0)).fit(
        X[source], y[source], X_target=Xt
    )
    scaled = make_pipeline(DomainScaler(), learner).fit(X[source], y[source], X_target=Xt)
    right, mixed = (np.mean(m.predict(Xt) == y[rows]) for m in (model, scaled))
    assert right > 0.93 > 0.75 > mixed


def test_units_of_either_domain_change_no_prediction():
    source, target = make_shift("label+concept", n_features=3, random_state=0)
    factors, offsets = np.array([1000.0, 0.01, 38.67]), np.array([5.0, -3.0, 0.0])
    one = LSGeTarS(random_state=0).fit(source.X, source.y, X_target=target.X)
    other = LSGeTarS(random_state=0).fit(source.X, source.y, X_target=target.X * factors + offsets)
    assert np.array_equal(one.predict(target.X), other.predict(target.X * factors + offsets))


def test_four_classes():
    shares = [0.7, 0.1, 0.1, 0.1]
    source, target = make_shift("label+concept", n_classes=4, target_shares=shares, random_state=0)
    found = location_scale_shares(source.X, source.y, target.X, random_state=0)
    np.testing.assert_allclose(found, shares, atol=0.08)


def _classes_moved_apart(seed=0, n=400):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = np.c_[4.0 * y, np.zeros(n)] + rng.normal(size=(n, 2))
    Xt = np.c_[4.0 * y, np.zeros(n)] + rng.normal(size=(n, 2))
    Xt[y == 1] += [2.0, 2.5]
    return X, y, Xt


def test_a_map_per_class_follows_a_class_that_moved_alone():
    X, y, Xt = _classes_moved_apart()
    centred = [(Z - Z.mean(axis=0)) / Z.std(axis=0) for Z in (X, Xt)]
    found = class_location_scale(centred[0], y, centred[1], np.array([0.5, 0.5]), alpha=1e-3, random_state=0)
    assert found.offsets[1, 1] > 0.4 and found.offsets[0, 1] < -0.4
    model = LSConS(alpha=1e-3, random_state=0).fit(X, y, X_target=Xt)
    assert model.score(Xt, y) > 0.98


def test_a_heavy_penalty_leaves_the_shared_map():
    X, y, Xt = _classes_moved_apart()
    found = class_location_scale(X, y, Xt, np.array([0.5, 0.5]), alpha=1e6, random_state=0)
    np.testing.assert_allclose(found.scales, 1.0, atol=1e-5)
    np.testing.assert_allclose(found.offsets, 0.0, atol=1e-5)


def test_class_maps_with_free_shares():
    source, target = make_shift("label+concept", source_shares=[0.5, 0.5], target_shares=[0.8, 0.2], random_state=0)
    model = LSGeTarS(shared_map=False, random_state=0).fit(source.X, source.y, X_target=target.X)
    assert model.target_priors_[0] == pytest.approx(0.8, abs=0.1)
    assert model.score(target.X, target.y) > 0.95


def test_without_a_shift_it_is_the_source_model():
    source, target = make_shift("label", severity=0.0, random_state=0)
    alone = plain_pipeline(StandardScaler(), LogisticRegression()).fit(source.X, source.y)
    for method in (LSGeTarS(random_state=0), LSConS(random_state=0)):
        model = method.fit(source.X, source.y, X_target=target.X)
        assert np.mean(model.predict(target.X) == alone.predict(target.X)) > 0.97


def test_thousands_of_samples_take_about_a_second():
    source, target = make_shift("label+concept", n_source=5000, n_target=5000, n_features=20, random_state=0)
    started = time.process_time()
    LSGeTarS(random_state=0).fit(source.X, source.y, X_target=target.X)
    assert time.process_time() - started < 6.0


def test_a_rare_class_is_not_weighted_away():
    """Few samples of a class: weighted, the estimator is right more often; unweighted, about the rare class as well."""
    source, target = make_shift("label+concept", n_source=400, n_target=400, random_state=0)
    rows = np.sort(np.concatenate([np.flatnonzero(target.y == 1), np.flatnonzero(target.y == 0)[:12]]))
    X, y = target.X[rows], target.y[rows]
    weighted, plain, auto = (
        LSGeTarS(reweight=r, random_state=0).fit(source.X, source.y, X_target=X) for r in ("always", "never", "auto")
    )
    assert np.ptp(weighted.source_weights_) > 1 and np.ptp(plain.source_weights_) == 0
    np.testing.assert_array_equal(auto.predict(X), plain.predict(X))
    rare = y == 0
    assert (plain.predict(X)[rare] == 0).mean() >= (weighted.predict(X)[rare] == 0).mean()
    common = LSGeTarS(random_state=0).fit(source.X, source.y, X_target=target.X)
    assert np.ptp(common.source_weights_) > 1
