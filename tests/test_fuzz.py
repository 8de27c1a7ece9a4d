"""A few cases of each kind of the fuzz benchmark, and what the benchmark itself would not let pass."""

import warnings

import numpy as np
import pytest
from benchmarks.fuzz.__main__ import summary, table
from benchmarks.fuzz.case import Case, Outcome, Place, Wrong, not_finite, run_case, unclear
from benchmarks.fuzz.kinds import KINDS
from benchmarks.fuzz.runner import plan, prepare

from landbridge.exceptions import InputError

QUICK = {"media": 1}


@pytest.fixture(scope="module", autouse=True)
def prepared():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("POT_BACKEND_DISABLE_PYTORCH", "HF_HUB_OFFLINE", "NO_COLOR", "COLUMNS"):
            patch.setenv(name, "1")  # `prepare` sets them; they are restored
        prepare()
        yield


@pytest.mark.parametrize("kind", KINDS)
def test_cases_end_in_an_answer_or_in_one_line(kind):
    for index in range(QUICK.get(kind, 3)):
        outcome = run_case(kind, KINDS[kind].make, index, seed=7)
        assert outcome.status in ("right", "refused"), f"{outcome.name}: {outcome.words}\n{outcome.trace}"


def case_of(call, **more):
    return lambda place: Case("made here", lambda: call(place), **more)


def refuse(words):
    raise InputError(words)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda p: 1 / 0, "ZeroDivisionError"),
        (lambda p: {"a": [float("nan")]}, "not finite: answer.a[0]"),
        (lambda p: warnings.warn("x", RuntimeWarning, stacklevel=1), "warning shown"),
        (lambda p: warnings.filters.insert(0, ("ignore", None, Warning, None, 5)), "filters"),
        (lambda p: (p.folder / "a.csv").write_text("changed"), "files"),
        (lambda p: np.random.seed(3), "seed of numpy"),  # noqa: NPY002
        (lambda p: refuse("short"), "a line of 5"),
    ],
)
def test_what_must_not_happen_fails(call, words):
    outcome = run_case("made", case_of(call), 0, 0)
    assert outcome.status == "failed" and words in outcome.words


def test_an_object_of_the_caller_and_a_time_limit_are_watched():
    held = np.zeros(3)
    outcome = run_case("made", case_of(lambda p: held.fill(1), kept=(held,)), 0, 0)
    assert outcome.status == "failed" and "caller" in outcome.words
    outcome = run_case("made", case_of(lambda p: [None for _ in iter(int, 1)]), 0, 0, seconds=1)
    assert outcome.words == "more than 1 s"


def test_answers_and_refusals_are_what_the_case_wants():
    def wrong(value):
        raise Wrong("it is 2")

    assert run_case("made", case_of(lambda p: 1, check=wrong), 0, 0).words == "wrong: it is 2"
    assert run_case("made", case_of(lambda p: 1, must="refusal"), 0, 0).status == "failed"
    assert run_case("made", case_of(lambda p: refuse("give another file"), must="answer"), 0, 0).status == "failed"
    assert run_case("made", case_of(lambda p: refuse("give another file")), 0, 0).status == "refused"
    assert unclear("two\nlines of an error") and not unclear("one line of an error")
    assert not_finite(np.array([1.0, np.inf])) and not not_finite({"a": (1.0, "nan")})


def test_a_case_depends_on_kind_index_and_seed_alone(tmp_path):
    def names(seed):
        return [KINDS["dialects"].make(Place(np.random.default_rng(seed), tmp_path)).name for _ in range(2)]

    assert names(1) == names(1) != names(2)


def test_the_plan_and_the_tables():
    keys = plan(3000)
    assert len(keys) >= 3000 and len(set(keys)) == len(keys) and {k for k, _ in keys} == set(KINDS)
    assert {k for k, _ in plan(10, ["gaps"])} == {"gaps"}
    outcomes = [Outcome("gaps", 0, "a", "right", seconds=0.5), Outcome("gaps", 1, "b", "failed", "why")]
    assert "gaps" in table(outcomes) and table(outcomes).splitlines()[-1].startswith("all")
    held = summary(outcomes, 0)
    assert held["kinds"]["all"]["failed"] == 1 and held["failures"][0]["words"] == "why"
