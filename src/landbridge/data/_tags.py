"""Tags of tokens and the spans that they stand for: IOB1, IOB2, IOBES and BILOU are read, IOB2 is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from landbridge.exceptions import LabelError

__all__ = ["OUTSIDE", "Span", "iob2_tags", "is_tag", "tag_spans", "to_iob2"]

OUTSIDE = "O"
# Begin, inside, end (IOBES), single (IOBES), last and unit (BILOU), middle (BMES).
TAG = re.compile(r"([BIESLUM])-(.*\S.*)", re.DOTALL)
BEGINS, ENDS = "BSU", "ESLU"


class Span(NamedTuple):
    """Tokens that form one entity.

    Parameters
    ----------
    start, stop : int
        First token, and the one after the last.
    label : str
        Type of the entity.
    """

    start: int
    stop: int
    label: str


def is_tag(text: str) -> bool:
    """Return whether a text is a tag of one of the schemes.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> from landbridge.data._tags import is_tag
    >>> [is_tag(t) for t in ("O", "B-PER", "S-geo-loc", "PER", "B-")]
    [True, True, True, False, False]
    """
    return text == OUTSIDE or TAG.fullmatch(text) is not None


def tag_spans(tags: Sequence[str]) -> list[Span]:
    """Read the spans of a sentence from its tags.

    Sequences that break the rules of their scheme are repaired as ``conlleval`` does: an ``I-`` that continues nothing
    of its type begins a span.

    Parameters
    ----------
    tags : sequence of str
        In IOB1, IOB2, IOBES, BILOU or BMES.

    Returns
    -------
    list of Span
        From left to right.

    Raises
    ------
    LabelError
        If something is no tag.

    Notes
    -----
    Linear in the number of tokens.

    References
    ----------
    .. [1] E. F. Tjong Kim Sang, J. Veenstra. Representing text chunks. EACL 1999.

    Examples
    --------
    >>> from landbridge.data._tags import tag_spans
    >>> tag_spans(["B-PER", "I-PER", "O", "I-LOC"])
    [Span(start=0, stop=2, label='PER'), Span(start=3, stop=4, label='LOC')]
    """
    spans: list[Span] = []
    start, open_label = 0, None
    for i, tag in enumerate(tags):
        prefix, label = _parsed(tag, i)
        if open_label is not None and (label != open_label or prefix in BEGINS):
            spans.append(Span(start, i, open_label))
            open_label = None
        if label is None:
            continue
        if open_label is None:
            start, open_label = i, label
        if prefix in ENDS:
            spans.append(Span(start, i + 1, label))
            open_label = None
    if open_label is not None:
        spans.append(Span(start, len(tags), open_label))
    return spans


def iob2_tags(spans: Iterable[Sequence[object]], n_tokens: int) -> list[str]:
    """Write spans as IOB2 tags.

    Parameters
    ----------
    spans : iterable of Span, or of (start, stop, label)
        In any order.
    n_tokens : int
        Length of the sentence.

    Returns
    -------
    list of str

    Raises
    ------
    LabelError
        If a span is empty, leaves the sentence, overlaps another one, or has no label.

    Notes
    -----
    Linear in the number of tokens.

    Examples
    --------
    >>> from landbridge.data._tags import iob2_tags
    >>> iob2_tags([(1, 3, "LOC")], 4)
    ['O', 'B-LOC', 'I-LOC', 'O']
    """
    tags = [OUTSIDE] * n_tokens
    for start, stop, label in spans:
        if not (isinstance(label, str) and label.strip()):
            raise LabelError(f"spans: the span ({start}, {stop}) has no label; give a name such as 'PER'.")
        if not (isinstance(start, int) and isinstance(stop, int) and 0 <= start < stop <= n_tokens):
            raise LabelError(
                f"spans: ({start}, {stop}, {label!r}) is no span of a sentence of {n_tokens} tokens; give start < stop."
            )
        if any(tag != OUTSIDE for tag in tags[start:stop]):
            raise LabelError(
                f"spans: ({start}, {stop}, {label!r}) overlaps another span; IOB2 holds no nested entities: keep one."
            )
        tags[start:stop] = [f"B-{label}"] + [f"I-{label}"] * (stop - start - 1)
    return tags


def to_iob2(tags: Sequence[str]) -> list[str]:
    """Convert tags of another scheme to IOB2, and repair what breaks its rules.

    Parameters
    ----------
    tags : sequence of str
        In IOB1, IOB2, IOBES, BILOU or BMES.

    Returns
    -------
    list of str
        Of the same length.

    Raises
    ------
    LabelError
        If something is no tag.

    Notes
    -----
    Linear in the number of tokens.

    Examples
    --------
    >>> from landbridge.data._tags import to_iob2
    >>> to_iob2(["I-PER", "I-PER", "B-PER", "S-LOC"])
    ['B-PER', 'I-PER', 'B-PER', 'B-LOC']
    """
    return iob2_tags(tag_spans(tags), len(tags))


def _parsed(tag: str, place: int) -> tuple[str, str | None]:
    """Return prefix and type of a tag."""
    if tag == OUTSIDE:
        return OUTSIDE, None
    found = TAG.fullmatch(tag) if isinstance(tag, str) else None
    if found is None:
        raise LabelError(f"tags: {tag!r} (token {place}) is no tag; write O, or a prefix and a type, such as B-PER.")
    return found[1], found[2]
