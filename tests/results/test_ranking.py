"""Rankings in memory."""

from landbridge import Measurement, Ranking
from landbridge.results import Ranked

RANKING = Ranking(
    "logme",
    (
        Ranked("b", Measurement("logme", 0.4, 0.3, 0.5, null=0.1, p_value=0.01), 0.9),
        Ranked("a", Measurement("logme", 0.2)),
    ),
    {"c": "no features"},
    "b comes first.",
    50,
)


def test_order_and_lookup():
    assert RANKING.best == "b" and RANKING.names == ("b", "a") and len(RANKING) == 2
    assert RANKING.values == {"b": 0.4, "a": 0.2}
    assert round(RANKING.candidates[0].above_chance, 6) == 0.3 and RANKING.candidates[1].above_chance is None


def test_frame_text_and_json():
    frame = RANKING.to_frame()
    assert frame["place"].tolist() == [1, 2] and frame["first"].tolist()[0] == 0.9
    assert "not scored, no features" in str(RANKING)
    assert RANKING.to_dict()["n_samples"] == 50
