"""Tagging: labels to tensors and back, losses that ignore what has no tag, and predictions that obey the rules."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from landbridge.data.formats._conll import read_tagged
from landbridge.exceptions import InputError, LabelError
from landbridge.neural.tasks import Tagging, find_task

TAGS = [["B-PER", "I-PER", "O"], ["O", "B-LOC"]]


def output(task, sizes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    longest = max(sizes)
    hidden = torch.randn(len(sizes), longest, 8, generator=generator)
    mask = torch.arange(longest) < torch.tensor(sizes)[:, None]
    torch.manual_seed(seed)
    from landbridge.neural import Features

    return task.head(8)(Features(hidden, mask))


def test_is_found_by_its_name_and_made_from_labels():
    task = find_task("tagging").from_labels(TAGS)
    assert task.tags == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert [t.tolist() for t in task.encode(TAGS)] == [[3, 4, 0], [0, 1]]


def test_labels_without_entities_and_unknown_tags_are_refused():
    with pytest.raises(LabelError, match="y holds no entity"):
        Tagging.from_labels([["O", "O"]])
    with pytest.raises(LabelError, match="B-ORG"):
        Tagging(["PER"]).encode([["B-ORG"]])
    assert Tagging(["PER"]).accepts([["I-PER"]])
    assert not Tagging(["PER"]).accepts([["B-ORG"]])


@pytest.mark.parametrize("crf", [False, True])
def test_the_loss_is_the_sum_over_tagged_words(crf):
    task = Tagging(["LOC", "PER"], crf=crf)
    out = output(task, [3, 2])
    labels = task.collate_labels(task.encode([["B-PER", None, "O"], ["O", "B-LOC"]]))
    total, weight = task.loss(out, labels)
    assert int(weight) == 4 == int(task.weight(labels))
    if not crf:
        flat, known = out["logits"].reshape(-1, 5), labels.reshape(-1)
        expected = sum(F.cross_entropy(flat[i], known[i]) for i in range(6) if known[i] >= 0)
        assert torch.allclose(total, expected)
    # Padding changes nothing.
    wide = {k: F.pad(v, (0, 0, 0, 2)) if k == "logits" else v for k, v in out.items()}
    wide["mask"] = F.pad(out["mask"], (0, 2))
    assert torch.allclose(task.loss(wide, labels)[0], total, atol=1e-5)


@pytest.mark.parametrize("crf", [False, True])
def test_predictions_obey_the_rules_of_iob2(crf):
    task = Tagging(["LOC", "PER"], crf=crf)
    for seed in range(5):
        found = task.predict(output(task, [7, 1, 4], seed))
        assert [len(tags) for tags in found] == [7, 1, 4]
        for tags in found:
            for before, tag in itertools.pairwise(["O", *tags]):
                assert not tag.startswith("I-") or before[2:] == tag[2:]


def test_the_best_of_all_allowed_sequences_is_found():
    task = Tagging(["PER"])
    out = output(task, [4], seed=3)
    logits = out["logits"][0]

    def allowed(tags):
        return all(t != 2 or b in (1, 2) for b, t in itertools.pairwise((0, *tags)))

    best = max(
        filter(allowed, itertools.product(range(3), repeat=4)), key=lambda s: sum(logits[i, t] for i, t in enumerate(s))
    )
    assert task.predict(out) == [[task.tags[t] for t in best]]


def test_the_metric_counts_entities_over_batches_and_ignores_words_without_tags():
    task, metric = Tagging(["PER"]), Tagging(["PER"]).metric()
    logits = F.one_hot(torch.tensor([[1, 2, 0], [1, 0, 0]]), 3).float() * 9
    mask = torch.tensor([[True] * 3, [True, True, False]])
    labels = task.collate_labels(task.encode([["B-PER", "I-PER", "O"], ["O", None]]))
    for i in range(2):
        metric.update({"logits": logits[i : i + 1], "mask": mask[i : i + 1]}, labels[i : i + 1])
    assert metric.compute() == pytest.approx(2 / 3)  # one of two found is right, the only true one is found
    assert Tagging.score_labels([["B-PER", None]], [["B-PER", "B-PER"]]) == 1.0


def test_agreement_is_of_entities():
    task = Tagging(["PER"])
    assert task.agreement([["O", "O"]], [["O", "O"]]) == 1.0
    assert task.agreement([["B-PER", "O"]], [["O", "B-PER"]]) == 0.0


def test_details_have_a_row_for_each_type():
    rows = Tagging.details(TAGS, [["B-PER", "I-PER", "O"], ["O", "O"]])["rows"]
    assert [(r["type"], r["F1"], r["entities"]) for r in rows] == [
        ("all types", 2 / 3, 2),
        ("LOC", 0, 1),
        ("PER", 1, 1),
    ]


def test_sentences_and_tags_are_checked():
    _, y = Tagging.check([["In", "Rome"], ["Yes"]], [["O", "S-LOC"], None])
    assert y == [["O", "B-LOC"], None]
    with pytest.raises(InputError, match="sentence 1 must be a list of words"):
        Tagging.check([["a"], "text"])
    with pytest.raises(LabelError, match="y_target: sentence 0 must have one tag"):
        Tagging.check([["a", "b"]], [["O"]], "X_target")
    with pytest.raises(LabelError, match="'PER', which is no tag"):
        Tagging.check([["a"]], [["PER"]])
    with pytest.raises(LabelError, match="2 labels but X has 1"):
        Tagging.check([["a"]], [["O"], ["O"]])


@pytest.mark.parametrize("name", ["p.conll", "p.jsonl"])
def test_predictions_are_written_and_read(tmp_path, name):
    task, words = Tagging(["LOC", "PER"]), [["Ada", "Low", "ran"], ["in", "Rome"]]
    path = task.write(tmp_path / name, words, TAGS)
    assert task.read(path) == (words, TAGS)


def test_files_may_be_partly_tagged_and_are_written_as_they_came(tmp_path):
    spans = tmp_path / "a.jsonl"
    spans.write_text('{"text": "In Rome.", "spans": [[3, 7, "LOC"]]}\n{"text": "Ada ran."}\n')
    X, y, held = Tagging.read_file(spans)
    assert (X[1], y) == (["Ada", "ran", "."], [["O", "B-LOC", "O"], None])
    found = read_tagged(Tagging.write_file(tmp_path / "b.jsonl", held, [["O", "B-LOC", "O"], ["B-PER", "O", "O"]]))
    assert found.texts == ["In Rome.", "Ada ran."]
    assert found.spans() == [[(3, 7, "LOC")], [(0, 3, "PER")]]
    columns = tmp_path / "a.conll"
    columns.write_text("In\tO\nRome\tB-LOC\n\nAda\t_\nran\t_\n")
    X, y, held = Tagging.read_file(columns)
    assert y == [["O", "B-LOC"], None]
    Tagging.write_file(tmp_path / "b.conll", held, [["O", "O"], ["B-PER", "O"]])
    assert (tmp_path / "b.conll").read_text() == "In\tO\nRome\tO\n\nAda\tB-PER\nran\tO\n\n"


def test_a_sentence_is_shown_with_its_entities():
    shown = Tagging(["PER"]).show(["Ada", "Low", "ran"], ["B-PER", "I-PER", "O"], ["O", "O", "O"])
    assert shown == {"label": "[Ada Low: PER] ran", "prediction": "Ada Low ran"}
