import numpy as np
from sklearn.linear_model import LogisticRegression

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
