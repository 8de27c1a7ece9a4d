import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from landbridge.data import shared_data
from landbridge.feature import SubspaceAlignment, subspace_alignment


def two_domains(seed=0, n=60, m=50, d=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.arange(1, d + 1), rng.normal(size=(m, d)) @ rng.normal(size=(d, d))


def test_the_similarity_of_source_and_target_is_that_of_the_paper():
    Xs, Xt = two_domains()
    Xs, Xt = Xs - Xs.mean(0), Xt - Xt.mean(0)
    Ps, Pt = (PCA(3).fit(X).components_.T for X in (Xs, Xt))
    mapper = SubspaceAlignment(3)
    similarity = mapper.fit_transform(Xs, X_target=Xt) @ mapper.transform(Xt).T
    np.testing.assert_allclose(similarity, Xs @ Ps @ Ps.T @ Pt @ Pt.T @ Xt.T)


def test_no_other_map_brings_the_bases_nearer():
    Xs, Xt = two_domains()
    aligned, Pt = subspace_alignment(Xs, Xt, 3)
    best = np.linalg.norm(aligned - Pt)
    Ps = PCA(3).fit(Xs).components_.T
    rng = np.random.default_rng(1)
    assert all(best <= np.linalg.norm(Ps @ rng.normal(size=(3, 3)) - Pt) for _ in range(50))


def test_a_rotated_copy_is_undone():
    rng = np.random.default_rng(0)
    Xs = rng.normal(size=(400, 3)) * [5.0, 2.0, 0.0]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    Xt = Xs @ turn
    mapper = SubspaceAlignment(2)
    mapper.fit(Xs, X_target=Xt)
    # the target's projection spans its own plane, so distances within the target are kept
    Zt = mapper.transform(Xt)
    np.testing.assert_allclose(np.linalg.norm(Zt, axis=1), np.linalg.norm(Xt - Xt.mean(0), axis=1))


def test_with_itself_as_target_it_is_a_principal_projection():
    Xs, _ = two_domains()
    mapper = SubspaceAlignment(2)
    Z = mapper.fit_transform(Xs)
    np.testing.assert_allclose(Z, mapper.transform(Xs))
    np.testing.assert_allclose(np.abs(Z), np.abs(PCA(2).fit_transform(Xs)))


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_target_of_few_rows_keeps_the_dimension(m):
    Xs, Xt = two_domains()
    mapper = SubspaceAlignment(4).fit(Xs, X_target=Xt[:m])
    assert mapper.n_components_ == 4
    assert np.isfinite(mapper.transform(Xt)).all()
    np.testing.assert_allclose(mapper.target_projection_.T @ mapper.target_projection_, np.eye(4), atol=1e-10)


def test_a_single_target_row_leaves_the_source_unturned():
    Xs, Xt = two_domains()
    mapper = SubspaceAlignment(3).fit(Xs, X_target=Xt[:1])
    np.testing.assert_allclose(mapper.source_projection_, mapper.target_projection_)


def test_dimension_is_bounded_by_the_source():
    Xs, Xt = two_domains()
    assert SubspaceAlignment(20).fit(Xs, X_target=Xt).n_components_ == 6
    assert SubspaceAlignment(20).fit(Xs[:4], X_target=Xt).n_components_ == 3
    assert SubspaceAlignment(20).fit(np.ones((5, 6)), X_target=Xt).n_components_ == 1


def office_pairs():
    path = shared_data("office_caltech_surf.npz")
    if path is None:
        pytest.skip("the shared data folder is absent")
    data = np.load(path)
    domains = {}
    for name in ("caltech", "amazon", "webcam", "dslr"):
        X = data[f"{name}_X"].astype(float)
        domains[name] = (X / X.sum(axis=1, keepdims=True), data[f"{name}_y"])
    return [(domains[a], domains[b]) for a in domains for b in domains if a != b]


@pytest.mark.data
def test_office_caltech_average_under_the_published_protocol():
    from landbridge import make_pipeline
    from landbridge.feature import DomainScaler

    scores = []
    for (Xs, ys), (Xt, yt) in office_pairs():
        model = make_pipeline(DomainScaler(), SubspaceAlignment(20), KNeighborsClassifier(1))
        scores.append(model.fit(Xs, ys, X_target=Xt).score(Xt, yt))
    assert 100 * np.mean(scores) == pytest.approx(43.8, abs=0.1)


@pytest.mark.data
def test_coral_average_under_the_published_protocol():
    from sklearn.svm import SVC

    from landbridge import make_pipeline
    from landbridge.feature import CORAL, DomainScaler

    scores = []
    for (Xs, ys), (Xt, yt) in office_pairs():
        model = make_pipeline(DomainScaler(), CORAL(reg_covar=1.0), SVC(kernel="linear", C=1.0))
        scores.append(model.fit(Xs, ys, X_target=Xt).score(Xt, yt))
    assert 100 * np.mean(scores) == pytest.approx(46.6, abs=0.2)
