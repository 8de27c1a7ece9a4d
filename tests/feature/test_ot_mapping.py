import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from landbridge.data import make_shift
from landbridge.feature import OTMapping, barycentric_map, transport_plan


def test_a_translated_copy_is_met_exactly_by_exact_transport():
    Xs = np.random.default_rng(0).normal(size=(30, 3))
    Z = OTMapping("emd").fit_transform(Xs, X_target=Xs + 4.0)
    np.testing.assert_allclose(Z, Xs + 4.0)


def test_exact_transport_sorts_the_line():
    rng = np.random.default_rng(1)
    Xs, Xt = rng.normal(size=(20, 1)), rng.exponential(size=(20, 1))
    Z = OTMapping("emd").fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(Z[np.argsort(Xs[:, 0]), 0], np.sort(Xt[:, 0]))


@pytest.mark.parametrize("reg_e", [1e-3, 0.05, 1.0])
def test_the_entropic_plan_meets_the_masses_and_has_gibbs_form(reg_e):
    rng = np.random.default_rng(2)
    cost = rng.uniform(size=(6, 5)) + 0.01
    a, b = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(5))
    plan, _ = transport_plan(cost, a, b, reg_e=reg_e, max_iter=20000, tol=1e-11)
    np.testing.assert_allclose(plan.sum(axis=1), a, atol=1e-6)
    np.testing.assert_allclose(plan.sum(axis=0), b, atol=1e-6)
    if reg_e >= 0.05:  # log plan + cost / reg_e is a sum of a row term and a column term
        scaled = np.log(plan) + cost / reg_e
        left = scaled - scaled.mean(1, keepdims=True) - scaled.mean(0) + scaled.mean()
        np.testing.assert_allclose(left, 0.0, atol=1e-6)


def test_little_entropy_comes_near_exact_transport():
    rng = np.random.default_rng(3)
    Xs, Xt = rng.normal(size=(25, 2)), rng.normal(size=(25, 2)) + 3
    exact = OTMapping("emd").fit_transform(Xs, X_target=Xt)
    entropic = OTMapping(reg_e=2e-3, max_iter=20000).fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(entropic, exact, atol=0.25)


def test_masses_of_repeated_rows_count():
    # three equal rows and one other: the three take three quarters of the target
    Xs = np.array([[0.0], [0.0], [0.0], [10.0]])
    Xt = np.array([[0.0], [1.0], [2.0], [10.0]])
    Z = OTMapping("emd").fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(Z[:, 0], [1.0, 1.0, 1.0, 10.0])


def test_units_do_not_matter():
    rng = np.random.default_rng(4)
    Xs, Xt = rng.normal(size=(20, 2)), rng.normal(size=(30, 2)) + 1
    for norm in ("median", "max"):
        small = OTMapping(norm=norm, reg_e=0.1).fit_transform(Xs, X_target=Xt)
        large = OTMapping(norm=norm, reg_e=0.1).fit_transform(1e4 * Xs, X_target=1e4 * Xt)
        np.testing.assert_allclose(large, 1e4 * small, rtol=1e-6)


def test_a_new_source_row_moves_like_its_nearest_neighbour():
    Xs = np.array([[0.0, 0.0], [10.0, 0.0]])
    Xt = Xs + np.array([[1.0, 0.0], [0.0, 2.0]])
    mapper = OTMapping("emd").fit(Xs, X_target=Xt)
    np.testing.assert_allclose(mapper.transform_source([[0.5, 0.5], [9.0, 1.0]]), [[1.5, 0.5], [9.0, 3.0]])
    np.testing.assert_allclose(mapper.transform(Xt), Xt)


def test_the_source_as_its_own_target_stays():
    Xs = np.random.default_rng(5).normal(size=(20, 2))
    np.testing.assert_array_equal(OTMapping(reg_e=10.0).fit_transform(Xs), Xs)
    np.testing.assert_array_equal(OTMapping(reg_e=10.0).fit_transform(Xs, X_target=Xs.copy()), Xs)


def test_rows_beyond_the_limit_are_drawn_and_the_rest_follow():
    rng = np.random.default_rng(6)
    Xs, Xt = rng.normal(size=(300, 2)), rng.normal(size=(400, 2)) + 5
    mapper = OTMapping(max_samples=50, random_state=0)
    Z = mapper.fit_transform(Xs, X_target=Xt)
    assert mapper.source_samples_.shape == (50, 2)
    assert Z.shape == (300, 2)
    np.testing.assert_allclose(Z.mean(0), Xt.mean(0), atol=0.5)
    again = OTMapping(max_samples=50, random_state=0).fit_transform(Xs, X_target=Xt)
    np.testing.assert_array_equal(Z, again)


def test_the_barycentre_does_not_depend_on_the_mass():
    plan = np.array([[0.1, 0.3], [0.2, 0.0]])
    Xt = np.array([[0.0, 0.0], [4.0, 8.0]])
    np.testing.assert_allclose(barycentric_map(plan, Xt), [[3.0, 6.0], [0.0, 0.0]])


@pytest.mark.parametrize("m", [1, 2])
def test_a_tiny_or_constant_target_is_reached(m):
    Xs = np.random.default_rng(7).normal(size=(20, 2))
    Xt = np.full((m, 2), 3.0)
    for solver in ("sinkhorn", "emd"):
        np.testing.assert_allclose(OTMapping(solver).fit_transform(Xs, X_target=Xt), 3.0)


@pytest.mark.parametrize("solver", ["sinkhorn", "emd"])
def test_a_moved_target_is_recovered(solver):
    source, target = make_shift("translation", random_state=0)
    plain = LogisticRegression().fit(source.X, source.y).score(target.X, target.y)
    mapper = OTMapping(solver)
    Zs = mapper.fit_transform(source.X, X_target=target.X)
    moved = LogisticRegression().fit(Zs, source.y).score(mapper.transform(target.X), target.y)
    assert moved > plain + 0.05


def test_unbalanced_transport_leaves_the_surplus_where_it_is():
    # one group is rare in the target: balanced transport drags part of it over to the other group
    rng = np.random.default_rng(8)
    Xs = np.concatenate([rng.normal(size=(50, 2)), rng.normal(size=(50, 2)) + 10])
    Xt = np.concatenate([rng.normal(size=(90, 2)), rng.normal(size=(10, 2)) + 10])
    balanced = OTMapping(reg_e=0.02).fit_transform(Xs, X_target=Xt)
    free = OTMapping("unbalanced", reg_e=0.02, reg_m=0.05).fit_transform(Xs, X_target=Xt)
    assert (balanced[50:].mean(axis=1) < 5).mean() > 0.5
    assert (free[50:].mean(axis=1) > 5).all()


def test_much_weight_on_the_masses_is_balanced_transport():
    rng = np.random.default_rng(9)
    Xs, Xt = rng.normal(size=(30, 2)), rng.normal(size=(40, 2)) + 1
    free = OTMapping("unbalanced", reg_e=0.2, reg_m=1e3, tol=1e-12, max_iter=10000).fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(free, OTMapping(reg_e=0.2).fit_transform(Xs, X_target=Xt), atol=1e-2)
