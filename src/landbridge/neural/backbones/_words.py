"""Text and audio input: token ids by the backbone's own tokenizer, and samples of sound files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError, ReadError

__all__ = ["AudioInput", "TextInput"]


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
        """Read WAV files; shorter ones are filled with silence.

        Parameters
        ----------
        paths : sequence of path-like

        Returns
        -------
        Tensor of shape (n, n_samples)
        """
        from scipy.io import wavfile
        from scipy.signal import resample_poly

        sounds = []
        for path in paths:
            try:
                rate, samples = wavfile.read(path)
            except (OSError, ValueError) as error:
                raise ReadError(f"sound {path} cannot be read ({error}); give WAV files, mend or remove it.") from error
            whole = np.iinfo(samples.dtype).max if samples.dtype.kind in "iu" else 1
            samples = samples.astype(np.float64).reshape(len(samples), -1).mean(axis=1) / whole
            if rate != self.rate:
                shared = int(np.gcd(rate, self.rate))
                samples = resample_poly(samples, self.rate // shared, rate // shared)
            sounds.append(torch.tensor(samples, dtype=torch.float32))
        return nn.utils.rnn.pad_sequence(sounds, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Preprocess sounds.

        Parameters
        ----------
        x : Tensor of shape (n, n_samples)

        Returns
        -------
        Tensor of shape (n, n_samples)
        """
        if not self.normalize:
            return x
        return (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-7).sqrt()

    def extra_repr(self) -> str:
        """Return the settings for ``repr`` and the key of cached features.

        Returns
        -------
        str
        """
        return f"rate={self.rate}, normalize={self.normalize}"
