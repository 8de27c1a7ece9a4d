import numpy as np
import pandas as pd

import landbridge


def clinics(n=120):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(50, 9, n).round(1), "crp": rng.normal(5, 1, n).round(2)})
    return frame.assign(ill=np.where(frame["age"] > 50, "yes", "no"))


def test_repeated_identifiers_lead_to_groups():
    frame = clinics().assign(patient=np.repeat(np.arange(40) * 7, 3))
    notes = landbridge.inspect(frame, frame.drop(columns="ill"), label="ill").notes
    assert any("set groups='patient' (--groups patient)" in note for note in notes)
    grouped = landbridge.inspect(frame, frame.drop(columns="ill"), label="ill", groups="patient")
    assert not any("--groups" in note for note in grouped.notes)


def test_text_among_numbers_is_said_once(tmp_path):
    for name in ("a", "b"):
        frame = clinics().astype({"crp": str})
        frame.loc[[3, 5], "crp"] = "lost"
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    notes = landbridge.inspect(tmp_path / "a.csv", tmp_path / "b.csv", label="ill").notes
    assert sum("'lost'" in note for note in notes) == 1 and any("crp: 4 cells are text" in note for note in notes)


def test_samples_that_are_drawn_by_weight_are_no_repeats():
    frame = clinics().assign(w=np.linspace(0.2, 2.0, 120))
    found = landbridge.inspect(frame, frame, label="ill", read_options={"weights": "w"})
    assert not any("source samples repeat" in note for note in found.notes)
    twice = pd.concat([clinics(), clinics()[:7]])
    notes = landbridge.inspect(twice, clinics(), label="ill").notes
    assert any("7 of 127 source samples repeat an earlier one" in note for note in notes)


def test_tables_without_a_common_feature_are_counted_by_side():
    source = clinics().assign(visit=range(120))
    target = source.rename(columns={"age": "Alter", "crp": "Laktat"}).drop(columns="ill").assign(puls=70.0 + source.age)
    target.loc[3, "puls"] = None
    found = landbridge.inspect(source, target, label="ill")
    assert "2 features in the source and 3 in the target, none in common." in str(found)
    assert "In both, but no feature: 'visit'." in found.notes
    assert {c.name: dict(c.gaps) for c in found.columns if c.used} == {
        "age": {"source": 0},
        "crp": {"source": 0},
        "Alter": {"target": 0},
        "Laktat": {"target": 0},
        "puls": {"target": 1},
    }
    assert landbridge.data.Inspection.from_dict(found.to_dict()) == found
