import numpy as np
import pandas as pd
import pytest

MEAN, SPREAD = 1.5, 0.9


def write_hospital(path, rng, site, first, n_patients, added):
    """One row per blood sample, up to three of a patient; CRP has an offset of the laboratory."""
    patient = np.repeat(np.arange(first, first + n_patients), rng.integers(1, 4, n_patients))
    n = len(patient)
    illness = rng.normal(size=n_patients)[patient - first]
    crp = np.exp(MEAN + SPREAD * illness + 0.3 * rng.normal(size=n)) + added
    frame = pd.DataFrame(
        {
            "patient": patient,
            "admitted": pd.to_datetime("2021-03-01") + pd.to_timedelta(rng.integers(0, 300, n), "D"),
            "site": site,
            "age": np.round(55 + 12 * rng.normal(size=n_patients))[patient - first],
            "sex": rng.choice(["f", "m"], n),
            "CRP": [f"{v:.1f}" for v in crp],
            "Hb": np.round(13 - 1.2 * illness + 0.5 * rng.normal(size=n), 1),
            "outcome": np.select([illness > 0.8, illness > -0.2], ["Sepsis", "Infection"], "None"),
        }
    )
    frame.loc[rng.choice(n, 12, replace=False), "CRP"] = "haemolytic"
    frame.loc[rng.choice(n, 20, replace=False), "Hb"] = None
    frame["admitted"] = frame["admitted"].dt.strftime("%d/%m/%Y")
    frame.to_csv(path, index=False)
    return frame


@pytest.fixture
def hospitals(desk):
    rng = np.random.default_rng(0)
    one = write_hospital(desk.folder / "north.csv", rng, "North", 1000, 150, 0.0)
    two = write_hospital(desk.folder / "south.csv", rng, "South", 4000, 130, 6.0)
    return one, two


def test_a_physician_transfers_a_diagnosis_to_another_hospital(desk, hospitals):
    """A physician has blood samples of two hospitals, several of most patients, and diagnoses of the first only.

    CRP is text where the sample was spoilt, 'None' is a diagnosis, and dates, site and patient must be no features.
    """
    _, two = hospitals
    two.drop(columns="outcome").to_csv(desk.folder / "new.csv", index=False)
    before = desk.checksums()

    first = desk.run("inspect", "north.csv", "south.csv", "--label", "outcome")
    assert "'patient' holds identifiers that repeat" in first.text and "--groups patient" in first.text

    words = ["--label", "outcome", "--groups", "patient"]
    seen = desk.run("inspect", "north.csv", "south.csv", *words)
    assert "labels None: " in seen.text and "'None' is read as a class of the label column 'outcome'" in seen.text
    assert "'admitted' holds dates" in seen.text and "it names the domain" in seen.text
    assert "CRP: 24 cells are text, such as 'haemolytic'" in seen.text and seen.text.count("such as 'haemolytic'") == 1
    assert "CRP 24 (median" in seen.text and "Hb 40 (median" in seen.text
    assert "patient group no" in seen.text and "4 columns used (3 number, 1 category)" in seen.text

    shift = desk.run("measure", "north.csv", "south.csv", *words)
    assert "Risk: high" in shift.text and "columns moved or rescaled" in shift.text

    run = desk.transfer("north.csv", "new.csv", *words)
    assert "Not transferred: source-only is kept." in run.text and "--assume shares-kept" in run.text
    columns = {c["name"]: c for c in run.result["inspection"]["columns"]}
    assert [n for n, c in columns.items() if c["used"]] == ["age", "sex", "CRP", "Hb"]
    assert columns["CRP"]["not_numbers"] == {"source": 12, "target": 12} and columns["patient"]["kind"] == "group"
    assert "haemolytic" in run.report and "holds dates" in run.report

    known = desk.transfer("north.csv", "south.csv", *words, "--target-labels", "hide", "--assume", "shares-kept")
    scores = {c["name"]: c["hidden"]["value"] for c in known.result["candidates"] if c.get("hidden")}
    assert known.result["decision"]["transferred"] and scores[known.result["decision"]["chosen"]] > 0.75
    assert scores["source-only"] < 0.68

    done = desk.predict("new.csv", "--id", "patient")
    assert [int(r["patient"]) for r in done.rows] == two["patient"].tolist()
    assert {r["label"] for r in done.rows} <= {"None", "Infection", "Sepsis"}
    assert np.mean([r["label"] == t for r, t in zip(done.rows, two["outcome"], strict=True)]) > 0.75
    desk.assert_kept(before)


def test_a_mistyped_column_is_named(desk, hospitals):
    """A mistyped column ends in one line that names the right one, and nothing is written."""
    before = desk.checksums()
    failed = desk.run("transfer", "north.csv", "south.csv", "--label", "outcom", "--groups", "patient", code=2)
    assert failed.stderr.count("\n") == 1 and "'outcom'" in failed.said and "outcome" in failed.said
    failed = desk.run("inspect", "north.csv", "south.csv", "--label", "outcome", "--groups", "patients", code=2)
    assert "'patients'" in failed.said and "patient" in failed.said.replace("patients", "")
    assert desk.checksums() == before
