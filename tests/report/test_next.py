from dataclasses import replace

import numpy as np
import pytest

from landbridge import Expected, Measurement
from landbridge.data import Column, Inspection
from landbridge.data import SideFacts as Side
from landbridge.report._next import labels_for_difference, labels_for_interval, next_steps


def _words(result):
    return " ".join(f"{s['title']} {s['words']} {' '.join(s.get('items', ()))}" for s in next_steps(result))


@pytest.mark.parametrize("p", [0.6, 0.9])
def test_the_number_of_labels_gives_the_interval_it_promises(p):
    n, formula = labels_for_interval(p, "accuracy")
    shares = np.random.default_rng(0).binomial(n, p, 4000) / n
    inside = np.mean(np.abs(shares - p) <= 0.05)
    assert inside == pytest.approx(0.9, abs=0.04) and "1.645" in formula


def test_the_number_of_labels_for_r2_gives_the_interval_it_promises():
    n, _ = labels_for_interval(0.5, "R²")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, n))
    y = x + rng.normal(size=x.shape)
    r2 = [1 - np.mean((a - b) ** 2) / np.var(b) for a, b in zip(x, y, strict=True)]
    assert np.mean(np.abs(np.array(r2) - 0.5) <= 0.05) > 0.6
    assert labels_for_interval(0.5, "neg_log_loss") is None


def test_the_number_of_labels_finds_the_difference_as_often_as_it_promises():
    # per-sample differences of mean 0.1 and standard deviation 1, seen with 100 samples
    n = labels_for_difference(0.1, 0.1 - 1.959964 * 0.1, 0.1 + 1.959964 * 0.1, 100, 0.9)
    means = np.random.default_rng(0).normal(0.1, 1 / np.sqrt(n), 20_000)
    assert np.mean(means * np.sqrt(n) > 1.2816) == pytest.approx(0.8, abs=0.02)


def test_with_labels_it_says_how_many_more_would_settle_it(make):
    steps = next_steps(make())
    assert "would settle whether M0 differs from source-only" in steps[0]["words"] and "z₁" in steps[0]["formula"]
    lost = make()
    worse = Measurement("gain", -0.2, low=-0.3, high=-0.1)
    lost = replace(lost, candidates=tuple(replace(c, gain=c.gain and worse) for c in lost.candidates))
    assert "unlikely to change" in _words(lost)
    tiny = Measurement("gain", 1e-7, low=-0.1, high=0.1)
    tiny = replace(lost, candidates=tuple(replace(c, gain=c.gain and tiny) for c in lost.candidates))
    assert "too little to be worth" in _words(tiny)


def test_a_wide_interval_is_worth_more_labels(make):
    wide = make(expected=Expected(0.8, 0.65, 0.95, "accuracy", n_labelled=100))
    assert "About 800 more labelled target samples" in _words(wide)


def test_without_labels_it_says_how_many_to_draw(make):
    result = make()
    bare = replace(result, decision=replace(result.decision, evidence="no target labels"))
    assert "Label about 174 target samples" in _words(bare)
    assert "has only 150: label all of them" in _words(bare)
    nothing = replace(bare, expected=None)
    assert "Label about 271 target samples" in _words(nothing)
    hidden = Measurement("accuracy", 0.5, low=0.4, high=0.6)
    seen = replace(bare, candidates=(replace(result.candidates[0], hidden=hidden), *result.candidates[1:]))
    assert "Use the hidden labels" in _words(seen) and "Label about" not in _words(seen)


def test_columns_that_separate_or_change_units_are_named(make, with_inspection):
    columns = (
        Column("age", "number", unit="Years in the source, months in the target."),
        Column("dose", "number", separates=0.97),
        Column("n", "number", not_numbers={"source": 2}, examples=("<5",)),
        Column("fine", "number", separates=0.6),
        Column("id", "identifier", used=False, separates=1.0),
    )
    sides = (Side("source", "a", 9), Side("target", "b", 9))
    words = _words(with_inspection(make(), Inspection("table", sides, columns, 3)))
    assert "Check 3 columns" in words and "AUC 0.97" in words and "Years in the source" in words
    assert "'<5'" in words and "fine:" not in words and "id:" not in words


def test_several_sources_and_failures(make):
    result = make()
    several = replace(result, settings={**result.settings, "n_by_source": {"a": 3, "b": 4}})
    assert "The source has 2 domains" in _words(several)
    broken = make(candidates=(result.candidates[0], result.candidates[-2]))
    assert "No method could be fitted" in _words(broken)


def test_there_is_always_something_to_do(make):
    result = make(candidates=make().candidates[:1])
    assert next_steps(result)
    clusters = replace(result, expected=None, decision=replace(result.decision, evidence="stability of clusters"))
    assert "each group" in _words(clusters)
