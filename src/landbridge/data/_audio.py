"""Sound files: one channel at a common rate, and features of their spectra over time."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._folders import Listing, list_folder, without
from landbridge.data._pictures import printable
from landbridge.exceptions import InputError, MissingExtraError, ReadError

__all__ = ["SOUNDS", "Sound", "Sounds", "list_sounds", "open_sound", "read_audio", "read_audio_pair", "sound_features"]

# Least samples per second: at fewer, a recording is none, and would grow without limit at a common rate.
SLOWEST = 100
SOUNDS = tuple(".wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .au .caf .w64".split())
# Without soundfile, these are read by scipy.
WAVES = (".wav", ".wave")
# Seconds of a window and from one window to the next, bands of the mel scale, and cepstral coefficients.
WINDOW, STEP, BANDS, COEFFICIENTS = 0.025, 0.010, 40, 20
# Energies below this share of the loudest one of the clip are silence.
FLOOR = 1e-8
# A clip of this range or less is silent.
SILENT = 2e-7
# The fewest samples a second that a common rate is chosen from, and the most.
RATES = (1000, 48000)
# Time is also divided into this many parts of the same length.
PARTS = 3


# What to do about a file that cannot be read.
REMEDY = "repair it or remove it, or skip such files (--skip-corrupt)"


@dataclass(frozen=True)
class Sound:
    """A sound file that was read.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        One channel, between -1 and 1.
    rate : int
        Samples per second.
    channels : int
        Number of channels of the file, whose mean was taken.
    n_gaps : int, default=0
        Samples that were NaN or infinite, and are 0.
    """

    samples: NDArray[np.float64]
    rate: int
    channels: int
    n_gaps: int = 0

    def at(self, rate: int) -> NDArray[np.float64]:
        """Return the samples at another rate.

        Parameters
        ----------
        rate : int
            Samples per second.

        Returns
        -------
        ndarray
        """
        if rate == self.rate or not len(self.samples):
            return self.samples
        from scipy.signal import resample_poly

        shared = int(np.gcd(rate, self.rate))
        return np.asarray(resample_poly(self.samples, rate // shared, self.rate // shared))


@dataclass(frozen=True)
class Sounds:
    """Sounds as samples.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features of each clip, as of :func:`~landbridge.data.sound_features`.
    y : ndarray of shape (n_samples,) or None
        Class labels.
    names : list of str
        Path of each file in the folder.
    notes : list of str
        Sentences on how the sounds were read.
    rate : int
        Common rate, in samples per second.
    """

    X: NDArray[np.float64]
    y: NDArray[Any] | None
    names: list[str]
    notes: list[str] = field(default_factory=list)
    rate: int = 16000


def list_sounds(folder: Path) -> Listing:
    """List the sound files of a folder: one subfolder for each class, or unlabelled files without subfolders.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Listing

    Raises
    ------
    ReadError
        If there are no sounds, a class folder is empty, a link leads out of the folder, or files are outside the class
        folders.
    """
    return list_folder(folder, SOUNDS, "sounds")


def read_audio(folder: str | Path | Listing, *, rate: int | None = None, skip_corrupt: bool = False) -> Sounds:
    """Read a folder of sounds: one subfolder for each class, or unlabelled files without subfolders.

    Stereo becomes one channel, and all clips are resampled to one rate. The features of a clip do not depend on other
    clips, on its loudness, or on how long the others are.

    Parameters
    ----------
    folder : path-like or Listing
        A folder of wav files, or, with the extra ``landbridge[audio]``, also of flac, ogg, mp3 and others; or files
        with their labels.
    rate : int, default=None
        Common rate, in samples per second. If None, the lowest rate of the files: higher frequencies are missing in
        some of them. Pass the rate of the source to read the target.
    skip_corrupt : bool, default=False
        Whether sounds that cannot be read are skipped, with a note.

    Returns
    -------
    Sounds

    Raises
    ------
    ReadError
        If a file cannot be read.
    MissingExtraError
        If soundfile is needed and not installed.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> from scipy.io import wavfile
    >>> from landbridge.data import read_audio
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wavfile.write(pathlib.Path(folder) / "a.wav", 8000, (tone * 20000).astype(np.int16))
    ...     sounds = read_audio(folder)
    >>> sounds.X.shape, sounds.rate, sounds.names
    ((1, 141), 8000, ['a.wav'])
    """
    listing = folder if isinstance(folder, Listing) else list_sounds(Path(folder))
    if rate is None:
        rate = _lowest_rate(listing.files)
    elif isinstance(rate, bool) or rate != int(rate) or rate < RATES[0]:
        raise InputError(f"rate must be a whole number of samples per second of at least {RATES[0]}; got {rate!r}.")
    # One file after another: only features stay in memory.
    rows, facts, errors = [], [], dict[int, ReadError]()
    for i, file in enumerate(listing.files):
        try:
            sound = open_sound(file)
        except ReadError as error:
            if not skip_corrupt:
                raise
            errors[i] = error
            continue
        rows.append(sound_features(sound.at(int(rate)), int(rate)))
        facts.append(_Facts.of(sound))
    listing = without(listing, errors, "sounds")
    notes = [*listing.notes, *_explain(facts, int(rate), listing.names)]
    return Sounds(np.stack(rows), listing.y, listing.names, notes, int(rate))


def read_audio_pair(
    source: str | Path | Listing, target: str | Path | Listing, *, skip_corrupt: bool = False
) -> tuple[Sounds, Sounds]:
    """Read two folders of sounds at one rate, the lowest of both.

    Parameters
    ----------
    source, target : path-like or Listing
        As `folder` of :func:`read_audio`.
    skip_corrupt : bool, default=False
        As in :func:`read_audio`.

    Returns
    -------
    source, target : Sounds
    """
    one, two = (side if isinstance(side, Listing) else list_sounds(Path(side)) for side in (source, target))
    rate = _lowest_rate([*one.files, *two.files])
    one_read, two_read = (read_audio(side, rate=rate, skip_corrupt=skip_corrupt) for side in (one, two))
    return one_read, two_read


@dataclass(frozen=True)
class _Facts:
    """What notes are made of."""

    rate: int
    channels: int
    seconds: float
    silent: bool
    n_gaps: int

    @classmethod
    def of(cls, sound: Sound) -> _Facts:
        seconds, silent = len(sound.samples) / sound.rate, float(np.ptp(sound.samples)) <= SILENT
        return cls(sound.rate, sound.channels, seconds, silent, sound.n_gaps)


def _lowest_rate(files: Sequence[Path]) -> int:
    """The lowest rate of the files, from their headers."""
    rates = [r for r in map(_header_rate, files) if r is not None]
    return min(max(min(rates, default=16000), RATES[0]), RATES[1])


def _header_rate(file: Path) -> int | None:
    try:
        import soundfile

        with open(file, "rb") as opened, soundfile.SoundFile(opened) as sound:
            return int(sound.samplerate)
    except (ImportError, OSError):
        with open(file, "rb") as opened:
            head = opened.read(4096)
        at = head.find(b"fmt ")
        return int.from_bytes(head[at + 12 : at + 16], "little") or None if head[:4] == b"RIFF" and at > 0 else None
    except Exception:  # said where it is read
        return None


def open_sound(path: str | Path) -> Sound:
    """Read a sound file as one channel.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Sound

    Raises
    ------
    ReadError
        If it cannot be read; one line that names the file.
    MissingExtraError
        If soundfile is needed and not installed.
    """
    name, path = printable(path), Path(path)
    try:
        if os.path.getsize(path) == 0:
            raise ReadError(f"{name} cannot be read as a sound: the file is empty; {REMEDY}.")
        samples, rate = _decoded(path)
    except (ReadError, MissingExtraError):
        raise
    except FileNotFoundError as error:
        raise ReadError(f"{name} cannot be read as a sound: there is no such file; check the name.") from error
    except Exception as error:  # decoders raise errors of many types for damaged files
        text = str(error).strip()
        why = printable(text.splitlines()[0].rstrip(".")) if text else type(error).__name__
        raise ReadError(f"{name} cannot be read as a sound: {why}; {REMEDY}.") from error
    if samples.shape[0] == 0:
        raise ReadError(f"{name} cannot be read as a sound: it has no samples; {REMEDY}.")
    if rate < SLOWEST:
        raise ReadError(
            f"{name} cannot be read as a sound: its header says {rate} samples per second, and {SLOWEST} is the least; "
            "correct the header or remove the file."
        )
    known = np.isfinite(samples)
    gaps = int(known.size - known.sum())
    return Sound(np.where(known, samples, 0.0).mean(axis=1), rate, samples.shape[1], gaps)


def sound_features(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Describe a clip by mel-frequency cepstral coefficients (MFCC).

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        One channel.
    rate : int
        Samples per second.

    Returns
    -------
    ndarray of shape (141,)
        Of 20 cepstral coefficients each: mean and standard deviation over time, standard deviation of the differences
        from window to window, the mean without silence at either end, and the means of three parts of that; and the
        logarithm of the duration in seconds.

    Notes
    -----
    Windows of 25 ms in steps of 10 ms; 40 bands of the mel scale up to half the rate; the discrete cosine transform of
    log energies [1]_. The first coefficient is taken relative to its maximum in the clip, so that loudness does not
    matter. Silence gives zeros. Time grows linearly with the duration.

    Accuracy of logistic regression on the Free Spoken Digit Dataset (10 digits, 6 speakers): 98.3 % on the official
    test split, and 83.4 % on average over the speakers, each of them predicted from the five others.

    References
    ----------
    .. [1] S. Davis, P. Mermelstein. Comparison of parametric representations for monosyllabic word recognition in
       continuously spoken sentences. IEEE Transactions on Acoustics, Speech, and Signal Processing, 1980.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data import sound_features
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    >>> bool(np.allclose(sound_features(tone, 8000), sound_features(tone / 10, 8000)))
    True
    """
    samples = np.asarray(samples, dtype=np.float64)
    duration = np.log(max(len(samples), 1) / rate)
    samples = samples - samples.mean() if len(samples) else samples
    if not len(samples) or not np.ptp(samples) > SILENT:
        return np.append(np.zeros(COEFFICIENTS * (4 + PARTS)), duration)
    cepstra = _cepstra(samples, rate)
    changes = np.diff(cepstra, axis=0) if len(cepstra) > 1 else np.zeros_like(cepstra)
    # Silence before and after does not move the parts in time.
    loud = np.flatnonzero(cepstra[:, 0] > cepstra[:, 0].max() - LOUD)
    sounding = cepstra[loud[0] : loud[-1] + 1]
    edges = np.linspace(0, len(sounding), PARTS + 1)
    parts = [sounding[int(a) : max(int(np.ceil(b)), int(a) + 1)].mean(axis=0) for a, b in itertools.pairwise(edges)]
    summary = [cepstra.mean(axis=0), cepstra.std(axis=0), changes.std(axis=0), sounding.mean(axis=0)]
    return np.append(np.concatenate([*summary, *parts]), duration)


# First cepstral coefficients (log energies) this far below the largest are silence.
LOUD = 8.0 * np.sqrt(BANDS)


def _cepstra(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    from scipy.fft import dct

    width, step = max(round(WINDOW * rate), 2), max(round(STEP * rate), 1)
    if len(samples) < width:  # a clip shorter than one window
        samples = np.pad(samples, (0, width - len(samples)))
    starts = np.arange(0, len(samples) - width + 1, step)
    frames = np.lib.stride_tricks.sliding_window_view(samples, width)[starts] * np.hanning(width + 2)[1:-1]
    size = 1 << (max(width, 256) - 1).bit_length()
    power = np.abs(np.fft.rfft(frames, size)) ** 2
    energies = power @ _mel_bands(rate, size).T
    logs = np.log(np.maximum(energies, FLOOR * energies.max()))
    cepstra = np.asarray(dct(logs, axis=1, norm="ortho")[:, :COEFFICIENTS])
    cepstra[:, 0] -= cepstra[:, 0].max()
    return cepstra


def _mel_bands(rate: int, size: int) -> NDArray[np.float64]:
    """Triangular bands of equal width on the mel scale, each of at least one frequency."""
    top = 2595.0 * np.log10(1.0 + rate / 2 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, BANDS + 2) / 2595.0) - 1.0)
    frequencies = np.fft.rfftfreq(size, 1.0 / rate)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    width = rate / size  # narrow bands still hold their nearest frequency
    rise = (frequencies - low) / np.maximum(middle - low, width)
    fall = (high - frequencies) / np.maximum(high - middle, width)
    return np.maximum(0.0, np.minimum(rise, fall)) + 1e-12


def _decoded(path: Path) -> tuple[NDArray[np.float64], int]:
    """Samples of shape (n_samples, n_channels) between -1 and 1, and the rate."""
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the library that it wraps is missing
        return _wave(path)
    # An open file, because the library does not take every name.
    with open(path, "rb") as opened, soundfile.SoundFile(opened) as file:
        return np.asarray(file.read(dtype="float64", always_2d=True)), int(file.samplerate)


def _wave(path: Path) -> tuple[NDArray[np.float64], int]:
    from scipy.io import wavfile

    with open(path, "rb") as file:
        start = file.read(4)
    if start not in (b"RIFF", b"RIFX", b"RF64"):
        if path.suffix.lower() in WAVES:
            raise ValueError("its content is not that of a wav file")
        raise MissingExtraError(
            f'{printable(path)} needs soundfile to be read; install it with: pip install "landbridge[audio]"'
        )
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks of other programs
        rate, stored = wavfile.read(path)
    samples = np.asarray(stored).reshape(len(stored), -1)
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128.0) / 128.0, int(rate)
    scale = -float(np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1.0
    return samples.astype(np.float64) / scale, int(rate)


def _explain(held: Sequence[_Facts], rate: int, names: Sequence[str]) -> list[str]:
    n, notes = len(held), []
    rates = Counter(s.rate for s in held)
    if other := n - rates.get(rate, 0):
        shown = ", ".join(f"{r:,} Hz: {k:,}" for r, k in sorted(rates.items())[:5])
        notes.append(f"{other:,} of {n:,} sounds {_were(other)} resampled to {rate:,} Hz ({shown}).")
    if stereo := sum(s.channels > 1 for s in held):
        notes.append(f"{stereo:,} of {n:,} sounds {_have(stereo)} several channels; their mean was taken.")
    if silent := [i for i, s in enumerate(held) if s.silent]:
        verb, their = ("is", "its") if len(silent) == 1 else ("are", "their")
        notes.append(
            f"{len(silent):,} of {n:,} sounds {verb} silent, such as {names[silent[0]]}; {their} features are 0."
        )
    if short := [i for i, s in enumerate(held) if s.seconds < WINDOW]:
        verb = "is" if len(short) == 1 else "are"
        notes.append(f"{len(short):,} of {n:,} sounds {verb} shorter than 25 ms, such as {names[short[0]]}.")
    if gaps := sum(s.n_gaps > 0 for s in held):
        notes.append(f"{gaps:,} of {n:,} sounds {_have(gaps)} samples that are NaN or infinite; read as 0.")
    shortest, longest = (f"{f(s.seconds for s in held):.3g}" for f in (min, max))
    lasting = f"{shortest} s" if shortest == longest else f"{shortest} to {longest} s"
    notes.append(
        f"Each sound is described by {COEFFICIENTS * (4 + PARTS) + 1} features of its spectrum over time (MFCC); the "
        f"sounds last {lasting}."
    )
    return notes


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def _have(n: int) -> str:
    return "has" if n == 1 else "have"
