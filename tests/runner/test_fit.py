"""Fitting of one candidate: on both domains, on labelled target samples, or from a source model."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from landbridge.candidates import CandidateSpec, compose, find_strategy
from landbridge.feature import FeatureAugmentation
from landbridge.problem import Arguments, Sides
from landbridge.runner._fit import fit_candidate, unfitted

rng = np.random.default_rng(0)
X, Z = rng.normal(size=(60, 2)), rng.normal(size=(40, 2))
Y, W = (X[:, 0] > 0).astype(int), (Z[:, 1] > 0).astype(int)


class Seeded(LogisticRegression):
    """Keeps its data."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = (np.asarray(X).copy(), np.asarray(y).copy())
        return super().fit(X, y, sample_weight)


def _problem():
    sides = Sides((X, Y), (Z, W), Arguments.of())
    return find_strategy(sides).read(sides)


def test_target_only_uses_the_kept_labels_alone():
    spec = CandidateSpec("target-only", "baseline", Seeded(), "", fit_on="target")
    keep = np.array([0, 3, 5, 8, 9, 12])
    seen = fit_candidate(spec, spec.model, _problem(), part="0", keep=keep).seen_
    np.testing.assert_array_equal(seen[0], Z[keep])
    np.testing.assert_array_equal(seen[1], W[keep])
    assert not hasattr(spec.model, "seen_")


def test_other_labels_are_masked():
    spec = CandidateSpec("A", "feature", compose(FeatureAugmentation(Seeded()), LogisticRegression()), "")
    some = fit_candidate(spec, spec.model, _problem(), part="0", keep=np.arange(10))
    everything = fit_candidate(spec, spec.model, _problem(), part="all")
    assert len(some[-1].estimator_.seen_[1]) == 70 and len(everything[-1].estimator_.seen_[1]) == 100


def test_splits_are_reseeded():
    spec = CandidateSpec("A", "parameter", Seeded(random_state=5), "", fit_on="target", reseed=True)
    problem = _problem()
    states = [fit_candidate(spec, spec.model, problem, part=p).random_state for p in ("all", "0", "3")]
    assert states == [5, 5, 8]


def test_a_model_is_prepared_when_it_is_tried():
    spec = CandidateSpec("A", "feature", None, "", prepare=lambda: Seeded(C=7.0))
    assert unfitted(spec, _problem()).C == 7.0
