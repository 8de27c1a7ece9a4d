"""Which layers to carry over: probes, resemblance and the study of Yosinski and others."""

import numpy as np
import pytest

from landbridge.data import load_builtin
from landbridge.exceptions import InputError, LabelError
from landbridge.neural import layer_study, linear_cka, load_backbone, stages


@pytest.fixture(scope="module")
def digits():
    return load_builtin("handwritten").take(range(240))


def test_every_stage_is_probed(digits, tmp_path):
    network = load_backbone("builtin")
    report = stages(network, digits.X.reshape(-1, 8, 8), digits.y, random_state=0)
    assert [s.name for s in report.table] == [*network.stage_names, "embedding"]
    assert report.table[-1].probe > report.table[0].probe + 0.02
    assert report.table[0].cka == 1.0 and all(0 <= s.cka <= 1 for s in report.table)
    assert report.best in str(report) and report.best == max(report.table, key=lambda s: s.probe).name
    assert report.features["edges"].shape == (240, report.table[0].width)
    assert report.plot(tmp_path / "stages.svg").stat().st_size > 5000


def test_alignment_is_blind_to_turning_and_scale():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(50, 4)), rng.normal(size=(50, 6))
    Q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert linear_cka(A, 3 * A @ Q + 1) == pytest.approx(1.0)
    K, L = (Z - Z.mean(axis=0) for Z in (A, B))
    K, L = K @ K.T, L @ L.T
    assert linear_cka(A, B) == pytest.approx((K * L).sum() / np.sqrt((K * K).sum() * (L * L).sum()))
    assert linear_cka(np.zeros((5, 2)), B[:5]) == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:3], "one label per sample"),
        (lambda y: np.zeros(len(y)), "two classes"),
        (np.arange, "two samples"),
    ],
)
def test_labels_at_fault_are_named(digits, change, message):
    y = change(len(digits.y)) if change is np.arange else change(digits.y)
    with pytest.raises(LabelError, match=message):
        stages(load_backbone("builtin"), digits.X.reshape(-1, 8, 8), y, random_state=0)


def test_frozen_stages_of_another_task_cost_more_the_deeper_the_cut(tmp_path):
    part = load_builtin("handwritten")
    low, high = (part.take(np.flatnonzero(mask)) for mask in (part.y < 5, part.y >= 5))
    low, B, test = low.take(range(300)), high.take(range(200)), high.take(range(200, 500))
    how = {"epochs": 5, "image_shape": (8, 8), "seeds": [0]}
    study = layer_study((low.X, low.y), (B.X, B.y), (test.X, test.y), **how)
    assert study.curves["AnB"].shape == (4, 1) and study.base.shape == (1,)
    assert study.curves["AnB"][0] > study.curves["AnB"][-1]  # all stages frozen: those of the other five digits
    assert study.curves["AnB+"][-1] > study.curves["AnB"][-1]
    assert "BnB+" in str(study) and study.plot(tmp_path / "study.svg").exists()
    with pytest.raises(InputError, match="seeds is empty"):
        layer_study((low.X, low.y), (B.X, B.y), (test.X, test.y), seeds=[])
