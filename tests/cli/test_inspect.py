import json
import sys
import types

import pytest

from landbridge.data import Inspection
from landbridge.data._inspection import Column
from landbridge.data._inspection import SideFacts as Side

INSPECTION = Inspection(
    "table",
    (Side("source", "a", 80, 0, {"no": 39, "yes": 41}), Side("target", "b", 75, None)),
    (
        Column("age", "number", gaps={"source": 0, "target": 3}, fill="the median", separates=0.731, unit="in months"),
        Column("a rather long name of a column", "category", n_features=4, gaps={"source": 0, "target": 0}),
        Column("visit\x1b[31m", "identifier", used=False, reason="has another value in each row.", separates=0.5),
        Column("mg", "number", not_numbers={"source": 2}, examples=("<5", "n/a")),
        Column("ill", "label", used=False),
    ),
    6,
    2,
    ("2 target samples stand in the source as well.",),
)


@pytest.fixture
def calls(monkeypatch):
    seen = []

    def inspect(source, target=None, **options):
        seen.append((source, target, options))
        return INSPECTION

    module = types.ModuleType("landbridge.verbs._inspect")
    module.inspect = inspect
    monkeypatch.setitem(sys.modules, "landbridge.verbs._inspect", module)
    return seen


def test_lines_and_a_table_in_eighty_columns(clinics, command, calls):
    shown = command("inspect", "a.csv", "b.csv", "--label", "ill", cwd=clinics)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 80 and "\x1b" not in shown.stdout
    assert lines[0].startswith("Source a: 80 samples; labels yes: 41, no: 39")
    text = " ".join(shown.stdout.split())
    for part in ("0.73", "in months", "gaps filled with the median", "2 cells are no numbers", "another value"):
        assert part in text, part
    assert calls == [("a.csv", "b.csv", {"label": "ill"})]


def test_reading_options_reach_the_verb(clinics, command, calls):
    words = ["--drop", "x,y", "--drop", "z", "--keep", "k", "--id", "who", "--weights", "w", "--missing", "-999"]
    words += ["--missing", "a,b", "--decimal", ",", "--encoding", "latin-1", "--sheet", "2", "--no-header"]
    words += ["--rename", "Age=age", "--text", "note", "--sources", "site", "--groups", "person"]
    done = command("inspect", "a.csv", *words, "--json", cwd=clinics)
    assert done.returncode == 0, done.stderr
    assert Inspection.from_dict(json.loads(done.stdout)) == INSPECTION
    assert calls[0][2].pop("read_options") == {
        "drop": ["x", "y", "z"],
        "keep": ["k"],
        "id": "who",
        "weights": "w",
        "missing": ["-999", "a,b"],
        "decimal": ",",
        "encoding": "latin-1",
        "sheet": "2",
        "header": False,
        "rename": {"Age": "age"},
        "text": "note",
    }
    assert calls[0] == ("a.csv", None, {"sources": "site", "groups": "person"})


def test_quiet_prints_the_lines_only(clinics, command, calls):
    assert command("inspect", "a.csv", "-q", cwd=clinics).stdout.splitlines() == INSPECTION.lines()


@pytest.mark.parametrize("name", ["measure", "rank", "estimate", "transfer"])
def test_the_other_verbs_get_them_too(clinics, command, monkeypatch, name):
    class Seen(Exception):
        pass

    def verb(*sides, **options):
        raise Seen(options.get("read_options"))

    monkeypatch.setattr(f"landbridge.verbs._{name}.{name}", verb)
    sides = ["run" if name == "estimate" else "a.csv", "b.csv"]
    with pytest.raises(Seen, match="'drop'"):
        _call(command, name, *sides, "--drop", "x", cwd=clinics)
    with pytest.raises(Seen, match="None"):
        _call(command, name, *sides, cwd=clinics)


def _call(command, *words, cwd):
    """Let an exception of the verb pass, which the command line does not know."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        from landbridge.cli import app

        app(list(words), standalone_mode=False)
