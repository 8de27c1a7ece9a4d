"""Measurements of evidence: bootstrap means, significance, Stouffer's method, what is collected by default."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from landbridge import Domain
from landbridge.guard import (
    Evidence,
    EvidenceKind,
    bootstrap_indices,
    collect_evidence,
    is_significant,
    reverse_validation,
    standard_error,
    stouffer_p_value,
    weighted_mean,
)
from landbridge.measurement import Measurement


@pytest.mark.parametrize(
    ("value", "p", "significant"),
    [(0.1, 0.25, True), (0.1, 0.26, False), (0.0, 0.0, False), (-0.1, 0.0, False), (0.1, None, False)],
)
def test_significance(value, p, significant):
    gain = Measurement("gain", value, p_value=p)
    assert is_significant(gain, 0.75) is significant
    assert Evidence(EvidenceKind.ENSEMBLE, gain, "").is_significant(0.75) is significant


def test_weighted_mean_by_hand():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(0.05, 1.0, 60), rng.gamma(1.0, size=60)
    resamples = bootstrap_indices(60, 3)
    got = weighted_mean(values, resamples, weights=weights, name="gain", null=0.0)
    means = [np.average(values[r], weights=weights[r]) for r in resamples]
    assert got.value == pytest.approx(np.average(values, weights=weights))
    assert (got.low, got.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert got.p_value == pytest.approx((1 + np.sum(np.array(means) <= 0)) / 501)


def test_without_a_null_there_is_no_p_value():
    got = weighted_mean(np.arange(4.0), bootstrap_indices(4, 0))
    assert got.value == 1.5 and got.p_value is None and got.name == "estimate"


def test_five_hundred_resamples_with_replacement_repeat_by_their_seed():
    one = bootstrap_indices(30, 1)
    assert one.shape == (500, 30) and one.max() == 29 and len(np.unique(one[0])) < 30
    assert np.array_equal(one, bootstrap_indices(30, 1)) and not np.array_equal(one, bootstrap_indices(30, 2))


def test_stouffer():
    assert stouffer_p_value([0.0, 0.0]) == 0.5
    assert stouffer_p_value([2.0]) == pytest.approx(norm.sf(2.0))
    assert stouffer_p_value([2.0, -1.0, 1.5]) == pytest.approx(norm.sf(2.5 / np.sqrt(3)))


def test_evidence_is_frozen_and_kinds_are_strings():
    evidence = Evidence(EvidenceKind.SEPARATION, Measurement("gain", 0.1), "one sentence")
    with pytest.raises(dataclasses.FrozenInstanceError):
        evidence.assumption = "another"
    assert EvidenceKind("target labels") is EvidenceKind.TARGET_LABELS
    assert len(set(EvidenceKind)) == 10


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    return Domain(X, (X[:, 0] > 0).astype(int)), Domain(X + 0.2, (X[:, 0] < 0).astype(int))


def test_reverse_validation_alone_is_collected_and_sees_no_target_label(pair, monkeypatch):
    source, target = pair
    model = LogisticRegression().fit(source.X, source.y)
    found = collect_evidence(model, source, target)
    assert list(found) == [EvidenceKind.REVERSE_VALIDATION]
    assert found[EvidenceKind.REVERSE_VALIDATION] == reverse_validation(model, source, target.without_labels())
    given = []

    def watch(fitted, source, target, **_):
        given.append(target.y)
        return Measurement("reverse", 0.5)

    monkeypatch.setattr("landbridge.guard._evidence.reverse_validation", watch)
    collect_evidence(model, source, target)
    assert given == [None]


class Stub(ClassifierMixin, BaseEstimator):
    """Predicts what it is given, and fails in a second fit on demand."""

    def __init__(self, values=0, fails=False):
        self.values, self.fails = values, fails

    def fit(self, X, y):
        if self.fails:
            raise RuntimeError("no second fit")
        return self

    def predict(self, X):
        return np.arange(len(X)) % 2 + self.values


def test_a_failing_reverse_fit_is_no_evidence(pair):
    assert collect_evidence(Stub(), *pair)
    assert collect_evidence(Stub(fails=True), *pair) == {}


def test_values_that_are_not_finite_are_no_evidence(pair, monkeypatch):
    monkeypatch.setattr(
        "landbridge.guard._evidence.reverse_validation", lambda *a, **k: Measurement("reverse", float("nan"))
    )
    assert collect_evidence(Stub(), *pair) == {}


def test_a_second_fit_that_costs_too_much_is_not_made(pair, monkeypatch):
    asked = []
    monkeypatch.setattr("landbridge.guard._evidence.worth_refitting", lambda *a: asked.append(a[1:]) or False)
    assert collect_evidence(Stub(), *pair) == {} and asked == [(80, 80)]


def test_intermediate_domains_are_passed_on(pair, monkeypatch):
    given = {}

    def watch(fitted, source, target, **how):
        given.update(how)
        return Measurement("reverse", 0.5)

    monkeypatch.setattr("landbridge.guard._evidence.reverse_validation", watch)
    collect_evidence(Stub(), *pair, intermediate_domains=["a", "b"], random_state=3)
    assert given == {"intermediate_domains": ["a", "b"], "random_state": 3}


def test_repeats_of_a_sample_are_no_further_evidence():
    """Ten times the same twenty samples: with groups the interval is that of twenty, without that of two hundred."""
    values = np.random.default_rng(0).normal(0.2, 1.0, size=20)
    many, groups = np.repeat(values, 10), np.repeat(np.arange(20), 10)
    few = weighted_mean(values, bootstrap_indices(20, 0), null=0.0)
    apart = weighted_mean(many, bootstrap_indices(200, 0), null=0.0)
    together = weighted_mean(many, bootstrap_indices(200, 0, groups), null=0.0)
    assert together.high - together.low == pytest.approx(few.high - few.low, rel=0.15)
    assert together.high - together.low > 2.5 * (apart.high - apart.low)
    assert standard_error(many, groups) == pytest.approx(standard_error(values))


def test_groups_of_different_sizes_weigh_by_their_samples():
    groups = np.repeat([0, 1], [1, 9])
    drawn = bootstrap_indices(10, 0, groups)
    assert drawn.shape[1] == 18 and (drawn == -1).any()
    found = weighted_mean(np.repeat([1.0, 0.0], [1, 9]), drawn)
    assert found.value == pytest.approx(0.1) and (found.low, found.high) == (0.0, 1.0)
