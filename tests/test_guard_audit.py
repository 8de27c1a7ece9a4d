"""The audit of the guard: made shifts are what they say, and losses are counted right."""

import numpy as np
import pytest
from benchmarks.guard_audit.kept import fingerprint, keep, read
from benchmarks.guard_audit.made import made_pairs, moved, shares, unit
from benchmarks.guard_audit.page import kind_of_loss, losses, summary
from benchmarks.guard_audit.pairs import N_SAMPLES, Sides, encoded


def _sides(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(2 * n, 4)), np.arange(2 * n) % 2
    return Sides(X[:n], y[:n], X[n:], y[n:])


def _run(source_only, handed_over, best, **more):
    scores = {"source-only": source_only, "CORAL": handed_over, "TCA": best}
    about = {"scores": scores, "source_only": source_only, "handed_over": handed_over, "transferred": True}
    about |= {"metric": "accuracy", "n": [200, 200, 4], "majority": 0.5, "shares_moved": 0.0, "shift": "concept"}
    return about | {"evidence": "ensemble", "linear_ot": None, "kind": "made", "set_on": False} | more


def test_class_shares_are_those_asked_for():
    made = shares(0.5, 0.9)(_sides(), np.random.default_rng(0))
    assert made.ys.mean() == pytest.approx(0.5, abs=0.01)
    assert made.yt.mean() == pytest.approx(0.9, abs=0.01)


def test_target_moves_and_source_does_not():
    before = _sides()
    after = moved(None, 2.0)(before, np.random.default_rng(0))
    np.testing.assert_array_equal(after.Xs, before.Xs)
    step = after.Xt - before.Xt
    np.testing.assert_allclose(step, step[:1].repeat(len(step), axis=0))
    np.testing.assert_allclose(np.abs(step[0]), 2.0 * before.Xs.std(axis=0))


def test_unit_changes_one_feature():
    before = _sides()
    after = unit(before, np.random.default_rng(0))
    changed = np.flatnonzero((after.Xt != before.Xt).any(axis=0))
    assert len(changed) == 1
    np.testing.assert_allclose(after.Xt[:, changed], 38.67 * before.Xt[:, changed])


def test_made_pairs_are_small_and_repeatable():
    pair = next(p for p in made_pairs() if p.name == "tumours: moved, shares 50 > 4")
    once, again, other = pair.sides(0), pair.sides(0), pair.sides(1)
    assert fingerprint(once) == fingerprint(again) != fingerprint(other)
    assert max(len(once.ys), len(once.yt)) <= N_SAMPLES
    assert once.yt.mean() == pytest.approx(0.04, abs=0.02)


def test_label_is_no_feature():
    import pandas as pd

    table = pd.DataFrame({"a": np.arange(40.0), "group": ["x", "y"] * 20, "label": [0, 1] * 20})
    sides = encoded(table, table, "label", np.random.default_rng(0), drop=["group"])
    assert sides.Xs.shape == (40, 1)


def test_losses_and_summary():
    runs = {
        "a | none | 0": _run(0.8, 0.6, 0.9),
        "b | none | 0": _run(0.8, 0.795, 0.8),
        "c | none | 0": _run(0.5, 0.7, 0.7, linear_ot=0.6),
        "d | none | 0": _run(-3.0, -5.0, 0.1, metric="R²"),
    }
    assert list(losses(runs)) == ["a | none | 0"]
    found = summary(runs)
    assert found["mean"] == pytest.approx((-20 - 0.5 + 20) / 4)
    assert found["worst"] == "a | none | 0"
    assert found["to_best"] == pytest.approx((30 + 0.5 + 0 + 10) / 4)
    assert found["best_single"] == ("TCA", pytest.approx((10 + 0 + 20 + 10) / 4))
    assert found["linear_ot"] == pytest.approx(10 / 4)


@pytest.mark.parametrize(
    ("more", "number"),
    [
        ({"evidence": "target labels", "shares_moved": 0.3}, 1),
        ({"metric": "R²"}, 2),
        ({"shift": "covariate", "shares_moved": 0.3}, 3),
        ({"shares_moved": 0.3, "n": [200, 10, 4]}, 4),
        ({"n": [200, 10, 4], "majority": 0.9}, 5),
        ({"majority": 0.9}, 6),
        ({}, 7),
    ],
)
def test_kind_of_loss(more, number):
    assert kind_of_loss("a | none | 0", _run(0.8, 0.6, 0.9, **more)) == number


def test_runs_are_kept_beside_one_another(tmp_path):
    path = tmp_path / "results.json"
    keep(path, "b", {"x": 1})
    keep(path, "a", {"x": 2})
    keep(path, "b", {"x": 3})
    assert read(path) == {"a": {"x": 2}, "b": {"x": 3}}
    assert len(path.read_text().splitlines()) == 4
