"""Column files and JSON lines of tagged sentences."""

import gzip
import itertools
import json

import numpy as np
import pytest

from landbridge.data import shared_data
from landbridge.data._tags import tag_spans
from landbridge.data.formats._conll import (
    TaggedSentences,
    read_conll,
    read_tagged,
    read_tagged_json,
    split_words,
    write_conll,
    write_tagged_json,
)
from landbridge.exceptions import InputError, ReadError, WriteError

CONLL2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP I-ORG
rejects VBZ B-VP O
German JJ B-NP I-MISC
British JJ I-NP B-MISC

-DOCSTART-

Peter NNP B-NP I-PER
Blackburn NNP I-NP I-PER
"""
UNER = (
    "# sent_id = 1\n# text = Han bor i Ny York\n1\tHan\tO\t-\tanna\n2\tbor\tO\t-\tanna\n3\ti\tO\t-\tanna\n"
    "4\tNy York\tB-LOC\t-\tanna\n\n# sent_id = 2\n1-2\tdu\tO\t-\tanna\n1\tde\tO\t-\tanna\n2\tle\tO\t-\tanna\n"
)


def read(folder, text, **options):
    (folder / "a.conll").write_text(text, encoding="utf-8")
    return read_conll(folder / "a.conll", **options)


def test_conll_2003(tmp_path):
    sentences = read(tmp_path, CONLL2003)
    assert sentences.tokens == [["EU", "rejects", "German", "British"], ["Peter", "Blackburn"]]
    assert sentences.tags == [["B-ORG", "O", "B-MISC", "B-MISC"], ["B-PER", "I-PER"]]
    assert sentences.texts[0] == "EU rejects German British" and sentences.offsets[1] == [(0, 5), (6, 15)]
    assert sentences.spans()[1] == [(0, 15, "PER")] and len(sentences) == 2
    chunks = read(tmp_path, CONLL2003, tag=2)
    assert chunks.tags[0] == ["B-NP", "B-VP", "B-NP", "I-NP"]
    assert read(tmp_path, CONLL2003, word=-3, tag=-1).tokens[1] == ["NNP", "NNP"]


def test_numbered_words_and_comments(tmp_path):
    sentences = read(tmp_path, UNER)
    assert sentences.tokens == [["Han", "bor", "i", "Ny York"], ["de", "le"]]
    assert sentences.tags == [["O", "O", "O", "B-LOC"], ["O", "O"]]


@pytest.mark.parametrize("separator", ["\t", " ", "  \t "])
def test_separators_and_line_ends(tmp_path, separator):
    (tmp_path / "a.txt").write_bytes(f"Rome{separator}B-LOC\r\n \t\r\n\r\nYes{separator}O".encode("utf-16"))
    sentences = read_conll(tmp_path / "a.txt")
    assert sentences.tokens == [["Rome"], ["Yes"]] and sentences.notes == ["The encoding is UTF-16."]


def test_a_sign_of_comments_can_be_a_word(tmp_path):
    assert read(tmp_path, "# a comment of four\n# O\n#tag B-X\na O\n").tokens == [["#", "#tag", "a"]]
    assert read(tmp_path, "# two\n#\tO\na\tO\n").tokens == [["#", "a"]]
    assert read(tmp_path, "#\tO\n#b\tB-X\n").tokens == [["#", "#b"]]


def test_words_alone_have_no_tags(tmp_path):
    sentences = read(tmp_path, "In\nRome\n\nYes\n")
    assert sentences.tokens == [["In", "Rome"], ["Yes"]] and sentences.tags is None
    assert sentences.spans() == [[], []]


def test_only_blanks_and_tabs_separate(tmp_path):
    assert read(tmp_path, "1\u00a0000 O\na O\n").tokens == [["1\u00a0000", "a"]]


def test_packed_files_and_encodings(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress("Sk\u00e5ne B-LOC\n\u00e5 O\n".encode("cp1252")))
    assert read_conll(tmp_path / "a.gz", encoding="cp1252").tokens == [["Sk\u00e5ne", "\u00e5"]]


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("a B-X\nb\n", {}, "line 2 has 1 columns but line 1 has 2"),
        ("a VB\nb NN\n", {}, "has no column that holds tags only"),
        ("a VB O\nb NN O\n", {"tag": 1}, "line 1 has 'VB' in column 1, which is no tag"),
        ("a O\nb O\n", {"tag": 2}, "tag=2 is no column of .*, which has 2"),
        ("a O\nb O\n", {"word": "x"}, "word='x' is no column"),
        ("# one\n\n# two\n", {}, "holds no sentences"),
        ("a\tO\n\tO\n", {}, "line 2 has no word in column 0"),
        ("1\ta\tO\n2\t\tO\n", {}, "line 2 has no word in column 1"),
    ],
)
def test_faults_are_one_line(tmp_path, text, options, why):
    with pytest.raises(InputError, match=why) as caught:
        read(tmp_path, text, **options)
    assert "\n" not in str(caught.value)


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        read_conll(tmp_path / "none")
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(ReadError, match=r"another format \(npy\)"):
        read_conll(tmp_path / "a.npy")


def jsonl(folder, *held):
    lines = [h if isinstance(h, str) else json.dumps(h) for h in held]
    (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return read_tagged_json(folder / "a.jsonl")


def test_texts_with_spans(tmp_path):
    text = "Zo\u00eb-Ann lives in New York."
    spans = [{"start": 17, "end": 25, "label": "LOC"}, {"start": 0, "end": 7, "label": "PER"}]
    sentences = jsonl(tmp_path, {"text": text, "spans": spans}, {"text": "No one.", "spans": []})
    assert sentences.tokens[0] == ["Zo\u00eb", "-", "Ann", "lives", "in", "New", "York", "."]
    assert sentences.tags[0] == ["B-PER", "I-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"]
    assert sentences.tags[1] == ["O"] * 3 and sentences.texts[0] == text
    assert sentences.spans()[0] == [(0, 7, "PER"), (17, 25, "LOC")]
    assert all(text[a:b] == w for (a, b), w in zip(sentences.offsets[0], sentences.tokens[0], strict=True))


def test_spans_inside_words_cut_them_and_blanks_at_edges_do_not_count(tmp_path):
    sentences = jsonl(tmp_path, {"text": "antiviral  drug", "spans": [[0, 4, "A"], [9, 15, "B"]]})
    assert sentences.tokens == [["anti", "viral", "drug"]] and sentences.tags == [["B-A", "O", "B-B"]]
    assert sentences.spans() == [[(0, 4, "A"), (11, 15, "B")]]


def test_words_with_tags_and_without(tmp_path):
    sentences = jsonl(tmp_path, {"tokens": ["New", "York", "!"], "tags": ["B-LOC", "L-LOC", "O"]})
    assert sentences.tags == [["B-LOC", "I-LOC", "O"]] and sentences.texts == ["New York !"]
    assert jsonl(tmp_path, {"tokens": ["a"]}, {"text": "b c"}).tags is None


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ("{nonsense", "line 2 is no JSON"),
        ("[1]", "line 2: there is no object"),
        ({"words": []}, "line 2: there is neither text nor tokens"),
        ({"text": "abc", "spans": [[0, 4, "A"]]}, r"line 2: the span \[0, 4, 'A'\] is not in its text of 3"),
        ({"text": "abc", "spans": [[1, 1, "A"]]}, "is not in its text"),
        ({"text": "abc def", "spans": [[0, 3, "A"], [2, 7, "B"]]}, r"\(0, 3, 'A'\) and \(2, 7, 'B'\) overlap"),
        ({"text": "a  b", "spans": [[1, 3, "A"]]}, "holds blanks only"),
        ({"text": "abc", "spans": [[0, 3, ""]]}, "has no label"),
        ({"text": "abc", "spans": [{"start": 0}]}, "has no label|no start"),
        ({"text": "abc", "spans": {"a": 1}}, "spans must be a list"),
        ({"tokens": ["a"], "tags": ["O", "O"]}, "2 tags but 1 tokens"),
        ({"tokens": ["a"], "tags": [3]}, "tags must be a list of names"),
        ({"tokens": ["a"], "tags": ["PER"]}, "'PER' .* is no tag"),
        ({"text": "abc"}, "1 of 2 objects have neither spans nor tags"),
    ],
)
def test_faults_of_json_are_one_line(tmp_path, held, why):
    with pytest.raises(ReadError, match=why) as caught:
        jsonl(tmp_path, {"text": "a", "spans": []}, held)
    assert "\n" not in str(caught.value)


def test_the_content_decides_how_a_file_is_read(tmp_path):
    sentences = TaggedSentences.of_words([["{", "a"], ["Rome"]], [["O", "O"], ["B-LOC"]])
    assert read_tagged(write_conll(tmp_path / "a.txt", sentences)) == sentences
    assert read_tagged(write_tagged_json(tmp_path / "b.txt", sentences, form="tokens")) == sentences
    with pytest.raises(ReadError, match="line 2 is no JSON"):
        (tmp_path / "c.txt").write_text('{"text": "a"}\n{"text"\n')
        read_tagged(tmp_path / "c.txt")


def test_words_of_other_scripts_stay_whole():
    text = "हिन्दी में 東京, don't"
    assert [text[a:b] for a, b in split_words(text)] == ["हिन्दी", "में", "東京", ",", "don", "'", "t"]
    assert split_words("") == [] and split_words(" \u00a0") == []


@pytest.mark.parametrize("form", ["conll", "tokens"])
def test_what_is_written_is_read_again(tmp_path, form):
    words = [["#", "Ny York", "har", "(", "1"], ["\u00c5rhus"]]
    sentences = TaggedSentences.of_words(words, [["O", "B-LOC", "O", "O", "B-X"], ["B-LOC"]])
    if form == "conll":
        again = read_conll(write_conll(tmp_path / "a.conll", sentences))
    else:
        again = read_tagged_json(write_tagged_json(tmp_path / "a.jsonl", sentences, form="tokens"))
    assert again == sentences


def test_texts_with_spans_are_written_as_they_were_read(tmp_path):
    sentences = jsonl(tmp_path, {"text": "Zo\u00eb \u2028 (NY)\n\ud800", "spans": [[0, 3, "PER"], [7, 9, "LOC"]]})
    assert read_tagged_json(write_tagged_json(tmp_path / "b.jsonl", sentences)) == sentences


def test_sentences_without_tags_are_written_without(tmp_path):
    sentences = TaggedSentences.of_words([["a", "b"], ["c"]])
    assert read_conll(write_conll(tmp_path / "a.conll", sentences)) == sentences
    assert json.loads(write_tagged_json(tmp_path / "a.jsonl", sentences).read_text().splitlines()[0]) == {"text": "a b"}


def test_what_cannot_be_written_is_refused(tmp_path):
    for word in ("", "a\tb", "a\nb"):
        with pytest.raises(InputError, match="in sentence 1 cannot be a cell"):
            write_conll(tmp_path / "a.conll", TaggedSentences.of_words([["a"], [word]]))
    with pytest.raises(InputError, match="form must be 'spans' or 'tokens'"):
        write_tagged_json(tmp_path / "a.jsonl", TaggedSentences.of_words([["a"]]), form="xml")
    with pytest.raises(WriteError, match="make the folder first"):
        write_conll(tmp_path / "none" / "a.conll", TaggedSentences.of_words([["a"]]))
    with pytest.raises(InputError, match="one tag per word"):
        TaggedSentences.of_words([["a"]], [["O", "O"]])


@pytest.mark.data
def test_a_corpus_passes_through_both_formats(tmp_path):
    path = shared_data("ner_universal.npz")
    if path is None:
        pytest.skip("the shared data folder is absent")
    with np.load(path, allow_pickle=False) as data:
        names = [str(t) for t in data["tagset"]]
        words = bytes(data["da_ddt_test_tokens"]).decode().split("\n")
        tags = [names[i] for i in data["da_ddt_test_tags"]]
        edges = data["da_ddt_test_sent_offsets"]
    ranges = [slice(a, b) for a, b in itertools.pairwise(edges)]
    sentences = TaggedSentences.of_words([words[r] for r in ranges], [tags[r] for r in ranges])
    assert read_conll(write_conll(tmp_path / "a.conll", sentences)) == sentences
    again = read_tagged_json(write_tagged_json(tmp_path / "a.jsonl", sentences))
    assert again.spans() == sentences.spans()
    assert sum(map(len, again.spans())) == sum(len(tag_spans(s)) for s in sentences.tags) > 300
