import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def patients(rng, n, share):
    ill = rng.random(n) < share
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["age", "bmi", "glucose"])
    frame.loc[ill, "glucose"] += 2
    frame.loc[ill, "bmi"] += 1
    return frame.round(3), np.where(ill, "yes", "no")


@pytest.fixture
def clinic(desk):
    """A model in a file, the data it was fitted on, and new unlabelled patients of whom more are ill."""
    import skops.io

    rng = np.random.default_rng(8)
    X, y = patients(rng, 400, 0.3)
    skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), desk.folder / "model.skops")
    X.assign(diabetes=y).to_csv(desk.folder / "old.csv", index=False)
    X, truth = patients(rng, 300, 0.55)
    X.insert(0, "person", [f"P{i:04d}" for i in range(len(X))])
    X.to_csv(desk.folder / "new.csv", index=False)
    return truth


def test_a_statistician_uses_a_model_that_stands_on_new_patients(desk, clinic):
    """A statistician has a fitted pipeline without its data, and new patients without diagnoses.

    How good it is there is estimated with an interval, the class shares are corrected, and persons are predicted.
    """
    before = desk.checksums()
    seen = desk.run("inspect", "new.csv")
    assert "no labels" in seen.text and "'person' has a different text in each row" in seen.text

    alone = desk.run("estimate", "model.skops", "new.csv")
    assert "Expected accuracy on the target" in alone.text and "A few labelled target samples" in alone.text
    both = desk.run("estimate", "model.skops", "new.csv", "--source", "old.csv", "--label", "diabetes", "--json")
    assert '"accuracy"' in both.stdout

    run = desk.run("transfer", "model.skops", "new.csv", "--id", "person", "--jobs", "1", "--out", "result")
    assert "Transferred with PriorCorrection." in run.text and "Label shift explains the difference" in run.text

    done = desk.predict("new.csv")
    assert [r["person"] for r in done.rows[:2]] == ["P0000", "P0001"] and len(done.rows) == 300
    corrected = np.mean([r["label"] for r in done.rows] == clinic)
    import skops.io

    kept = skops.io.load(desk.folder / "model.skops").predict(pd.read_csv(desk.folder / "new.csv").iloc[:, 1:])
    assert corrected > np.mean(kept == clinic) - 0.01 and corrected > 0.84
    desk.assert_kept(before)


def test_other_columns_and_other_files_are_refused(desk, clinic):
    """New data without a feature, and a model in a pickle, end in one line each."""
    pd.read_csv(desk.folder / "new.csv").drop(columns="bmi").to_csv(desk.folder / "less.csv", index=False)
    failed = desk.run("estimate", "model.skops", "less.csv", code=2)
    assert failed.stderr.count("\n") == 1 and "bmi" in failed.said
    (desk.folder / "model.pkl").write_bytes(b"\x80\x04K\x01.")
    failed = desk.run("transfer", "model.pkl", "new.csv", code=2)
    assert failed.stderr.count("\n") == 1 and "pickle" in failed.said
