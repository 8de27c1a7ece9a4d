import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from landbridge import make_pipeline
from landbridge.exceptions import InputError
from landbridge.guard import LabelledSplits, corrected_gain, fit_transfer, nested_gain, scores_on_splits
from landbridge.instance import MultiSourceTrAdaBoost
from landbridge.parameter import SourcePriorLogistic


def test_nested_gain_is_free_of_the_winners_curse():
    """Twenty useless candidates: picking the luckiest looks like a gain, unless the choice is nested."""
    rng = np.random.default_rng(0)
    curse, honest = [], []
    for _ in range(200):
        s = rng.normal(0.5, 0.1, size=(21, 10))
        curse.append(s[1:].mean(1).max() - s[0].mean())
        honest.append(nested_gain(s, [0], range(1, 21), 0.2).value)
    assert np.mean(curse) > 0.04
    assert abs(np.mean(honest)) < 0.015


def test_splits_fit_the_rarest_class():
    splits = LabelledSplits(np.arange(10), np.array([0] * 7 + [1] * 3), regression=False)
    assert splits.test_fraction == pytest.approx(1 / 3)
    for train, test in splits.splits:
        assert set(splits.labels[test]) == {0, 1} and set(splits.labels[train]) == {0, 1}


def test_test_labels_are_never_seen():
    """Random labels cannot be predicted above chance, unless held-out labels leak into the fit."""
    rng = np.random.default_rng(0)
    Xs, ys = rng.normal(size=(40, 30)), rng.integers(2, size=40)
    Xt, yt = rng.normal(size=(60, 30)), rng.integers(2, size=60)
    splits = LabelledSplits(np.arange(60), yt, regression=False, n_repeats=4)
    got = scores_on_splits(SourcePriorLogistic(prior_strength=1e-3), None, Xs, ys, Xt, splits)
    assert got.mean() < 0.65
    alone = scores_on_splits(LogisticRegression(), None, Xs, ys, Xt, splits, target_only=True)
    assert alone.mean() < 0.65


def test_several_sources_reach_the_fit_of_every_split():
    """A model that reads several sources is given them, in the fit and in every split."""
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(200, 2)), rng.normal(size=(60, 2))
    origin = np.repeat(["good", "bad"], 100)
    y = np.where(origin == "good", X[:, 0] > 0, X[:, 0] < 0).astype(int)
    yt = (Xt[:24, 0] > 0).astype(int)
    splits = LabelledSplits(np.arange(24), yt, regression=False, random_state=0)
    seen = []

    class Watched(MultiSourceTrAdaBoost):
        """Keeps the sources of each fit."""

        def fit(self, X, y=None, **given):
            seen.append(set(given["source_domain"]))
            return super().fit(X, y, **given)

    pipeline = make_pipeline(StandardScaler(), MultiSourceTrAdaBoost(n_estimators=3))
    all_labels = np.concatenate([yt, np.full(36, -1)])
    fitted = fit_transfer(clone(pipeline), X, y, Xt, all_labels, source_domain=origin)
    assert set(fitted[-1].source_domains_) == {"good", "bad"}
    scores = scores_on_splits(Watched(n_estimators=3), None, X, y, Xt, splits, source_domain=origin)
    assert seen == [{"good", "bad"}] * 10 and scores.mean() > 0.7


@pytest.mark.parametrize("regression", [False, True])
def test_no_group_is_on_both_sides_of_a_split(regression):
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(15), 4))
    labels = rng.normal(size=60) if regression else rng.integers(2, size=60)
    splits = LabelledSplits(np.arange(60), labels, regression=regression, groups=groups, n_repeats=3, random_state=0)
    assert len(splits.splits) == 15 and splits.test_fraction == 0.2
    for train, test in splits.splits:
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(60)) and len(test)
    for repeat in range(3):
        tested = np.concatenate([test for _, test in splits.splits[5 * repeat : 5 * repeat + 5]])
        assert sorted(tested) == list(range(60))
    assert any(not np.array_equal(a[1], b[1]) for a, b in zip(splits.splits[:5], splits.splits[5:10], strict=True))


def test_equal_folds_are_not_repeated():
    """Two groups can be held out in one way only; the second repeat would count the same scores twice."""
    for regression in (False, True):
        how = {"regression": regression, "groups": np.repeat([0, 1], 5), "n_repeats": 7}
        splits = LabelledSplits(np.arange(10), np.arange(10) % 2, **how).splits
        assert sorted(test.tolist() for _, test in splits) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_groups_are_stratified():
    """Ten groups of five samples; each split holds out two groups, and every class is on both sides."""
    labels, groups = np.repeat([0, 1], [40, 10]), np.repeat(np.arange(10), 5)
    splits = LabelledSplits(
        np.arange(50), labels, regression=False, groups=groups, n_splits=2, n_repeats=20, random_state=1
    )
    assert len(splits.splits) > 10
    for train, test in splits.splits:
        assert set(labels[train]) == set(labels[test]) == {0, 1}


def test_fewer_folds_where_there_are_fewer_groups():
    splits = LabelledSplits(np.arange(30), np.arange(30) % 2, regression=False, groups=np.arange(30) // 10)
    assert len(splits.splits) == 3 and splits.test_fraction == pytest.approx(1 / 3)


def test_a_class_of_one_group_leaves_no_split_empty():
    labels = np.repeat([0, 1, 2], [10, 10, 1])
    for groups in (np.repeat([0, 1], [10, 11]), np.repeat(np.arange(7), 3)):
        splits = LabelledSplits(np.arange(21), labels, regression=False, groups=groups, random_state=0)
        assert all(len(train) and len(test) for train, test in splits.splits)


@pytest.mark.parametrize(
    ("groups", "message"), [([1, 2], "groups has 2 entries for 8 labelled samples"), ([1] * 8, "a single group")]
)
def test_groups_at_fault_are_named(groups, message):
    with pytest.raises(InputError, match=message) as caught:
        LabelledSplits(np.arange(8), np.arange(8) % 2, regression=False, groups=groups)
    assert "\n" not in str(caught.value)


def test_splits_repeat_by_their_seed_with_and_without_groups():
    for groups in (None, np.arange(40) // 4):
        one, two, other = (
            LabelledSplits(np.arange(40), np.arange(40) % 2, regression=False, groups=groups, random_state=s).splits
            for s in (0, 0, 1)
        )
        assert all(np.array_equal(a[1], b[1]) for a, b in zip(one, two, strict=True))
        assert not all(np.array_equal(a[1], b[1]) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("n", "regression", "folds"), [(6, False, 3), (6, True, 5), (3, True, 3), (40, False, 5)])
def test_number_of_folds(n, regression, folds):
    splits = LabelledSplits(np.arange(n), np.arange(n) % 2, regression=regression)
    assert len(splits.splits) == 2 * folds and splits.test_fraction == 1 / folds


def test_scores_by_hand():
    """Accuracy of the test samples; R² by the variance of all labelled samples."""

    class Fixed:
        def predict(self, X):
            return X[:, 0]

    Xt = np.array([[0.0], [1.0], [1.0], [0.0], [5.0]])
    splits = LabelledSplits(np.arange(4), np.array([0, 1, 0, 1]), regression=False, n_splits=2, n_repeats=1)
    splits.splits = [(np.array([2, 3]), np.array([0, 1])), (np.array([0, 1]), np.array([1, 2]))]
    got = scores_on_splits(LogisticRegression(), Fixed(), Xt, None, Xt, splits)
    assert got.tolist() == [1.0, 0.5]
    values = LabelledSplits(np.arange(4), np.array([0.0, 2.0, 1.0, 1.0]), regression=True, n_splits=2, n_repeats=1)
    values.splits = splits.splits
    got = scores_on_splits(Ridge(), Fixed(), Xt, None, Xt, values)
    assert got.tolist() == [0.0, 0.0]  # mean squared error 1/2, variance 1/2


def test_the_choice_is_made_without_the_split_it_is_scored_on():
    """Each of two candidates is best on one split, and chosen on the other."""
    scores = np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    expected = corrected_gain([0.2 - 0.5, 0.1 - 0.5], 0.5)
    assert nested_gain(scores, [0], [1, 2], 0.5) == expected
    two_baselines = np.array([[0.5, 0.4], [0.3, 0.6], [0.9, 0.9]])
    assert nested_gain(two_baselines, [0, 1], [2], 0.5) == corrected_gain([0.9 - 0.3, 0.9 - 0.4], 0.5)


def test_training_samples_of_one_class_predict_that_class():
    splits = LabelledSplits(np.arange(4), np.array([0, 0, 1, 1]), regression=False, n_splits=2, n_repeats=1)
    splits.splits = [(np.array([0, 1]), np.array([2, 3])), (np.array([0, 2]), np.array([1, 3]))]
    X = np.array([[0.0], [0.0], [9.0], [9.0]])
    assert scores_on_splits(LogisticRegression(), None, X, None, X, splits, target_only=True).tolist() == [0.0, 1.0]
