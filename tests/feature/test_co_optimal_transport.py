import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from landbridge import make_pipeline
from landbridge.data import shared_data
from landbridge.exceptions import LabelError
from landbridge.feature import CoOptimalTransport, co_optimal_couplings

pytest.importorskip("ot", reason="needs the library POT")


def _renamed(n=200, seed=0):
    """Five columns of unlike shapes; the target has other rows and four of the columns, in another order."""
    rng = np.random.default_rng(seed)
    y = np.arange(2 * n) % 2
    X = np.column_stack(
        [
            rng.normal(size=2 * n) + 5.0 * y,
            rng.exponential(size=2 * n) * (1 + 2 * y),
            rng.integers(2, size=2 * n) - 2.0 * y,
            rng.normal(size=2 * n) ** 3,
            rng.uniform(size=2 * n),
        ]
    )
    return X[:n], y[:n], X[n:][:, [4, 0, 2, 1]], y[n:]


def test_a_table_is_found_in_its_own_shuffle():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(30, 6))
    rows, columns = rng.permutation(30), rng.permutation(6)
    pi_rows, pi_columns, costs = co_optimal_couplings(A, A[rows][:, columns], max_iter=50)
    assert np.all(np.diff(costs) <= 1e-12)
    if costs[-1] < 1e-12:  # the right answer, or else a local one that costs something
        np.testing.assert_array_equal(rows[pi_rows.argmax(axis=1)], np.arange(30))
    np.testing.assert_allclose(pi_rows.sum(axis=1), 1 / 30)
    np.testing.assert_allclose(pi_columns.sum(axis=0), 1 / 6)


def test_against_pot():
    from ot.coot import co_optimal_transport

    rng = np.random.default_rng(0)
    A, B = rng.exponential(size=(25, 6)), rng.exponential(size=(20, 4))
    ours = co_optimal_couplings(A, B, max_iter=50, tol=0.0)
    theirs = co_optimal_transport(A, B, nits_ot=100_000, nits_bcd=50, early_stopping_tol=1e-14, log=True)
    assert ours[2][-1] == pytest.approx(theirs[2]["distances"][-1])
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-9)
    ours = co_optimal_couplings(A, B, reg_e=0.5, reg_e_features=0.5, max_iter=50, tol=0.0)
    theirs = co_optimal_transport(A, B, epsilon=0.5, nits_bcd=50, early_stopping_tol=1e-14, nits_ot=1000)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-5)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-5)


def test_known_mismatches_are_not_coupled():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(20, 3)), rng.normal(size=(20, 4))
    ya, yb = np.arange(20) % 2, np.arange(20) % 2
    rows, _, _ = co_optimal_couplings(A, B, mismatch=(ya[:, None] != yb).astype(float))
    assert rows[ya[:, None] != yb].max() < 1e-12
    free, _, _ = co_optimal_couplings(A, B)
    assert free[ya[:, None] != yb].max() > 0.01


@pytest.mark.parametrize("carry", ["features", "samples"])
def test_columns_that_lost_their_names(carry):
    Xs, ys, Xt, yt = _renamed()
    told = np.where(np.arange(200) < 10, yt, -1)
    model = make_pipeline(CoOptimalTransport(carry=carry, random_state=0), LogisticRegression(max_iter=1000))
    model.fit(Xs, ys, X_target=Xt, y_target=told)
    assert np.mean(model.predict(Xt)[10:] == yt[10:]) > 0.95
    coupling = model[0].feature_coupling_
    assert coupling.shape == (5, 4) and coupling[:, 1].argmax() == 0
    assert model[0].transform_source(Xs).shape == (200, 4)


def test_labels_settle_what_shapes_leave_open():
    """Two mirror-image groups: without labels either matching is as good, with one label a class only one is."""
    rng = np.random.default_rng(3)
    y = np.arange(80) % 2
    Xs = rng.normal(size=(80, 2)) * 0.3 + np.where(y, 2.0, -2.0)[:, None]
    Xt = rng.normal(size=(80, 3)) * 0.3 + np.where(y, -2.0, 2.0)[:, None]  # the classes changed sides
    told = np.array([y[j] if j < 2 else None for j in range(80)], dtype=object)
    mapper = CoOptimalTransport(carry="samples", random_state=0).fit(Xs, y, X_target=Xt, y_target=told)
    right = mapper.sample_coupling_[y[:, None] == y].sum()
    blind = CoOptimalTransport(carry="samples", random_state=0).fit(Xs, y, X_target=Xt)
    assert blind.sample_coupling_[y[:, None] == y].sum() < 0.1  # wrong throughout, and nothing tells
    assert right > blind.sample_coupling_[y[:, None] == y].sum()


def test_target_rows_stay_and_rows_beyond_max_rows_follow():
    Xs, ys, Xt, _ = _renamed()
    mapper = CoOptimalTransport(max_samples=50, carry="samples", random_state=0).fit(Xs, ys, X_target=Xt)
    np.testing.assert_array_equal(mapper.transform(Xt), Xt)
    assert mapper.sample_coupling_.shape == (50, 50)
    carried = mapper.transform_source(Xs)
    assert len(np.unique(carried, axis=0)) <= 50
    np.testing.assert_allclose(mapper.transform_source(mapper.source_samples_), mapper.carried_samples_)


@pytest.mark.parametrize("n_values", [3, 40])
def test_whole_number_values_are_values_where_the_task_says_so(n_values):
    """Target values that the source does not have are no unknown classes; values do not guide the coupling."""
    Xs, _, Xt, _ = _renamed()
    y, yt = (np.arange(len(X)) % n_values for X in (Xs, Xt))
    plain = CoOptimalTransport(random_state=0).fit(Xs, X_target=Xt)
    for dtype in (int, float):
        mapper = CoOptimalTransport(task="regression", random_state=0)
        mapper.fit(Xs, y.astype(dtype), X_target=Xt, y_target=yt.astype(dtype) + 1000)
        np.testing.assert_allclose(mapper.feature_coupling_, plain.feature_coupling_)
    with pytest.raises(LabelError, match="which y does not have"):
        CoOptimalTransport(task="classification").fit(Xs, y, X_target=Xt, y_target=yt + 1000)


def test_its_own_target_is_left_alone():
    Xs, ys, _, _ = _renamed()
    np.testing.assert_array_equal(CoOptimalTransport(max_samples=20).fit_transform(Xs, ys), Xs)


@pytest.mark.data
def test_it_beats_target_only_on_digits_with_shuffled_pixels():
    path = shared_data("usps_mnist_256.npz")
    if path is None:
        pytest.skip("usps_mnist_256.npz is not in the shared data folder")
    with np.load(path) as data:
        X, y = data["usps_X"].astype(float), data["usps_y"].astype(int)
    rng = np.random.default_rng(0)
    order, kept = rng.permutation(1800)[:800], rng.permutation(256)[:200]
    Xs, ys, Xt, yt = X[order[:400]], y[order[:400]], X[order[400:]][:, kept], y[order[400:]]
    few = np.concatenate([np.flatnonzero(yt == c)[:3] for c in np.unique(yt)])
    told = np.full(400, -1)
    told[few] = yt[few]
    model = make_pipeline(CoOptimalTransport(random_state=0), LogisticRegression(max_iter=1000))
    ours = np.mean(model.fit(Xs, ys, X_target=Xt, y_target=told).predict(Xt)[told < 0] == yt[told < 0])
    alone = LogisticRegression(max_iter=1000).fit(Xt[few], yt[few]).score(Xt[told < 0], yt[told < 0])
    assert ours > alone + 0.1


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_in_another_configuration():
    other = CoOptimalTransport(reg_e=0.1, reg_e_features=0.1, carry="samples", scaling="range", max_samples=20)
    results = check_estimator(other, on_fail=None, on_skip=None)
    assert not [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")]
