"""Encoders of transformers over words: sentences in, one vector per word out, whatever the tokenizer and the length."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._network import Network, pool
from landbridge.neural._ragged import pad
from landbridge.neural._states import Features
from landbridge.neural.backbones._split import REST
from landbridge.neural.backbones._words import TextInput
from landbridge.neural.structured._spans import cut_windows, first_pieces

__all__ = ["PieceInput", "Words", "words_backbone"]

# Longest window, in pieces, and the share of it that is context of the window before.
LONGEST, OVERLAP = 128, 4


class PieceInput(nn.Module):
    """Sentences to pieces of words, in windows that fit the model.

    Parameters
    ----------
    tokenizer : str
        Content of ``tokenizer.json``, so that a saved network needs no other file.
    longest : int, default=128
        Most pieces of a window, special ones included.
    """

    # The description of a network holds these settings, and samples are lists of words.
    in_spec = True
    reads_words = True

    def __init__(self, tokenizer: str, longest: int = LONGEST) -> None:
        super().__init__()
        self.tokenizer, self.longest = tokenizer, longest
        self._made: Any = None

    def read(self, sentences: Sequence[Sequence[str]]) -> dict[str, Tensor]:
        """Convert sentences to numbers of pieces.

        Parameters
        ----------
        sentences : sequence of sequence of str
            Words of each sentence.

        Returns
        -------
        dict of str to Tensor
            ``"input_ids"`` and ``"attention_mask"`` of shape (n, n_windows, n_pieces), and ``"places"`` of shape (n,
            n_words, 2): the window of each word, counted from 1 with 0 for padding, and its first piece there. A word
            without pieces has the place of the window's first piece.

        Raises
        ------
        InputError
            If a sentence is a text instead of words.
        """
        if isinstance(sentences, str) or not len(sentences) or any(isinstance(s, str) for s in sentences):
            raise InputError("sentences must be lists of words; give one list per sentence.")
        rows = [self._windows(list(s)) for s in sentences]
        ids = pad([pad([torch.tensor(w, dtype=torch.int32) for w in held]) for held, _ in rows])
        mask = pad([pad([torch.ones(len(w), dtype=torch.bool) for w in held]) for held, _ in rows])
        places = pad([torch.tensor(p or [[0, 0]], dtype=torch.int32) for _, p in rows])
        return {"input_ids": ids, "attention_mask": mask, "places": places}

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
        return f"longest={self.longest}"

    def _windows(self, words: list[str]) -> tuple[list[list[int]], list[list[int]]]:
        """Pieces of each window of a sentence, and the place of each word."""
        whole = self._coded(words)
        if len(whole.ids) <= self.longest:
            first = first_pieces(whole.word_ids)
            return [whole.ids], [[1, first.get(i, 0)] for i in range(len(words))]
        counts = Counter(w for w in whole.word_ids if w is not None)
        special = len(whole.ids) - counts.total()
        room = self.longest - special
        windows, places = [], []
        for number, cut in enumerate(cut_windows([counts[i] for i in range(len(words))], room, room // OVERLAP), 1):
            coded = self._coded(words[cut.start : cut.stop])
            windows.append(coded.ids[: self.longest])
            first = first_pieces(coded.word_ids[: self.longest])
            places += [[number, first.get(i - cut.start, 0)] for i in range(cut.keep_start, cut.keep_stop)]
        return windows, places

    def _coded(self, words: list[str]) -> Any:
        if self._made is None:
            from tokenizers import Tokenizer

            self._made = Tokenizer.from_str(self.tokenizer)
            self._made.no_truncation()
            self._made.no_padding()
        return self._made.encode(words, is_pretokenized=True)


@dataclass
class Words(Features):
    """One vector per word, and what the model needs to go on from there.

    Parameters
    ----------
    hidden : Tensor of shape (n, n_words, width)
    mask : Tensor of bool, shape (n, n_words)
    inner : object
        State of the model over the pieces of all windows.
    given : dict of str to Tensor
        Windows that are there, and places of words.
    """

    inner: Any = None
    given: Any = None


class WordBody:
    """The body of a network over words, round that of a model over pieces.

    Parameters
    ----------
    inner : callable
        As ``body`` of :class:`~landbridge.neural.Network`.
    """

    def __init__(self, inner: Any) -> None:
        self.inner, self.ending = inner, inner.ending

    def __call__(
        self,
        x: Any,
        start: str | None,
        stop: str | None,
        wanted: Collection[str],
        kept: dict[str, Any],
        pooled: bool = True,
    ) -> Any:
        """Run from stage `start` to stage `stop`; see ``Network``.

        Parameters
        ----------
        x : dict of Tensor, or Words
        start, stop : str or None
        wanted : collection of str
        kept : dict
            Takes the wanted outputs, one vector per word.
        pooled : bool, default=True
            False to return one vector per word of the last stage.

        Returns
        -------
        Tensor or Words
        """
        if isinstance(x, Words):
            flat, given = x.inner, x.given
        else:
            there = x["attention_mask"].any(2)
            there[:, 0] = True
            flat = {"input_ids": x["input_ids"][there].long(), "attention_mask": x["attention_mask"][there].long()}
            given = {"there": there, "places": x["places"].long()}
        own: dict[str, Any] = {}
        out = self.inner(flat, start, stop, wanted, own, pooled=False)
        found = _gathered(out, given)
        for name, state in own.items():
            kept[name] = pool(found) if name == REST else _gathered(state, given)
        return pool(found) if pooled and stop is None else found


def words_backbone(network: Network) -> Network:
    """Make an encoder of words of a transformers model of texts.

    Parameters
    ----------
    network : Network
        As :func:`load_backbone` returns it; it is used, not copied.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If its tokenizer cannot be written as ``tokenizer.json``.
    """
    from transformers import AutoTokenizer

    given: Any = network.preprocess
    assert isinstance(given, TextInput)
    try:
        loaded = AutoTokenizer.from_pretrained(given.source)
    except (OSError, ValueError) as error:
        raise InputError(f"backbone={given.source!r} has no tokenizer; add tokenizer.json to its folder.") from error
    held = getattr(loaded, "backend_tokenizer", None)
    if held is None:
        raise InputError(
            f"backbone={given.source!r} has a tokenizer that counts no words; take one with tokenizer.json."
        )
    return over_words(network, held.to_str(), min(LONGEST, loaded.model_max_length))


def over_words(network: Network, tokenizer: str, longest: int) -> Network:
    """Make an encoder of words of a network over pieces and a tokenizer.

    Parameters
    ----------
    network : Network
        It is used, not copied.
    tokenizer : str
        Content of ``tokenizer.json``.
    longest : int
        Most pieces of a window.

    Returns
    -------
    Network
    """
    network.preprocess = PieceInput(tokenizer, longest)
    network.spec = {"kind": "words", "model": copy.deepcopy(network.spec), "tokenizer": tokenizer, "longest": longest}
    network.body = WordBody(network.body)
    return network


def _gathered(state: Any, given: dict[str, Tensor]) -> Words:
    """One vector per word, that of its first piece."""
    hidden = state if isinstance(state, Tensor) else state.hidden
    there, places = given["there"], given["places"]
    row = (there.flatten().cumsum(0) - 1).reshape(there.shape)
    mask = places[..., 0] > 0
    window = row.gather(1, (places[..., 0] - 1).clamp_min(0))
    words = hidden[window, places[..., 1]]
    return Words(words * mask.unsqueeze(-1), mask, state, given)
