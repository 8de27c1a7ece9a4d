"""JDA: the naive algorithm, labels known and presumed, and the published table."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import check_estimator

from landbridge.data import shared_data
from landbridge.exceptions import LabelError
from landbridge.feature import JDA, joint_mmd_factor
from landbridge.numerics.kernels import kernel
from landbridge.pipeline import make_pipeline


def _blobs(n=90, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0, 0.0, 4.0], [4.0, 0.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0]])
    ys, yt = np.arange(n) % 3, np.arange(n - 6) % 3
    Xs = rng.normal(size=(n, 4)) + centres[ys]
    Xt = rng.normal(size=(n - 6, 4)) + centres[yt] + [0.0, 1.0, 3.0, 1.0]
    return Xs, ys, Xt, yt


def _naive(Xs, ys, Xt, *, k, alpha, rounds, how, form):
    """The authors' algorithm with every matrix written out."""
    n_s, n_t, classes = len(Xs), len(Xt), np.unique(ys)
    X = np.vstack([Xs, Xt])
    F = X if form == "primal" else kernel(X, kernel=how, gamma=0.1)
    H = np.eye(n_s + n_t) - 1.0 / (n_s + n_t)
    predicted = None
    for _ in range(rounds):
        e = np.r_[np.full(n_s, 1 / n_s), np.full(n_t, -1 / n_t)]
        M = np.outer(e, e) * len(classes)
        for c in classes if predicted is not None else []:
            e = np.r_[(ys == c) / (ys == c).sum(), -1.0 * (predicted == c) / max((predicted == c).sum(), 1)]
            M += np.outer(e, e)
        M /= np.linalg.norm(M)
        p = F.shape[1]
        _, A = linalg.eigh(F.T @ H @ F, F.T @ M @ F + alpha * np.eye(p), subset_by_index=[p - k, p - 1])
        Z = Normalizer().fit_transform(F @ (A / np.linalg.norm(A, axis=0)))
        predicted = KNeighborsClassifier(1).fit(Z[:n_s], ys).predict(Z[n_s:])
    return predicted


def test_factor_is_the_authors_matrix():
    source, target = np.array([0, 0, 1, 1, 1]), np.array([1, 0, 1])
    M = np.zeros((8, 8))
    for weight, s, t in [(2, source > -1, target > -1), (1, source == 0, target == 0), (1, source == 1, target == 1)]:
        e = np.r_[s / s.sum(), -1.0 * t / t.sum()]
        M += weight * np.outer(e, e)
    E = joint_mmd_factor(source, target, 2)
    assert np.allclose(E @ E.T, M / np.linalg.norm(M))


@pytest.mark.parametrize(("how", "form"), [("linear", "dual"), ("linear", "primal"), ("rbf", "dual")])
@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_it_is_the_naive_algorithm(how, form, rounds):
    Xs, ys, Xt, _ = _blobs()
    naive = _naive(Xs, ys, Xt, k=3, alpha=0.5, rounds=rounds, how=how, form=form)
    ours = JDA(3, alpha=0.5, max_iter=rounds, kernel=how, gamma=0.1, form=form, random_state=0).fit(Xs, ys, X_target=Xt)
    assert (ours.pseudo_labels_ == naive).all()


def test_class_terms_help_where_the_marginal_does_not():
    Xs, ys, Xt, yt = _blobs()
    pipe = make_pipeline(JDA(3, random_state=0), Normalizer(), KNeighborsClassifier(1)).fit(Xs, ys, X_target=Xt)
    plain = KNeighborsClassifier(1).fit(Xs, ys).score(Xt, yt)
    assert np.mean(pipe.predict(Xt) == yt) > plain


def test_given_labels_stay():
    Xs, ys, Xt, yt = _blobs()
    given = np.full(len(yt), -1)
    given[:20] = (yt[:20] + 1) % 3
    mapper = JDA(3, random_state=0).fit(Xs, ys, X_target=Xt, y_target=given)
    assert (mapper.pseudo_labels_[:20] == given[:20]).all()
    names = np.array(["low", "mid", "top"])
    text = np.where(given >= 0, names[given], None)
    named = JDA(3, random_state=0).fit(Xs, names[ys], X_target=Xt, y_target=text)
    assert (named.pseudo_labels_ == names[mapper.pseudo_labels_]).all()


def test_the_estimator_gives_the_pseudo_labels():
    Xs, ys, Xt, _ = _blobs()
    model = LogisticRegression()
    mapper = JDA(3, estimator=model, max_iter=1, random_state=0)
    Zs = mapper.fit_transform(Xs, ys, X_target=Xt)
    assert (mapper.pseudo_labels_ == LogisticRegression().fit(Zs, ys).predict(mapper.transform(Xt))).all()
    assert not hasattr(model, "coef_")


def test_it_stops_once_the_labels_stand():
    Xs, ys, Xt, _ = _blobs()
    many = JDA(3, max_iter=100, random_state=0).fit(Xs, ys, X_target=Xt)
    assert many.n_iter_ < 100
    more = JDA(3, max_iter=many.n_iter_ + 1, random_state=0).fit(Xs, ys, X_target=Xt)
    assert np.allclose(many.components_, more.components_)


def test_labels_are_required():
    with pytest.raises(LabelError, match="requires y"):
        JDA().fit(np.eye(4), X_target=np.eye(4))
    with pytest.raises(ValueError, match="continuous"):
        JDA().fit(np.eye(4), [0.1, 0.2, 0.7, 1.5], X_target=np.eye(4))


@pytest.mark.parametrize("params", [{"kernel": "rbf"}, {"form": "primal", "kernel": "rbf", "n_landmarks": 5}])
def test_scikit_learns_checks(params):
    # the defaults stand them as part of the catalogue, in tests/test_conformance.py
    failed = [r for r in check_estimator(JDA(**params), on_fail=None, on_skip=None) if r["status"] == "failed"]
    assert not failed


def _pipe(**params):
    return make_pipeline(Normalizer(), JDA(100, **params), Normalizer(), KNeighborsClassifier(1))


@pytest.mark.data
def test_published_surf_numbers():
    path = shared_data("office_caltech_surf.npz")
    if path is None:
        pytest.skip("needs office_caltech_surf.npz (LANDBRIDGE_DATA)")
    domains = {}
    with np.load(path) as data:
        for name in ("caltech", "webcam", "dslr"):
            X = data[f"{name}_X"] / data[f"{name}_X"].sum(axis=1, keepdims=True)
            X = X - X.mean(axis=0)
            domains[name] = X / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0), data[f"{name}_y"].astype(int)
    # Long et al. 2013, table of SURF results
    for source, target, published in [("webcam", "dslr", 89.17), ("dslr", "webcam", 89.49), ("caltech", "dslr", 45.22)]:
        (Xs, ys), (Xt, yt) = domains[source], domains[target]
        assert 100 * np.mean(_pipe().fit(Xs, ys, X_target=Xt).predict(Xt) == yt) == pytest.approx(published, abs=0.5)


@pytest.mark.data
def test_published_digits_number():
    path = shared_data("usps_mnist_256.npz")
    if path is None:
        pytest.skip("needs usps_mnist_256.npz (LANDBRIDGE_DATA)")
    with np.load(path) as data:
        Xs, ys, Xt, yt = (data[k].astype(float) for k in ("usps_X", "usps_y", "mnist_X", "mnist_y"))
    model = _pipe(alpha=0.1, form="primal").fit(Xs, ys.astype(int), X_target=Xt)
    assert 100 * np.mean(model.predict(Xt) == yt) == pytest.approx(59.65, abs=0.5)
