import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.neighbors import NearestCentroid

from landbridge import make_pipeline
from landbridge.data import shared_data
from landbridge.exceptions import LabelError
from landbridge.feature import DomainScaler, EasyTL, assign_classes, coral_map


def programme(cost):
    """The linear programme as the paper writes it, with a general solver."""
    n, k = cost.shape
    one = np.kron(np.eye(n), np.ones(k))
    least = -np.kron(np.ones(n), np.eye(k))
    found = linprog(cost.ravel(), A_ub=least, b_ub=-np.ones(k), A_eq=one, b_eq=np.ones(n), bounds=(0, 1))
    return found.fun


@pytest.mark.parametrize("seed", range(50))
def test_the_assignment_solves_the_linear_programme(seed):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(4, 12), 4
    cost = rng.uniform(size=(n, k)) + rng.uniform(0, 2, size=k)  # some classes are dear everywhere
    codes, prices = assign_classes(cost)
    assert set(codes) == set(range(k))
    assert cost[np.arange(n), codes].sum() == pytest.approx(programme(cost))
    assert (prices >= 0).all()
    assert (prices[np.bincount(codes) > 1] == 0).all()
    assert ((cost - prices).argmin(axis=1) == codes).all()


def test_nothing_is_paid_where_no_class_is_empty():
    cost = np.array([[0.0, 1.0], [1.0, 0.0]])
    codes, prices = assign_classes(cost)
    assert codes.tolist() == [0, 1]
    assert prices.tolist() == [0.0, 0.0]


def test_fewer_rows_than_classes_drop_the_condition():
    assert assign_classes(np.array([[3.0, 1.0, 2.0]]))[0].tolist() == [1]


def test_ties_between_equal_rows_are_solved_at_the_right_cost():
    cost = np.tile([[0.0, 2.0, 3.0]], (5, 1))
    codes, _ = assign_classes(cost)
    assert sorted(codes) == [0, 0, 0, 1, 2]


def blobs(n=60, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.normal(size=(n, 4)) + 3 * np.eye(4)[y], np.array(["ash", "beech", "cedar"])[y]


def test_without_alignment_it_is_the_nearest_centre():
    X, y = blobs()
    Xt, _ = blobs(seed=1)
    model = EasyTL(align=None).fit(X, y, X_target=Xt)
    assert model.predict(Xt).tolist() == NearestCentroid().fit(X, y).predict(Xt).tolist()


def test_centres_are_those_of_the_aligned_source():
    X, y = blobs()
    Xt = blobs(seed=1)[0] * [1.0, 2.0, 3.0, 4.0]
    model = EasyTL().fit(X, y, X_target=Xt)
    aligned = X @ coral_map(X, Xt)
    np.testing.assert_allclose(model.centers_, [aligned[y == c].mean(axis=0) for c in model.classes_])


def test_prediction_gives_the_target_rows_what_the_programme_gave_them():
    X, y = blobs()
    Xt = blobs(seed=1)[0][::3]  # one class only
    model = EasyTL(align=None).fit(X, y, X_target=Xt)
    assert set(model.target_labels_) == {"ash", "beech", "cedar"}
    assert model.predict(Xt).tolist() == model.target_labels_.tolist()
    assert (model.prices_ > 0).any()


def test_a_single_class_is_refused():
    X, _ = blobs()
    with pytest.raises(LabelError, match="y holds one class only"):
        EasyTL().fit(X, np.zeros(len(X), int))


LOGGED = {
    None: [50.1, 49.5, 48.4, 43.0, 40.7, 38.9, 29.7, 35.2, 77.1, 31.2, 31.9, 69.5],
    "coral": [52.6, 53.9, 51.6, 42.3, 43.1, 48.4, 35.4, 38.2, 79.6, 36.1, 38.3, 86.1],
}


@pytest.mark.data
@pytest.mark.parametrize("align", LOGGED)
def test_office_caltech_under_the_published_protocol(align):
    path = shared_data("office_caltech_surf.npz")
    if path is None:
        pytest.skip("the shared data folder is absent")
    data = np.load(path)
    names = {"C": "caltech", "A": "amazon", "W": "webcam", "D": "dslr"}
    scores = []
    for task in ("CA", "CW", "CD", "AC", "AW", "AD", "WC", "WA", "WD", "DC", "DA", "DW"):
        (Xs, ys), (Xt, yt) = ((data[f"{names[t]}_X"].astype(float), data[f"{names[t]}_y"]) for t in task)
        Xs, Xt = (X / X.sum(axis=1, keepdims=True) for X in (Xs, Xt))
        model = make_pipeline(DomainScaler(), EasyTL(align)).fit(Xs, ys, X_target=Xt)
        scores.append(100 * model.score(Xt, yt))
    np.testing.assert_allclose(scores, LOGGED[align], atol=0.1)
