from dataclasses import replace

import pytest

from landbridge import Expected, Measurement
from landbridge.report._headline import expected_quality, expected_table, headline


def test_each_outcome_has_its_sentence(make):
    kept = make()
    assert headline(kept) == (
        "Use the source model as it is: it is expected to be right for about 80 of 100 target samples (74 to 86); "
        "no method is shown to be better on the target."
    )
    target = replace(kept, decision=replace(kept.decision, chosen="target-only"))
    assert headline(target).startswith("Do not use the source: a model fitted on the labelled target samples alone")
    moved = replace(kept, decision=replace(kept.decision, chosen="M0", transferred=True))
    assert "Use the transferred model, M0" in headline(moved) and "the source model alone, for about 80" in headline(
        moved
    )
    clusters = replace(kept, expected=None, decision=replace(kept.decision, evidence="stability of clusters"))
    assert "grouped" in headline(clusters)
    assert "Keep prior" in headline(replace(kept, decision=replace(kept.decision, chosen="prior")))


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [("R²", 0.62, "explain about 62 % of the variation"), ("R²", -0.3, "no better than their mean"),
     ("RMSE", 3.4, "be off by about 3.40"), ("balanced accuracy", 0.7, "averaged over the classes")],
)  # fmt: skip
def test_each_metric_has_its_words(make, metric, value, words):
    found = make(metric=metric, expected=Expected(value, value - 0.1, value + 0.1, metric, n_labelled=9))
    assert words in headline(found)


def test_source_only_stands_beside_the_chosen_one_with_an_interval_of_the_same_level(make):
    result = make()
    moved = replace(result, decision=replace(result.decision, chosen="M0", transferred=True))
    metric, rows = expected_quality(moved)
    assert metric == "accuracy" and [r.name for r in rows] == ["M0", "source-only", "target-only"]
    base = rows[1].measured
    assert base.value == 0.8 and 0.72 < base.low < 0.75
    # never narrower than a binomial interval of 100 samples
    assert base.high - base.low >= 0.12


def test_without_target_labels_source_only_has_its_own_estimate_or_none(make):
    result = make()
    decision = replace(result.decision, chosen="M0", transferred=True, evidence="no target labels")
    unknown = replace(result, decision=decision)
    assert expected_table(unknown)["tables"][0]["rows"][1]["value"] == "not estimated"
    source = replace(result.candidates[0], evidence={"expected": Measurement("accuracy", 0.66, low=0.6, high=0.7)})
    known = replace(unknown, candidates=(source, *result.candidates[1:]))
    assert expected_table(known)["tables"][0]["rows"][1]["value"] == "66.0 %"
    assert "for about 66" in headline(known)


def test_a_scorer_of_ones_own_is_the_metric_where_labels_judge(make):
    metric, rows = expected_quality(make(metric="neg_log_loss"))
    assert metric == "neg_log_loss" and rows[0].measured.value == 0.8


def test_hidden_labels_are_shown_and_named_in_the_sentence(make):
    result = make()
    hidden = Measurement("accuracy", 0.55, low=0.5, high=0.6)
    seen = replace(result, candidates=(replace(result.candidates[0], hidden=hidden), *result.candidates[1:]))
    assert headline(seen).endswith("(measured on hidden labels: accuracy 55 %).")
    assert expected_table(seen)["tables"][1]["rows"][0]["value"] == "55.0 %"


def test_what_the_table_shows_is_not_said_again(make):
    words = "Expected accuracy on the target: 80.0 % (90 % interval 74.0 to 86.0 %). 27 % of the target is far."
    found = make(expected=Expected(0.8, 0.74, 0.86, "accuracy", words, n_labelled=100))
    assert expected_table(found)["words"] == "27 % of the target is far."
