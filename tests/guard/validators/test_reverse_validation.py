import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score

from landbridge import Domain, make_pipeline
from landbridge.data import make_shift
from landbridge.feature import CORAL
from landbridge.guard import reverse_validation


def test_a_good_transfer_comes_back():
    source, target = make_shift("translation", random_state=0)
    model = make_pipeline(CORAL(center=True), LogisticRegression())
    model.fit(source.X, source.y, X_target=target.X)
    assert reverse_validation(model, source, target.without_labels()).value > 0.95


def test_lost_labels_do_not():
    source, target = make_shift("translation", random_state=0)
    good = LogisticRegression().fit(source.X, source.y)
    scrambled = LogisticRegression().fit(source.X, np.random.default_rng(0).permutation(source.y))
    assert reverse_validation(scrambled, source, target).value < reverse_validation(good, source, target).value


def test_collapse_counts_as_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2))
    y = (X[:, 0] > 0).astype(int)
    model = LogisticRegression().fit(X, y)
    measured = reverse_validation(model, Domain(X, y), Domain(X + np.array([50.0, 0.0])))
    assert measured.value == 0.0 and measured.details["collapsed"]


def test_swapped_labels_deceive_it():
    """Stated in its notes, and the reason for the guard's test of label shift: a mapping that swaps classes."""
    source, target = make_shift("label", random_state=0)
    model = make_pipeline(CORAL(center=True), LogisticRegression())
    model.fit(source.X, source.y, X_target=target.X)
    assert np.mean(model.predict(target.X) == target.y) < 0.5
    assert reverse_validation(model, source, target.without_labels()).value > 0.6


def test_accuracy_is_averaged_over_the_classes():
    """Nine in ten source samples are of one class, and the reverse model errs on the other."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = (X[:, 0] > 1.3).astype(int)
    source, target = Domain(X, y), Domain(rng.normal(size=(100, 2)) + np.array([0.3, 0.0]))
    model = LogisticRegression().fit(X, y)
    reverse = LogisticRegression().fit(target.X, model.predict(target.X)).predict(X)
    assert np.mean(reverse == y) > balanced_accuracy_score(y, reverse) + 0.05
    found = reverse_validation(model, source, target, n_bootstrap=200, random_state=0)
    assert found.value == pytest.approx(balanced_accuracy_score(y, reverse))
    assert found.low < found.value < found.high


def test_values_by_r2():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(80, 2)), rng.normal(size=(60, 2)) + 1
    y = X @ [1.0, 2.0] + rng.normal(size=80)
    model = Ridge().fit(X, y)
    reverse = Ridge().fit(Z, model.predict(Z)).predict(X)
    assert reverse_validation(model, Domain(X, y), Domain(Z)).value == pytest.approx(r2_score(y, reverse))
