"""Cross-validation of candidates: refitted where labels are learned from, and only there."""

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from landbridge import Domain
from landbridge.candidates import CandidateSpec, compose, find_strategy
from landbridge.feature import CORAL, FeatureAugmentation
from landbridge.problem import Arguments, Sides
from landbridge.runner import scores_on_splits
from landbridge.runner._cross_validation import validate_on_splits
from landbridge.runner._fit import fit_candidate

rng = np.random.default_rng(0)
X, Z = rng.normal(size=(80, 2)), rng.normal(size=(60, 2)) + 2
Y, W = (X[:, 0] > 0).astype(int), (Z[:, 0] > 2).astype(int)


class Counting(LogisticRegression):
    """Counts its fits."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        Counting.fits += 1
        return super().fit(X, y, sample_weight)


def _problem(y=Y, w=W, **given):
    sides = Sides((X, y), (Z, w), Arguments.of(**given))
    return find_strategy(sides).read(sides)


def test_a_method_that_reads_no_labels_is_fitted_once():
    problem = _problem()
    spec = CandidateSpec("CORAL", "feature", compose(CORAL(), Counting()), "")
    Counting.fits = 0
    fitted = fit_candidate(spec, spec.model, problem, part="all")
    scores = scores_on_splits(spec, spec.model, fitted, problem)
    assert Counting.fits == 1 and scores.shape == (len(problem.splits.splits),)
    train, test = problem.splits.splits[0]
    expected = np.mean(fitted.predict(problem.target.frame()[problem.splits.indices[test]]) == W[test])
    assert scores[0] == expected and len(train) + len(test) == 60


def test_a_method_that_reads_labels_never_sees_those_it_is_scored_on():
    """With labels at random, a method that saw them would be right more often than by chance."""
    noise = np.random.default_rng(1).integers(2, size=60)
    problem = _problem(w=noise)
    spec = CandidateSpec(
        "FeatureAugmentation", "feature", compose(FeatureAugmentation(Counting(C=1e6)), LogisticRegression()), ""
    )
    Counting.fits = 0
    scores = scores_on_splits(spec, spec.model, None, problem)
    assert Counting.fits == len(problem.splits.splits)
    assert abs(scores.mean() - 0.5) < 0.15


def test_target_only_uses_no_source():
    problem = _problem(y=1 - Y)
    spec = CandidateSpec("target-only", "baseline", Counting(), "", role="target-only", fit_on="target")
    assert scores_on_splits(spec, spec.model, None, problem).mean() > 0.9


def test_regression_is_scored_against_the_variance_of_all_labels():
    problem = _problem(y=X[:, 0] * 2.5, w=Z[:, 0] * 2.5)
    spec = CandidateSpec("target-only", "baseline", Ridge(1e-9), "", role="target-only", fit_on="target")
    np.testing.assert_allclose(scores_on_splits(spec, spec.model, None, problem), 1.0, atol=1e-6)


def test_a_person_of_both_domains_is_on_one_side():
    """Labels at random per person: a model that knew the persons from the source would be right."""
    g = np.random.default_rng(3)
    persons = np.repeat(np.arange(20), 4)
    place, label = g.normal(size=(20, 5)), g.integers(2, size=20)
    A, B = (place[persons] + 0.01 * g.normal(size=(80, 5)) for _ in range(2))
    spec = CandidateSpec("source-only", "baseline", KNeighborsClassifier(1), "", role="source-only")
    found = []
    for groups in (persons, None):
        sides = Sides(
            Domain(A, label[persons], groups=groups), Domain(B, label[persons], groups=persons), Arguments.of()
        )
        problem = find_strategy(sides).read(sides)
        fitted = fit_candidate(spec, spec.model, problem, part="all")
        found.append(scores_on_splits(spec, spec.model, fitted, problem).mean())
    assert found[0] < 0.75 and found[1] == 1.0


def test_predictions_are_kept_and_scored_by_the_scorer():
    problem = _problem(scoring="roc_auc")
    spec = CandidateSpec("target-only", "baseline", LogisticRegression(), "", role="target-only", fit_on="target")
    found = validate_on_splits(spec, spec.model, None, problem)
    assert found.predicted.shape == (60,) and found.proba.shape == (60, 2)
    assert np.mean(found.predicted == W) > 0.85
    _, test = problem.splits.splits[0]
    assert found.scores[0] == roc_auc_score(W[test], found.proba[test, 1])


def test_the_twin_of_a_held_out_sample_is_not_in_the_source():
    """Of labels at random, a nearest neighbour knows all whose sample it has seen, and half of the others."""
    noise = np.random.default_rng(2).integers(2, size=80)
    sides = Sides((X, noise), (X[:60], noise[:60]), Arguments.of())
    problem = find_strategy(sides).read(sides)
    spec = CandidateSpec("CORAL", "feature", compose(CORAL(), KNeighborsClassifier(1)), "")
    fitted = fit_candidate(spec, spec.model, problem, part="all")
    assert abs(scores_on_splits(spec, spec.model, fitted, problem).mean() - 0.5) < 0.2
