import csv
import os
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import landbridge.cli._chunks as chunks

GB = 1024**3
N_COLUMNS = 20
N_BLOCK = 20_000


def samples(rng, n, moved):
    X = rng.normal(size=(n, N_COLUMNS))
    y = (X[:, 0] + 0.5 * X[:, 1] + 0.3 * rng.normal(size=n) > 0).astype(int)
    return pd.DataFrame((X + moved).round(6), columns=[f"sensor {j}" for j in range(N_COLUMNS)]), y


def write_large(path, rng, size):
    """Repeat a block of samples until the file has a size; return the block."""
    block, _ = samples(rng, N_BLOCK, 0.0)
    block.insert(0, "serial", [f"{i:07d}" for i in range(N_BLOCK)])
    text = block.to_csv(index=False).encode()
    head, _, rows = text.partition(b"\n")
    n_blocks = -(-size // len(rows))
    with path.open("wb") as file:
        file.write(head + b"\n")
        for _ in range(n_blocks):
            file.write(rows)
    return block, n_blocks


@pytest.fixture
def operator(desk):
    """A result that was made from two small tables."""
    rng = np.random.default_rng(9)
    for name in ("line_1", "line_2"):
        X, y = samples(rng, 300, 0.0)
        X.assign(ok=y).to_csv(desk.folder / f"{name}.csv", index=False)
    desk.transfer("line_1.csv", "line_2.csv", "--label", "ok", "--target-labels", "hide")
    return desk


def test_an_operator_predicts_a_file_of_thirty_megabytes_in_parts(operator, monkeypatch):
    """An operator predicts a month of readings: the file is read in parts, and serial numbers stay as they are."""
    block, n_blocks = write_large(operator.folder / "month.csv", np.random.default_rng(10), 33_000_000)
    block.to_csv(operator.folder / "day.csv", index=False)
    sizes = []
    whole = chunks._whole

    def counted(*given):
        found = whole(*given)
        sizes.append(len(found.names))
        return found

    monkeypatch.setattr(chunks, "_whole", counted)
    before = operator.checksums()
    done = operator.predict("month.csv", "--id", "serial")
    assert len(sizes) > 1 and max(sizes) <= chunks.RECORDS and sum(sizes) == n_blocks * N_BLOCK
    assert f"{n_blocks * N_BLOCK:,} samples predicted: predictions.csv" in done.text
    day = operator.predict("day.csv", "--id", "serial", out="day_predicted.csv")
    assert [r["row"] for r in done.rows[-2:]] == [str(n_blocks * N_BLOCK - i) for i in (2, 1)]
    keys = ["serial", "label", "p(0)", "p(1)"]
    assert [[r[k] for k in keys] for r in done.rows[-N_BLOCK:]] == [[r[k] for k in keys] for r in day.rows]
    operator.assert_kept(before)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("LANDBRIDGE_SLOW"), reason="writes 2 GB; set LANDBRIDGE_SLOW=1 to run it")
@pytest.mark.timeout(3600)
def test_an_operator_predicts_two_gigabytes_within_three(operator):
    """An operator predicts a file of 2 GB on a computer that has 3 GB for it."""
    _, n_blocks = write_large(operator.folder / "years.csv", np.random.default_rng(10), 2 * GB)
    words = ["predict", "result", "years.csv", "--id", "serial", "--out", "years_predicted.csv"]
    done = subprocess.run(
        [sys.executable, "-m", "landbridge.cli", *words],
        cwd=operator.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (3 * GB, 3 * GB)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"{n_blocks * N_BLOCK:,} samples predicted" in done.stdout
    with (operator.folder / "years_predicted.csv").open() as file:
        assert sum(1 for _ in csv.reader(file)) == n_blocks * N_BLOCK + 1
