import wave

import numpy as np


def write_microphone(folder, rng, rate, *, stereo, hum, n=16):
    """Kicks and whistles, recorded at some rate, in mono or stereo, with the hum of the mains."""
    for kind, pitch in (("kick", 180), ("whistle", 1400)):
        (folder / kind).mkdir(parents=True)
        for i in range(n):
            t = np.arange(int(rate * 0.3)) / rate
            tone = 0.4 * np.sin(2 * np.pi * pitch * (1 + 0.1 * rng.normal()) * t) * np.exp(-4 * t)
            sound = tone + hum * np.sin(2 * np.pi * 50 * t) + 0.02 * rng.normal(size=t.size)
            values = (np.clip(sound, -1, 1) * 32767).astype("<i2")
            with wave.open(str(folder / kind / f"{i:02d}.wav"), "wb") as file:
                file.setnchannels(1 + stereo)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes((np.repeat(values, 2) if stereo else values).tobytes())


def test_a_field_worker_transfers_between_two_microphones(desk):
    """A field worker recorded with a telephone in mono at 16 kHz, and with a desk microphone in stereo at 44.1 kHz.

    Both are brought to one rate and one channel, and the notes say so; an empty recording is named or skipped.
    """
    rng = np.random.default_rng(5)
    write_microphone(desk.folder / "phone", rng, 16000, stereo=False, hum=0.0)
    write_microphone(desk.folder / "desk", rng, 44100, stereo=True, hum=0.05)
    before = desk.checksums()

    seen = desk.run("inspect", "phone", "desk")
    assert "Target desk: 32 samples; labels kick: 16, whistle: 16" in seen.text and "141 features (audio)" in seen.text
    assert "32 of 32 sounds were resampled to 16,000 Hz (44,100 Hz: 32) (target)." in seen.text
    assert "32 of 32 sounds have several channels; their mean was taken (target)." in seen.text
    assert "the sounds last 0.3 s." in seen.text

    shift = desk.run("measure", "phone", "desk")
    assert "Shift: " in shift.text
    run = desk.transfer("phone", "desk", "--target-labels", "hide")
    chosen = run.result["decision"]["chosen"]
    scores = {c["name"]: c["hidden"]["value"] for c in run.result["candidates"] if c.get("hidden")}
    assert scores[chosen] > 0.95

    done = desk.predict("desk")
    assert np.mean([r["row"].split("/")[0] == r["label"] for r in done.rows]) > 0.95
    desk.assert_kept(before)

    (desk.folder / "desk/kick/99.wav").write_bytes(b"")
    failed = desk.run("predict", "result", "desk", code=2)
    assert failed.stderr.count("\n") == 1 and "kick/99.wav" in failed.said and "--skip-corrupt" in failed.said
    assert len(desk.predict("desk", "--skip-corrupt").rows) == 32
    seen = desk.run("inspect", "phone", "desk", "--skip-corrupt")
    assert "1 of 33 sounds cannot be read and is skipped: kick/99.wav (target)." in seen.text
