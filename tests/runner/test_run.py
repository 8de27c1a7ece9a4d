"""The runner: the same verdict on any machine, kept warnings and errors, time budget, and resuming."""

import time
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from landbridge import transfer
from landbridge.data import make_shift
from landbridge.exceptions import InputError
from landbridge.feature import CORAL, GFK, DomainScaler

S, T = make_shift("translation", n_source=80, n_target=80, random_state=0)
QUICK = ["CORAL", "DomainScaler", "SubspaceAlignment", "GFK"]


class Slow(CORAL):
    """Takes its time."""

    def _fit(self, Xs, ys, Xt, yt):
        time.sleep(0.2)
        super()._fit(Xs, ys, Xt, yt)


class Loud(DomainScaler):
    """Warns twice the same and once another thing."""

    def _fit(self, Xs, ys, Xt, yt):
        for text in ("mind the gap", "mind the gap", "and the step"):
            warnings.warn(text, UserWarning, stacklevel=2)
        super()._fit(Xs, ys, Xt, yt)


class Broken(GFK):
    """Fails."""

    def _fit(self, Xs, ys, Xt, yt):
        raise ZeroDivisionError("no luck\nat all")


def _figures(result):
    return [(c.name, None if c.gain is None else (c.gain.value, c.gain.p_value)) for c in result.candidates]


@pytest.mark.parametrize("kind", ["translation", "covariate", "label"])
def test_threads_and_processes_change_no_answer(kind):
    source, target = make_shift(kind, n_source=90, n_target=90, random_state=1)
    how = {"target_labels": "hide", "methods": [*QUICK, "KMM", "BBSE"]}
    with threadpool_limits(1):
        one = transfer(source, target, n_jobs=1, **how)
    with threadpool_limits(16):
        many = transfer(source, target, n_jobs=2, **how)
    assert one.decision == many.decision
    assert _figures(one) == _figures(many)
    np.testing.assert_array_equal(one.predict(target.X), many.predict(target.X))


def test_slow_candidates_change_no_answer():
    """The clock decides nothing: the same method with a sleep in every fit is assessed alike."""
    fast = transfer(S, T, target_labels="hide", methods=[CORAL(), "DomainScaler", "GFK"])
    slow = transfer(S, T, target_labels="hide", methods=[Slow(), "DomainScaler", "GFK"])
    assert [f[1] for f in _figures(fast)] == [f[1] for f in _figures(slow)]
    assert slow.decision.chosen.replace("Slow", "CORAL") == fast.decision.chosen
    assert fast.decision.gain == slow.decision.gain
    alone = [transfer(S, T, target_labels="hide", methods=[m]) for m in (CORAL(), Slow())]
    assert alone[0].decision.gain == alone[1].decision.gain
    assert dict(alone[0].candidates[1].evidence) == dict(alone[1].candidates[1].evidence)


def test_limits_of_threads_are_restored():
    before = [(p["prefix"], p["num_threads"]) for p in threadpool_info()]
    transfer(S, T, target_labels="hide", methods=["CORAL"])
    assert [(p["prefix"], p["num_threads"]) for p in threadpool_info()] == before


def test_warnings_are_kept_with_the_candidate_and_shown_to_nobody_else():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = transfer(S, T, target_labels="hide", methods=[Loud(), "CORAL"])
    assert result["Loud"].warnings == ("UserWarning: mind the gap", "UserWarning: and the step")
    assert result["CORAL"].warnings == ()


def test_errors_are_kept_or_raised():
    result = transfer(S, T, target_labels="hide", methods=[Broken(), "CORAL", "GFK"])
    failed = result["Broken"]
    assert (failed.status, failed.why) == ("failed", "no luck")
    assert "ZeroDivisionError" in failed.traceback and "_fit" in failed.traceback
    with pytest.raises(ZeroDivisionError):
        transfer(S, T, target_labels="hide", methods=[Broken(), "CORAL"], error_score="raise")


def test_a_base_learner_that_fails_is_one_line():
    class Unfit(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            raise ValueError("will not")

    with pytest.raises(InputError, match="the base learner failed on the source: will not"):
        transfer(S, T, estimator=Unfit(), methods=["CORAL"])


def test_a_time_budget_leaves_the_rest_untried():
    result = transfer(S, T, target_labels="hide", methods=[Slow(), *QUICK], time_budget=0.2, n_jobs=1)
    assert result["source-only"].status == "tried" and result["Slow"].status == "tried"
    assert result["CORAL"].status == "skipped" and "time budget" in result["CORAL"].why


def test_progress_is_reported():
    seen = []
    transfer(S, T, methods=QUICK[:2], n_jobs=1, progress=lambda done, total, name: seen.append((done, total, name)))
    assert [s[0] for s in seen] == [1, 2, 3, 4] and {s[1] for s in seen} == {4}
    assert {s[2] for s in seen} == {"source-only", "target-only", "CORAL", "DomainScaler"}


class Stop(Exception):
    """Ends a run from inside."""


def test_tables_are_kept_and_resumed(tmp_path):
    how = {"target_labels": "hide", "methods": QUICK, "n_jobs": 1, "work_dir": tmp_path / "run"}
    whole = transfer(S, T, **how)
    assert not (tmp_path / "run").exists()

    def stop(done, total, name):
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        transfer(S, T, **how, progress=stop)
    assert len(list((tmp_path / "run").glob("*.npz"))) == 3
    again = transfer(S, T, **how, resume=True)
    assert again.decision == whole.decision and _figures(again) == _figures(whole)
    np.testing.assert_array_equal(again.predict(T.X), whole.predict(T.X))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [({"random_state": 1}, "random_state"), ({"target_labels": 5}, "target_labels"), ({"target": T.X + 1.0}, "data")],
)
def test_a_run_is_not_resumed_with_other_settings_or_data(tmp_path, change, word):
    given = {"source": S, "target": T, "target_labels": "hide", "methods": QUICK, "n_jobs": 1}
    given["work_dir"] = tmp_path / "run"

    def stop(done, total, name):
        raise Stop

    with pytest.raises(Stop):
        transfer(**given, progress=stop)
    with pytest.raises(InputError, match=f"begun with another .*{word}" if word != "data" else "begun with another"):
        transfer(**given | change, resume=True)
