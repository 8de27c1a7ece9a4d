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
