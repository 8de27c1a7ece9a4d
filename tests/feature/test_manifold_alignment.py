import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from landbridge import make_pipeline
from landbridge.exceptions import LabelError
from landbridge.feature import ManifoldAlignment, alignment_matrices


def _two_views(n=400, seed=0, far=6.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    hidden = rng.normal(size=(n, 2)) + far * y[:, None] * [1.0, 0.0]
    return hidden @ rng.normal(size=(2, 6)), hidden @ rng.normal(size=(2, 4)), y


def test_scatter_is_that_of_the_two_graphs():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(7, 3)), rng.normal(size=(4, 2))
    ya, yb = np.array([0, 1, 2, 0, 1, 2, 0]), np.array([1, 0, 0, 3])
    same, different = alignment_matrices([A, B], [ya, yb])
    Z = np.zeros((11, 5))
    Z[:7, :3], Z[7:, 3:] = A, B
    y, w = np.r_[ya, yb], np.r_[np.full(7, 1 / 7), np.full(4, 1 / 4)]
    for got, joined in ((same, y[:, None] == y), (different, y[:, None] != y)):
        W = np.outer(w, w) * joined
        np.testing.assert_allclose(got, Z.T @ (np.diag(W.sum(axis=1)) - W) @ Z, atol=1e-12)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_classes_meet_and_part(kernel):
    A, B, y = _two_views()
    told = np.where(np.arange(200) < 6, y[200:], -1)
    model = make_pipeline(ManifoldAlignment(kernel=kernel, random_state=0), LogisticRegression())
    model.fit(A[:200], y[:200], X_target=B[200:], y_target=told)
    assert np.mean(model.predict(B[200:])[6:] == y[206:]) > 0.95
    mapper = model[0]
    assert mapper.n_features_in_ == 4 and mapper.n_components_ == 2
    assert np.all(np.diff(mapper.ratios_) <= 0)
    # along the first direction, which parts them most
    source, target = mapper.transform_source(A[:200])[:, 0], mapper.transform(B[200:])[:, 0]
    (a, b), (c, d) = ([z[labels == k].mean() for k in (0, 1)] for z, labels in ((source, y[:200]), (target, y[200:])))
    assert abs(a - c) < 0.3 * abs(a - b) and abs(b - d) < 0.3 * abs(a - b)


def test_neighbours_say_what_two_labels_leave_open():
    """Two long parallel bands, one labelled row at the end of each: the bands decide, not the nearest label."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = np.column_stack([rng.uniform(0, 10, 300), 3.0 * y + 0.1 * rng.normal(size=300)])
    A = np.column_stack([y + 0.1 * rng.normal(size=300), rng.normal(size=(300, 2))])
    ends = [int(np.argmin(np.where(y == 0, X[:, 0], 99))), int(np.argmax(np.where(y == 1, X[:, 0], -99)))]
    told = np.full(300, -1)
    told[ends] = y[ends]
    right = []
    for locality in (10.0, 0.0):
        mapper = ManifoldAlignment(1, locality=locality, kernel="rbf", alpha=0.01, random_state=0)
        model = make_pipeline(mapper, LogisticRegression())
        right.append(np.mean(model.fit(A, y, X_target=X, y_target=told).predict(X) == y))
    assert right[0] > 0.95 and right[0] > right[1] + 0.1


def test_without_common_classes():
    A, B, y = _two_views(20)
    with pytest.raises(LabelError, match="needs y_target"):
        ManifoldAlignment().fit(A, y, X_target=B)
    with pytest.raises(LabelError, match="9"):
        ManifoldAlignment().fit(A, y, X_target=B, y_target=np.full(20, 9))


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_values_are_refused_whether_whole_or_not(step):
    A, B, _ = _two_views(80)
    values = step * (np.arange(80) % 20)
    with pytest.raises(LabelError, match="y holds values"):
        ManifoldAlignment(task="regression").fit(A, values, X_target=B, y_target=values + 1000)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_in_another_configuration():
    other = ManifoldAlignment(2, kernel="rbf", max_samples=20, locality=0.5)
    results = check_estimator(other, on_fail=None, on_skip=None)
    assert not [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")]
