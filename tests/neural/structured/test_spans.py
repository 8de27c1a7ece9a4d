"""Scores of entities, pieces and windows."""

import itertools
import random

import numpy as np
import pytest

from landbridge.data import shared_data, shared_weights
from landbridge.exceptions import InputError, LabelError
from landbridge.neural.structured import (
    EntityScores,
    align_labels,
    cut_windows,
    first_pieces,
    join_windows,
    tag_spans,
    words_from_pieces,
)


def scored(true, predicted):
    scores = EntityScores()
    scores.update([t.split() for t in true], [p.split() for p in predicted])
    return scores


def test_entities_count_as_a_whole():
    scores = scored(
        ["B-PER I-PER O B-LOC", "B-ORG O O"],
        ["B-PER O O B-LOC", "B-LOC O B-ORG"],
    )
    assert scores.micro() == (0.25, pytest.approx(1 / 3), pytest.approx(2 / 7), 3)
    assert scores.by_type() == {
        "LOC": (0.5, 1.0, pytest.approx(2 / 3), 1),
        "ORG": (0.0, 0.0, 0.0, 1),
        "PER": (0.0, 0.0, 0.0, 1),
    }
    assert scores.macro() == (pytest.approx(1 / 6), pytest.approx(1 / 3), pytest.approx(2 / 9), 3)


def test_invalid_sequences_are_read_as_conlleval_does():
    assert scored(["B-A I-A O B-B"], ["I-A I-A O I-B"]).micro().f1 == 1.0
    assert scored(["B-A I-A"], ["B-A I-B"]).micro() == (0.0, 0.0, 0.0, 1)


def test_nothing_to_find_is_zero_as_in_seqeval():
    assert scored(["O O"], ["O O"]).micro() == (0.0, 0.0, 0.0, 0)
    assert EntityScores().macro() == (0.0, 0.0, 0.0, 0)


def test_counts_add_up():
    one, other = scored(["B-A O"], ["B-A B-A"]), scored(["O B-B"], ["O O"])
    both = scored(["B-A O", "O B-B"], ["B-A B-A", "O O"])
    assert (one + other).by_type() == both.by_type() and (one + other).micro() == both.micro()


def random_tags(rng, n):
    return [rng.choice(["O", "B-A", "I-A", "B-B", "I-B"]) for _ in range(n)]


def test_scores_are_those_of_seqeval():
    metrics = pytest.importorskip("seqeval.metrics", reason="seqeval is not installed")
    rng = random.Random(3)
    for _ in range(30):
        lengths = [rng.randrange(1, 12) for _ in range(8)]
        true, predicted = ([random_tags(rng, n) for n in lengths] for _ in range(2))
        scores = EntityScores()
        scores.update(true, predicted)
        report = metrics.classification_report(true, predicted, output_dict=True, zero_division=0)
        for name, found in {"micro avg": scores.micro(), "macro avg": scores.macro(), **scores.by_type()}.items():
            held = report[name]
            assert found == pytest.approx([held[k] for k in ("precision", "recall", "f1-score", "support")])


def test_sentences_that_do_not_fit_are_refused_and_not_counted():
    scores = EntityScores()
    with pytest.raises(InputError, match="predicted has 1 sentences and true has 2"):
        scores.update([["O"], ["O"]], [["O"]])
    with pytest.raises(InputError, match="sentence 1 has 1 tags but 2 true ones"):
        scores.update([["B-A"], ["O", "O"]], [["B-A"], ["O"]])
    with pytest.raises(LabelError, match="'PER' "):
        scores.update([["B-A"], ["O"]], [["B-A"], ["PER"]])
    assert scores.micro().support == 0


WORD_IDS = [None, 0, 0, 0, 1, 3, 3, None, None]


def test_labels_are_on_the_first_pieces():
    assert first_pieces(WORD_IDS) == {0: 1, 1: 4, 3: 5}
    labels = align_labels(WORD_IDS, [5, 6, 7, 8])
    assert labels == [-100, 5, -100, -100, 6, 8, -100, -100, -100]
    assert words_from_pieces(WORD_IDS, labels, 4, 0) == [5, 6, 0, 8]
    with pytest.raises(InputError, match="word 3 has no label; there are 3 labels"):
        align_labels(WORD_IDS, [5, 6, 7])
    with pytest.raises(InputError, match="values has 2 entries and word_ids 9"):
        words_from_pieces(WORD_IDS, [1, 2], 4, 0)


@pytest.mark.parametrize("seed", range(60))
def test_windows_keep_every_word_once(seed):
    rng = random.Random(seed)
    n_pieces = [rng.choice([0, 1, 1, 1, 2, 3, 9]) for _ in range(rng.randrange(0, 40))]
    longest = rng.randrange(1, 12)
    overlap = rng.randrange(0, longest)
    windows = cut_windows(n_pieces, longest, overlap)
    kept = [word for w in windows for word in range(w.keep_start, w.keep_stop)]
    assert kept == list(range(len(n_pieces)))
    for w in windows:
        assert w.start <= w.keep_start <= w.keep_stop <= w.stop
        assert sum(n_pieces[w.start : w.stop]) <= longest or w.stop - w.start == 1
    for before, after in itertools.pairwise(windows):
        assert before.start < after.start <= before.stop < after.stop
        assert sum(n_pieces[after.start : before.stop]) <= overlap
    words = [f"w{i}" for i in range(len(n_pieces))]
    assert join_windows(windows, [words[w.start : w.stop] for w in windows]) == words


def test_a_sentence_that_fits_is_one_window():
    assert cut_windows([1, 2, 3], 6, 2) == [(0, 3, 0, 3)]


def test_windows_overlap_as_far_as_they_may():
    windows = cut_windows([1] * 100, 20, 10)
    assert all(b.start == a.stop - 10 for a, b in itertools.pairwise(windows))
    # Predictions come from at least four words inside a window, except at the ends of the sentence.
    assert all(w.keep_start - w.start >= 4 or w.start == 0 for w in windows)
    assert all(w.stop - w.keep_stop >= 4 or w.stop == 100 for w in windows)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (([1], 0), "longest must be a whole number of at least 1"),
        (([1], 3, 3), "overlap=3 must be less than longest=3"),
        (([1], 3, -1), "overlap must be a whole number of at least 0"),
        (([1, -1], 3), "n_pieces must not be negative"),
    ],
)
def test_windows_that_cannot_be_cut(arguments, why):
    with pytest.raises(InputError, match=why):
        cut_windows(*arguments)


def test_joined_windows_need_one_value_per_word():
    with pytest.raises(InputError, match="window 1 has 1 values but 2 words"):
        join_windows(cut_windows([1, 1, 1], 2, 1), [[1, 2], [3]])


@pytest.mark.data
def test_entities_of_a_corpus():
    """The Danish test set of Universal NER has 565 sentences; its own tags score 1."""
    path = shared_data("ner_universal.npz")
    if path is None:
        pytest.skip("the shared data folder is absent")
    with np.load(path, allow_pickle=False) as data:
        names = [str(t) for t in data["tagset"]]
        tags = [names[i] for i in data["da_ddt_test_tags"]]
        edges = data["da_ddt_test_sent_offsets"]
    sentences = [tags[a:b] for a, b in itertools.pairwise(edges)]
    assert len(sentences) == 565
    scores = EntityScores()
    scores.update(sentences, sentences)
    assert scores.micro().f1 == 1.0 and scores.micro().support == sum(len(tag_spans(s)) for s in sentences)
    assert set(scores.by_type()) == {"LOC", "ORG", "PER"}


@pytest.mark.data
def test_pieces_of_a_tokenizer_lead_back_to_every_word():
    """A sentence of 300 words through windows of 30 pieces; one of its words is dropped by the tokenizer."""
    transformers = pytest.importorskip("transformers", reason="tokenizers come with transformers")
    folder = shared_weights("minilm_l6_12k_fp16")
    if folder is None:
        pytest.skip("the shared weights folder is absent")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    words = ["Immunohistochemistry", "of", "\u200b", "Copenhagen", "Airport", "-"] * 50
    labels = list(range(len(words)))
    n_pieces = [len(tokenizer(w, add_special_tokens=False)["input_ids"]) for w in words]
    assert n_pieces[2] == 0 and n_pieces[0] > 2
    windows = cut_windows(n_pieces, 30, 10)
    assert len(windows) > 5
    found = []
    for w in windows:
        coded = tokenizer(words[w.start : w.stop], is_split_into_words=True, truncation=True, max_length=32)
        ids = coded.word_ids()
        pieces = align_labels(ids, labels[w.start : w.stop])
        assert sum(p >= 0 for p in pieces) == sum(n > 0 for n in n_pieces[w.start : w.stop])
        found.append(words_from_pieces(ids, pieces, w.stop - w.start, None))
    assert join_windows(windows, found) == [None if n == 0 else i for i, n in enumerate(n_pieces)]
