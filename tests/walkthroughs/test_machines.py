import numpy as np
import pandas as pd
import pytest


def readings(rng, first, n_machines, moved, *, weights):
    """Four readings of each machine; one machine in ten is faulty."""
    machine = np.repeat(np.arange(first, first + n_machines), 4)
    faulty = np.repeat(rng.random(n_machines) < 0.1, 4)
    X = rng.normal(size=(len(machine), 4)) + moved
    X[faulty, :2] += 1.8
    frame = pd.DataFrame(X, columns=["load", "vibration", "heat", "noise"])
    frame["machine"] = machine
    frame["reading"] = [f"r{i}" for i in range(len(frame))]
    if weights:
        frame["hours"] = rng.uniform(0.5, 2, len(frame)).round(2)
    frame["state"] = np.where(faulty, "faulty", "ok")
    return frame


def test_an_engineer_transfers_a_rare_fault_to_another_plant(desk):
    """An engineer has readings of machines of two plants in parquet, weighted by hours; few machines are faulty.

    Samples of a machine stay together, weights and reading are no features, and since a class is rare the score is
    balanced accuracy, which the screen says.
    """
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(7)
    readings(rng, 0, 90, 0.0, weights=True).to_parquet(desk.folder / "plant_a.parquet")
    target = readings(rng, 1000, 80, 0.6, weights=False)
    target.to_parquet(desk.folder / "plant_b.parquet")
    before = desk.checksums()

    words = ["--label", "state", "--groups", "machine", "--weights", "hours", "--id", "reading"]
    seen = desk.run("inspect", "plant_a.parquet", "plant_b.parquet", *words)
    assert "4 columns used (4 number)" in seen.text and "machine group no" in seen.text
    assert "The source is resampled by its weights" in seen.text and "repeat an earlier one" not in seen.text
    assert "reading id no carried into predictions" in seen.text

    shift = desk.run("measure", "plant_a.parquet", "plant_b.parquet", *words[:-2])
    assert "Risk: " in shift.text
    run = desk.transfer("plant_a.parquet", "plant_b.parquet", *words, "--target-labels", "hide")
    assert "balanced accuracy on the target" in run.text and "balanced accuracy (hidden labels)" in run.text
    assert run.result["metric"] == "balanced_accuracy" if "metric" in run.result else "balanced accuracy" in run.text
    assert "balanced accuracy" in run.report.lower()

    done = desk.predict("plant_b.parquet")
    assert [r["reading"] for r in done.rows] == target["reading"].tolist()
    found = np.array([r["label"] for r in done.rows])
    recalls = [np.mean(found[target["state"] == c] == c) for c in ("faulty", "ok")]
    assert np.mean(recalls) > 0.7
    desk.assert_kept(before)


def test_weights_that_cannot_be_are_refused(desk):
    """A negative number of hours is named."""
    pytest.importorskip("pyarrow")
    frame = readings(np.random.default_rng(7), 0, 30, 0.0, weights=True)
    frame.loc[3, "hours"] = -1.0
    frame.to_parquet(desk.folder / "a.parquet")
    failed = desk.run("inspect", "a.parquet", "--label", "state", "--weights", "hours", code=2)
    assert failed.stderr.count("\n") == 1 and "hours" in failed.said
