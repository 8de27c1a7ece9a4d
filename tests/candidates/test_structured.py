"""Structured labels from the front door: what is tried, what is judged, and what is refused."""

import random

import numpy as np
import pytest

from landbridge import load_result, transfer
from landbridge.candidates import find_strategy
from landbridge.exceptions import InputError, LabelError
from landbridge.problem import Arguments, Sides
from landbridge.problem._structured import split_structured_labels

NAMES, PLACES = ["Anna", "Otto", "Eva", "Hans", "Mia"], ["Rome", "Oslo", "Bonn"]


def corpus(n, verbs, seed, types=("PER", "LOC")):
    rng = random.Random(seed)
    words, tags = [], []
    for _ in range(n):
        verb = rng.choice(verbs)
        if rng.random() < 0.75:
            words.append([rng.choice(NAMES), verb, "to", rng.choice(PLACES), "today"])
            tags.append([f"B-{types[0]}", "O", "O", f"B-{types[1]}", "O"])
        else:
            words.append([verb, "it", "now"])
            tags.append(["O"] * 3)
    return words, tags


@pytest.fixture(scope="module")
def sides():
    return corpus(48, ["goes", "went"], 0), corpus(40, ["kam", "ging"], 1)


def partly(target, n):
    return target[0], [*target[1][:n], *[None] * (len(target[1]) - n)]


def problem(sides, **given):
    arguments = Arguments.of(task="tagging", **given)
    pair = Sides(*sides, arguments)
    strategy = find_strategy(pair)
    return strategy, strategy.read(pair), pair


def test_the_task_alone_is_the_situation(sides):
    strategy, read, pair = problem((sides[0], partly(sides[1], 20)))
    assert strategy.name == "structured"
    assert (read.n_labelled, len(read.source), read.task.metric) == (20, 48, "entity F1")
    specs = strategy.plan(read, strategy.diagnose(read), pair)
    assert [s.name for s in specs] == ["source-only", "target-only", "fine-tuned", "joint"]
    assert not any(s.skipped for s in specs)


def test_splits_spread_sentences_with_entities(sides):
    _, read, _ = problem((sides[0], partly(sides[1], 20)))
    holds = np.array([any(t != "O" for t in tags) for tags in sides[1][1][:20]])
    assert len(read.splits.splits) == 5
    assert all(holds[test].any() for _, test in read.splits.splits)


def test_other_types_of_entities_skip_joint_training(sides):
    strategy, read, pair = problem((sides[0], corpus(24, ["kam"], 2, ("DRUG", "GENE"))))
    specs = {s.name: s for s in strategy.plan(read, strategy.diagnose(read), pair)}
    assert specs["joint"].skipped
    assert "new head" in specs["fine-tuned"].reason


def test_labels_are_hidden_or_limited(sides):
    _, read, _ = problem((sides[0], sides[1]), target_labels=12)
    known = [v for v in read.hidden_labels if v is not None]
    assert (read.n_labelled, len(known)) == (12, 28)
    _, none, _ = problem((sides[0], sides[1]), target_labels="hide")
    assert none.n_labelled == 0 and none.splits is None
    with pytest.raises(LabelError, match="the target has none"):
        split_structured_labels(problem((sides[0], sides[1][0]))[1].target, 5, 0)


@pytest.fixture(scope="module")
def result(sides):
    return transfer(sides[0], sides[1], task="tagging", target_labels=20, epochs=4)


def test_candidates_are_judged_on_the_labelled_target(result):
    rows = {c.name: c for c in result.candidates}
    assert result.decision.evidence == "target labels"
    assert all(rows[n].estimate is not None and rows[n].hidden is not None for n in rows)
    assert rows["fine-tuned"].hidden.value > rows["target-only"].hidden.value
    best = max(rows.values(), key=lambda c: c.hidden.value)
    assert rows[result.decision.chosen].hidden.value > 0.7 * best.hidden.value
    assert result.scores["rows"][0]["entities"] > 10


def test_the_result_is_saved_and_predicts(result, tmp_path):
    again = load_result(result.save(tmp_path))
    new = [["Anna", "kam", "to", "Oslo", "today"], ["ging", "it"]]
    assert again.predict(new) == result.predict(new)
    assert [len(tags) for tags in again.predict(new)] == [5, 2]
    page = result.report(tmp_path).read_text()
    assert "Scores by type" in page and "Some samples" in page
    assert "entity F1" in result.to_markdown()


def test_without_target_labels_the_source_is_kept(sides):
    found = transfer(sides[0], sides[1], task="tagging", target_labels="hide", epochs=1)
    assert (found.decision.chosen, found.decision.transferred) == ("source-only", False)
    assert found["source-only"].hidden is not None


def test_an_interrupted_run_goes_on(sides, tmp_path):
    given = {"task": "tagging", "target_labels": 15, "epochs": 1, "work_dir": tmp_path / "work"}
    whole = transfer(*sides, **given | {"work_dir": None})

    def stop(done, total, name):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer(*sides, **given, progress=stop)
    assert len(list((tmp_path / "work").glob("*.npz"))) == 2
    resumed = transfer(*sides, **given, resume=True)
    assert resumed.decision == whole.decision
    assert [c.hidden for c in resumed.candidates] == [c.hidden for c in whole.candidates]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"methods": ["CORAL"]}, "methods=.* does not apply, because the task has structured labels"),
        ({"scoring": "f1_macro"}, "scoring does not apply, because tagging is scored by entity F1"),
        ({"groups": "patient"}, "groups='patient' does not apply"),
    ],
)
def test_what_does_not_apply_is_refused(sides, given, words):
    with pytest.raises(InputError, match=words):
        transfer(*sides, task="tagging", **given)


def test_sides_that_are_no_samples_are_refused(sides):
    with pytest.raises(InputError, match="target: X: sentence 0 must be a list of words"):
        transfer(sides[0], ["a text"], task="tagging")
    with pytest.raises(LabelError, match="has no labels"):
        transfer(sides[0][0], sides[1], task="tagging")
    with pytest.raises(InputError, match="name a file"):
        transfer("builtin:printed", sides[1], task="tagging")
