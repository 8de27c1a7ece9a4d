import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

import landbridge.cli._chunks as chunks
from landbridge.results import load_result


@pytest.fixture(scope="module")
def rows(clinics):
    frame = pd.read_csv(clinics / "b.csv")
    n = len(frame)
    frame["who"] = ["=p0", "@p1", "\x1b[31mp2", *(f"p{i}" for i in range(3, n))]
    frame["label"] = range(n)
    frame["note"] = ["two\nlines", "-1", 'a "quoted" word', *[""] * (n - 3)]
    frame.to_csv(clinics / "new.csv", index=False)
    return frame


def _read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_an_identifier_is_written_beside_the_predictions(clinics, command, rows):
    done = command("predict", "run", "new.csv", "--id", "who", cwd=clinics)
    assert done.returncode == 0, done.stderr
    found = _read(done.stdout)
    assert [r["who"] for r in found[:4]] == ["'=p0", "'@p1", "p2", "p3"]
    assert list(found[0]) == ["row", "who", "label", "p(no)", "p(yes)"] and len(found) == len(rows)
    wrong = command("predict", "run", "new.csv", "--id", "whoo", cwd=clinics)
    assert wrong.returncode == 2 and "like who" in wrong.stderr


@pytest.mark.parametrize("mark", [",", ";"])
def test_identifiers_stay_as_they_are_written(clinics, command, rows, mark):
    rows[["x", "z"]].assign(no=["007", "", "1e5", *["12"] * 77]).to_csv(clinics / "ids.csv", index=False, sep=mark)
    found = _read(command("predict", "run", "ids.csv", "--id", "no", cwd=clinics).stdout)
    assert [r["no"] for r in found[:4]] == ["007", "", "1e5", "12"]


def test_all_columns_do_not_hide_the_prediction(clinics, command, rows):
    found = _read(command("predict", "run", "new.csv", "--all-columns", cwd=clinics).stdout)
    assert [r["label (input)"] for r in found[:2]] == ["0", "1"] and found[0]["label"] in ("yes", "no")
    assert [r["note"] for r in found[:3]] == ["two\nlines", "-1", 'a "quoted" word'] and found[5]["note"] == ""
    assert float(found[0]["x"]) == pytest.approx(rows["x"][0])


def test_the_identifier_of_the_run_is_used_without_being_asked_for(clinics, command, rows, monkeypatch):
    from dataclasses import replace

    def load(folder):
        result = load_result(folder)
        return replace(result, settings={**result.settings, "read_options": {"id": "who"}})

    monkeypatch.setattr("landbridge.results.load_result", load)
    assert _read(command("predict", "run", "new.csv", cwd=clinics).stdout)[3]["who"] == "p3"
    done = command("predict", "run", "b.csv", cwd=clinics)  # without the column
    assert done.returncode == 0 and done.stdout.startswith("row,label,p(")


def test_an_identifier_is_found_in_another_writing_and_its_absence_is_said(clinics, command, rows, monkeypatch):
    from dataclasses import replace

    rows[["x", "z"]].assign(**{" WHO": [f"p{i}" for i in range(80)]}).to_csv(clinics / "who.csv", index=False)
    found = _read(command("predict", "run", "who.csv", "--id", "who", cwd=clinics).stdout)
    assert [row["who"] for row in found[:2]] == ["p0", "p1"]

    def load(folder):
        result = load_result(folder)
        return replace(result, settings={**result.settings, "read_options": {"id": "person"}})

    monkeypatch.setattr("landbridge.results.load_result", load)
    done = command("predict", "run", "who.csv", cwd=clinics)
    assert done.returncode == 0 and "who.csv has no column 'person'" in done.stderr and len(_read(done.stdout)) == 80


@pytest.mark.parametrize("options", [[], ["--all-columns"], ["--json", "--id", "who"]])
def test_parts_give_what_the_whole_gives(clinics, command, rows, monkeypatch, options):
    whole = command("predict", "run", "new.csv", *options, cwd=clinics)
    monkeypatch.setattr(chunks, "LARGE", 10)
    monkeypatch.setattr(chunks, "RECORDS", 7)
    assert len(list(chunks.chunks(load_result(clinics / "run"), str(clinics / "new.csv"), frame=False))) == 12
    parts = command("predict", "run", "new.csv", *options, cwd=clinics)
    assert parts.returncode == 0 and parts.stdout == whole.stdout


def test_errors_in_a_part_name_the_file(clinics, command, rows, monkeypatch):
    rows[["x", "ill"]].to_csv(clinics / "lacks.csv", index=False)
    monkeypatch.setattr(chunks, "LARGE", 10)
    done = command("predict", "run", "lacks.csv", cwd=clinics)
    assert done.returncode == 2 and "'z'" in done.stderr and "/tmp" not in done.stderr


def test_a_file_is_complete_or_not_there(clinics, command, rows):
    done = command("predict", "run", "lacks-nothing.csv", "--out", "p.csv", cwd=clinics)
    assert done.returncode == 2 and not list(clinics.glob("*p.csv*"))
    done = command("predict", "run", "new.csv", "--out", "p.csv", cwd=clinics)
    assert done.returncode == 0 and "80 samples predicted: p.csv" in done.stdout
    assert len(_read((clinics / "p.csv").read_text())) == 80 and not list(clinics.glob(".p.csv*"))


def test_undefined_predictions_are_empty_cells(clinics, command, rows, monkeypatch):
    from dataclasses import replace

    class Model:
        def predict(self, X):
            return np.where(np.arange(len(X)) % 2, 1.5, np.nan)

    monkeypatch.setattr("landbridge.results.load_result", lambda folder: replace(load_result(folder), model=Model()))
    done = command("predict", "run", "b.csv", cwd=clinics)
    assert [r["label"] for r in _read(done.stdout)[:2]] == ["", "1.5"]
    assert "40 of 80 predictions are undefined" in done.stderr
    held = json.loads(command("predict", "run", "b.csv", "--json", cwd=clinics).stdout)["predictions"]
    assert held[0]["label"] is None and held[1]["label"] == 1.5


def test_sets_hold_the_label_as_often_as_promised(clinics, command, rows):
    done = command("predict", "run", "new.csv", "--coverage", "0.9", "--all-columns", cwd=clinics)
    found = _read(done.stdout)
    held = np.mean([r["ill"] in r["set"].split("; ") for r in found])
    assert held >= 0.85 and done.stderr.count("\n") == 1 and "held-out" in done.stderr
    sets = json.loads(command("predict", "run", "new.csv", "--coverage", "0.9", "--json", cwd=clinics).stdout)
    assert [s["set"] for s in sets["predictions"]] == [r["set"].split("; ") for r in found]


def test_without_anything_to_calibrate_on_one_line_says_so(clinics, command, rows):
    done = command("predict", "run", "new.csv", "--coverage", "0.9999", cwd=clinics)
    assert done.returncode == 0 and "no sets are written" in done.stderr and "set" not in done.stdout.split("\n")[0]


def test_the_samples_are_never_overwritten(clinics, command):
    before = (clinics / "b.csv").read_bytes()
    done = command("predict", "run", "b.csv", "--out", "b.csv", cwd=clinics)
    assert done.returncode == 2 and "would be lost" in done.stderr
    assert (clinics / "b.csv").read_bytes() == before
