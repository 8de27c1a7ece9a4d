"""Self-taught clustering: the information lost, against its definition, and that it falls."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import normalized_mutual_info_score

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.selftaught import SelfTaughtClustering, co_cluster, information_loss
from landbridge.trusted import import_skops, trusted_types


def divergence(P, rows, columns):
    """D(p || p~), term by term."""
    P = P / P.sum()
    n, d = P.shape
    joint = np.zeros((rows.max() + 1, columns.max() + 1))
    for i in range(n):
        for j in range(d):
            joint[rows[i], columns[j]] += P[i, j]
    px, pz = P.sum(axis=1), P.sum(axis=0)
    total = 0.0
    for i in range(n):
        for j in range(d):
            if P[i, j] > 0:
                near = joint[rows[i], columns[j]] * px[i] * pz[j]
                near /= px[rows == rows[i]].sum() * pz[columns == columns[j]].sum()
                total += P[i, j] * np.log(P[i, j] / near)
    return total


def blocks(rng, n, d, k):
    rows, columns = np.arange(n) % k, np.arange(d) % k
    return rng.poisson(np.where(rows[:, None] == columns[None], 6.0, 0.3)).astype(float), rows, columns


def test_information_lost_is_the_divergence_from_the_approximation():
    rng = np.random.default_rng(0)
    P = rng.poisson(1.0, size=(9, 7)).astype(float)
    rows, columns = rng.integers(3, size=9), rng.integers(2, size=7)
    assert information_loss(P, rows, columns) == pytest.approx(divergence(P, rows, columns), rel=1e-10)
    assert information_loss(sparse.csr_matrix(P), rows, columns) == pytest.approx(
        information_loss(P, rows, columns), rel=1e-12
    )
    assert information_loss(P, np.arange(9), np.arange(7)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("source_weight", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("seed", range(5))
def test_objective_never_rises_and_is_that_of_the_clusters(source_weight, seed):
    rng = np.random.default_rng(seed)
    P, Q = rng.poisson(0.5, size=(40, 25)).astype(float), rng.poisson(0.5, size=(60, 25)).astype(float)
    P[0] = 0.0  # a sample without any mass
    start = rng.integers(5, size=40), rng.integers(6, size=60), rng.integers(4, size=25)
    found = co_cluster(
        P, Q, *start, n_clusters=5, n_source_clusters=6, n_feature_clusters=4, source_weight=source_weight
    )
    assert np.diff(found.objective).max() <= 1e-12
    assert found.objective[-1] < found.objective[0]
    naive = divergence(P, found.labels, found.feature_labels) + source_weight * divergence(
        Q, found.source_labels, found.feature_labels
    )
    assert found.objective[-1] == pytest.approx(naive, rel=1e-9)


def test_empty_clusters_are_filled():
    P, _, columns = blocks(np.random.default_rng(0), 30, 12, 3)
    zeros = np.zeros(30, dtype=int)
    found = co_cluster(P, P, zeros, zeros, columns, n_clusters=3, n_source_clusters=3, n_feature_clusters=3)
    assert len(np.unique(found.labels)) == len(np.unique(found.source_labels)) == 3
    assert np.diff(found.objective).max() <= 1e-12


def test_planted_blocks_are_found():
    rng = np.random.default_rng(0)
    P, rows, columns = blocks(rng, 30, 24, 3)
    Q, *_ = blocks(rng, 90, 24, 3)
    model = SelfTaughtClustering(3, n_feature_clusters=3, random_state=0).fit(Q, X_target=P)
    assert normalized_mutual_info_score(rows, model.labels_) == pytest.approx(1.0)
    assert normalized_mutual_info_score(columns, model.feature_labels_) == pytest.approx(1.0)
    assert len(model.objective_) == model.n_iter_ + 1


def test_sparse_and_dense_input_give_the_same():
    rng = np.random.default_rng(1)
    P, Q = blocks(rng, 30, 24, 3)[0], blocks(rng, 60, 24, 3)[0]
    dense = SelfTaughtClustering(3, 4, 5, random_state=0).fit(Q, X_target=P)
    thin = clone(dense).fit(sparse.csr_matrix(Q), X_target=sparse.csr_matrix(P))
    assert np.array_equal(dense.labels_, thin.labels_)
    assert np.allclose(dense.objective_, thin.objective_)


def test_without_weight_the_source_samples_do_not_count():
    rng = np.random.default_rng(2)
    P, Q = blocks(rng, 30, 24, 3)[0], rng.poisson(1.0, size=(50, 24)).astype(float)
    a, b = (
        SelfTaughtClustering(3, source_weight=0.0, n_feature_clusters=4, random_state=0).fit(q, X_target=P)
        for q in (Q, Q[::-1] ** 2)
    )
    assert np.array_equal(a.labels_, b.labels_)


def test_suitable_source_samples_do_not_make_clusters_of_few_handwritten_digits_worse():
    digits = load_builtin("handwritten")
    alone, helped = [], []
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(digits.X))
        target, source = order[:40], order[40:640]
        for source_weight, scores in ((0.0, alone), (1.0, helped)):
            model = SelfTaughtClustering(10, 20, 12, source_weight=source_weight, n_init=3, random_state=seed)
            labels = model.fit_predict(digits.X[source], X_target=digits.X[target])
            scores.append(normalized_mutual_info_score(digits.y[target], labels))
            assert np.diff(model.objective_).max() <= 1e-12
    assert np.mean(helped) >= np.mean(alone) - 0.03


def test_source_samples_over_the_same_feature_clusters_help_few_sparse_target_samples():
    alone, helped = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        groups = rng.permutation(np.arange(120) % 6)

        def draw(n, profile, mass, rng=rng, groups=groups):
            rows = np.arange(n) % len(profile)
            rate = profile[rows][:, groups]
            return rng.poisson(mass * rate / rate.sum(axis=1, keepdims=True)).astype(float), rows

        P, rows = draw(30, 1.0 + 3.0 * np.kron(np.eye(3), np.ones(2)), 15)
        Q, _ = draw(300, 1.0 + 5.0 * np.eye(6), 60)  # from other classes
        for source_weight, scores in ((0.0, alone), (4.0, helped)):
            model = SelfTaughtClustering(3, 6, 6, source_weight=source_weight, random_state=seed)
            scores.append(normalized_mutual_info_score(rows, model.fit_predict(Q, X_target=P)))
    assert np.mean(helped) > np.mean(alone) + 0.2


@pytest.mark.parametrize(
    ("Q", "P", "sizes", "name"),
    [
        (-np.ones((9, 4)), np.ones((9, 4)), {}, "X has negative"),
        (np.ones((9, 4)), np.full((9, 4), np.nan), {}, "X_target"),
        (np.ones((9, 4)), np.ones((9, 5)), {}, "X_target has 5 features"),
        (np.ones((9, 4)), np.zeros((9, 4)), {}, "X_target is all zero"),
        (np.ones((9, 4)), np.ones((2, 4)), {}, "n_clusters=3"),
        (np.ones((2, 4)), np.ones((9, 4)), {}, "n_source_clusters=3"),
        (np.ones((9, 4)), np.ones((9, 4)), {"n_feature_clusters": 5}, "n_feature_clusters=5"),
        (np.ones((9, 4)), np.ones((9, 4)), {"source_weight": -1.0}, "source_weight"),
    ],
)
def test_bad_input_is_named(Q, P, sizes, name):
    with pytest.raises((InputError, ValueError), match=name):
        SelfTaughtClustering(3, **({"n_feature_clusters": 2} | sizes)).fit(Q, X_target=P)


def test_without_a_target_the_source_is_its_own_target():
    P = blocks(np.random.default_rng(0), 30, 24, 3)[0]
    a = SelfTaughtClustering(3, n_feature_clusters=3, random_state=0).fit(P)
    b = SelfTaughtClustering(3, n_feature_clusters=3, random_state=0).fit(P, X_target=P)
    assert np.array_equal(a.labels_, b.labels_)


def test_saved_without_pickle_and_cloned():
    P = np.random.default_rng(0).random((30, 8))
    model = SelfTaughtClustering(3, n_feature_clusters=3, n_init=1, random_state=0).fit(P, X_target=P[:10])
    data = import_skops().dumps(model)
    again = import_skops().loads(data, trusted=trusted_types(data))
    np.testing.assert_array_equal(again.labels_, model.labels_)
    assert clone(model).get_params() == again.get_params() and not hasattr(clone(model), "labels_")
