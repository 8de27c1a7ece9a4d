from dataclasses import replace

from landbridge.report._checked import check_section, subgroup_section


def test_classification_has_matrix_curves_and_intervals(make):
    shown = check_section(make())
    assert len(shown["charts"]) == 2 and all('role="img"' in c["svg"] for c in shown["charts"])
    counts = [c["n"] for r in shown["confusion"]["rows"] for c in r["cells"]]
    assert sum(counts) == 100 and shown["on"] == "100 labelled target samples"
    ends = {name: ends for name, _, ends in shown["rows"]}
    assert all(ends[name] for name in ("accuracy", "AUC", "sensitivity (well)", "specificity", "Brier score"))


def test_regression_has_scatter_and_residuals(regression):
    shown = check_section(regression)
    assert ["Predicted", "Residuals"] == [c["words"].split(",")[0].split()[0] for c in shown["charts"]]
    assert shown["many_pairs"] and shown["confusion"] is None


def test_older_results_without_curves_are_shown_as_far_as_they_go(make):
    kept = ("labels", "n", "accuracy", "auc")
    old = {k: v for k, v in make().scores.items() if k in kept}
    shown = check_section(make(scores=old))
    assert shown["charts"] == [] and shown["confusion"] is None and dict(r[:2] for r in shown["rows"])["accuracy"]
    assert check_section(make(scores={})) is None and subgroup_section(make()) == []


def test_the_smallest_and_the_worst_subgroup_are_named(make):
    rows = [
        {"value": "f", "n": 80, "score": 0.9, "low": 0.8, "high": 0.95},
        {"value": "m", "n": 12, "score": 0.6, "low": 0.3, "high": 0.8},
        {"value": "x", "n": 30, "score": None, "low": None, "high": None},
    ]
    part = {"name": "sex", "metric": "accuracy", "n_subgroups": 3, "rows": rows}
    result = make()
    (shown,) = subgroup_section(replace(result, scores={**result.scores, "subgroups": [part]}))
    assert "smallest subgroup is m (12 samples)" in shown["words"] and "worst for m (60.0 %)" in shown["words"]
    assert "fewer than 20" in shown["words"] and [r["value"] for r in shown["rows"]] == ["f", "m"]
    alone = replace(result, scores={**result.scores, "subgroups": [{**part, "rows": rows[:1]}]})
    assert subgroup_section(alone) == []
