import csv
import hashlib
import io
import json
import math
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from landbridge.cli import main


class Desk:
    """A folder with a person's files, and the command line, run in this process as it is typed there."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, *words, code=0):
        """Run a command; return what it printed, with every run of blanks as one."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("COLUMNS", "100")
            patch.setenv("NO_COLOR", "1")
            patch.setattr(sys, "argv", ["landbridge", *map(str, words)])
            patch.chdir(self.folder)
            with pytest.raises(SystemExit) as ended:
                main()
        done = subprocess.CompletedProcess(words, ended.value.code, out.getvalue(), err.getvalue())
        assert done.returncode == code, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr and "\x1b" not in done.stdout
        done.text = " ".join(done.stdout.split())
        done.said = " ".join(done.stderr.split())
        return done

    def transfer(self, *words, out="result", code=0):
        """Run ``transfer`` with two methods, and read what it wrote."""
        done = self.run("transfer", *words, "--methods", "CORAL,KMM", "--jobs", "1", "--out", out, code=code)
        done.result = json.loads((self.folder / out / "result.json").read_text(), parse_constant=_no_constant)
        done.report = (self.folder / out / "report.html").read_text()
        return done

    def predict(self, *words, out="predictions.csv", result="result"):
        """Run ``predict``, and read the rows that it wrote."""
        done = self.run("predict", result, *words, "--out", out)
        with (self.folder / out).open(encoding="utf-8", newline="") as stream:
            done.rows = list(csv.DictReader(stream))
        for row in done.rows:
            assert all(v not in ("nan", "NaN", "inf") for v in row.values()), row
            assert all(math.isfinite(float(v)) for k, v in row.items() if k.startswith("p(")), row
        return done

    def checksums(self):
        """Checksums of the files there are, to see later that none was changed."""
        files = [p for p in sorted(self.folder.rglob("*")) if p.is_file()]
        return {p.relative_to(self.folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    def assert_kept(self, before):
        """Check that the files of the person are as they were."""
        after = self.checksums()
        assert {name: after.get(name) for name in before} == before


def _no_constant(name):
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)
