import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from landbridge.data import shared_data
from landbridge.exceptions import LabelError
from landbridge.relation import ClassAffinity, class_affinity, fit_class_mean_prior, posterior_means
from landbridge.relation._class_affinity import shrink


def families(seed=0, n_classes=30, d=12, n_samples=30):
    """Classes in four families: means differ much between families, within them in three features only."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, d)) * 3
    means = centres[np.arange(n_classes) % 4] + rng.normal(size=(n_classes, d)) * np.where(np.arange(d) < 3, 1.5, 0.1)
    y = np.repeat(np.arange(n_classes), n_samples)
    return means[y] + rng.normal(size=(len(y), d)), y


def few_shot(X, y, new, shots, seed):
    rng = np.random.default_rng(seed)
    target = np.isin(y, new)
    Xt, yt = X[target], y[target]
    labelled = np.concatenate([rng.choice(np.flatnonzero(yt == c), shots, replace=False) for c in new])
    labels = np.full(len(yt), -1)
    labels[labelled] = yt[labelled]
    rest = np.setdiff1d(np.arange(len(yt)), labelled)
    return X[~target], y[~target], Xt, labels, labelled, rest, yt


def nearest_mean(X, labelled, y, rest):
    classes = np.unique(y[labelled])
    means = np.stack([X[labelled][y[labelled] == c].mean(axis=0) for c in classes])
    return classes[((X[rest][:, None] - means) ** 2).sum(axis=2).argmin(axis=1)]


def test_affinity_is_the_mean_probability():
    responses = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]])
    np.testing.assert_allclose(class_affinity(responses, np.array([1, 1, 0]), 2), [[0.1, 0.9], [0.7, 0.3]])


def test_posterior_means_agree_with_bayes_rule():
    rng = np.random.default_rng(0)
    Z, codes = rng.normal(size=(7, 3)), np.array([0, 0, 1, 1, 1, 0, 1])
    prior, t = rng.normal(size=(3, 3)), np.array([0.1, 1.0, 5.0])
    means, variances = posterior_means(Z, codes, prior, t)
    for k in range(3):
        for j in range(3):
            values = Z[codes == k, j]
            precision = 1 / t[j] + len(values)
            assert variances[k, j] == pytest.approx(1 / precision)
            assert means[k, j] == pytest.approx((prior[k, j] / t[j] + values.sum()) / precision)


def test_a_class_between_two_others_is_predicted_by_both():
    means = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    codes = np.repeat(np.arange(3), 50)
    Z = np.repeat(means, 50, axis=0)
    likelihood = -0.5 * ((Z[:, None] - means) ** 2).sum(axis=2)
    temperature, errors = fit_class_mean_prior(likelihood, codes, means, np.array([1.0]))
    assert temperature == 1.0
    np.testing.assert_allclose(errors[2], 0.0, atol=1e-12)
    assert errors[0, 0] < 0 < errors[1, 0]


def test_the_temperature_with_the_least_error_is_taken():
    means, temperatures = np.array([[-5.0], [5.0], [0.5], [1.5]]), np.array([0.01, 1.0, 100.0])
    likelihood = -0.5 * (means - means.T) ** 2
    losses = []
    for temperature in temperatures:
        loss = 0.0
        for s in range(4):
            others = np.where(np.arange(4) == s, -np.inf, likelihood[s] / temperature)
            p = np.exp(others - others.max())
            loss += (means[s] - p @ means / p.sum())[0] ** 2
        losses.append(loss)
    found, _ = fit_class_mean_prior(likelihood, np.arange(4), means, temperatures)
    assert found == temperatures[np.argmin(losses)]


def test_shrinking_keeps_the_trace():
    C = np.diag([4.0, 0.0])
    np.testing.assert_allclose(shrink(C, 1.0), 2 * np.eye(2))
    np.testing.assert_allclose(shrink(C, 0.5), np.diag([3.0, 1.0]))
    assert np.linalg.eigvalsh(shrink(C, 0.0)).min() > 0
    assert np.linalg.eigvalsh(shrink(np.zeros((2, 2)), 0.5)).min() > 0


@pytest.mark.parametrize("shots", [1, 2])
def test_new_classes_gain_from_those_they_resemble(shots):
    ours, alone = [], []
    for seed in range(5):
        X, y = families(seed)
        Xs, ys, Xt, labels, labelled, rest, yt = few_shot(X, y, np.arange(22, 30), shots, seed)
        model = ClassAffinity().fit(Xs, ys, X_target=Xt, y_target=labels)
        assert model.classes_.tolist() == list(range(22, 30))
        ours.append((model.predict(Xt[rest]) == yt[rest]).mean())
        alone.append((nearest_mean(Xt, labelled, yt, rest) == yt[rest]).mean())
    assert np.mean(ours) > np.mean(alone) + 0.02


def test_affinity_finds_the_family():
    X, y = families()
    Xs, ys, Xt, labels, *_ = few_shot(X, y, np.arange(26, 30), 5, 0)
    model = ClassAffinity().fit(Xs, ys, X_target=Xt, y_target=labels)
    np.testing.assert_allclose(model.affinity_.sum(axis=1), 1.0)
    for k, c in enumerate(model.classes_):
        assert model.affinity_[k, model.source_classes_ % 4 == c % 4].sum() > 0.9


def test_without_target_labels_it_is_a_discriminant_of_the_source():
    X, y = families()
    model = ClassAffinity().fit(X, y)
    assert model.classes_.tolist() == sorted(set(y.tolist()))
    np.testing.assert_allclose(model.means_, [X[y == c].mean(axis=0) for c in model.classes_], atol=1e-8)
    residuals = X - model.means_[y]
    np.testing.assert_allclose(model.covariance_, shrink(residuals.T @ residuals / len(X), 0.5))
    inverse = np.linalg.inv(model.covariance_)
    scores = X @ inverse @ model.means_.T - 0.5 * np.einsum("kd,de,ke->k", model.means_, inverse, model.means_)
    wanted = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(X), wanted / wanted.sum(axis=1, keepdims=True), atol=1e-8)


def test_known_classes_start_from_their_own_mean():
    X, y = families(n_classes=4)
    labels = np.full(len(y), -1)
    labels[:3] = y[:3]
    model = ClassAffinity(prior_strength=1e6).fit(X, y, X_target=X + 1.0, y_target=labels)
    np.testing.assert_array_equal(model.affinity_, np.eye(4))
    np.testing.assert_allclose(model.means_, model.source_means_, atol=1e-2)
    loose = ClassAffinity(prior_strength=1e-6).fit(X, y, X_target=X + 1.0, y_target=labels)
    np.testing.assert_allclose(loose.means_[0], X[:3].mean(axis=0) + 1.0, atol=1e-2)
    np.testing.assert_allclose(loose.means_[1:], loose.source_means_[1:], atol=1e-8)


def test_old_and_new_classes_together():
    X, y = families(n_classes=6)
    source = y < 5
    labelled = np.flatnonzero((np.arange(len(y)) % 30 < 2) & np.isin(y, [0, 5]))
    model = ClassAffinity().fit(X[source], y[source], X_target=X[labelled], y_target=y[labelled])
    assert model.classes_.tolist() == [0, 5]
    np.testing.assert_array_equal(model.affinity_[0], np.eye(5)[0])
    scores = model.decision_function(X)
    assert scores.shape == (len(X),)
    np.testing.assert_array_equal(scores > 0, model.predict(X) == 5)


def test_words_and_missing_labels():
    X, y = families(n_classes=4)
    names = np.array(["cat", "dog", "ant", "bee"])[y]
    labels = np.full(len(y), None, dtype=object)
    labels[[0, 31]] = ["tiger", "wolf"]
    model = ClassAffinity().fit(X, names, X_target=X, y_target=labels)
    assert model.classes_.tolist() == ["tiger", "wolf"]
    with pytest.raises(LabelError, match="one class only, 'tiger'"):
        ClassAffinity().fit(X, names, X_target=X[:1], y_target=["tiger"])


def test_adapting_equals_fitting_and_copies_agree():
    X, y = families()
    Xs, ys, Xt, labels, *_ = few_shot(X, y, np.arange(26, 30), 2, 0)
    direct = ClassAffinity().fit(Xs, ys, X_target=Xt, y_target=labels)
    later = pickle.loads(pickle.dumps(ClassAffinity().fit(Xs, ys))).adapt(Xt, labels)
    np.testing.assert_array_equal(direct.predict_proba(Xt), later.predict_proba(Xt))
    np.testing.assert_array_equal(later.adapt(Xs).classes_, np.unique(ys))
    again = clone(direct).fit(Xs, ys, X_target=Xt, y_target=labels)
    np.testing.assert_array_equal(direct.predict_proba(Xt), again.predict_proba(Xt))


def test_a_constant_feature_is_harmless():
    X, y = families(n_classes=4)
    X[:, 0] = 7.0
    model = ClassAffinity(shrinkage=0.0).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert (model.predict(X) == y).mean() > 0.9


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("params", [{}, {"prior_strength": 3.0, "shrinkage": 0.1}])
def test_scikit_learn_checks(params):
    results = check_estimator(ClassAffinity(**params), on_fail=None, on_skip=None)
    assert not [r for r in results if r["status"] not in ("passed", "skipped")]


@pytest.mark.data
@pytest.mark.slow
def test_new_letters_from_other_alphabets():
    path = shared_data("omniglot_background.npz")
    if path is None:
        pytest.skip("the shared data are absent")
    with np.load(path) as z:
        alphabet, y = z["background_alphabet"], z["background_char"]
        kept = np.flatnonzero(alphabet < 10)
        ink = np.unpackbits(z["background_ink_packed"][kept], axis=-1)[:, : 105 * 105].reshape(-1, 15, 7, 15, 7)
    X, alphabet, y = ink.mean(axis=(2, 4)).reshape(len(kept), -1), alphabet[kept], y[kept]
    ours, alone = [], []
    for new in range(4):
        letters = np.unique(y[alphabet == new])[:15]
        used = (alphabet != new) | np.isin(y, letters)
        Xs, ys, Xt, labels, labelled, rest, yt = few_shot(X[used], y[used], letters, 1, new)
        model = ClassAffinity().fit(Xs, ys, X_target=Xt, y_target=labels)
        ours.append((model.predict(Xt[rest]) == yt[rest]).mean())
        alone.append((nearest_mean(Xt, labelled, yt, rest) == yt[rest]).mean())
    assert np.mean(ours) > np.mean(alone) + 0.03
