"""ALE: the ranking loss by hand and by finite differences, classes that were never seen, repeatable."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from landbridge.exceptions import InputError
from landbridge.zeroshot import generalised_accuracy
from landbridge.zeroshot._ale import ALE, ranking_loss


def animals(noise=0.4, n=40, seed=0, n_classes=20, n_attributes=12, d=30):
    """Samples that are linear in the binary attributes of their class; the last five classes are unseen."""
    rng = np.random.default_rng(seed)
    S = (rng.uniform(size=(n_classes, n_attributes)) < 0.5).astype(float)
    y = np.repeat(np.arange(n_classes), n)
    X = S[y] @ rng.normal(size=(n_attributes, d)) + noise * rng.normal(size=(len(y), d))
    return X, y, {c: S[c] for c in range(n_classes)}


@pytest.mark.parametrize(
    "settings", [{}, {"candidate_classes": "all", "alpha": 0.0, "batch_size": 7}], ids=["plain", "all"]
)
def test_scikit_learn_contract(settings):
    check_estimator(ALE(**settings), on_fail="raise", on_skip=None)


def test_the_loss_is_its_definition_sample_by_sample():
    rng = np.random.default_rng(0)
    scores, codes = 2 * rng.normal(size=(30, 7)), rng.integers(0, 7, 30)
    total = 0.0
    for sample, right in zip(scores, codes, strict=True):
        hinges = [max(0.0, 0.7 + sample[c] - sample[right]) for c in range(7) if c != right]
        rank = sum(h > 0 for h in hinges)
        if rank:
            total += sum(1 / k for k in range(1, rank + 1)) / rank * sum(hinges)
    assert ranking_loss(scores, codes, 0.7)[0] == pytest.approx(total / 30, rel=1e-12)


def test_the_gradient_agrees_with_finite_differences():
    rng = np.random.default_rng(1)
    scores, codes = rng.normal(size=(9, 6)), rng.integers(0, 6, 9)
    gradient = ranking_loss(scores, codes)[1]
    step = 1e-7  # the loss is piecewise linear, so that this is exact but for rounding
    for i in range(9):
        for c in range(6):
            high, low = scores.copy(), scores.copy()
            high[i, c] += step
            low[i, c] -= step
            slope = (ranking_loss(high, codes)[0] - ranking_loss(low, codes)[0]) / (2 * step)
            assert gradient[i, c] == pytest.approx(slope, abs=1e-6)
    np.testing.assert_allclose(gradient.sum(axis=1), 0.0, atol=1e-15)


def test_samples_beyond_the_margin_have_no_loss():
    loss, gradient = ranking_loss(np.array([[3.0, 1.9, 0.0], [0.0, 0.0, 5.0]]), np.array([0, 2]))
    assert loss == 0.0
    assert not gradient.any()


def test_unseen_classes_are_predicted():
    X, y, attributes = animals()
    seen = y < 15
    model = ALE(random_state=0).fit(X[seen], y[seen], attributes=attributes)
    assert set(model.classes_) == set(range(15, 20))
    assert model.score(X[~seen], y[~seen]) > 0.7
    assert model.losses_[-1] < 0.2 * model.losses_[0]
    assert ALE(random_state=0).fit(X[seen], y[seen]).score(X[seen], y[seen]) > 0.9


def test_ranking_beats_the_same_descent_with_labels_shuffled():
    X, y, attributes = animals()
    seen = y < 15
    shuffled = np.random.default_rng(0).permutation(y[seen])
    model = ALE(random_state=0).fit(X[seen], shuffled, attributes=attributes)
    assert model.score(X[~seen], y[~seen]) < 0.5


def test_the_same_seed_gives_the_same_bits():
    X, y, attributes = animals(n=10)
    one, two = (ALE(random_state=3).fit(X, y, attributes=attributes) for _ in range(2))
    other = clone(one).set_params(random_state=4).fit(X, y, attributes=attributes)
    np.testing.assert_array_equal(one.weights_, two.weights_)
    assert not np.array_equal(one.weights_, other.weights_)
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(again.decision_function(X), one.decision_function(X))


def test_scores_do_not_depend_on_units_or_on_a_shift_of_the_attributes():
    X, y, attributes = animals(n=10)
    seen = y < 15
    plain = ALE(random_state=0).fit(X[seen], y[seen], attributes=attributes)
    moved = {c: 4.0 * v + 3.0 for c, v in attributes.items()}
    other = ALE(random_state=0).fit(100 * X[seen] - 7, y[seen], attributes=moved)
    np.testing.assert_allclose(other.decision_function(100 * X - 7), plain.decision_function(X), atol=1e-8)


def test_a_penalty_found_on_seen_classes_helps_unseen_ones():
    before, after = [], []
    for seed in range(3):
        X, y, attributes = animals(noise=3.0, seed=seed)
        train = (y < 15) & (np.random.default_rng(1).uniform(size=len(y)) < 0.7)
        for penalty, found in ((0.0, before), ("auto", after)):
            model = ALE(candidate_classes="all", seen_class_penalty=penalty, random_state=0)
            model.fit(X[train], y[train], attributes=attributes)
            found.append(generalised_accuracy(model.predict(X[~train]), y[~train], model.seen_))
    assert np.mean([a.unseen for a in after]) > np.mean([b.unseen for b in before])
    assert np.mean([a.harmonic for a in after]) > np.mean([b.harmonic for b in before])


def test_a_class_without_attributes_is_named():
    with pytest.raises(InputError, match="lacks the class 1"):
        ALE().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1], attributes={0: [1.0]})
