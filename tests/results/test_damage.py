"""Damaged, hostile and half-written results: an old result or one line, never a mixture, never a traceback."""

import copy
import hashlib
import io
import json
import os
import random
import shutil
import signal
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from landbridge import load_result, transfer
from landbridge.data import make_shift
from landbridge.exceptions import LandbridgeError, ReadError, UntrustedModelError, WriteError
from landbridge.results import _files
from landbridge.results._lock import FolderLock

pytestmark = pytest.mark.filterwarnings("ignore")
MODEL, FACTS = "model.skops", "result.json"


@pytest.fixture(scope="module")
def results():
    """Two results of different methods."""
    source, target = make_shift("translation", n_source=60, n_target=60, random_state=0)
    return [transfer(source, target, target_labels="hide", methods=[m]) for m in ("CORAL", "DomainScaler")]


@pytest.fixture(scope="module")
def saved(results, tmp_path_factory):
    return results[0].save(tmp_path_factory.mktemp("saved"))


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def method(result):
    return [c.name for c in result.candidates][-1]


def forge(folder, facts=None, model=None):
    """Change both files, with a checksum that fits."""
    data = (folder / MODEL).read_bytes() if model is None else model
    facts = json.loads((folder / FACTS).read_text()) if facts is None else facts
    (folder / MODEL).write_bytes(data)
    (folder / FACTS).write_text(json.dumps(facts | {"sha256": hashlib.sha256(data).hexdigest()}))


def refused(folder, match=""):
    with pytest.raises(LandbridgeError, match=match) as caught:
        load_result(folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to be killed")
@pytest.mark.parametrize("steps", range(3))
def test_a_kill_leaves_one_of_the_two_results(results, folder, steps):
    """Before each of the steps that give a file its name."""
    child = os.fork()
    if not child:
        real, left = os.replace, [None] * steps

        def rename(*args):
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left.pop()
            real(*args)

        _files.os.replace = rename
        try:
            results[1].save(folder)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert method(load_result(folder)) == ("CORAL" if steps < 2 else "DomainScaler")
    results[1].save(folder)
    assert set(content(folder)) == {MODEL, FACTS} and method(load_result(folder)) == "DomainScaler"


@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_result(results, folder, monkeypatch, failing):
    before = content(folder)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, failing, full)
    with pytest.raises(WriteError, match="No space left on device; free some space") as caught:
        results[1].save(folder)
    monkeypatch.undo()
    assert content(folder) == before and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [MODEL, FACTS])
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_other_things_in_the_place_of_a_file(results, folder, name, kind):
    (folder / name).unlink()
    (folder / name).mkdir() if kind == "folder" else os.mkfifo(folder / name)
    with pytest.raises(WriteError, match=name):
        results[1].save(folder)
    assert set(content_names(folder)) == {MODEL, FACTS}
    refused(folder, f"holds no {name}")


def content_names(folder):
    return [p.name for p in folder.iterdir()]


def test_a_folder_in_a_file(results, tmp_path):
    (tmp_path / "file").write_text("precious")
    for place in ("file", "file/out"):
        with pytest.raises(WriteError, match="is not a folder"):
            results[0].save(tmp_path / place)
    assert (tmp_path / "file").read_text() == "precious"
    refused(tmp_path / "file", "holds no")


def test_a_second_writer_is_refused(results, folder):
    before = content(folder)
    with FolderLock(folder), pytest.raises(WriteError, match="is being written by another run"):
        results[1].save(folder)
    assert content(folder) == before


def test_readers_never_see_a_mixture(results, tmp_path):
    """One thread saves two results in turn, this one reads."""
    import threading

    results[0].save(tmp_path)
    stop = threading.Event()

    def write():
        i = 0
        while not stop.is_set():
            i += 1
            results[i % 2].save(tmp_path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        models = {method(r): type(r.model.steps[-2][1]) for r in results}
        seen = [load_result(tmp_path) for _ in range(8)]
        assert {method(r) for r in seen} <= set(models)
    finally:
        stop.set()
        writer.join()


def test_a_result_can_be_moved_and_saved_again(folder, tmp_path):
    first = load_result(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    again = load_result(load_result(moved).save(tmp_path / "third"))
    assert again.decision == first.decision and again.diagnosis.to_dict() == first.diagnosis.to_dict()
    assert str(folder) not in (moved / FACTS).read_text() and str(folder).encode() not in (moved / MODEL).read_bytes()


def test_what_was_read_is_saved_where_the_result_knows_it(saved, results, tmp_path):
    class Read:
        def to_dict(self):
            return {"kind": "table", "gap": float("nan")}

    made = replace(results[0])
    object.__setattr__(made, "inspection", Read())
    facts = json.loads((made.save(tmp_path) / FACTS).read_text())
    assert facts["inspection"] == {"kind": "table", "gap": None}
    assert json.loads((saved / FACTS).read_text())["inspection"]["sides"]
    assert load_result(saved).inspection == results[0].inspection


DEEP = "[" * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '"x"',
        "5",
        "null",
        "true",
        "",
        "{",
        "{}",
        DEEP,
        '{"a":' * 200_000,
        "NaN",
        "\xff",
        "\x00" * 100,
        "1" * 10_000,
    ],
    ids=lambda t: t[:8],
)
def test_json_that_is_no_result(folder, text):
    (folder / FACTS).write_bytes(text.encode("latin-1"))
    refused(folder, "result.json")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 5000])
def test_numbers_that_json_has_not(folder, number):
    facts = (folder / FACTS).read_text()
    start = facts.index('"total": ') + len('"total": ')
    end = min(i for i in (facts.find(c, start) for c in ",\n}") if i > 0)
    (folder / FACTS).write_text(facts[:start] + number + facts[end:])
    refused(folder, "not the JSON of a result")


def test_a_giant_file_is_not_read(folder):
    with (folder / FACTS).open("r+b") as file:
        file.truncate(2**30)
    refused(folder, "1,073,741,824 bytes")


@pytest.mark.parametrize("checksum", [None, 5, "", "../../etc/passwd", "x" * 64])
def test_a_checksum_that_is_none(folder, checksum):
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(facts | {"sha256": checksum}))
    refused(folder)


ONE = {"classes": [0, 1], "predicted": [1], "y": [0], "confidence": [0.5], "rows": [0]}


@pytest.mark.parametrize(
    "held_out",
    [
        [],
        "x",
        {},
        ONE | {"predicted": [7]},
        ONE | {"predicted": [-1]},
        ONE | {"rows": [-3]},
        ONE | {"confidence": ["x"]},
    ],
)
def test_held_out_predictions_are_checked(folder, held_out):
    forge(folder, json.loads((folder / FACTS).read_text()) | {"held_out": held_out})
    refused(folder, "not the JSON of a result")


def bomb(name="schema.json", size=2**26):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open(name, "w") as entry:
            for _ in range(size // 2**20):
                entry.write(bytes(2**20))
    return out.getvalue()


def archive(**entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return out.getvalue()


PICKLE = b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94."
ENTRIES = [{}, {"schema.json": "[" * 10**6}, {"schema.json": "{}"}]
OUTSIDE = [{"/etc/passwd": "", "schema.json": "{}"}, {"../x": "", "schema.json": "{}"}]


@pytest.mark.parametrize("model", [b"", b"PK", PICKLE, *(archive(**e) for e in ENTRIES + OUTSIDE)])
def test_models_that_are_none(folder, model):
    forge(folder, model=model)
    with pytest.raises(UntrustedModelError):
        load_result(folder)
    refused(folder)


def test_an_archive_that_unpacks_to_far_more(folder):
    forge(folder, model=bomb())
    refused(folder, "67,108,864 bytes")


def test_an_archive_within_an_archive_that_unpacks_to_far_more(folder):
    forge(folder, model=archive(**{"schema.json": "{}", "1.npz": bomb("data.npy")}))
    refused(folder, "67,108,864 bytes")


def test_a_truncated_model(folder):
    data = (folder / MODEL).read_bytes()
    for part in (0.1, 0.5, 0.99):
        forge(folder, model=data[: int(part * len(data))])
        refused(folder, "damaged")


def test_bytes_changed_at_random(folder):
    """In either file, with a checksum that fits where the model was changed."""
    rng, loaded = random.Random(0), 0
    data, text = (folder / MODEL).read_bytes(), (folder / FACTS).read_bytes()
    for _ in range(80):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 4, 32])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        (folder / FACTS).write_bytes(text)
        forge(folder, model=bytes(changed))
        loaded += _loads(folder)
    (folder / MODEL).write_bytes(data)
    for _ in range(80):
        changed = bytearray(text)
        for _ in range(rng.choice([1, 4, 32])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        (folder / FACTS).write_bytes(changed)
        loaded += _loads(folder)
    assert loaded < 160


def _loads(folder):
    try:
        load_result(folder)
    except LandbridgeError as error:
        assert "\n" not in str(error)
        return False
    return True


STRANGE = [None, True, -1, 10**400, 0.5, "", "x", [], [[]], {}, {"x": 1}, [None] * 3]


def test_entries_changed_at_random(folder):
    """Keys and values of the JSON, at any depth; what loads can be shown and saved again."""
    rng = random.Random(1)
    facts = json.loads((folder / FACTS).read_text())
    for _ in range(120):
        changed = copy.deepcopy(facts)
        place = changed
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = rng.choice(keys)
            if not isinstance(place[key], dict | list) or not place[key] or rng.random() < 0.2:
                break
            place = place[key]
        how = rng.randrange(3)
        if how == 0 or not isinstance(place, dict):
            place[key] = rng.choice(STRANGE)
        elif how == 1:
            del place[key]
        else:
            place[f"{key}x"] = place.pop(key)
        (folder / FACTS).write_text(json.dumps(changed))
        if _loads(folder):
            loaded = load_result(folder)
            repr(loaded), str(loaded), loaded.to_frame(), json.dumps(loaded.to_dict(), default=str)


def test_predictions_are_those_of_the_model(results, saved):
    X = np.asarray(results[0].target.X)
    np.testing.assert_array_equal(load_result(saved).predict(X), results[0].predict(X))


def test_a_missing_folder(tmp_path):
    with pytest.raises(ReadError, match=r"holds no result\.json"):
        load_result(tmp_path / "nothing")
    refused(tmp_path / ("x" * 500), "too long")
