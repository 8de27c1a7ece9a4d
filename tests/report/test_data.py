from landbridge.data import Column, Inspection
from landbridge.data import SideFacts as Side
from landbridge.report._data import data_section


def _inspected(columns):
    sides = (
        Side("source", "a.csv", 20, 1, {"ill": 12, "well": 8}, None, 2, ("encoding latin-1",)),
        Side("target", "b.csv", 9, None, {}, (0.0, 5.5)),
    )
    return Inspection("table", sides, tuple(columns), 30, 3, ("Age was converted.",))


def test_without_an_inspection_there_is_nothing_to_show(make):
    assert data_section(make()) is None


def test_sides_columns_and_notes(make, with_inspection):
    columns = [
        Column("dose", "number", gaps={"source": 4, "target": 0}, fill="the median 2", separates=0.75),
        Column("town", "category", n_features=4, reason="Rare ones are one."),
        Column("id", "identifier", used=False, reason="Differs in every row."),
    ]
    shown = data_section(with_inspection(make(), _inspected(columns)))
    assert "Source a.csv: 20 samples" in shown["facts"][0] and shown["notes"] == ["Age was converted."]
    assert any("3 target samples also stand in the source" in f for f in shown["facts"])
    assert any("2 samples of the source repeat" in f for f in shown["facts"])
    dose, town, identifier = shown["columns"]
    assert (
        dose["gaps"] == "source 4, filled with the median 2" and dose["share"] == 50.0 and dose["separates"] == "0.75"
    )
    assert town["used"] == "yes, as 4 features" and town["gaps"] == "none" and town["share"] is None
    assert identifier["used"] == "no" and identifier["remark"] == "Differs in every row."
    assert shown["labels"][0]["rows"][0]["value"] == "12 (60 %)"


def test_columns_beyond_twelve_are_folded_and_those_to_check_come_first(make, with_inspection):
    columns = [Column(f"c{i}", "number", separates=0.5 + i / 100) for i in range(20)]
    columns.append(Column("odd", "number", unit="kg and g"))
    shown = data_section(with_inspection(make(), _inspected(columns)))
    assert len(shown["columns"]) == 12 and len(shown["more"]) == 9
    assert shown["columns"][0]["name"] == "odd" and shown["columns"][0]["attention"]
