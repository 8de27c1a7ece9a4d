"""Entities over words: scores of spans, sub-word pieces, and windows over sentences longer than a model's input."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from landbridge._checks import check_count
from landbridge.data._tags import OUTSIDE, Span, iob2_tags, tag_spans, to_iob2
from landbridge.exceptions import InputError

__all__ = [
    "IGNORED",
    "OUTSIDE",
    "EntityScores",
    "Scores",
    "Span",
    "Window",
    "align_labels",
    "cut_windows",
    "first_pieces",
    "iob2_tags",
    "join_windows",
    "tag_spans",
    "to_iob2",
    "words_from_pieces",
]

# Label of a token that counts neither in the loss nor in a score, as torch's cross-entropy has it.
IGNORED = -100


class Scores(NamedTuple):
    """Precision, recall and F1 of entities.

    Parameters
    ----------
    precision, recall, f1 : float
        0 where the denominator is 0.
    support : int
        Number of true entities.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass
class EntityScores:
    """Count entities that are found exactly: the same tokens and the same type.

    Parameters
    ----------
    correct, predicted, true : Counter
        Numbers of entities by type: found, predicted, present.

    Notes
    -----
    Linear in the number of tokens. Sequences that break the rules of IOB2 are read as ``conlleval`` reads them.

    References
    ----------
    .. [1] E. F. Tjong Kim Sang, F. De Meulder. Introduction to the CoNLL-2003 shared task: language-independent named
       entity recognition. CoNLL 2003.

    Examples
    --------
    >>> from landbridge.neural.structured import EntityScores
    >>> scores = EntityScores()
    >>> scores.update([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "O", "B-ORG"]])
    >>> scores.micro()
    Scores(precision=0.5, recall=0.5, f1=0.5, support=2)
    >>> scores.by_type()["PER"].f1
    1.0
    """

    correct: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)

    def update(self, true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> None:
        """Count the entities of further sentences.

        Parameters
        ----------
        true, predicted : sequence of sequence of str
            Tags of each sentence.

        Raises
        ------
        InputError
            If the numbers of sentences or tokens differ; nothing is counted then.
        """
        if len(true) != len(predicted):
            raise InputError(
                f"predicted has {len(predicted)} sentences and true has {len(true)}; give the same sentences to both."
            )
        counts: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
        for i, (one, other) in enumerate(zip(true, predicted, strict=True)):
            if len(one) != len(other):
                raise InputError(
                    f"predicted: sentence {i} has {len(other)} tags but {len(one)} true ones; give one per token."
                )
            held, found = set(tag_spans(one)), set(tag_spans(other))
            for counter, spans in zip(counts, (held & found, found, held), strict=True):
                counter.update(span.label for span in spans)
        self.correct += counts[0]
        self.predicted += counts[1]
        self.true += counts[2]

    def __add__(self, other: EntityScores) -> EntityScores:
        """Return the counts of both."""
        return EntityScores(self.correct + other.correct, self.predicted + other.predicted, self.true + other.true)

    def micro(self) -> Scores:
        """Return the scores over the entities of all types.

        Returns
        -------
        Scores
        """
        return _scores(self.correct.total(), self.predicted.total(), self.true.total())

    def by_type(self) -> dict[str, Scores]:
        """Return the scores of each type, true or predicted.

        Returns
        -------
        dict of str to Scores
            Sorted by type.
        """
        types = sorted(self.true.keys() | self.predicted.keys())
        return {t: _scores(self.correct[t], self.predicted[t], self.true[t]) for t in types}

    def macro(self) -> Scores:
        """Return the mean scores of the types, each type with the same weight.

        Returns
        -------
        Scores
        """
        each = list(self.by_type().values())
        if not each:
            return Scores(0.0, 0.0, 0.0, 0)
        precision, recall, f1 = (sum(s[k] for s in each) / len(each) for k in range(3))
        return Scores(precision, recall, f1, sum(s.support for s in each))


class Window(NamedTuple):
    """Part of a sentence that a model reads at once.

    Parameters
    ----------
    start, stop : int
        Words that it holds.
    keep_start, keep_stop : int
        Words whose predictions are taken from it; the other ones are context.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def first_pieces(word_ids: Sequence[int | None]) -> dict[int, int]:
    """Find the first piece of each word.

    Parameters
    ----------
    word_ids : sequence of int or None
        Number of the word of each piece, as tokenizers of sub-words give it; None for special and padding pieces.

    Returns
    -------
    dict of int to int
        From words to places of pieces. A word without pieces is absent.

    Examples
    --------
    >>> from landbridge.neural.structured import first_pieces
    >>> first_pieces([None, 0, 0, 1, None])
    {0: 1, 1: 3}
    """
    places: dict[int, int] = {}
    for place, word in enumerate(word_ids):
        if word is not None:
            places.setdefault(word, place)
    return places


def align_labels(word_ids: Sequence[int | None], labels: Sequence[int], ignored: int = IGNORED) -> list[int]:
    """Give the label of each word to its first piece; all other pieces are ignored.

    Parameters
    ----------
    word_ids : sequence of int or None
        Number of the word of each piece; None for special and padding pieces.
    labels : sequence of int
        Label of each word.
    ignored : int, default=-100
        Label of the other pieces.

    Returns
    -------
    list of int
        Label of each piece.

    Raises
    ------
    InputError
        If a piece belongs to a word without a label.

    References
    ----------
    .. [1] J. Devlin, M. Chang, K. Lee, K. Toutanova. BERT: pre-training of deep bidirectional transformers for language
       understanding. NAACL 2019 (section 5.3).

    Examples
    --------
    >>> from landbridge.neural.structured import align_labels
    >>> align_labels([None, 0, 0, 1, None], [3, 7])
    [-100, 3, -100, 7, -100]
    """
    out = [ignored] * len(word_ids)
    for word, place in first_pieces(word_ids).items():
        if not 0 <= word < len(labels):
            raise InputError(f"word_ids: word {word} has no label; there are {len(labels)} labels.")
        out[place] = labels[word]
    return out


def words_from_pieces(word_ids: Sequence[int | None], values: Sequence[Any], n_words: int, missing: Any) -> list[Any]:
    """Give each word the value of its first piece.

    Parameters
    ----------
    word_ids : sequence of int or None
        Number of the word of each piece; None for special and padding pieces.
    values : sequence
        One value per piece, for example predicted tags.
    n_words : int
    missing : object
        Value of a word without pieces: characters that the tokenizer drops, or words beyond the model's window.

    Returns
    -------
    list
        One value per word.

    Examples
    --------
    >>> from landbridge.neural.structured import words_from_pieces
    >>> words_from_pieces([None, 0, 0, 2, None], ["-", "B-X", "-", "I-X", "-"], 3, "O")
    ['B-X', 'O', 'I-X']
    """
    if len(values) != len(word_ids):
        raise InputError(f"values has {len(values)} entries and word_ids {len(word_ids)}; give one value per piece.")
    places = first_pieces(word_ids)
    return [values[places[word]] if word in places else missing for word in range(n_words)]


def cut_windows(n_pieces: Sequence[int], longest: int, overlap: int = 0) -> list[Window]:
    """Cut a sentence into overlapping windows that fit a model's input, so that no word is lost.

    Parameters
    ----------
    n_pieces : sequence of int
        Number of sub-word pieces of each word; ones where the model reads words.
    longest : int
        Most pieces of a window, without special ones.
    overlap : int, default=0
        Most pieces that a window shares with the one before, less than `longest`.

    Returns
    -------
    list of Window
        The words whose predictions are kept are those of the sentence, each once: where two windows overlap, each
        keeps the half that is further from its edge. A word of more than `longest` pieces is a window of its own.

    Raises
    ------
    InputError
        If a number is not valid.

    Notes
    -----
    Linear in the number of words if the overlap is short.

    Examples
    --------
    >>> from landbridge.neural.structured import cut_windows
    >>> for window in cut_windows([1] * 7, longest=4, overlap=2):
    ...     print(tuple(window))
    (0, 4, 0, 3)
    (2, 6, 3, 5)
    (4, 7, 5, 7)
    """
    check_count("longest", longest, 1)
    check_count("overlap", overlap)
    if overlap >= longest:
        raise InputError(f"overlap={overlap} must be less than longest={longest}; windows would not advance.")
    if any(n < 0 for n in n_pieces):
        raise InputError("n_pieces must not be negative; give the number of pieces of each word.")
    ranges: list[tuple[int, int]] = []
    start, n_words = 0, len(n_pieces)
    while start < n_words:
        stop = start + 1
        held = n_pieces[start]
        while stop < n_words and held + n_pieces[stop] <= longest:
            held += n_pieces[stop]
            stop += 1
        ranges.append((start, stop))
        start = stop
        if stop == n_words:
            break
        # Context goes back as far as it leaves room for one new word, so that every window advances.
        shared = 0
        while start - 1 > ranges[-1][0]:
            shared += n_pieces[start - 1]
            if shared > overlap or shared + n_pieces[stop] > longest:
                break
            start -= 1
    middles = [(after[0] + before[1] + 1) // 2 for before, after in itertools.pairwise(ranges)]
    edges = [0, *middles, n_words]
    return [Window(*r, a, b) for r, a, b in zip(ranges, edges, edges[1:], strict=False)]


def join_windows(windows: Sequence[Window], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Join the predictions of windows to those of the sentence.

    Parameters
    ----------
    windows : sequence of Window
    values : sequence of sequence
        One value per word of each window.

    Returns
    -------
    list
        One value per word of the sentence.

    Raises
    ------
    InputError
        If a window has another number of values than of words.

    Examples
    --------
    >>> from landbridge.neural.structured import cut_windows, join_windows
    >>> windows = cut_windows([1, 1, 1], longest=2, overlap=1)
    >>> join_windows(windows, [["a", "b"], ["x", "c"]])
    ['a', 'b', 'c']
    """
    out: list[Any] = []
    for i, (window, held) in enumerate(zip(windows, values, strict=True)):
        if len(held) != window.stop - window.start:
            raise InputError(
                f"values: window {i} has {len(held)} values but {window.stop - window.start} words; give one per word."
            )
        out += held[window.keep_start - window.start : window.keep_stop - window.start]
    return out


def _scores(correct: int, predicted: int, true: int) -> Scores:
    precision = correct / predicted if predicted else 0.0
    recall = correct / true if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Scores(precision, recall, f1, true)
