"""Candidates and decisions."""

from landbridge import Candidate, Decision, Measurement


def test_a_candidate_is_flat_in_a_table_and_whole_in_json():
    one = Candidate("A", "feature", estimate=Measurement("accuracy", 0.8, 0.7, 0.9), warnings=("UserWarning: x",))
    row = one.row()
    assert (row["estimate"], row["estimate_low"], row["estimate_high"]) == (0.8, 0.7, 0.9)
    assert row["gain"] is None and row["warnings"] == 1
    assert one.to_dict()["warnings"] == ["UserWarning: x"] and one.to_dict()["gain"] is None


def test_a_decision_states_its_assumption():
    one = Decision(True, "A", "because", "target labels", None, "They are alike.")
    assert one.to_dict()["assumption"] == "They are alike." and one.to_frame()["chosen"].item() == "A"
    assert repr(one) == "Decision('A', transferred=True)"
