import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from landbridge import load_result, transfer
from landbridge.base import InstanceTransfer
from landbridge.candidates import compose
from landbridge.catalogue import methods
from landbridge.data import make_shift
from landbridge.exceptions import ReadError, UntrustedModelError
from landbridge.tasks import get_task
from landbridge.trusted import HARMLESS, is_own_type

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    source, target = make_shift("translation", n_source=80, n_target=80, random_state=0)
    result = transfer(source, target, target_labels="hide", methods=["CORAL", "DomainScaler", "GFK", "TCA"])
    folder = tmp_path_factory.mktemp("result")
    result.save(folder)
    return result, target, folder


def test_round_trip(saved):
    result, target, folder = saved
    again = load_result(folder)
    assert again.decision == result.decision
    assert [c.name for c in again.candidates] == [c.name for c in result.candidates]
    assert again.diagnosis.words == result.diagnosis.words
    np.testing.assert_array_equal(again.predict(target.X), result.predict(target.X))
    assert again["CORAL"].hidden == result["CORAL"].hidden


def test_in_a_new_process(saved):
    result, target, folder = saved
    np.save(folder / "rows.npy", target.X)
    code = (
        "import sys, numpy as np, landbridge; f = sys.argv[1];"
        "print(*landbridge.load_result(f).predict(np.load(f + '/rows.npy')))"
    )
    out = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True).stdout
    assert out.split() == [str(v) for v in result.predict(target.X)]


@pytest.mark.parametrize("method", methods(), ids=lambda m: m.name)
def test_every_method_can_be_saved_safely(method):
    import skops.io

    if not method.available:
        pytest.skip(f"needs {method.tags.requires}")
    source, target = make_shift("concept", n_source=50, n_target=40, random_state=0)
    classify = "classification" in method.tags.tasks
    told = target.y.astype(object)
    told[12:] = None
    y = source.y if classify else source.y + np.abs(source.X[:, 0])
    yt = told if classify else np.where(np.arange(40) < 12, target.y + np.abs(target.X[:, 0]), np.nan)
    learner = get_task("classification" if classify else "regression").default_estimator()
    if not classify and issubclass(method.cls, InstanceTransfer):
        learner = learner[-1]
    model = compose(method.cls(), learner).fit(source.X, y, X_target=target.X, y_target=yt)
    data = skops.io.dumps(model)
    needed = skops.io.get_untrusted_types(data=data)
    assert [t for t in needed if t not in HARMLESS and not is_own_type(t)] == []
    np.testing.assert_array_equal(skops.io.loads(data, trusted=needed).predict(target.X), model.predict(target.X))


def test_tampering_is_noticed(saved, tmp_path):
    result, _, _ = saved
    result.save(tmp_path)
    model = tmp_path / "model.skops"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(bytes(data))
    with pytest.raises(UntrustedModelError, match="changed after saving") as caught:
        load_result(tmp_path)
    assert "\n" not in str(caught.value)


def test_foreign_types_are_refused_though_the_checksum_fits(saved, tmp_path):
    """Whoever changes both files still cannot make the loader touch a type that no result needs."""
    import hashlib

    result, _, _ = saved
    result.save(tmp_path)
    model, story = tmp_path / "model.skops", tmp_path / "result.json"
    with zipfile.ZipFile(model) as file:
        held = {n: file.read(n) for n in file.namelist()}
    schema = json.loads(held["schema.json"])
    schema["content"]["model"] = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "FunctionNode",
        "__id__": 1,
        "content": {"module_path": "os", "function": "system"},
    }
    held["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(model, "w") as file:
        for name, data in held.items():
            file.writestr(name, data)
    told = json.loads(story.read_text())
    told["sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
    story.write_text(json.dumps(told))
    with pytest.raises(UntrustedModelError):
        load_result(tmp_path)


def test_missing_and_damaged_files(saved, tmp_path):
    with pytest.raises(ReadError, match=r"holds no result\.json"):
        load_result(tmp_path)
    result, _, _ = saved
    result.save(tmp_path)
    (tmp_path / "model.skops").write_bytes(b"rubbish")
    with pytest.raises(UntrustedModelError, match="damaged"):
        load_result(tmp_path)
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(ReadError, match="JSON"):
        load_result(tmp_path)


def test_only_what_landbridge_defines_counts_as_its_own():
    assert is_own_type("landbridge.feature._coral.CORAL")
    assert not is_own_type("landbridge.feature._coral.np")
    assert not is_own_type("landbridge.results._persist.os")
    assert not is_own_type("os.system")


def _forged(result, folder, model, **story):
    """What someone who may change both files would leave: any model, with a checksum that fits."""
    import hashlib

    import skops.io

    result.save(folder)
    data = skops.io.dumps({"model": model, "encoder": None})
    (folder / "model.skops").write_bytes(data)
    told = json.loads((folder / "result.json").read_text()) | story
    told["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "result.json").write_text(json.dumps(told))
    return folder


def test_a_function_of_landbridge_is_not_trusted(saved, tmp_path):
    """Otherwise a FunctionTransformer would call it with a stranger's arguments."""
    from sklearn.preprocessing import FunctionTransformer

    from landbridge.results import _files as _persist

    writer = getattr(_persist, "write_atomically", None) or _persist._write
    with pytest.raises(UntrustedModelError, match="which a result of landbridge never needs"):
        load_result(_forged(saved[0], tmp_path, FunctionTransformer(writer, kw_args={"data": b"x"})))
    assert not is_own_type(f"landbridge.results._persist.{writer.__name__}")
    assert not is_own_type("landbridge.domain.Domain") and not is_own_type("landbridge.nothing.X")


@pytest.mark.parametrize(
    "story", [{"decision": []}, {"candidates": 5}, {"candidates": [{"name": "x"}]}, {"diagnosis": {"x": 1}}]
)
def test_a_broken_story_is_one_line(saved, tmp_path, story):
    with pytest.raises(ReadError, match="not the JSON of a result") as caught:
        load_result(_forged(saved[0], tmp_path, saved[0].model, **story))
    assert "\n" not in str(caught.value)


def test_what_could_not_be_loaded_is_not_saved(saved, tmp_path):
    from dataclasses import replace

    from sklearn.preprocessing import FunctionTransformer

    from landbridge.exceptions import InputError

    with pytest.raises(InputError, match=r"loading would refuse|cannot be saved"):
        replace(saved[0], model=FunctionTransformer(test_round_trip)).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_story_names_versions_and_types(saved):
    _, _, folder = saved
    told = json.loads((folder / "result.json").read_text())
    assert {"landbridge", "numpy", "scikit-learn", "skops"} <= set(told["versions"])
    assert told["types"] and all(is_own_type(t) for t in told["types"])


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_files_are_as_private_as_the_user_wants(saved, tmp_path):
    import os

    before = os.umask(0o077)
    try:
        saved[0].save(tmp_path / "private")
    finally:
        os.umask(before)
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "private").iterdir()} == {0o600}


def test_a_failed_write_leaves_the_old_file_and_no_litter(saved, tmp_path, monkeypatch):
    from landbridge.results import _files as _persist

    saved[0].save(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_persist.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        saved[0].save(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def _learners():
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    return [
        HistGradientBoostingClassifier(max_iter=3),
        RandomForestClassifier(n_estimators=3),
        GaussianProcessClassifier(),
        KNeighborsClassifier(algorithm="kd_tree"),
        KNeighborsClassifier(algorithm="ball_tree"),
        MLPClassifier(max_iter=5),
        SVC(),
    ]


@pytest.mark.parametrize("learner", _learners(), ids=repr)
def test_usual_learners_come_back(saved, tmp_path, learner):
    from dataclasses import replace

    result, target, _ = saved
    fitted = learner.fit(target.X, target.y)
    replace(result, model=fitted).save(tmp_path)
    np.testing.assert_array_equal(load_result(tmp_path).predict(target.X), fitted.predict(target.X))
