import landbridge
from landbridge import Expected, Measurement


def test_expected_is_a_public_type_that_shows_itself(tmp_path):
    single = Measurement("<cbpe>", 0.8, 0.7, 0.9)
    found = Expected(0.81, 0.74, 0.87, "accuracy", "In <words>.", {"<cbpe>": single}, 0.1, 0.2)
    assert landbridge.Expected is Expected
    assert repr(found) == "Expected(accuracy 0.810 [0.740, 0.870])" and str(found) == "In <words>."
    assert float(found) == 0.81
    assert found.to_frame()["estimate"].tolist() == ["expected", "<cbpe>"]
    assert "<cbpe>" not in found._repr_html_() and found._repr_html_().startswith("<strong>")
    assert found.report(tmp_path).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_to_dict_leaves_the_held_out_predictions_out():
    found = Expected(0.8, 0.7, 0.9, "accuracy", held_out={"y": [1]})
    assert "held_out" not in found.to_dict() and found.to_dict()["value"] == 0.8
