"""TargetShift: class shares from kernel means, weights per class, and where it must fail."""

import numpy as np
import pytest

from landbridge.data import make_shift
from landbridge.instance import TargetShift, target_shares


def test_exact_where_the_target_is_a_mixture_of_the_class_means():
    rng = np.random.default_rng(0)
    features, codes = rng.normal(size=(60, 40)), np.arange(60) % 3
    rows = np.concatenate([np.repeat(np.flatnonzero(codes == c), k) for c, k in enumerate((1, 2, 5))])
    np.testing.assert_allclose(target_shares(features, codes, features[rows]), [0.125, 0.25, 0.625], atol=1e-6)


@pytest.mark.parametrize("shares", [[0.98, 0.02], [0.3, 0.7]])
def test_shares_and_weights_under_label_shift(shares):
    source, target = make_shift("label", source_shares=[0.5, 0.5], target_shares=shares, random_state=0)
    model = TargetShift(random_state=0).fit(source.X, source.y, X_target=target.X)
    np.testing.assert_allclose(model.target_priors_, shares, atol=0.04)
    for c in (0, 1):
        expected = model.target_priors_[c] / model.source_priors_[c]
        np.testing.assert_allclose(model.source_weights_[source.y == c], expected, rtol=1e-9)


def test_three_classes():
    source, target = make_shift("label", n_classes=3, target_shares=[0.1, 0.2, 0.7], random_state=0)
    model = TargetShift(random_state=0).fit(source.X, source.y, X_target=target.X)
    np.testing.assert_allclose(model.target_priors_, [0.1, 0.2, 0.7], atol=0.05)


def test_moved_features_mislead_it():
    source, target = make_shift("label+concept", source_shares=[0.5, 0.5], target_shares=[0.9, 0.1], random_state=0)
    model = TargetShift(random_state=0).fit(source.X, source.y, X_target=target.X)
    assert model.target_priors_[0] < 0.6
