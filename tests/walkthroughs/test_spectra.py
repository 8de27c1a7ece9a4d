import numpy as np
import pandas as pd


def write_spectra(path, rng, grid, gain, n=90, *, labels=True, first=1):
    """Near infrared spectra of samples of known moisture."""
    moisture = rng.uniform(5, 20, n)
    band, base = np.exp(-(((grid - 1450) / 60) ** 2)), np.exp(-(((grid - 1200) / 90) ** 2))
    X = 0.3 + 0.02 * moisture[:, None] * band + 0.1 * rng.normal(size=(n, 1)) * base
    X = gain * (X + 0.002 * rng.normal(size=X.shape))
    frame = pd.DataFrame(X.round(5), columns=[f"{g:g}" for g in grid])
    frame.insert(0, "sample", np.arange(first, first + n))
    if labels:
        frame["moisture"] = moisture.round(2)
    frame.to_csv(path, index=False)
    return moisture


OLD, NEW = np.arange(1100, 1700, 10.0), np.arange(1103, 1690, 7.5)


def test_a_chemist_transfers_to_a_spectrometer_with_another_grid(desk):
    """A chemist has a new spectrometer that measures at other wavelengths; only the sample number is in both files.

    The sample number is no feature. With a few reference values of the new device a method for different features
    applies, and is compared with learning from these alone.
    """
    rng = np.random.default_rng(3)
    write_spectra(desk.folder / "old.csv", rng, OLD, 1.0)
    write_spectra(desk.folder / "new.csv", rng, NEW, 1.15)
    moisture = write_spectra(desk.folder / "today.csv", rng, NEW, 1.15, 40, labels=False, first=500)
    before = desk.checksums()

    seen = desk.run("inspect", "old.csv", "new.csv", "--label", "moisture")
    assert "60 features in the source and 79 in the target, none in common." in seen.text
    assert "In both, but no feature: 'sample'." in seen.text and "looks like a sample" not in seen.text
    assert "labels from 5" in seen.text

    failed = desk.run("measure", "old.csv", "new.csv", "--label", "moisture", code=2)
    assert "such as wavelengths, interpolate both to the same points" in failed.said
    failed = desk.run("transfer", "old.csv", "new.csv", "--label", "moisture", "--methods", "CORAL", code=2)
    assert "CORAL needs the same features in both domains" in failed.said and "CoOptimalTransport" in failed.said

    words = ["--label", "moisture", "--target-labels", "10", "--jobs", "1", "--out", "result"]
    run = desk.run("transfer", "old.csv", "new.csv", "--methods", "CoOptimalTransport", *words)
    assert "target-only" in run.text and "from 10 labelled target samples" in run.text

    done = desk.predict("today.csv", "--id", "sample")
    assert [int(r["sample"]) for r in done.rows] == list(range(500, 540))
    assert np.corrcoef([float(r["label"]) for r in done.rows], moisture)[0, 1] > 0.9
    desk.assert_kept(before)


def test_spectra_at_the_same_points_transfer_as_tables(desk):
    """The chemist interpolates both to the same wavelengths, and the gain of the new device is found."""
    rng = np.random.default_rng(4)
    for name, gain in (("old", 1.0), ("new", 1.15)):
        write_spectra(desk.folder / f"{name}.csv", rng, OLD[::3], gain)
    shift = desk.run("measure", "old.csv", "new.csv", "--label", "moisture")
    assert "Shift: " in shift.text and "Risk: " in shift.text
    run = desk.transfer("old.csv", "new.csv", "--label", "moisture", "--id", "sample", "--target-labels", "hide")
    assert run.result["task"] == "regression" if "task" in run.result else "R²" in run.text
    done = desk.predict("new.csv", "--coverage", "0.9")
    assert all(float(r["low"]) <= float(r["label"]) <= float(r["high"]) for r in done.rows)
