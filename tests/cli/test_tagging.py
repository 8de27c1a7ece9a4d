"""Tagging at the command line: files of both forms, a result, and predictions in the form of their input."""

import json
import random

import pytest

from landbridge.data.formats._conll import TaggedSentences, read_tagged, write_conll

NAMES, PLACES = ["Anna", "Otto", "Eva", "Hans", "Mia"], ["Rome", "Oslo", "Bonn"]


def sentences(n, verb, seed):
    rng = random.Random(seed)
    words = [[rng.choice(NAMES), verb, "to", rng.choice(PLACES)] if i % 4 else [verb, "it"] for i in range(n)]
    return words, [["B-PER", "O", "O", "B-LOC"] if len(w) == 4 else ["O", "O"] for w in words]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("tagging")
    write_conll(place / "source.conll", TaggedSentences.of_words(*sentences(40, "went", 0)))
    words, tags = sentences(30, "kam", 1)
    with (place / "target.jsonl").open("w") as file:
        for i, (one, held) in enumerate(zip(words, tags, strict=True)):
            file.write(json.dumps({"tokens": one} | ({"tags": held} if i < 20 else {})) + "\n")
    (place / "new.jsonl").write_text('{"text": "Anna kam to Oslo."}\n')
    (place / "new.conll").write_text("Otto\nkam\nto\nBonn\n")
    return place


@pytest.fixture(scope="module")
def result(folder, command):
    given = ["--task", "tagging", "--epochs", 4, "--out", folder / "out"]
    done = command("transfer", folder / "source.conll", folder / "target.jsonl", *given)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_transfer_writes_a_result(result):
    held = json.loads((result / "result.json").read_text())
    assert (held["task"], held["metric"], held["settings"]["situation"]) == ("tagging", "entity F1", "structured")
    assert held["settings"]["n_target_labelled"] == 20
    assert {c["name"] for c in held["candidates"]} == {"source-only", "target-only", "fine-tuned", "joint"}
    assert "--task tagging" in held["settings"]["command"]
    assert (result / "report.html").is_file()


def test_predictions_have_the_form_of_the_file(folder, result, command):
    line = json.loads(command("predict", result, folder / "new.jsonl").stdout)
    assert line["text"] == "Anna kam to Oslo." and {"start": 12, "end": 16, "label": "LOC"} in line["spans"]
    done = command("predict", result, folder / "new.conll", "--out", folder / "p.conll")
    assert done.stdout.startswith("1 sample predicted")
    found = read_tagged(folder / "p.conll")
    assert found.tokens == [["Otto", "kam", "to", "Bonn"]] and found.tags[0][3] == "B-LOC"


def test_backbones_are_ranked(folder, command):
    done = command("rank", "characters", "target.jsonl", "--task", "tagging", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert [c["name"] for c in json.loads(done.stdout)["candidates"]] == ["characters"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["predict", "out", "new.jsonl", "--coverage", "0.9"],
            "--coverage does not apply, because the task is tagging",
        ),
        (["estimate", "out", "new.jsonl"], "estimate() does not apply, because the task is tagging"),
        (["transfer", "source.conll", "new.conll", "--task", "taging"], "did you mean tagging?"),
        (["transfer", "new.conll", "source.conll", "--task", "tagging"], "has no labels"),
    ],
)
def test_what_does_not_apply_is_one_line(folder, result, command, words, said):
    done = command(*words, cwd=folder)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
