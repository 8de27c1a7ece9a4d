import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from landbridge import make_pipeline, with_source, with_target
from landbridge.exceptions import InputError, LabelError
from landbridge.feature import KernelCCA, canonical_directions, class_pairs


def _two_views(n=400, noise=0.3, seed=0):
    """Two hidden values seen through six and through four columns; the class is in the first of them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    hidden = rng.normal(size=(n, 2)) + 4.0 * y[:, None] * [1.0, 0.0]
    return (
        hidden @ rng.normal(size=(2, 6)) + noise * rng.normal(size=(n, 6)),
        hidden @ rng.normal(size=(2, 4)) + noise * rng.normal(size=(n, 4)),
        y,
    )


def test_directions_solve_the_generalised_eigenproblem():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(50, 4)), rng.normal(size=(50, 3))
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    cross, reg = A.T @ B / 50, 0.3
    source, target, values = canonical_directions(A, B, cross, reg)
    Css, Ctt = (M.T @ M / 50 + reg * np.trace(M.T @ M / 50) / M.shape[1] * np.eye(M.shape[1]) for M in (A, B))
    np.testing.assert_allclose(source.T @ Css @ source, np.eye(3), atol=1e-10)
    np.testing.assert_allclose(target.T @ Ctt @ target, np.eye(3), atol=1e-10)
    np.testing.assert_allclose(cross @ target, Css @ source * values, atol=1e-10)


def test_wide_rows_give_the_same_as_their_span():
    """Fewer rows than columns: the directions lie in the span of the rows and meet the same constraints."""
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(10, 40)), rng.normal(size=(10, 3))
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    Q = np.linalg.svd(A, full_matrices=False)[2][:9]
    wide = canonical_directions(A, B, A.T @ B / 10, 0.5)
    # the penalty is relative to the mean variance, which is that of 40 columns
    narrow = canonical_directions(A @ Q.T, B, (A @ Q.T).T @ B / 10, 0.5)
    assert np.all(wide[2] > narrow[2])  # so it is weaker here
    np.testing.assert_allclose(wide[0], Q.T @ (Q @ wide[0]), atol=1e-10)


def test_class_pairs_are_all_pairs_of_a_class():
    ys, yt = np.array([0, 0, 1, 2]), np.array([1, 0, 0, 3])
    P, Q = class_pairs(ys, yt)
    W = (ys[:, None] == yt).astype(float)
    W /= np.maximum(W.sum(axis=0), 1) * 3  # the target row of class 3 has no partner
    np.testing.assert_allclose(P @ Q.T, W)


def test_cross_covariance_of_class_pairs_by_hand():
    """With the directions' number cut to one, the first is that of the covariance over all pairs of a class."""
    Xs, Xt, y = _two_views(60)
    Xs, ys, Xt, yt = Xs[:30], y[:30], Xt[30:], y[30:]
    told = np.array([yt[j] if j < 9 else None for j in range(30)], dtype=object)
    mapper = KernelCCA(1, power=0.0, reg=0.2).fit(Xs, ys, X_target=Xt, y_target=told)
    A, B = ((X - X.mean(axis=0)) / X.std(axis=0) for X in (Xs, Xt))
    pairs = [(i, j, 1 / np.sum(ys == yt[j])) for j in range(9) for i in range(30) if ys[i] == yt[j]]
    a, b, w = A[[p[0] for p in pairs]], B[[p[1] for p in pairs]], np.array([p[2] for p in pairs]) / 9
    cross = (a * w[:, None]).T @ (b - w @ b)
    source, target, values = canonical_directions(A, B, cross, 0.2)
    np.testing.assert_allclose(mapper.transform_source(Xs), A @ source[:, :1], atol=1e-10)
    np.testing.assert_allclose(mapper.transform(Xt), B @ target[:, :1], atol=1e-10)
    np.testing.assert_allclose(mapper.correlations_, values[:1])


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_pairs_alone_carry_the_labels_over(kernel):
    """No target row has a label, no paired row either: what is learnt on the source is right on the target."""
    A, B, y = _two_views(600)
    both, source, target = np.split(np.arange(600), [200, 400])
    pairs = np.stack([np.arange(200)] * 2, axis=1)
    mapper = KernelCCA(2, pairs=pairs, kernel=kernel, reg=0.1, random_state=0).fit(A[both], X_target=B[both])
    model = LogisticRegression().fit(mapper.transform_source(A[source]), y[source])
    assert model.score(mapper.transform(B[target]), y[target]) > 0.93
    shuffled = np.stack([np.arange(200), np.random.default_rng(0).permutation(200)], axis=1)
    found = mapper.correlations_[0]
    mapper.set_params(pairs=shuffled).fit(A[both], X_target=B[both])
    assert mapper.correlations_[0] < 0.7 * found


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_a_few_labels_bridge(kernel):
    A, B, y = _two_views(500)
    told = np.where(np.arange(300) < 10, y[200:], -1)
    model = make_pipeline(KernelCCA(kernel=kernel, random_state=0), LogisticRegression())
    model.fit(A[:200], y[:200], X_target=B[200:], y_target=told)
    assert model[0].n_features_in_ == 4 and model[0].n_components_ == 1
    assert np.mean(model.predict(B[200:])[10:] == y[210:]) > (0.9 if kernel == "linear" else 0.75)


def test_the_sides_keep_their_own_columns():
    A, B, y = _two_views(60)
    S, T = pd.DataFrame(A, columns=list("abcdef")), pd.DataFrame(B, columns=list("wxyz"))
    mapper = KernelCCA().fit(S, y, X_target=T, y_target=y)
    assert mapper.feature_names_in_.tolist() == list("wxyz")
    assert mapper.transform_source(S).shape == mapper.transform(T).shape == (60, 1)
    with pytest.raises(ValueError, match="feature names should match"):
        mapper.transform_source(T)
    with pytest.raises(ValueError, match="X has 4 features, but KernelCCA is expecting 6"):
        KernelCCA().fit(A, y, X_target=B, y_target=y).transform_source(B)
    with pytest.raises(ValueError, match="same order"):
        KernelCCA().fit(S, y, X_target=S[list("fedcba")], y_target=y)
    # fitted again on sides that share their columns, it forgets the others
    again = mapper.fit(A, y, X_target=A[:30], y_target=y[:30])
    assert again.n_features_in_ == 6 and again.transform_source(A).shape == (60, 1)


def test_bindings_take_other_columns():
    A, B, y = _two_views(120)
    model = make_pipeline(KernelCCA(), LogisticRegression())
    assert with_target(model, B[60:], y[60:]).fit(A[:60], y[:60]).predict(B).shape == (120,)
    assert with_source(model, A[:60], y[:60], B[60:]).fit(B[:20], y[:20]).score(B[60:], y[60:]) > 0.8


def test_what_cannot_be_paired_is_said():
    A, B, y = _two_views(20)
    with pytest.raises(LabelError, match="needs y_target or pairs") as told:
        KernelCCA().fit(A, y, X_target=B)
    assert "\n" not in str(told.value)
    with pytest.raises(LabelError, match="needs y_target or pairs"):
        KernelCCA().fit(A, X_target=B, y_target=y)
    for pairs, word in (
        ([[0, 1, 2]], "shape"),
        ([[0.5, 1.0]], "whole numbers"),
        ([[0, 20]], "20 target rows"),
        ([[-1, 0]], "from 0"),
    ):
        with pytest.raises(InputError, match=word):
            KernelCCA(pairs=pairs).fit(A, X_target=B)


def test_methods_for_the_same_columns_still_refuse_others():
    from landbridge.feature import CORAL

    A, B, _ = _two_views(20)
    with pytest.raises(InputError, match="X_target has 4 features but X has 6"):
        CORAL().fit(A, X_target=B)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_in_another_configuration():
    results = check_estimator(KernelCCA(2, kernel="rbf", n_landmarks=20, power=0.0), on_fail=None, on_skip=None)
    assert not [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")]
