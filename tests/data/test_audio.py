"""Folders of sounds: every number format, stereo, short, silent and damaged files."""

import builtins
import wave

import numpy as np
import pytest
from scipy.io import wavfile

from landbridge.data import read_audio, shared_data, sound_features
from landbridge.data._audio import open_sound, read_audio_pair
from landbridge.exceptions import InputError, MissingExtraError, ReadError

RATE = 8000
TIME = np.arange(4000) / RATE
TONE = 0.5 * np.sin(2 * np.pi * 440 * TIME)
NOISE = np.random.default_rng(0).normal(size=4000) * 0.1
READERS = ("soundfile", "scipy")


def put(path, samples, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, samples)
    return path


@pytest.fixture(params=READERS)
def reader(request, monkeypatch):
    if request.param == "soundfile":
        pytest.importorskip("soundfile", reason="needs the extra landbridge[audio]")
        return request.param
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "soundfile":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    return request.param


def put_24_bits(path):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(RATE)
        values = (TONE * 2**23).astype("<i4")
        file.writeframes(values.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())


@pytest.mark.parametrize("kind", ["8", "16", "24", "32", "float32", "float64", "stereo"])
def test_number_formats_are_one_sound(tmp_path, reader, kind):
    stored = {
        "8": (TONE * 128 + 128).astype(np.uint8),
        "16": (TONE * 2**15).astype(np.int16),
        "32": (TONE * 2**31).astype(np.int32),
        "float32": TONE.astype(np.float32),
        "float64": TONE,
        "stereo": np.column_stack([TONE * 0.5, TONE * 1.5]).astype(np.float32),
    }
    path = tmp_path / "a.wav"
    if kind == "24":
        put_24_bits(path)
    else:
        put(path, stored[kind])
    sound = open_sound(path)
    assert sound.rate == RATE and sound.channels == (2 if kind == "stereo" else 1)
    np.testing.assert_allclose(sound.samples, TONE, atol=0.01)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF0000WAVEnothing", b"not a sound"])
def test_damaged_files_are_named_in_one_line(tmp_path, reader, content):
    put(tmp_path / "good.wav", TONE)
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(ReadError, match=r"bad\.wav cannot be read as a sound: .*; repair it or remove it") as caught:
        read_audio(tmp_path)
    assert "\n" not in str(caught.value)
    put(tmp_path / "bad.wav", np.zeros(0, np.int16))
    with pytest.raises(ReadError, match=r"bad\.wav cannot be read as a sound"):
        read_audio(tmp_path)


def test_other_formats_need_the_extra(tmp_path, reader):
    path = tmp_path / "a.flac"
    if reader == "scipy":
        path.write_bytes(b"fLaC0000")
        with pytest.raises(MissingExtraError, match=r"a\.flac needs soundfile.*landbridge\[audio\]"):
            read_audio(tmp_path)
        return
    import soundfile

    soundfile.write(path, TONE, RATE)
    soundfile.write(tmp_path / "b.ogg", TONE, RATE)
    sounds = read_audio(tmp_path)
    assert np.abs(sounds.X[0, :20] - sounds.X[1, :20]).max() < 40 and sounds.names == ["a.flac", "b.ogg"]
    np.testing.assert_allclose(open_sound(path).samples, TONE, atol=1e-3)


def test_a_folder_of_classes_with_notes(tmp_path):
    put(tmp_path / "tone" / "a.wav", TONE)
    put(tmp_path / "tone" / "B.WAV", np.sin(2 * np.pi * 440 * np.arange(11025) / 22050), 22050)
    put(tmp_path / "noise" / "c.wav", np.column_stack([NOISE, NOISE]))
    put(tmp_path / "noise" / "d.wav", np.zeros(4000, np.int16))
    put(tmp_path / "noise" / "e.wav", NOISE[:50])
    gaps = NOISE.copy()
    gaps[7] = np.nan
    put(tmp_path / "noise" / "f.wav", gaps)
    (tmp_path / "noise" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "noise" / "readme.txt").write_text("x")
    sounds = read_audio(tmp_path)
    assert sounds.y.tolist() == ["noise"] * 4 + ["tone"] * 2 and sounds.rate == RATE and np.isfinite(sounds.X).all()
    said = " ".join(sounds.notes)
    for sentence in (
        "1 file of",
        "1 of 6 sounds was resampled to 8,000 Hz (8,000 Hz: 5, 22,050 Hz: 1).",
        "1 of 6 sounds has several channels; their mean was taken.",
        "1 of 6 sounds is silent, such as noise/d.wav; its features are 0.",
        "1 of 6 sounds is shorter than 25 ms, such as noise/e.wav.",
        "1 of 6 sounds has samples that are NaN or infinite; read as 0.",
        "141 features of its spectrum over time (MFCC); the sounds last 0.00625 to 0.5 s.",
    ):
        assert sentence in said
    assert not sounds.X[1, :-1].any()
    apart = np.linalg.norm(sounds.X[5, :40] - sounds.X[0, :40])
    assert np.linalg.norm(sounds.X[5, :40] - sounds.X[4, :40]) < 0.3 * apart


def test_features_do_not_depend_on_other_clips_or_on_loudness(tmp_path):
    put(tmp_path / "one" / "a.wav", TONE)
    put(tmp_path / "two" / "a.wav", TONE)
    put(tmp_path / "two" / "b.wav", np.tile(NOISE, 9))
    one, two = read_audio(tmp_path / "one"), read_audio(tmp_path / "two")
    np.testing.assert_array_equal(one.X[0], two.X[0])
    np.testing.assert_allclose(sound_features(TONE * 0.01 + 0.2, RATE), sound_features(TONE, RATE), atol=1e-6)


def test_the_largest_band_is_that_of_the_tone():
    def spectrum(hertz):
        from scipy.fft import idct

        return idct(np.pad(sound_features(np.sin(2 * np.pi * hertz * TIME), RATE)[:20], (0, 20)), norm="ortho")

    assert np.diff([spectrum(f).argmax() for f in (200, 500, 1000, 2000, 3500)]).min() > 0


@pytest.mark.parametrize("n", [0, 1, 2, 199, 200, 201, 4000])
@pytest.mark.parametrize("rate", [1000, 8000, 44100])
def test_every_length_has_finite_features(n, rate):
    X = sound_features(np.resize(NOISE, n), rate)
    assert X.shape == (141,) and np.isfinite(X).all()


def test_both_sides_have_one_rate(tmp_path):
    put(tmp_path / "a" / "a.wav", TONE)
    put(tmp_path / "b" / "a.wav", np.sin(np.arange(16000)), 16000)
    one, two = read_audio_pair(tmp_path / "a", tmp_path / "b")
    assert one.rate == two.rate == 8000 and one.X.shape == two.X.shape
    assert read_audio(tmp_path / "b").rate == 16000
    np.testing.assert_array_equal(read_audio(tmp_path / "b", rate=8000).X, two.X)
    for rate in (0, 1.5, True):
        with pytest.raises(InputError, match="rate must be"):
            read_audio(tmp_path / "b", rate=rate)
    with pytest.raises(ReadError, match="holds no sounds"):
        (tmp_path / "c").mkdir()
        read_audio(tmp_path / "c")


def test_names_that_are_no_text(tmp_path, reader):
    import os

    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.wav")
    put(tmp_path / "a.wav", TONE).rename(path)
    sounds = read_audio(tmp_path)
    assert "\n" not in sounds.names[0] and sounds.names[0].encode("utf-8")


@pytest.mark.data
def test_spoken_digits_of_a_new_speaker():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    path = shared_data("spoken_digits.npz")
    if path is None:
        pytest.skip("the shared data folder is not here; set LANDBRIDGE_DATA to it")
    with np.load(path) as file:
        held = dict(file)
    kept = np.flatnonzero(held["index"] < 12)
    clips = [held["samples"][held["offsets"][i] : held["offsets"][i + 1]] / 2**15 for i in kept]
    X, y, new = np.stack([sound_features(c, 8000) for c in clips]), held["digit"][kept], held["speaker"][kept] == 0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(X[~new], y[~new])
    assert model.score(X[new], y[new]) > 0.65


def test_a_header_with_too_few_samples_per_second_is_refused(tmp_path):
    put(tmp_path / "a.wav", np.zeros(500), rate=1)
    with pytest.raises(ReadError, match="1 samples per second"):
        open_sound(tmp_path / "a.wav")
