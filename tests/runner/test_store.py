"""The store of an unfinished run: trials without pickles, scores, checkpoints, and damaged files."""

import json

import numpy as np
import pytest

from landbridge.candidates import CandidateSpec
from landbridge.exceptions import InputError
from landbridge.guard import Trial
from landbridge.runner import RunStore

SPEC = CandidateSpec("A + B", "feature", object(), "", frozenset({"concept"}), preference=1)
TRIAL = Trial(
    "A + B",
    "feature",
    predicted=np.array(["x", "y"], dtype=object),
    proba=np.array([[0.2, 0.8], [0.9, 0.1]]),
    classes=np.array(["x", "y"]),
    seconds=1.5,
    warnings=("UserWarning: mind",),
)


def test_without_a_folder_nothing_is_kept():
    store = RunStore(None, {})
    store.keep_trial(TRIAL)
    store.keep_score("a", "0", 0.5)
    assert store.trial(SPEC) is None and store.score("a", "0") is None and store.checkpoints("a", "0") is None
    store.clear()


def test_a_trial_comes_back_without_its_model(tmp_path):
    RunStore(tmp_path / "run", {"seed": 0}).keep_trial(TRIAL)
    held = RunStore(tmp_path / "run", {"seed": 0}, resume=True).trial(SPEC)
    assert held.predicted.tolist() == ["x", "y"] and held.warnings == TRIAL.warnings and held.seconds == 1.5
    assert held.shifts == SPEC.shifts and held.preference == 1 and held.model is None
    np.testing.assert_array_equal(held.proba, TRIAL.proba)
    with np.load(next((tmp_path / "run").glob("*.npz")), allow_pickle=False) as file:
        assert all(file[k].dtype != object for k in file.files)


def test_failed_trials_are_tried_again(tmp_path):
    store = RunStore(tmp_path / "run", {})
    store.keep_trial(Trial("A + B", "feature", error="no"))
    assert store.trial(SPEC) is None


def test_a_damaged_trial_is_tried_again(tmp_path):
    store = RunStore(tmp_path / "run", {})
    store.keep_trial(TRIAL)
    next((tmp_path / "run").glob("*.npz")).write_bytes(b"PK broken")
    assert store.trial(SPEC) is None


def test_scores_are_found_by_another_process(tmp_path):
    one = RunStore(tmp_path / "run", {})
    one.checkpoints("A + B", "0").mkdir()
    one.keep_score("A + B", "0", 0.25)
    assert not one.checkpoints("A + B", "0").exists()
    assert RunStore(tmp_path / "run", {}, resume=True).score("A + B", "0") == 0.25


def test_without_resume_the_folder_is_emptied(tmp_path):
    RunStore(tmp_path / "run", {}).keep_trial(TRIAL)
    assert RunStore(tmp_path / "run", {}).trial(SPEC) is None


def test_other_settings_are_named(tmp_path):
    RunStore(tmp_path / "run", {"epochs": 3})
    with pytest.raises(InputError, match=r"begun with another epochs \('3', now '4'\)"):
        RunStore(tmp_path / "run", {"epochs": 4}, resume=True)
    (tmp_path / "run" / "scores.json").write_text("{")
    assert RunStore(tmp_path / "run", {"epochs": 4}, resume=True).scores == {}
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["run"] == {"epochs": "4"}


def test_a_folder_of_somebody_else_is_not_emptied(tmp_path):
    (tmp_path / "thesis.doc").write_text("precious")
    for resume in (False, True):
        with pytest.raises(InputError, match="no unfinished run"):
            RunStore(tmp_path, {}, resume=resume)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_links_are_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("")
    RunStore(tmp_path / "run", {})
    (tmp_path / "run" / "A-0").symlink_to(tmp_path / "precious")
    RunStore(tmp_path / "run", {}).clear()
    assert (tmp_path / "precious" / "file").exists() and not (tmp_path / "run").exists()


def test_two_runs_at_once(tmp_path):
    """The second is refused, in another thread as in another process."""
    from concurrent.futures import ThreadPoolExecutor

    def again():
        with pytest.raises(InputError, match="is being written by another run"):
            RunStore(tmp_path / "run", {})

    with RunStore(tmp_path / "run", {}), ThreadPoolExecutor(1) as pool:
        pool.submit(again).result()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(RunStore, tmp_path / "run", {}).result()


def test_names_that_are_alike_are_kept_apart(tmp_path):
    store = RunStore(tmp_path / "run", {})
    for name, score in (("A+B", 0.25), ("A-B", 0.5), ("A B", 0.75)):
        store.keep_score(name, "0", score)
    again = RunStore(tmp_path / "run", {}, resume=True)
    assert [again.score(n, "0") for n in ("A+B", "A-B", "A B")] == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"[]", b"\x93NUMPY"])
def test_rubbish_is_tried_again(tmp_path, content):
    store = RunStore(tmp_path / "run", {})
    store.keep_trial(TRIAL)
    next((tmp_path / "run").glob("*.npz")).write_bytes(content)
    assert store.trial(SPEC) is None


@pytest.mark.parametrize("content", ["[]", '{"run": [], "scores": 5}', "[" * 100_000, '{"a 0": "x"}'])
def test_rubbish_scores_are_no_scores(tmp_path, content):
    RunStore(tmp_path / "run", {})
    (tmp_path / "run" / "scores.json").write_text(content)
    (tmp_path / "run" / "a.json").write_text(content)
    assert RunStore(tmp_path / "run", {}, resume=True).score("a", "0") is None


def test_a_full_disk_ends_the_run(tmp_path, monkeypatch):
    from landbridge.exceptions import WriteError
    from landbridge.results import _files

    store = RunStore(tmp_path / "run", {})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(WriteError, match="No space left"):
        store.keep_trial(TRIAL)
