import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pandas as pd
import pytest

from landbridge.cli import main
from landbridge.data import make_shift


@pytest.fixture(scope="session")
def command():
    """Run the command line in this process, which spares the imports."""

    def run(*words, cwd=None):
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("COLUMNS", "80")
            patch.setenv("NO_COLOR", "1")
            patch.setattr(sys, "argv", ["landbridge", *map(str, words)])
            if cwd is not None:
                patch.chdir(cwd)
            with pytest.raises(SystemExit) as ended:
                main()
        return subprocess.CompletedProcess(words, ended.value.code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def clinics(tmp_path_factory, command):
    """Two tables, and the folder of a run on them."""
    folder = tmp_path_factory.mktemp("clinics")
    source, target = make_shift("translation", n_source=80, n_target=80, random_state=0)
    for name, side in (("a", source), ("b", target)):
        frame = pd.DataFrame(side.X, columns=["x", "z"]).assign(ill=np.where(side.y == 1, "yes", "no"))
        frame.to_csv(folder / f"{name}.csv", index=False)
    options = ["--label", "ill", "--target-labels", "hide", "--methods", "CORAL", "--jobs", "1", "--out", "run"]
    done = command("transfer", "a.csv", "b.csv", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder
