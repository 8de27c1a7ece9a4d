import csv
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import landbridge
from landbridge.cli import app, main
from landbridge.data import make_gradual_shift, make_shift, shared_data

COMMANDS = [
    "data",
    "estimate",
    "inspect",
    "measure",
    "methods",
    "predict",
    "rank",
    "report",
    "transfer",
    "version",
]


PLAIN = {"COLUMNS": "80", "NO_COLOR": "1"}


def _run(*arguments, cwd=None):
    """Run the command line in this process, which spares the imports."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in PLAIN.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["landbridge", *map(str, arguments)])
        if cwd is not None:
            patch.chdir(cwd)
        with pytest.raises(SystemExit) as ended:
            main()
    return subprocess.CompletedProcess(arguments, ended.value.code, out.getvalue(), err.getvalue())


def _run_alone(*arguments, cwd=None):
    """Run the command line in a process of its own, as users do."""
    code = "from landbridge.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | PLAIN,
        check=False,
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    source, target = make_shift("translation", n_source=80, n_target=80, random_state=0)
    for name, d in (("a", source), ("b", target)):
        frame = pd.DataFrame(d.X, columns=["x", "z"]).assign(ill=np.where(d.y == 1, "yes", "no"))
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def result(tables):
    options = ["--label", "ill", "--target-labels", "hide", "--methods", "CORAL,DomainScaler,GFK", "--jobs", "1"]
    done = _run_alone("transfer", "a.csv", "b.csv", *options, "--out", "out", cwd=tables)
    assert done.returncode == 0, done.stderr
    return done, tables / "out"


def test_every_command_has_help():
    names = sorted(c.name for c in app.registered_commands)
    assert names == COMMANDS
    for name in names:
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0 and len(shown.output) > 100


def test_help_is_light():
    code = (
        "import sys; sys.argv = ['landbridge', '--help']\n"
        "from landbridge.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'sklearn', 'pandas', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip().endswith("[]")


def test_version_and_methods():
    assert _run("version").stdout.strip() == landbridge.__version__
    told = json.loads(_run("methods", "--family", "feature", "--json").stdout)
    assert {"CORAL", "TCA", "JDA"} <= {m["name"] for m in told}
    assert all(m["reference"] and m["growth"] and m["summary"] for m in told)


def test_transfer_says_what_it_did_and_writes_four_files(result):
    done, out = result
    assert "Transferred with" in done.stdout and "report:" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if "report:" not in line) <= 80
    assert {p.name for p in out.iterdir()} == {"report.html", "result.json", "model.skops", "run.toml"}


def test_predict_new_rows_in_a_new_process(result, tables):
    _, out = result
    done = _run_alone("predict", out, tables / "b.csv", "--out", tables / "p.csv")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    with (tables / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    truth = pd.read_csv(tables / "b.csv")["ill"]
    assert [r["row"] for r in rows] == [str(i) for i in range(80)]
    assert np.mean([r["label"] == t for r, t in zip(rows, truth, strict=True)]) > 0.9
    assert abs(float(rows[0]["p(no)"]) + float(rows[0]["p(yes)"]) - 1) < 1e-4


@pytest.mark.parametrize("network", [False, True])
def test_a_column_tells_several_sources_apart(tables, network):
    if network:
        pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
    rng = np.random.default_rng(0)
    a, b = pd.read_csv(tables / "a.csv"), pd.read_csv(tables / "b.csv").assign(hospital="elsewhere")
    a["hospital"] = np.array(["north", "south"])[np.arange(len(a)) % 2]
    south = a["hospital"] == "south"
    a.loc[south, "ill"] = rng.permutation(a.loc[south, "ill"])
    a.to_csv(tables / "h.csv", index=False)
    b.to_csv(tables / "k.csv", index=False)
    methods = "SourceHeads,MomentMatchingSources" if network else "SourcePooling,CORAL"
    options = ["--label", "ill", "--sources", "hospital", "--target-labels", "hide"]
    options += ["--methods", methods, "--jobs", "1"]
    options += ["--network", "mlp", "--epochs", "3"] if network else []
    done = _run("transfer", "h.csv", "k.csv", *options, "--out", "h", cwd=tables)
    assert done.returncode == 0, done.stderr
    told = json.loads((tables / "h" / "result.json").read_text())
    assert told["settings"]["sources"] == "hospital"
    assert told["settings"]["n_by_source"] == {"north": 40, "south": 40}
    assert "--sources hospital" in told["settings"]["command"]
    assert {c["name"]: c["status"] for c in told["candidates"]} == dict.fromkeys(
        ["source-only", *methods.split(",")], "tried"
    ) | {c["name"]: "tried" for c in told["candidates"] if c["name"] == "MajorityVote"}
    page = (tables / "h" / "report.html").read_text(encoding="utf-8")
    assert "source samples of 2 sources" in page and "--sources hospital" in page
    if network:
        return
    for rows in ("k.csv", "b.csv"):  # with the column and without
        done = _run("predict", "h", rows, "--out", f"p-{rows}", cwd=tables)
        assert done.returncode == 0, done.stderr
    assert (tables / "p-k.csv").read_text() == (tables / "p-b.csv").read_text()


def test_json_and_nothing_else(tables):
    options = ["--label", "ill", "--target-labels", "hide", "--methods", "CORAL,GFK", "--json", "--jobs", "1"]
    told = json.loads(_run("transfer", "a.csv", "b.csv", *options, "--out", "j", cwd=tables).stdout)
    assert told["decision"]["chosen"] and told["candidates"]
    measured = json.loads(_run("measure", "a.csv", "b.csv", "--label", "ill", "--json", cwd=tables).stdout)
    assert measured["kind"] == "concept"


def test_declining_is_success_with_a_clear_word(tmp_path):
    done = _run(
        "transfer", "builtin:tumours-small", "builtin:tumours-small", "--target-labels", "hide",
        "--methods", "CORAL", "--out", tmp_path / "o", "--jobs", "1",
    )  # fmt: skip
    assert done.returncode == 0 and "Not transferred: source-only is kept" in done.stdout


def test_two_image_folders(tmp_path):
    rng = np.random.default_rng(0)
    for side, light in (("a", 0), ("b", 60)):
        for c, row in (("low", 2), ("high", 20)):
            (tmp_path / side / c).mkdir(parents=True)
            for i in range(15):
                pixels = rng.integers(0, 60, size=(24, 24)) + light
                pixels[row : row + 4] += 120
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / side / c / f"{i}.png")
    done = _run(
        "transfer", "a", "b", "--target-labels", "hide", "--methods", "CORAL,DomainScaler,GFK", "--out", "o",
        "--jobs", "1", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = _run("predict", "o", "b", "--out", "p.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "p.csv")
    assert table["row"].str.contains("low").sum() == 15
    assert np.mean([r.split("/")[0] == v for r, v in zip(table["row"], table["label"], strict=True)]) > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["transfer", "no.csv", "b.csv"], "no.csv does not exist"),
        (["transfer", "a.csv", "b.csv", "--label", "sick"], "label='sick' is no column"),
        (["transfer", "a.csv", "b.csv", "--label", "ill", "--sources", "xx"], "sources='xx' is no column of a.csv"),
        (["transfer", "a.csv", "b.csv", "--label", "ill", "--methods", "CORLA"], "did you mean CORAL"),
        (["transfer", "a.csv", "b.csv", "--label", "ill", "--target-labels", "some"], "target_labels must be"),
        (["transfer", "a.csv", "b.csv", "--label", "ill", "--out", "a.csv"], "is a file"),
        (["measure", "builtin:nothing", "b.csv"], "no built-in domain"),
        (["methods", "--family", "cooking"], "family must be one of"),
        (["predict", ".", "a.csv"], "holds no result.json"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(tables, arguments, message):
    done = _run(*arguments, cwd=tables)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1 and done.stderr.startswith("landbridge: ")


def test_bad_input_in_a_process_of_its_own(tables):
    done = _run_alone("transfer", "no.csv", "b.csv", cwd=tables)
    assert done.returncode == 2
    assert "no.csv does not exist" in done.stderr and done.stderr.count("\n") == 1 and not done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["transfer"], "Missing argument 'SOURCE'"),
        (["fly"], "No such command 'fly'"),
        (["measure", "a.csv", "b.csv", "--seed", "abc"], "--seed"),
        (["measure", "a.csv", "b.csv", "--bogus"], "--bogus"),
        (["transfer", "a.csv", "b.csv", "--label", "ill", "--jobs", "0"], "--jobs is 0"),
        (["predict", ".", "a.csv", "--out", "no/where.csv"], "folder that does not exist"),
    ],
)
def test_usage_errors_are_one_line_too(tables, arguments, message):
    done = _run(*arguments, cwd=tables)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1 and done.stderr.startswith("landbridge: ")


def test_no_command_shows_the_help():
    done = _run()
    assert done.returncode == 0 and all(name in done.stdout for name in COMMANDS)


def test_the_unforeseen_keeps_its_traceback():
    code = (
        "import landbridge.verbs._measure as m\n"
        "def broken(*a, **k): raise ZeroDivisionError('a fault of ours')\n"
        "m.measure = broken\n"
        "import sys; sys.argv = ['landbridge', 'measure', 'builtin:printed', 'builtin:handwritten']\n"
        "from landbridge.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" in done.stderr and "a fault of ours" in done.stderr


def test_the_result_knows_its_command(result):
    _, out = result
    command = json.loads((out / "result.json").read_text())["settings"]["command"]
    assert command.startswith("landbridge transfer a.csv b.csv --label ill --methods CORAL,DomainScaler,GFK")
    assert command in (out / "report.html").read_text(encoding="utf-8")


def test_plain_text_in_eighty_columns():
    for arguments in (["methods"], ["--help"], ["transfer", "--help"]):
        shown = _run(*arguments).stdout
        assert "\x1b" not in shown and max(map(len, shown.splitlines())) <= 80, arguments


def test_every_command_and_option_is_in_the_reference():
    from typer.main import get_command

    reference = Path(__file__).parents[2] / "docs" / "cli.md"
    text = reference.read_text(encoding="utf-8")
    for name, command in get_command(app).commands.items():
        section = text.split(f"## `landbridge {name}")[1].split("\n## ")[0]
        options = [o for p in command.params if p.param_type_name == "option" for o in p.opts if o.startswith("--")]
        assert [o for o in options if o != "--help" and o not in section] == []


@pytest.mark.data
def test_two_hospitals(tmp_path):
    """One hospital's table to another's: gaps, a graded diagnosis made yes or no by a rule, a verdict in words."""
    sides = [shared_data("heart_cleveland.csv"), shared_data("heart_hungarian.csv")]
    if None in sides:
        pytest.skip("the heart tables are not in the shared data folder; set LANDBRIDGE_DATA")
    done = _run("transfer", *sides, "--label", "num>0", "--target-labels", "hide", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    figures = {c["name"]: c["hidden"]["value"] for c in told["candidates"] if c.get("hidden")}
    assert figures[told["decision"]["chosen"]] >= figures["source-only"] - 0.02
    assert "shift" in told["decision"]["reason"] or "methods" in told["decision"]["reason"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "num&gt;0" in page and "heart_hungarian" in page
    new = _run("predict", tmp_path / "out", sides[1])
    assert new.returncode == 0 and new.stdout.startswith("row,label")


def test_rank_puts_sources_in_order(tmp_path):
    far, *_, near, target = make_gradual_shift(8, angle=90, random_state=0)
    for name, side in (("far", far), ("near", near), ("target", target)):
        pd.DataFrame(side.X, columns=["a", "b"]).assign(kind=side.y).to_csv(tmp_path / f"{name}.csv", index=False)
    sides, label = [str(tmp_path / f"{n}.csv") for n in ("far", "near", "target")], "kind"
    shown = CliRunner().invoke(app, ["rank", *sides, "--label", label])
    assert shown.exit_code == 0 and "near comes first" in shown.output
    told = json.loads(CliRunner().invoke(app, ["rank", *sides, "--label", label, "--score", "nce", "--json"]).output)
    assert [c["name"] for c in told["candidates"]] == ["near", "far"] and told["score"] == "nce"
    assert CliRunner().invoke(app, ["rank", sides[0]]).exit_code == 2


def test_groups_and_scoring(tables):
    for name in ("a", "b"):
        frame = pd.read_csv(tables / f"{name}.csv")
        frame.assign(patient=np.arange(len(frame)) // 4).to_csv(tables / f"{name}_groups.csv", index=False)
    files = ["a_groups.csv", "b_groups.csv", "--label", "ill", "--groups", "patient"]
    shown = _run("measure", *files, "--json", cwd=tables)
    assert shown.returncode == 0, shown.stderr
    options = ["--methods", "CORAL", "--jobs", "1", "--scoring", "f1_macro", "--out", "grouped"]
    done = _run("transfer", *files, *options, cwd=tables)
    assert done.returncode == 0, done.stderr
    assert "f1_macro" in done.stdout and "sensitivity" in done.stdout
    held = json.loads((tables / "grouped" / "result.json").read_text())
    assert held["metric"] == "f1_macro" and held["settings"]["groups"] == "patient"
    assert "--groups patient" in held["settings"]["command"] and "auc" in held["scores"]
    predicted = _run("predict", "grouped", "b_groups.csv", cwd=tables)
    assert predicted.returncode == 0, predicted.stderr
    wrong = _run("transfer", *files[:-1], "pateint", cwd=tables)
    assert wrong.returncode == 2 and "its columns are like patient" in wrong.stderr


def test_estimate_of_a_result(result, tables):
    shown, out = result
    assert "Expected accuracy on the target:" in " ".join(shown.stdout.split())
    assert "Expected accuracy on the target:" in (out / "report.html").read_text(encoding="utf-8")
    done = _run("estimate", "out", "b.csv", cwd=tables)
    assert done.returncode == 0 and "from 80 labelled target samples" in " ".join(done.stdout.split())
    found = json.loads(_run("estimate", "out", "b.csv", "--label", "none", "--json", cwd=tables).stdout)
    assert found["low"] <= found["value"] <= found["high"] and found["n_labelled"] == 0
    wrong = _run("estimate", "nowhere", "b.csv", cwd=tables)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["transfer", "a.csv", "b.csv", "--label", "ill", "--out", ""], "--out is empty"),
        (["transfer", "a.csv", "b.csv", "--label", "ill", "--out", "other"], "holds a report.html of another program"),
        (["measure", "a.csv", "b.csv", "--seed", "x"], "give a whole number"),
    ],
)
def test_files_of_others_and_empty_names_are_safe(tables, arguments, message):
    (tables / "other").mkdir(exist_ok=True)
    (tables / "other" / "report.html").write_text("<html>mine</html>")
    done = _run(*arguments, cwd=tables)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
    assert (tables / "other" / "report.html").read_text() == "<html>mine</html>"


def test_measure_and_rank_say_what_was_read(tables):
    done = _run("measure", "a.csv", "b.csv", "--label", "ill", cwd=tables)
    assert done.returncode == 0 and "Source a: 80 samples; labels" in done.stderr and "2 columns used" in done.stderr
    done = _run("rank", "a.csv", "b.csv", "a.csv", "--label", "ill", cwd=tables)
    assert done.stderr.count("Target a: 80 samples") == 1 and "Source b: 80 samples" in done.stderr
    assert not _run("measure", "a.csv", "b.csv", "--label", "ill", "-q", cwd=tables).stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise there")
def test_a_closed_pipe_is_no_error(tables):
    code = "from landbridge.cli import main; main()"
    line = f"{sys.executable} -c '{code}' methods TCA | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=os.environ | PLAIN, check=False)
    assert done.returncode in (0, 141) and "Traceback" not in done.stderr
