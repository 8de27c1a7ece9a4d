import json

import pytest

from landbridge.catalogue import methods
from landbridge.cli._completion import complete_columns, complete_methods, complete_pages, complete_sides
from landbridge.cli._method_pages import families, find_page, method_names, pages
from landbridge.data import builtin_names


def test_every_family_is_there_and_every_page_is_full():
    found = pages()
    assert {m.name for m in methods()} <= {p.name for p in found}
    assert {"DANN", "L2SP", "SHOT", "PrototypicalClassifier", "ESZSL", "SparseCodingFeatures"} <= {
        p.name for p in found
    }
    assert {p.family for p in found} == set(families())
    for page in found:
        assert page.summary and page.reference, page.name
        for text in (page.summary, page.description, page.helps, page.hurts, page.notes):
            assert ":class:" not in text and "``" not in text and ".. math" not in text, (page.name, text)
    assert sum(bool(p.helps or p.hurts) for p in found) > 0.8 * len(found)


def test_one_method_explained(command):
    shown = command("methods", "coral")
    text = " ".join(shown.stdout.split())
    for part in ("CORAL (feature)", "When it hurts", "reg_covar float, default 1.0", "AAAI 2016", "--methods CORAL"):
        assert part in text, part
    assert max(map(len, shown.stdout.splitlines())) <= 80
    held = json.loads(command("methods", "DANN", "--json").stdout)
    assert [p["name"] for p in held["parameters"]] == ["strength", "width", "ramp_up"]
    assert held["parameters"][0]["default"] == "1.0" and held["family"] == "network feature"


def test_families_may_be_shortened(command):
    names = command("methods", "--family", "network", "-q").stdout.split()
    assert {"DANN", "L2SP"} <= set(names) and "CORAL" not in names


def test_typos(command):
    done = command("methods", "DNAN")
    assert done.returncode == 2 and "DANN" in done.stderr
    assert find_page("two_stage-tradaboost r2").name == "TwoStageTrAdaBoostR2"


def test_completion(tmp_path):
    assert "CORAL" in complete_methods("CO") and complete_methods("JDA,COR") == ["JDA,CORAL"]
    assert "DANN" in complete_pages("da") and set(complete_sides("b")) == {f"builtin:{n}" for n in builtin_names()}
    assert {m.name for m in methods()} <= set(method_names())

    class Context:
        params = {"source": str(tmp_path / "a.csv"), "target": None}

    assert complete_columns(Context(), "") == []
    (tmp_path / "a.csv").write_text('age;"a b";ill\n1;2;3\n')
    assert complete_columns(Context(), "") == ["age", "a b", "ill"] and complete_columns(Context(), "x,a") == [
        "x,age",
        "x,a b",
    ]


def test_the_shell_completes(command, monkeypatch, capsys):
    monkeypatch.setenv("_LANDBRIDGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "landbridge transfer a.csv b.csv --methods COR")
    monkeypatch.setenv("COMP_CWORD", "5")
    assert "CORAL" in command().stdout


@pytest.mark.parametrize("words", [["data"], ["data", "--json"], ["data", "-q"]])
def test_built_in_domains(command, words):
    shown = command(*words).stdout
    assert all(f"builtin:{name}" in shown for name in builtin_names())
    if "--json" in words:
        held = json.loads(shown)
        assert held["domains"][0]["n_features"] == 64 and held["pairs"][0]["target"] == "builtin:handwritten"
