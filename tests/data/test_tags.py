"""Tags and spans: every scheme gives the same spans, and what is invalid is repaired or refused."""

import itertools
import random

import pytest

from landbridge.data._tags import Span, iob2_tags, is_tag, tag_spans, to_iob2
from landbridge.exceptions import LabelError

# One sentence with two entities of one type side by side, in every scheme.
SPANS = [Span(0, 2, "PER"), Span(2, 3, "PER"), Span(4, 7, "LOC"), Span(8, 9, "ORG")]
SCHEMES = {
    "IOB1": "I-PER I-PER B-PER O I-LOC I-LOC I-LOC O I-ORG",
    "IOB2": "B-PER I-PER B-PER O B-LOC I-LOC I-LOC O B-ORG",
    "IOBES": "B-PER E-PER S-PER O B-LOC I-LOC E-LOC O S-ORG",
    "BILOU": "B-PER L-PER U-PER O B-LOC I-LOC L-LOC O U-ORG",
    "BMES": "B-PER E-PER S-PER O B-LOC M-LOC E-LOC O S-ORG",
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_read(scheme):
    assert tag_spans(SCHEMES[scheme].split()) == SPANS
    assert to_iob2(SCHEMES[scheme].split()) == SCHEMES["IOB2"].split()


def test_an_inside_tag_that_continues_nothing_begins_a_span():
    assert to_iob2(["O", "I-A", "I-A", "I-B", "O", "I-B"]) == ["O", "B-A", "I-A", "B-B", "O", "B-B"]
    assert tag_spans(["S-A", "I-A"]) == [(0, 1, "A"), (1, 2, "A")]
    assert tag_spans(["E-A", "E-A"]) == [(0, 1, "A"), (1, 2, "A")]


def test_types_may_hold_hyphens_and_blanks():
    assert tag_spans(["B-geo-loc", "I-geo-loc", "B-two words"]) == [(0, 2, "geo-loc"), (2, 3, "two words")]


def test_spans_and_tags_are_inverse():
    rng = random.Random(0)
    for _ in range(200):
        n = rng.randrange(0, 12)
        cuts = sorted(rng.sample(range(n + 1), rng.randrange(0, n + 1)))
        spans = [Span(a, b, rng.choice("XY")) for a, b in itertools.pairwise(cuts) if rng.random() < 0.7]
        shuffled = rng.sample(spans, len(spans))
        assert tag_spans(iob2_tags(shuffled, n)) == spans


@pytest.mark.parametrize("tag", ["PER", "B-", "b-PER", "", "B_PER", "X-PER", None])
def test_what_is_no_tag_is_refused(tag):
    assert tag is None or not is_tag(tag)
    with pytest.raises(LabelError, match=r"token 1\) is no tag; write O"):
        tag_spans(["O", tag])


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ([(0, 2, "A"), (1, 3, "B")], "overlaps another span"),
        ([(1, 1, "A")], "no span of a sentence of 4 tokens"),
        ([(3, 5, "A")], "no span of a sentence of 4 tokens"),
        ([(-1, 1, "A")], "no span of a sentence of 4 tokens"),
        ([(0, 1, " ")], "has no label"),
    ],
)
def test_spans_that_cannot_be_written_are_refused(spans, why):
    with pytest.raises(LabelError, match=why):
        iob2_tags(spans, 4)


def test_empty():
    assert tag_spans([]) == [] and iob2_tags([], 0) == []
