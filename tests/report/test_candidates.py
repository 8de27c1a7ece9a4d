from dataclasses import replace

from landbridge.report._candidates import candidate_table


def test_the_best_eight_and_the_baselines_are_shown_and_the_rest_folded(make):
    table = candidate_table(make(n_candidates=12))
    assert [r["name"] for r in table["best"]] == ["source-only", "target-only", *(f"M{i}" for i in range(8))]
    assert [r["name"] for r in table["rest"]] == [f"M{i}" for i in range(8, 12)]
    assert table["n"] == 14 and table["has_base"] and "<text" in table["estimate_axis"]


def test_twins_are_one_row_and_the_chosen_one_stands_for_them(make):
    result = make()
    twins = tuple(replace(c, same_as="M0") if c.name == "M1" else c for c in result.candidates)
    moved = replace(result, candidates=twins, decision=replace(result.decision, chosen="M1", transferred=True))
    first = candidate_table(moved)["best"][0]
    assert first["name"] == "M1" and first["twins"] == ["M0"] and first["chosen"]


def test_numbers_and_p_values(make):
    rows = {r["name"]: r for r in candidate_table(make())["best"]}
    assert rows["M0"]["estimate"] == "82.0" and rows["M0"]["gain"] == "+2.0" and rows["M0"]["p"] == "p = 0.20"
    assert rows["M2"]["gain_between"] == "−5.0 to +1.0"


def test_nothing_tried(make):
    result = make(candidates=())
    assert candidate_table(result)["best"] == []
