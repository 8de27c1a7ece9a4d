"""Sentences with tagged words: CoNLL column files, and JSON lines with spans or tags."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landbridge._checks import check_path, is_whole, shown
from landbridge.data._content import recognise
from landbridge.data._tags import Span, iob2_tags, is_tag, tag_spans, to_iob2
from landbridge.data._writing import write_file
from landbridge.data.formats._text import decode
from landbridge.exceptions import InputError, LabelError, ReadError

__all__ = [
    "TaggedSentences",
    "form_of",
    "read_conll",
    "read_tagged",
    "read_tagged_json",
    "split_words",
    "write_conll",
    "write_tagged_json",
]

# Words that mark the beginning of a document, not of a sentence.
DOCUMENT = "-DOCSTART-"
# Stands for the tag of each word of a sentence that nobody has tagged.
UNTAGGED = "_"
# Identifiers of words of several tokens and of empty tokens in CoNLL-U, which have no tag of their own.
SEVERAL = re.compile(r"\d+[-.]\d+")
FORMS = '{"text": ..., "spans": [{"start": 0, "end": 4, "label": "PER"}]} or {"tokens": [...], "tags": [...]}'


@dataclass(frozen=True)
class TaggedSentences:
    """Sentences as words, with their tags and places in the text.

    Parameters
    ----------
    tokens : list of list of str
        Words of each sentence.
    tags : list of list of str or None
        In IOB2, one per word; None where the file has none, and within it for single sentences without tags.
    texts : list of str
        Each sentence as it was written; words joined by blanks where the file has words only.
    offsets : list of list of (int, int)
        First character of each word in its text, and the one after the last.
    notes : list of str
        Sentences on how the file was read.
    """

    tokens: list[list[str]]
    tags: list[list[str]] | None
    texts: list[str]
    offsets: list[list[tuple[int, int]]]
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of sentences."""
        return len(self.tokens)

    @classmethod
    def of_words(
        cls, tokens: Iterable[Sequence[str]], tags: Iterable[Any] | None = None, notes: Sequence[str] = ()
    ) -> TaggedSentences:
        """Make sentences of words alone.

        Parameters
        ----------
        tokens : iterable of sequence of str
        tags : iterable of sequence of str, optional
            In any scheme; converted to IOB2.
        notes : sequence of str, default=()

        Returns
        -------
        TaggedSentences

        Raises
        ------
        InputError
            If the numbers of sentences, words or tags differ, or something is no tag.

        Examples
        --------
        >>> from landbridge.data.formats._conll import TaggedSentences
        >>> TaggedSentences.of_words([["In", "Rome"]], [["O", "S-LOC"]]).tags
        [['O', 'B-LOC']]
        """
        words = [list(sentence) for sentence in tokens]
        held: Any = None if tags is None else [None if one is None else to_iob2(list(one)) for one in tags]
        lengths = [len(s) for s in words]
        if held is not None and [n if t is None else len(t) for t, n in zip(held, lengths, strict=False)] != lengths:
            raise InputError("tags must hold one tag per word of each sentence; the numbers differ.")
        offsets = []
        for sentence in words:
            places, at = [], 0
            for word in sentence:
                places.append((at, at + len(word)))
                at += len(word) + 1
            offsets.append(places)
        return cls(words, held, [" ".join(s) for s in words], offsets, list(notes))

    def spans(self) -> list[list[tuple[int, int, str]]]:
        """Return the entities of each sentence by the characters of its text.

        Returns
        -------
        list of list of (int, int, str)
            First character, the one after the last, and type.
        """
        tags = [[]] * len(self.tokens) if self.tags is None else self.tags
        return [
            [(places[s.start][0], places[s.stop - 1][1], s.label) for s in tag_spans(held or [])]
            for places, held in zip(self.offsets, tags, strict=True)
        ]


def read_conll(
    path: str | Path,
    *,
    word: int | None = None,
    tag: int | None = None,
    encoding: str | None = None,
    partial: bool = False,
) -> TaggedSentences:
    """Read a file of one word per line, with columns of tags, and blank lines between sentences.

    Columns are separated by tabs if every line has one, else by blanks. Lines that begin with ``#`` and have other
    columns than the words are comments.

    Parameters
    ----------
    path : path-like
        Plain, or packed by gzip, bz2, xz or zip.
    word : int, default=None
        Column of the words, from 0; negative ones count from the right. If None, the first, or the second where the
        first numbers the words of each sentence.
    tag : int, default=None
        Column of the tags, in IOB1, IOB2, IOBES, BILOU or BMES. If None, the last one that holds tags only; a file of
        words alone has no tags.
    encoding : str, default=None
        If None, inferred.
    partial : bool, default=False
        Whether single sentences may be without tags, which are None then; in a file, by ``_`` in place of every tag.

    Returns
    -------
    TaggedSentences
        Tags in IOB2.

    Raises
    ------
    ReadError
        If it cannot be read, lines differ in their columns, or there is no column of tags.

    Notes
    -----
    Linear in the size of the file.

    References
    ----------
    .. [1] E. F. Tjong Kim Sang, F. De Meulder. Introduction to the CoNLL-2003 shared task: language-independent named
       entity recognition. CoNLL 2003.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from landbridge.data.formats._conll import read_conll
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.conll"
    ...     _ = path.write_text("In IN O\\nRome NNP I-LOC\\n\\nYes UH O\\n")
    ...     sentences = read_conll(path)
    >>> sentences.tokens, sentences.tags
    ([['In', 'Rome'], ['Yes']], [['O', 'B-LOC'], ['O']])
    """
    place, text, notes = _text_of(path, encoding)
    blocks = _blocks(text, place)
    columns = len(blocks[0][0][1])
    word_at = _word_column(blocks) if word is None else _column("word", word, columns, place)
    if word_at and word is None:
        blocks = [[line for line in block if not SEVERAL.fullmatch(line[1][0])] for block in blocks]
        blocks = [block for block in blocks if block]
    tag_at = _tag_column(blocks, word_at, place, partial) if tag is None else _column("tag", tag, columns, place)
    tokens: list[list[str]] = []
    tags: list[list[str] | None] = []
    for block in blocks:
        if empty := next((number for number, cells in block if not cells[word_at].strip()), 0):
            raise ReadError(f"{place}: line {empty} has no word in column {word_at}; remove it, or set word=.")
        tokens.append([cells[word_at] for _, cells in block])
        if tag_at is not None:
            untagged = partial and all(cells[tag_at] == UNTAGGED for _, cells in block)
            tags.append(None if untagged else _line_tags(block, tag_at, place))
    if not any(t is not None for t in tags):
        tag_at = None
    return TaggedSentences.of_words(tokens, None if tag_at is None else tags, notes)


def read_tagged_json(path: str | Path, *, encoding: str | None = None, partial: bool = False) -> TaggedSentences:
    """Read JSON lines of texts with spans, or of words with tags.

    A text is cut into words and signs, and also where a span begins or ends. Characters are counted as Unicode code
    points from 0, and `end` is the one after the last.

    Parameters
    ----------
    path : path-like
        One object per line, ``{"text": ..., "spans": [{"start": ..., "end": ..., "label": ...}]}`` or
        ``{"tokens": [...], "tags": [...]}``, plain or packed. Spans may also be lists ``[start, end, label]``. Without
        ``"spans"`` or ``"tags"`` in all of them, there are no tags.
    encoding : str, default=None
        If None, inferred.
    partial : bool, default=False
        Whether single sentences may be without tags, which are None then.

    Returns
    -------
    TaggedSentences
        Tags in IOB2.

    Raises
    ------
    ReadError
        If a line is no such object, or a span is not in its text or overlaps another one.

    Notes
    -----
    Linear in the size of the file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from landbridge.data.formats._conll import read_tagged_json
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.jsonl"
    ...     _ = path.write_text('{"text": "In Rome.", "spans": [{"start": 3, "end": 7, "label": "LOC"}]}')
    ...     sentences = read_tagged_json(path)
    >>> sentences.tokens, sentences.tags
    ([['In', 'Rome', '.']], [['O', 'B-LOC', 'O']])
    """
    place, text, notes = _text_of(path, encoding)
    rows: list[tuple[str, list[str], list[tuple[int, int]], list[str] | None]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(_record(json.loads(line)))
        except InputError as error:
            raise ReadError(f"{place}: line {number}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise ReadError(f"{place}: line {number} is no JSON; write one object per line, {FORMS}.") from error
    if not rows:
        raise ReadError(f"{place} holds no sentences; write one object per line, {FORMS}.")
    tags = [row[3] for row in rows]
    known = [t for t in tags if t is not None]
    if known and len(known) < len(tags) and not partial:
        raise ReadError(
            f"{place}: {len(tags) - len(known):,} of {len(tags):,} objects have neither spans nor tags; give "
            '"spans": [] to sentences without entities.'
        )
    texts, tokens, offsets = ([row[k] for row in rows] for k in range(3))
    return TaggedSentences(tokens, tags if known else None, texts, offsets, notes)  # type: ignore[arg-type]


def read_tagged(path: str | Path, *, encoding: str | None = None, partial: bool = False) -> TaggedSentences:
    """Read a column file or JSON lines, whichever the content is.

    Parameters
    ----------
    path : path-like
        As in :func:`read_conll` or :func:`read_tagged_json`.
    encoding : str, default=None
        If None, inferred.
    partial : bool, default=False
        Whether single sentences may be without tags, which are None then.

    Returns
    -------
    TaggedSentences

    Raises
    ------
    ReadError
        As in :func:`read_conll` or :func:`read_tagged_json`.
    """
    _, text, _ = _text_of(path, encoding)
    if re.match(r'\s*\{\s*["}]', text):
        return read_tagged_json(path, encoding=encoding, partial=partial)
    return read_conll(path, encoding=encoding, partial=partial)


def form_of(path: str | Path) -> str:
    """Return the form in which a file holds sentences.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    {"columns", "spans", "tokens"}
    """
    _, text, _ = _text_of(path, None)
    if not re.match(r'\s*\{\s*["}]', text):
        return "columns"
    first = json.loads(next(line for line in text.split("\n") if line.strip()))
    return "spans" if isinstance(first.get("text"), str) else "tokens"


def write_conll(path: str | Path, sentences: TaggedSentences) -> Path:
    """Write sentences as lines of a word, a tab and its tag in IOB2, with blank lines between sentences.

    Parameters
    ----------
    path : path-like
    sentences : TaggedSentences
        Without tags, lines hold the words alone.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If a word is empty or holds a tab or the end of a line.
    WriteError
        If it cannot be written.
    """
    lines: list[str] = []
    for i, words in enumerate(sentences.tokens):
        tags = None if sentences.tags is None else sentences.tags[i]
        cells = [words] if sentences.tags is None else [words, [UNTAGGED] * len(words) if tags is None else tags]
        for word in (cell for column in cells for cell in column):
            if not word.strip() or re.search(r"[\t\r\n]", word):
                raise InputError(
                    f"sentences: {word!r} in sentence {i} cannot be a cell of a line; remove tabs and ends of lines."
                )
        lines += ["\t".join(row) for row in zip(*cells, strict=True)]
        lines.append("")
    return write_file(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))


def write_tagged_json(path: str | Path, sentences: TaggedSentences, form: str = "spans") -> Path:
    """Write sentences as JSON lines.

    Parameters
    ----------
    path : path-like
    sentences : TaggedSentences
        Without tags, objects hold the text or the words alone.
    form : {"spans", "tokens"}, default="spans"
        Texts with spans, or words with tags, which keeps the words as they are.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is no such form.
    WriteError
        If it cannot be written.
    """
    if form not in ("spans", "tokens"):
        raise InputError(f"form must be 'spans' or 'tokens'; got {shown(form)}.")
    spans = sentences.spans()
    lines = []
    for i, words in enumerate(sentences.tokens):
        held: dict[str, Any] = {"text": sentences.texts[i]} if form == "spans" else {"tokens": words}
        tagged = sentences.tags is not None and sentences.tags[i] is not None
        if tagged and form == "spans":
            held["spans"] = [{"start": start, "end": end, "label": label} for start, end, label in spans[i]]
        elif tagged and sentences.tags is not None:
            held["tags"] = sentences.tags[i]
        lines.append(json.dumps(held, ensure_ascii=False) + "\n")
    # What UTF-8 cannot hold becomes an escape, which JSON reads as the same character.
    return write_file(path, "".join(lines).encode("utf-8", "backslashreplace"))


def split_words(text: str, cuts: Iterable[int] = ()) -> list[tuple[int, int]]:
    """Cut a text into words and signs.

    Parameters
    ----------
    text : str
    cuts : iterable of int, default=()
        Characters before which a word ends in any case.

    Returns
    -------
    list of (int, int)
        First character of each word, and the one after the last.

    Notes
    -----
    A word is a run of letters, digits and underscores with their combining marks; every other character that is no
    blank is a sign of its own. Linear in the length of the text.

    Examples
    --------
    >>> from landbridge.data.formats._conll import split_words
    >>> text = "Dr. Who's 3rd"
    >>> [text[a:b] for a, b in split_words(text)]
    ['Dr', '.', 'Who', "'", 's', '3rd']
    """
    at = set(cuts)
    words: list[tuple[int, int]] = []
    open_word = False
    for i, character in enumerate(text):
        if character.isspace():
            open_word = False
            continue
        # Marks (accents, vowel signs) and joiners belong to the letter before.
        mark = unicodedata.category(character)[0] == "M" or character in "\u200c\u200d"
        letter = character.isalnum() or character == "_" or (mark and open_word)
        if letter and open_word and i not in at:
            words[-1] = (words[-1][0], i + 1)
        else:
            words.append((i, i + 1))
        open_word = letter
    return words


def _text_of(path: str | Path, encoding: str | None) -> tuple[Path, str, list[str]]:
    check_path("path", path)
    place = Path(path).expanduser()
    content = recognise(place)
    if content.format not in ("delimited", "json", "svmlight", "arff"):
        raise ReadError(f"{place} is a file of another format ({content.format}); give a text file.")
    text, notes = decode(content.read(), place, encoding)
    return place, text, notes


def _blocks(text: str, place: Path) -> list[list[tuple[int, list[str]]]]:
    """Return the lines of each sentence, with their numbers, cut into cells; all have the same number of cells."""
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1)]
    held = [(i, line) for i, line in lines if line.strip(" \t") and not line.startswith(("#", DOCUMENT))]
    held = held or [(i, line) for i, line in lines if "\t" in line and not line.startswith(DOCUMENT)]
    if not held:
        raise ReadError(f"{place} holds no sentences; give lines with a word and its tag, separated by a tab.")
    tabbed = all("\t" in line for _, line in held)

    def cut(line: str) -> list[str]:
        return [c.strip(" ") for c in line.split("\t")] if tabbed else re.split(r"[ \t]+", line.strip(" \t"))

    first, columns = held[0][0], len(cut(held[0][1]))
    blocks: list[list[tuple[int, list[str]]]] = [[]]
    for number, line in lines:
        if not line.strip(" \t") or line.startswith(DOCUMENT):
            blocks.append([])
            continue
        cells = cut(line)
        comment = line.startswith("#") and (len(cells) != columns or (columns > 1 and not any(map(is_tag, cells[1:]))))
        if comment:
            continue
        if len(cells) != columns:
            raise ReadError(
                f"{place}: line {number} has {len(cells)} columns but line {first} has {columns}; give every word the "
                "same columns, and separate sentences by a blank line."
            )
        blocks[-1].append((number, cells))
    return [block for block in blocks if block]


def _word_column(blocks: list[list[tuple[int, list[str]]]]) -> int:
    """Return 1 where the first column numbers the words of each sentence, else 0."""
    if len(blocks[0][0][1]) < 2:
        return 0
    for block in blocks:
        numbers = [cells[0] for _, cells in block if not SEVERAL.fullmatch(cells[0])]
        if numbers != [str(i) for i in range(1, len(numbers) + 1)]:
            return 0
    return 1


def _tag_column(
    blocks: list[list[tuple[int, list[str]]]], word_at: int, place: Path, partial: bool = False
) -> int | None:
    columns = len(blocks[0][0][1])
    words = [cells for block in blocks for _, cells in block]
    for column in range(columns - 1, -1, -1):
        if column != word_at and all(
            is_tag(cells[column]) or (partial and cells[column] == UNTAGGED) for cells in words
        ):
            return column
    if columns == 1:
        return None
    raise ReadError(
        f"{place} has no column that holds tags only, such as O, B-PER and I-PER; set tag= to the column (from 0)."
    )


def _column(name: str, given: Any, columns: int, place: Path) -> int:
    if not is_whole(given) or not -columns <= given < columns:
        raise InputError(f"{name}={shown(given)} is no column of {place}, which has {columns}; give a number from 0.")
    return int(given) % columns


def _line_tags(lines: list[tuple[int, list[str]]], column: int, place: Path) -> list[str]:
    for number, cells in lines:
        if not is_tag(cells[column]):
            raise ReadError(
                f"{place}: line {number} has {cells[column]!r} in column {column}, which is no tag such as O or B-PER; "
                "set tag= to the column of the tags (from 0)."
            )
    return [cells[column] for _, cells in lines]


def _record(held: Any) -> tuple[str, list[str], list[tuple[int, int]], list[str] | None]:
    """Return text, words, their places and tags of one object."""
    if not isinstance(held, dict):
        raise InputError(f"there is no object; write {FORMS}.")
    if isinstance(held.get("text"), str):
        return _of_text(held["text"], held.get("spans"))
    words, tags = held.get("tokens"), held.get("tags")
    if not isinstance(words, list) or not all(isinstance(w, str) and w.strip() for w in words):
        raise InputError(f"there is neither text nor tokens; write {FORMS}.")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(t, str) for t in tags)):
        raise InputError("tags must be a list of names, such as O and B-PER.")
    if tags is not None and len(tags) != len(words):
        raise InputError(f"there are {len(tags)} tags but {len(words)} tokens; give one per token.")
    one = TaggedSentences.of_words([words], None if tags is None else [tags])
    return one.texts[0], one.tokens[0], one.offsets[0], None if one.tags is None else one.tags[0]


def _of_text(text: str, spans: Any) -> tuple[str, list[str], list[tuple[int, int]], list[str] | None]:
    if spans is not None and not isinstance(spans, list):
        raise InputError(f"spans must be a list; write {FORMS}.")
    found = sorted(_span(s, text) for s in spans or [])
    for one, other in itertools.pairwise(found):
        if other[0] < one[1]:
            raise LabelError(
                f"the spans {tuple(one)} and {tuple(other)} overlap; IOB2 holds no nested entities: keep one."
            )
    places = split_words(text, {edge for start, end, _ in found for edge in (start, end)})
    starts, ends = {a: i for i, (a, _) in enumerate(places)}, {b: i + 1 for i, (_, b) in enumerate(places)}
    tags = iob2_tags([Span(starts[a], ends[b], label) for a, b, label in found], len(places))
    return text, [text[a:b] for a, b in places], places, None if spans is None else tags


def _span(held: Any, text: str) -> tuple[int, int, str]:
    """Return first and last character and label of a span, without blanks at its edges."""
    values = [held.get(k) for k in ("start", "end", "label")] if isinstance(held, dict) else held
    if not isinstance(values, list) or len(values) != 3:
        raise InputError(f"the span {shown(held)} has no start, end and label; write {FORMS}.")
    start, end, label = values
    if not isinstance(label, str) or not label.strip():
        raise LabelError(f'the span {shown(held)} has no label; give a name such as "PER".')
    if not is_whole(start) or not is_whole(end) or not 0 <= start < end <= len(text):
        raise InputError(f"the span {shown(held)} is not in its text of {len(text)} characters; end is after the last.")
    inner = text[start:end]
    if not inner.strip():
        raise InputError(f"the span {shown(held)} holds blanks only; remove it.")
    return start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip()), label
