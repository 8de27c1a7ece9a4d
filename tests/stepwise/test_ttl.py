"""TransitiveTransfer hands labels over a middle domain; its objective never rises and the middle can be chosen."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.utils.estimator_checks import check_estimator

from landbridge.exceptions import InputError
from landbridge.stepwise import (
    TransitiveTransfer,
    border_samples,
    choose_intermediate,
    coupled_nmtf,
    fit_intermediate_estimator,
    fold_in,
    six_features,
)


def _apart(seed, n=80, m=200, d=40):
    """Counts of two kinds: the source sees the first half of the columns, the target the second, the middle all."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.3, size=(2, d)) * 3
    labels = np.arange(n) % 2, rng.permutation(m) % 2, rng.permutation(n) % 2
    X, Xd, Xt = (rng.poisson(rates[y]).astype(float) for y in labels)
    X[:, d // 2 :] = 0.0
    Xt[:, : d // 2] = 0.0
    return (X, Xd, Xt), labels


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_labels_cross_between_sides_without_a_common_column(seed):
    (X, Xd, Xt), (y, yd, yt) = _apart(seed)
    model = TransitiveTransfer(random_state=0).fit(X, y, X_target=Xt, intermediate_domains=[Xd])
    assert model.source_estimator_.score(Xt, yt) < 0.6
    assert model.score(Xt, yt) > 0.9
    assert np.mean(model.intermediate_labels_ == yd) > 0.95


@pytest.mark.parametrize("weight", [0.2, 1.0, 5.0])
def test_the_objective_never_rises_and_is_the_sum_of_its_terms(weight):
    (X, Xd, Xt), (y, _, _) = _apart(1)
    rng = np.random.default_rng(0)
    Gd, Gt = rng.dirichlet([1, 1], size=len(Xd)), rng.dirichlet([1, 1], size=len(Xt))
    Gs = np.eye(2)[y]
    found = coupled_nmtf(
        X, Xd, Xt, Gs, Gd, Gt, n_common=4, n_specific=3, target_pair_weight=weight, max_iter=60, tol=0.0, random_state=0
    )
    assert found.n_iter == 60 and len(found.objective) == 61
    assert (np.diff(found.objective) <= 1e-12).all()
    assert found.objective[-1] < 0.9 * found.objective[0]
    by_hand = sum(
        w * ((A - G @ P) ** 2).sum() / (A**2).sum()
        for w, A, G, P in zip(
            (1, 1, weight, weight), (X, Xd, Xd, Xt), [found.G[i] for i in (0, 1, 1, 2)], found.profiles, strict=True
        )
    )
    assert found.objective[-1] == pytest.approx(by_hand)
    assert np.array_equal(found.G[0], Gs)
    assert all((G >= 0).all() for G in found.G) and all((P >= 0).all() for P in found.profiles)


def test_what_is_zero_in_a_membership_stays_zero():
    (X, Xd, Xt), (y, yd, yt) = _apart(2)
    Gt = np.full((len(Xt), 2), 0.5)
    Gt[:5] = np.eye(2)[1 - yt[:5]]
    found = coupled_nmtf(X, Xd, Xt, np.eye(2)[y], np.eye(2)[yd], Gt, n_common=3, n_specific=2, random_state=0)
    assert (found.G[2][np.arange(5), yt[:5]] == 0).all()
    assert (found.G[2][5:] > 0).any(axis=0).all()


def test_folding_in_solves_non_negative_least_squares():
    from scipy.optimize import nnls

    rng = np.random.default_rng(0)
    P, X = rng.gamma(0.5, size=(3, 12)), rng.gamma(1.0, size=(9, 12))
    G = np.array([nnls(P.T, x)[0] for x in X]) * P.sum(axis=1)
    np.testing.assert_allclose(fold_in(X, P, max_iter=20000), G / G.sum(axis=1, keepdims=True), atol=1e-4)
    assert np.allclose(fold_in(np.zeros((2, 12)), P), 1 / 3)
    np.testing.assert_allclose(fold_in(sparse.csr_matrix(X), P), fold_in(X, P))


def test_known_target_labels_hold_their_rows():
    (X, Xd, Xt), (y, _, yt) = _apart(0)
    blind = TransitiveTransfer(random_state=0).fit(X, y, X_target=Xt, intermediate_domains=[Xd])
    told = np.where(np.arange(len(yt)) < 40, yt, -1)
    model = TransitiveTransfer(random_state=0).fit(X, y, X_target=Xt, y_target=told, intermediate_domains=[Xd])
    assert model.score(Xt[40:], yt[40:]) > blind.score(Xt[40:], yt[40:]) + 0.2


def test_columns_with_negative_values_are_split_or_shifted():
    rng = np.random.default_rng(0)
    y, yt = np.arange(90) % 3, rng.permutation(90) % 3
    centre = np.array([[2.0, 0, 1], [-2, 1, 1], [0, -2, 1]])
    X, Xt = centre[y] + 0.3 * rng.normal(size=(90, 3)), centre[yt] + 0.3 * rng.normal(size=(90, 3)) + 0.2
    split = TransitiveTransfer(random_state=0).fit(X, y, X_target=Xt)
    assert split.score(Xt, yt) > 0.95
    assert split.profiles_.shape == (3, 3 + int((np.minimum(X.min(0), Xt.min(0)) < 0).sum()))
    shifted = TransitiveTransfer(negative="shift", random_state=0).fit(X, y, X_target=Xt)
    assert shifted.profiles_.shape == (3, 3)
    assert np.isfinite(shifted.predict_proba(Xt - 10)).all()
    with pytest.raises(InputError, match="split"):
        TransitiveTransfer(negative="shift").fit(sparse.csr_matrix(X), y, X_target=sparse.csr_matrix(Xt))


def test_sparse_rows_give_the_same():
    (X, Xd, Xt), (y, _, _) = _apart(3)
    dense = TransitiveTransfer(random_state=0).fit(X, y, X_target=Xt, intermediate_domains=[Xd])
    thin, given = TransitiveTransfer(random_state=0), [sparse.csr_matrix(Xd)]
    thin.fit(sparse.csr_matrix(X), y, X_target=sparse.csr_matrix(Xt), intermediate_domains=given)
    np.testing.assert_allclose(thin.predict_proba(sparse.csr_matrix(Xt)), dense.predict_proba(Xt), atol=1e-6)


def test_without_a_middle_the_rows_near_the_border_are_taken():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.uniform(0, 4, size=(40, 1)), rng.uniform(2, 6, size=(20, 1))
    rows = border_samples(Xs, Xt, fraction=0.25)
    assert len(rows) == 15 and (rows < 40).sum() == 10
    assert Xs[rows[:10]].min() > np.sort(Xs[:, 0])[-11] and Xt[rows[10:] - 40].max() < np.sort(Xt[:, 0])[5]
    assert len(border_samples(Xs, Xt[:1])) == 21


def test_without_a_target_the_source_answers():
    (X, Xd, _), (y, _, _) = _apart(1)
    model = TransitiveTransfer().fit(X, y, intermediate_domains=[Xd])
    assert model.profiles_ is None
    np.testing.assert_array_equal(model.predict(X), model.source_estimator_.predict(X))


def test_first_guesses_of_a_learner_without_probabilities():
    (X, Xd, Xt), (y, _, yt) = _apart(2)
    model = TransitiveTransfer(estimator=RidgeClassifier(), random_state=0).fit(
        X, y, X_target=Xt, intermediate_domains=[Xd]
    )
    assert model.score(Xt, yt) > 0.9


def _line(rng, at, n=90):
    return rng.normal(at, size=(n, 2))


def test_six_features_of_known_domains():
    rng = np.random.default_rng(0)
    far = six_features(_line(rng, 0), _line(rng, 9), _line(rng, 0), random_state=0)
    assert far.shape == (6,)
    assert far[3] == far[4] == 2.0 and far[5] < 0.6
    thin = np.zeros((50, 10))
    thin[:, :6] = 1.0
    thin[0, 6:] = 1.0  # four of ten columns in one of fifty rows
    for make in (np.asarray, sparse.csr_matrix):
        table, full = make(thin), make(np.ones((50, 10)))
        np.testing.assert_allclose(six_features(table, full, full, random_state=0)[:3], [0.4, 0.0, 0.0])
    assert np.isfinite(six_features(thin[:1], thin, thin, random_state=0)).all()


def test_the_middle_is_chosen_by_its_longer_leg():
    rng = np.random.default_rng(0)
    Xs, Xt = _line(rng, 0), _line(rng, 3)
    candidates = {"beside the source": _line(rng, 0), "between": _line(rng, 1.5), "beyond": _line(rng, 7)}
    choice = choose_intermediate(Xs, candidates, Xt, random_state=0)
    assert choice.key == "between" and choice.scores.argmax() == 1
    np.testing.assert_allclose(choice.scores, -choice.features[:, 3:5].max(axis=1))
    assert choose_intermediate(Xs, list(candidates.values()), Xt, random_state=0).key == 1
    with pytest.raises(InputError, match="no candidate"):
        choose_intermediate(Xs, {}, Xt)


def test_a_model_of_outcomes_overrules_the_default():
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 2, size=(200, 6))
    model = fit_intermediate_estimator(features, features[:, 3] > 1)  # an odd world: far from the source is good
    assert model.score(features, features[:, 3] > 1) > 0.95
    candidates = {"between": _line(rng, 1.5), "beyond": _line(rng, 9)}
    choice = choose_intermediate(_line(rng, 0), candidates, _line(rng, 3), intermediate_estimator=model, random_state=0)
    assert choice.key == "beyond"
    np.testing.assert_allclose(choice.scores, model.predict_proba(choice.features)[:, 1])
    with pytest.raises(InputError, match="six"):
        fit_intermediate_estimator(features[:, :5], features[:, 3] > 1)
    with pytest.raises(InputError, match="equal"):
        fit_intermediate_estimator(features, np.ones(200))


@pytest.mark.parametrize("kind", [dict, list])
def test_the_estimator_chooses_among_candidates(kind):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 2
    X, Xt = (_line(rng, at) + 6 * y[:, None] * [1, -1] for at in (0, 3))
    tables = {"between": _line(rng, 1.5) + 6 * y[:, None] * [1, -1], "beyond": _line(rng, 30)}
    given = tables if kind is dict else list(tables.values())
    model = TransitiveTransfer(random_state=0).fit(X, y, X_target=Xt, intermediate_domains=given)
    assert model.chosen_intermediate_ == ("between" if kind is dict else 0)
    assert len(model.intermediate_domains_) == 2
    assert model.intermediate_features_.shape == (2, 6)
    assert model.intermediate_labels_.shape == (90,)
    with pytest.raises(InputError, match=r"intermediate_domains\['odd'\]"):
        TransitiveTransfer().fit(X, y, X_target=Xt, intermediate_domains={"odd": X[:, :1]})


def test_the_same_seed_gives_the_same_and_parameters_stay():
    (X, Xd, Xt), (y, _, _) = _apart(4)
    held = Xd.copy()
    one, two = (TransitiveTransfer(random_state=7).fit(X, y, X_target=Xt, intermediate_domains=[Xd]) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(Xt), two.predict_proba(Xt))
    np.testing.assert_array_equal(one.intermediate_domains_[0], held)
    np.testing.assert_array_equal(Xd, held)
    single = TransitiveTransfer(random_state=7).fit(X, y, X_target=Xt, intermediate_domains=Xd)
    np.testing.assert_array_equal(single.predict_proba(Xt), one.predict_proba(Xt))


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_with_other_settings():
    model = TransitiveTransfer(3, 1, estimator=LogisticRegression(C=0.1), negative="shift", max_iter=5, random_state=0)
    results = check_estimator(model, on_fail=None, on_skip=None)
    assert not [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")]
