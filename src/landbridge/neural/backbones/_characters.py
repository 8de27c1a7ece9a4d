"""A small encoder of words of its own: letters and hashed words to word vectors, then their context."""

from __future__ import annotations

import hashlib
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landbridge._checks import check_count
from landbridge.exceptions import InputError
from landbridge.neural._network import Network
from landbridge.neural._random import seed_from, seeded

__all__ = [
    "CharacterEncoder",
    "EncodedWords",
    "WordContext",
    "WordInput",
    "WordVectors",
    "characters_backbone",
    "letter_number",
    "word_numbers",
]

# Code points below this (Latin, Greek, Cyrillic) have a number of their own; others share the rest.
OWN, SHARED = 1280, 256
PADDING = 0


def letter_number(letter: str) -> int:
    """Return the number of a letter, the same in every process.

    Parameters
    ----------
    letter : str
        One character.

    Returns
    -------
    int
        At least 1; 0 is padding.

    Examples
    --------
    >>> from landbridge.neural.backbones._characters import letter_number
    >>> letter_number("a"), 1280 < letter_number("東") <= 1536
    (98, True)
    """
    code = ord(letter)
    return 1 + (code if code < OWN else OWN + zlib.crc32(code.to_bytes(4, "little")) % SHARED)


def word_numbers(word: str, n_buckets: int) -> tuple[int, int]:
    """Return two numbers of a word by hashing, the same in every process.

    Two words that share one number hardly ever share both, so that the sum of two vectors tells them apart [1]_.

    Parameters
    ----------
    word : str
        Capitals and the way in which accents are coded do not matter.
    n_buckets : int

    Returns
    -------
    (int, int)
        From 1 to `n_buckets`; 0 is padding.

    References
    ----------
    .. [1] D. Tito Svenstrup, J. M. Hansen, O. Winther. Hash embeddings for efficient word representations. NIPS 2017.

    Examples
    --------
    >>> from landbridge.neural.backbones._characters import word_numbers
    >>> word_numbers("Rome", 1000) == word_numbers("rome", 1000)
    True
    """
    folded = unicodedata.normalize("NFC", word).lower().encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(folded, digest_size=16).digest()
    return 1 + int.from_bytes(digest[:8], "little") % n_buckets, 1 + int.from_bytes(digest[8:], "little") % n_buckets


class WordInput(nn.Module):
    """Sentences to numbers of letters and words.

    Parameters
    ----------
    n_buckets : int, default=8192
        Numbers that words are hashed to.
    max_letters : int, default=24
        Of longer words, the letters at both ends are kept.
    """

    # The description of a network holds these settings.
    in_spec = True
    # Samples are lists of words.
    reads_words = True

    def __init__(self, n_buckets: int = 8192, max_letters: int = 24) -> None:
        super().__init__()
        check_count("n_buckets", n_buckets, 1)
        check_count("max_letters", max_letters, 2)
        self.n_buckets, self.max_letters = n_buckets, max_letters

    def read(self, sentences: Sequence[Sequence[str]]) -> dict[str, Tensor]:
        """Convert sentences to numbers.

        Parameters
        ----------
        sentences : sequence of sequence of str
            Words of each sentence.

        Returns
        -------
        dict of str to Tensor
            ``"letters"`` of shape (n, n_words, n_letters), ``"words"`` of shape (n, n_words, 2), both int32 with 0 for
            padding, and ``"mask"`` of shape (n, n_words): which words are no padding.

        Raises
        ------
        InputError
            If there are no sentences, or one is a text instead of words.
        """
        if isinstance(sentences, str) or not len(sentences):
            raise InputError("sentences must be lists of words; give one list per sentence.")
        known: dict[str, tuple[list[int], tuple[int, int]]] = {}
        for i, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise InputError(f"sentences: sentence {i} is a text; give its words as a list.")
            for word in sentence:
                if word not in known:
                    known[word] = self._numbers(word, i)
        n, n_words = len(sentences), max(1, max(len(s) for s in sentences))
        n_letters = max((len(letters) for letters, _ in known.values()), default=1)
        letters = np.full((n, n_words, n_letters), PADDING, dtype=np.int32)
        words = np.full((n, n_words, 2), PADDING, dtype=np.int32)
        mask = np.zeros((n, n_words), dtype=bool)
        for i, sentence in enumerate(sentences):
            for j, word in enumerate(sentence):
                held, words[i, j] = known[word]
                letters[i, j, : len(held)] = held
            mask[i, : len(sentence)] = True
        return {"letters": torch.from_numpy(letters), "words": torch.from_numpy(words), "mask": torch.from_numpy(mask)}

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return numbers as they are.

        Parameters
        ----------
        x : dict of Tensor

        Returns
        -------
        dict of Tensor
        """
        return x

    def extra_repr(self) -> str:
        """Return the settings for ``repr`` and the key of cached features.

        Returns
        -------
        str
        """
        return f"n_buckets={self.n_buckets}, max_letters={self.max_letters}"

    def _numbers(self, word: str, sentence: int) -> tuple[list[int], tuple[int, int]]:
        if not isinstance(word, str) or not word:
            raise InputError(f"sentences: sentence {sentence} holds {word!r}, which is no word; give texts.")
        text = unicodedata.normalize("NFC", word)
        if len(text) > self.max_letters:
            text = text[: (self.max_letters + 1) // 2] + text[-(self.max_letters // 2) :]
        return [letter_number(c) for c in text], word_numbers(word, self.n_buckets)


@dataclass
class EncodedWords:
    """Vectors of words.

    Parameters
    ----------
    hidden : Tensor of shape (n, n_words, width)
        0 at padding.
    mask : Tensor of bool, shape (n, n_words)
        Which words are no padding.
    """

    hidden: Tensor
    mask: Tensor


class WordVectors(nn.Module):
    """Vector of each word by itself: the strongest responses to groups of its letters, and hashed vectors of the word.

    Parameters
    ----------
    n_buckets : int
    letter_width, word_width : int
        Widths of the vectors of letters and of words.
    n_filters : int
        Of each of the widths 2, 3 and 4 of groups of letters.
    dropout : float
        Share of the words whose vectors are 0 in training, so that letters are learned from too.
    """

    def __init__(self, n_buckets: int, letter_width: int, word_width: int, n_filters: int, dropout: float) -> None:
        super().__init__()
        self.letters = nn.Embedding(1 + OWN + SHARED, letter_width, padding_idx=PADDING)
        self.words = nn.Embedding(1 + n_buckets, word_width, padding_idx=PADDING)
        self.groups = nn.ModuleList(nn.Conv1d(letter_width, n_filters, k) for k in (2, 3, 4))
        self.unknown = nn.Dropout(dropout)
        self.width = 3 * n_filters + word_width

    def forward(self, x: dict[str, Tensor]) -> EncodedWords:
        """Compute the vectors.

        Parameters
        ----------
        x : dict of Tensor
            As :class:`WordInput` gives it.

        Returns
        -------
        EncodedWords
        """
        letters, words, mask = x["letters"], x["words"], x["mask"].bool()
        n, n_words, n_letters = letters.shape
        # Three paddings on either side stand for the edges of a word, so that prefixes and suffixes are seen as such.
        held = nn.functional.pad(letters.reshape(n * n_words, n_letters), (3, 3))
        vectors = self.letters(held).transpose(1, 2)
        lengths = (letters != PADDING).sum(-1).reshape(-1, 1)
        found = []
        for group in self.groups:
            response = torch.relu(group(vectors))
            # Groups that lie wholly behind the word's own edge exist only beside longer words.
            place = torch.arange(response.shape[2], device=letters.device)
            found.append(response.masked_fill((place >= lengths + 3).unsqueeze(1), 0.0).amax(2))
        spelled = torch.cat(found, 1).reshape(n, n_words, -1)
        kept = self.unknown(torch.ones((n, n_words, 1), device=letters.device))
        known = self.words(words).sum(2) * kept
        return EncodedWords(torch.cat([spelled, known], -1) * mask.unsqueeze(-1), mask)


class WordContext(nn.Module):
    """Vectors of words in their sentence, by a recurrent network in both directions.

    Parameters
    ----------
    in_width, width : int
        `width` is even.
    dropout : float
        Before and after the recurrent network.
    """

    def __init__(self, in_width: int, width: int, dropout: float) -> None:
        super().__init__()
        self.before, self.after = nn.Dropout(dropout), nn.Dropout(dropout)
        self.recurrent = nn.LSTM(in_width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, x: EncodedWords) -> EncodedWords:
        """Compute the vectors.

        Parameters
        ----------
        x : EncodedWords

        Returns
        -------
        EncodedWords
        """
        lengths = x.mask.sum(1).clamp_min(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            self.before(x.hidden), lengths, batch_first=True, enforce_sorted=False
        )
        hidden, _ = nn.utils.rnn.pad_packed_sequence(
            self.recurrent(packed)[0], batch_first=True, total_length=x.mask.shape[1]
        )
        return EncodedWords(self.after(hidden) * x.mask.unsqueeze(-1), x.mask)


class CharacterEncoder(nn.Module):
    """Encoder of sentences without pretrained weights: letters and hashed words, then both directions of the sentence.

    Parameters
    ----------
    width : int, default=128
        Of the vectors that it gives; even.
    n_buckets : int, default=8192
        Numbers that words are hashed to.
    letter_width : int, default=24
    word_width : int, default=64
    n_filters : int, default=32
        Of each of the widths 2, 3 and 4 of groups of letters.
    dropout : float, default=0.3
    generator : torch.Generator, optional
        Of the new weights. If None, they are drawn with the seed 0.

    Attributes
    ----------
    stages : ModuleDict
        ``"words"``: words by themselves; ``"context"``: words in their sentence. Each takes what the one before gives.
    input : WordInput
        Sentences to the numbers that the first stage takes.
    in_features : int
        Width of the vectors, which a head takes.

    Notes
    -----
    Learns from some hundred sentences; a pretrained language model knows more, where there is one of the language. Time
    grows with the number of words, memory with `n_buckets`.

    References
    ----------
    .. [1] X. Ma, E. Hovy. End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF. ACL 2016.
    .. [2] D. Tito Svenstrup, J. M. Hansen, O. Winther. Hash embeddings for efficient word representations. NIPS 2017.

    Examples
    --------
    >>> from landbridge.neural.backbones._characters import CharacterEncoder
    >>> encoder = CharacterEncoder(width=8).eval()
    >>> encoded = encoder(encoder.input.read([["In", "Rome"], ["Yes"]]))
    >>> encoded.hidden.shape, encoded.mask.tolist()
    (torch.Size([2, 2, 8]), [[True, True], [True, False]])
    """

    def __init__(
        self,
        width: int = 128,
        *,
        n_buckets: int = 8192,
        letter_width: int = 24,
        word_width: int = 64,
        n_filters: int = 32,
        dropout: float = 0.3,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_count("width", width, 2)
        if width % 2:
            raise InputError(f"width must be even, half for each direction; got {width}.")
        for name, value in (("letter_width", letter_width), ("word_width", word_width), ("n_filters", n_filters)):
            check_count(name, value, 1)
        if not 0 <= dropout < 1:
            raise InputError(f"dropout must lie in [0, 1); got {dropout}.")
        seed = 0 if generator is None else int(torch.randint(2**31 - 1, (), generator=generator))
        self.input = WordInput(n_buckets)
        with seeded(seed):
            words = WordVectors(n_buckets, letter_width, word_width, n_filters, dropout)
            context = WordContext(words.width, width, dropout)
        self.stages = nn.ModuleDict({"words": words, "context": context})
        self.in_features = width

    def forward(self, x: dict[str, Tensor]) -> EncodedWords:
        """Encode sentences.

        Parameters
        ----------
        x : dict of Tensor
            As ``input.read`` gives it.

        Returns
        -------
        EncodedWords
        """
        for stage in self.stages.values():
            x = stage(x)
        return x  # type: ignore[return-value]


def characters_backbone(width: int = 128, *, random_state: Any = None) -> Network:
    """Make the encoder of sentences as a network with new weights.

    Parameters
    ----------
    width : int, default=128
        Of the vectors of words; even.
    random_state : int, RandomState instance or None, default=None
        Draws the weights. Pass an int for reproducible results.

    Returns
    -------
    Network
        Without a head; stages ``"words"`` and ``"context"``.

    Examples
    --------
    >>> from landbridge.neural.backbones import characters_backbone
    >>> characters_backbone(8, random_state=0).stage_names
    ('words', 'context')
    """
    generator = torch.Generator().manual_seed(seed_from(random_state))
    encoder = CharacterEncoder(width, generator=generator)
    stages = {name: stage for name, stage in encoder.stages.items()}
    spec = {"kind": "characters", "width": width}
    return Network(stages, in_features=width, preprocess=encoder.input, spec=spec).eval()
