import json
import tomllib

import pytest

from landbridge.cli._config import to_toml

AWKWARD = {
    "seed": 3,
    "confidence": 0.9,
    "exhaustive": True,
    "label": 'num>"0"\\ä\n\t\x01',
    "drop": ["a,b", "c d"],
    "rename": [],
    "a key": "b",
    "big": 1e300,
    "infinite": float("inf"),
}


def test_what_is_written_is_read_again():
    assert tomllib.loads(to_toml(AWKWARD)) == AWKWARD


def test_a_run_is_repeated_from_its_file(clinics, command, tmp_path):
    before = json.loads((clinics / "run" / "result.json").read_text())
    held = tomllib.loads((clinics / "run" / "run.toml").read_text())
    assert held["source"] == "../a.csv" and held["methods"] == "CORAL" and held["target-labels"] == "hide"
    assert "json" not in held and "resume" not in held
    # From another folder, and into another one.
    done = command("transfer", "--config", clinics / "run" / "run.toml", "--out", tmp_path / "again", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = json.loads((tmp_path / "again" / "result.json").read_text())
    for facts in (before, after):
        facts["settings"].pop("command")
        for name in ("timings", "sha256"):
            facts.pop(name)
        for candidate in facts["candidates"]:
            candidate.pop("seconds")
    assert before == after
    again = tomllib.loads((tmp_path / "again" / "run.toml").read_text())
    assert {k: v for k, v in again.items() if k not in ("source", "target")} == {
        k: v for k, v in held.items() if k not in ("source", "target")
    }


def test_the_command_line_has_precedence(clinics, command):
    options = ["--methods", "GFK", "--out", "other", "--json"]
    done = command("transfer", "--config", "run/run.toml", *options, cwd=clinics)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"]["methods"] == ["GFK"]


def test_other_commands_take_the_same_file(clinics, command):
    for name in ("measure", "rank"):
        done = command(name, "--config", "run/run.toml", "--json", cwd=clinics)
        assert done.returncode == 0, done.stderr


def test_lists_underscores_and_paths(clinics, command, tmp_path):
    lines = ['source = "a.csv"', 'target = "b.csv"', 'label = "ill"', 'methods = ["CORAL", "GFK"]', "jobs = 1"]
    lines += ["target_labels = 5", 'out = "listed"']
    (clinics / "hand.toml").write_text("\n".join(lines))
    done = command("transfer", "--config", clinics / "hand.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    settings = json.loads(done.stdout)["settings"]
    assert settings["methods"] == ["CORAL", "GFK"] and settings["target_labels"] == 5
    assert (clinics / "listed" / "result.json").is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sede = 1", "did you mean seed"),
        ("xyzzy = 1", "--help` lists the options"),
        ('seed = "abc"', "--seed"),
        ("seed = [1]", "must be one value"),
        ("seed = true", "no boolean"),
        ('exhaustive = "yes"', "true or false"),
        ("[seed]\na = 1", "is a table"),
        ("seed = ", "is no TOML"),
        ('label = "a\\u0000"', "no option can be"),
    ],
)
def test_mistakes_in_the_file(clinics, command, tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    done = command("transfer", "a.csv", "b.csv", "--config", tmp_path / "bad.toml", cwd=clinics)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1


def test_a_file_that_is_not_there(clinics, command):
    done = command("measure", "a.csv", "b.csv", "--config", "no.toml", cwd=clinics)
    assert done.returncode == 2 and "--config no.toml cannot be read" in done.stderr
