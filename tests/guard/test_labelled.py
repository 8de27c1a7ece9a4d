import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from landbridge import Domain, make_pipeline
from landbridge.guard import LabelledSplits, nested_gain, scores_on_splits, try_model
from landbridge.guard._labelled import reads_labels
from landbridge.instance import KMM, MultiSourceTrAdaBoost
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


def test_folds_fit_the_rarest_class():
    folds = LabelledSplits(np.arange(10), np.array([0] * 7 + [1] * 3), regression=False)
    assert folds.test_fraction == pytest.approx(1 / 3)
    for train, test in folds.splits:
        assert set(folds.labels[test]) == {0, 1} and set(folds.labels[train]) == {0, 1}


def test_test_labels_are_never_seen():
    """Random labels cannot be predicted above chance, unless held-out labels leak into the fit."""
    rng = np.random.default_rng(0)
    Xs, ys = rng.normal(size=(40, 30)), rng.integers(2, size=40)
    Xt, yt = rng.normal(size=(60, 30)), rng.integers(2, size=60)
    folds = LabelledSplits(np.arange(60), yt, regression=False, n_repeats=4)
    got = scores_on_splits(SourcePriorLogistic(prior_strength=1e-3), None, Xs, ys, Xt, folds)
    assert got.mean() < 0.65
    alone = scores_on_splits(LogisticRegression(), None, Xs, ys, Xt, folds, target_only=True)
    assert alone.mean() < 0.65


def test_reads_labels():
    from landbridge import make_pipeline
    from landbridge.feature import CORAL

    assert reads_labels(SourcePriorLogistic())
    assert not reads_labels(KMM())
    assert not reads_labels(make_pipeline(CORAL(), LogisticRegression()))
    assert not reads_labels(LogisticRegression())


def test_several_sources_are_told_apart():
    """A model that knows several sources is given them, in the fit and in every split."""
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(200, 2)), rng.normal(size=(60, 2))
    origin = np.repeat(["good", "bad"], 100)
    y = np.where(origin == "good", X[:, 0] > 0, X[:, 0] < 0).astype(int)
    target = Domain(Xt, np.where(np.arange(60) < 24, (Xt[:, 0] > 0).astype(int), -1))
    source = Domain(X, y, source_domain=origin)
    folds = LabelledSplits(np.arange(24), target.y[:24], regression=False)
    pipeline = make_pipeline(StandardScaler(), MultiSourceTrAdaBoost(n_estimators=3))
    trial = try_model("boost", "instance", pipeline, source, target, folds=folds, random_state=0)
    assert not trial.error
    assert set(trial.model[-1].source_domains_) == {"good", "bad"}
