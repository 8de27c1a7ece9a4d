import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from landbridge import make_pipeline
from landbridge.data import shared_data
from landbridge.feature import GFK, DomainScaler, subspace_disagreement
from landbridge.numerics.geodesic import geodesic_kernel


def two_domains(seed=0, n=60, m=50, d=8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.arange(1, d + 1), rng.normal(size=(m, d)) @ rng.normal(size=(d, d))


def test_inner_products_are_those_of_the_kernel():
    Xs, Xt = two_domains()
    mapper = GFK(3)
    Zs, Zt = mapper.fit_transform(Xs, X_target=Xt), mapper.transform(Xt)
    Ps, Pt = (PCA(3).fit(X).components_.T for X in (Xs, Xt))
    np.testing.assert_allclose(Zs @ Zt.T, (Xs - Xs.mean(0)) @ geodesic_kernel(Ps, Pt) @ (Xt - Xt.mean(0)).T)
    assert Zs.shape == (60, 6)


def test_with_itself_as_target_distances_are_those_of_pca():
    Xs, _ = two_domains()
    Z, P = GFK(3).fit_transform(Xs), PCA(3).fit_transform(Xs)
    np.testing.assert_allclose(Z @ Z.T, P @ P.T, atol=1e-9)


def test_disagreement_is_the_formula_of_the_paper():
    Xs, Xt = two_domains()
    Xs, Xt = Xs - Xs.mean(0), Xt - Xt.mean(0)
    both = PCA().fit(np.concatenate([Xs, Xt])).components_.T
    expected = [
        np.mean([np.sin(subspace_angles(PCA().fit(X).components_.T[:, :d], both[:, :d]).max()) for X in (Xs, Xt)])
        for d in (1, 2, 3, 4)
    ]
    np.testing.assert_allclose(subspace_disagreement(Xs, Xt), expected)
    np.testing.assert_allclose(subspace_disagreement(Xs, Xt, 2), expected[:2])


def test_automatic_dimension_stops_where_the_subspaces_part():
    rng = np.random.default_rng(0)
    # both vary along the first two axes; beyond, the one where the other does not
    shared = rng.normal(size=(400, 2)) * [9.0, 7.0]
    Xs = np.hstack([shared[:200], 3 * rng.normal(size=(200, 1)), np.zeros((200, 1)), 0.01 * rng.normal(size=(200, 4))])
    Xt = np.hstack(
        [shared[200:], np.zeros((200, 1)), 3.1 * rng.normal(size=(200, 1)), 0.01 * rng.normal(size=(200, 4))]
    )
    mapper = GFK("auto").fit(Xs, X_target=Xt)
    assert mapper.n_components_ in (3, 4)
    assert GFK("auto").fit(Xs, X_target=Xs + 1.0).n_components_ == 4  # never apart: half the columns


@pytest.mark.parametrize("n_components", [4, "auto"])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_target_of_few_rows_is_enough(m, n_components):
    Xs, Xt = two_domains()
    mapper = GFK(n_components).fit(Xs, X_target=Xt[:m])
    assert np.isfinite(mapper.transform(Xt)).all()
    if m == 1:
        np.testing.assert_allclose(mapper.angles_, 0.0, atol=1e-7)


PUBLISHED = {"CA": 41.0, "CW": 40.7, "AC": 40.2, "AD": 36.3, "WC": 30.7, "DA": 32.0}


@pytest.mark.data
@pytest.mark.parametrize("task", PUBLISHED)
def test_office_caltech_under_the_published_protocol(task):
    path = shared_data("office_caltech_surf.npz")
    if path is None:
        pytest.skip("the shared data folder is absent")
    data = np.load(path)
    names = {"C": "caltech", "A": "amazon", "W": "webcam", "D": "dslr"}
    (Xs, ys), (Xt, yt) = ((data[f"{names[t]}_X"].astype(float), data[f"{names[t]}_y"]) for t in task)
    Xs, Xt = (X / X.sum(axis=1, keepdims=True) for X in (Xs, Xt))
    model = make_pipeline(DomainScaler(), GFK(20), KNeighborsClassifier(1)).fit(Xs, ys, X_target=Xt)
    assert 100 * model.score(Xt, yt) == pytest.approx(PUBLISHED[task], abs=0.1)
