"""Text and audio input: token ids by the backbone's own tokenizer, and samples of sound files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.data._audio import open_sound
from landbridge.exceptions import InputError

__all__ = ["AudioInput", "TextInput"]

# Shorter sounds, in seconds, are filled up to this.
SHORTEST = 0.1


class TextInput(nn.Module):
    """Text preprocessing: texts to token ids.

    Parameters
    ----------
    source : str
        Folder or hub name of the tokenizer; loaded at first use.
    max_length : int, default=128
        Longer texts are cut.
    """

    def __init__(self, source: str, max_length: int = 128) -> None:
        super().__init__()
        self.source, self.max_length = source, max_length

    def read(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Convert texts to token ids and masks.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        dict of str to Tensor
        """
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self.source)
        except (OSError, ValueError) as error:
            raise InputError(
                f"backbone={self.source!r} has no tokenizer; pass token numbers, or add tokenizer.json."
            ) from error
        longest = min(self.max_length, tokenizer.model_max_length)
        coded = tokenizer(list(texts), truncation=True, padding=True, max_length=longest, return_tensors="pt")
        return {k: v for k, v in coded.items() if k in ("input_ids", "attention_mask", "token_type_ids")}

    def forward(self, x: Any) -> Any:
        """Convert token ids to the form the model takes.

        Parameters
        ----------
        x : dict of Tensor, or Tensor of token numbers

        Returns
        -------
        dict of Tensor
        """
        if isinstance(x, Tensor):
            x = x.long()
            return {"input_ids": x, "attention_mask": torch.ones_like(x)}
        return x

    def extra_repr(self) -> str:
        """Return the settings for ``repr`` and the key of cached features.

        Returns
        -------
        str
        """
        return f"max_length={self.max_length}"


class AudioInput(nn.Module):
    """Audio preprocessing: sounds to samples of zero mean and unit variance.

    Zeros at the end of a sound are padding: they count neither for the mean nor for the variance, so that a sound is
    prepared in the same way beside longer ones.

    Parameters
    ----------
    rate : int, default=16000
        Samples a second that the model takes.
    normalize : bool, default=True
    """

    def __init__(self, rate: int = 16000, normalize: bool = True) -> None:
        super().__init__()
        self.rate, self.normalize = rate, normalize

    @classmethod
    def of(cls, config: dict[str, Any]) -> AudioInput:
        """Make the preprocessing from a ``preprocessor_config.json``.

        Parameters
        ----------
        config : dict

        Returns
        -------
        AudioInput
        """
        return cls(int(config.get("sampling_rate", 16000)), bool(config.get("do_normalize", True)))

    def read(self, paths: Sequence[str]) -> Tensor:
        """Read sound files; shorter ones are filled up with zeros, which are not part of the sound.

        Parameters
        ----------
        paths : sequence of path-like

        Returns
        -------
        Tensor of shape (n, n_samples)

        Raises
        ------
        ReadError
            If a file cannot be read; the message names it.
        """
        sounds = []
        for path in paths:
            sound = open_sound(path)
            sounds.append(torch.tensor(sound.at(self.rate), dtype=torch.float32))
        shortest = round(SHORTEST * self.rate)
        sounds[0] = nn.functional.pad(sounds[0], (0, max(0, shortest - len(sounds[0]))))
        return nn.utils.rnn.pad_sequence(sounds, batch_first=True)

    def lengths(self, x: Tensor) -> Tensor:
        """Return how long each sound is, without the zeros at its end.

        Parameters
        ----------
        x : Tensor of shape (n, n_samples)

        Returns
        -------
        Tensor of int64, shape (n,)
            At least 0.1 seconds, or all samples.
        """
        places = torch.arange(1, x.shape[-1] + 1, device=x.device)
        found = ((x != 0) * places).amax(-1)
        return found.clamp(min=min(round(SHORTEST * self.rate), x.shape[-1]))

    def forward(self, x: Tensor) -> Tensor:
        """Preprocess sounds, each by itself.

        Parameters
        ----------
        x : Tensor of shape (n, n_samples)

        Returns
        -------
        Tensor of shape (n, n_samples)
        """
        if not self.normalize or x.shape[-1] == 0:
            return x
        lengths = self.lengths(x).unsqueeze(-1)
        inside = torch.arange(x.shape[-1], device=x.device) < lengths
        n = lengths.to(x.dtype)
        centred = (x - (x * inside).sum(-1, keepdim=True) / n) * inside
        return centred / ((centred**2).sum(-1, keepdim=True) / n + 1e-7).sqrt()

    def extra_repr(self) -> str:
        """Return the settings for ``repr`` and the key of cached features.

        Returns
        -------
        str
        """
        return f"rate={self.rate}, normalize={self.normalize}"
