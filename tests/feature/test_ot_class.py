import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from landbridge.data import make_shift
from landbridge.feature import ClassRegularizedOT, OTMapping, forbid_known_mismatches

PENALTIES = ["group_lasso", "lpl1", "laplace"]


def overlapping(seed=0, n=60):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, 2)) + 3.0 * y[:, None]
    return X, y


def purity(plan, y):
    """Mean share of a target row's mass that comes from its largest class."""
    by_class = np.stack([plan[y == c].sum(axis=0) for c in (0, 1)])
    return (by_class.max(axis=0) / by_class.sum(axis=0)).mean()


@pytest.mark.parametrize("penalty", ["group_lasso", "lpl1"])
def test_each_target_row_draws_on_one_class(penalty):
    Xs, y = overlapping()
    Xt, _ = overlapping(1)
    weights = np.full(60, 1 / 60)
    free, _ = ClassRegularizedOT(penalty, reg_cl=0.0, reg_e=0.5)._plan(Xs, weights, y, Xt, None)
    held, _ = ClassRegularizedOT(penalty, reg_cl=5.0, reg_e=0.5)._plan(Xs, weights, y, Xt, None)
    np.testing.assert_allclose(held.sum(axis=1), weights, atol=1e-4)
    assert purity(held, y) > purity(free, y) + 0.02


def test_the_laplacian_keeps_neighbours_together():
    Xs, y = overlapping()
    Xt, _ = overlapping(1)
    free = ClassRegularizedOT("laplace", reg_cl=0.0).fit_transform(Xs, y, X_target=Xt)
    held = ClassRegularizedOT("laplace", reg_cl=50.0, max_iter=50).fit_transform(Xs, y, X_target=Xt)

    def roughness(Z):
        near = np.linalg.norm(Xs[:, None] - Xs, axis=2) + 1e9 * np.eye(60)
        return np.linalg.norm(Z - Z[near.argmin(axis=1)], axis=1).mean()

    assert roughness(held) < roughness(free)


def test_without_penalty_or_labels_it_is_entropic_transport():
    Xs, _ = overlapping()
    Xt, _ = overlapping(1)
    plain = OTMapping(reg_e=0.2).fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(ClassRegularizedOT(reg_e=0.2).fit_transform(Xs, X_target=Xt), plain, atol=1e-6)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_labelled_target_row_gets_mass_of_its_own_class_only(penalty):
    Xs, y = overlapping()
    Xt, yt = overlapping(1)
    told = np.array([1 - v if i < 20 else None for i, v in enumerate(yt)], dtype=object)  # the opposite, on purpose
    plan, _ = ClassRegularizedOT(penalty)._plan(Xs, np.full(60, 1 / 60), y, Xt, told)
    wrong = y[:, None] != np.array([v for v in told[:20]])[None, :]
    assert (plan[:, :20] * wrong).sum() < 0.02 * plan[:, :20].sum()


def test_mismatch_costs_leave_the_rest_alone():
    cost = np.arange(6.0).reshape(2, 3)
    dear = forbid_known_mismatches(cost, np.array([0, 1]), np.array([np.nan, 1.0, np.nan]))
    np.testing.assert_array_equal(dear - cost, [[0, 50, 0], [0, 0, 0]])
    assert forbid_known_mismatches(cost, np.array([0, 1]), None) is cost


def test_a_row_that_occurs_in_two_classes_moves_by_the_mean():
    Xs = np.array([[0.0], [0.0], [4.0], [5.0]])
    mapper = ClassRegularizedOT("laplace", reg_cl=0.0)
    Z = mapper.fit_transform(Xs, np.array([0, 1, 0, 1]), X_target=Xs + 1.0)
    np.testing.assert_allclose(Z[0], Z[1])
    np.testing.assert_allclose(Z, mapper.transform_source(Xs))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("m", [1, 2])
def test_a_tiny_target_is_enough(penalty, m):
    Xs, y = overlapping()
    Z = ClassRegularizedOT(penalty).fit_transform(Xs, y, X_target=np.arange(2.0 * m).reshape(m, 2))
    assert np.isfinite(Z).all()


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_moved_target_is_recovered(penalty):
    source, target = make_shift("translation", random_state=0)
    plain = LogisticRegression().fit(source.X, source.y).score(target.X, target.y)
    mapper = ClassRegularizedOT(penalty, max_samples=200, random_state=0)
    Z = mapper.fit_transform(source.X, source.y, X_target=target.X)
    assert LogisticRegression().fit(Z, source.y).score(mapper.transform(target.X), target.y) > plain + 0.05
