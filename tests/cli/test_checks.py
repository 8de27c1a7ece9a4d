import os

import pytest

from landbridge.cli._checks import names_in, renamed, warn_of_few_labels
from landbridge.exceptions import InputError

RUN = ["transfer", "a.csv", "b.csv", "--label", "ill"]
LONG = "x" * 300


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*RUN, "--seed", "-1"], "--seed"),
        ([*RUN, "--seed", "4294967296"], "--seed"),
        ([*RUN, "--seed", "abc"], "--seed"),
        ([*RUN, "--jobs", "0"], "--jobs is 0"),
        ([*RUN, "--task", "clasification"], "did you mean classification"),
        ([*RUN, "--task", "cooking"], "give classification, regression, segmentation, tagging"),
        ([*RUN, "--confidence", "2"], "confidence must lie in [0.5, 1)"),
        ([*RUN, "--epochs", "0"], "epochs must be"),
        ([*RUN, "--n-seeds", "0"], "n_seeds must be"),
        ([*RUN, "--time-budget", "-1"], "--time-budget is -1"),
        ([*RUN, "--time-budget", "nan"], "--time-budget is nan"),
        ([*RUN, "--time-budget", "inf"], "--time-budget is inf"),
        ([*RUN, "--out", "a.csv"], "is a file"),
        ([*RUN, "--out", f"a.csv/{'y'}"], "cannot be written"),
        ([*RUN, "--out", LONG], "too long"),
        (["transfer", LONG, "b.csv"], "too long"),
        (["transfer", "a.csv", "b\0.csv"], "NUL"),
        ([*RUN, "--scoring", "acc"], "did you mean 'accuracy'"),
        ([*RUN, "--target-labels", "x"], "target_labels must be"),
        ([*RUN, "--methods", "CORLA"], "did you mean CORAL"),
        ([*RUN, "--methods", ","], "names no method"),
        ([*RUN, "--rename", "x"], "OLD=NEW"),
        ([*RUN, "--decimal", ";"], "decimal must be"),
        ([*RUN, "--drop", " "], "--drop is empty"),
        (["transfer", "a.csv", "bb.csv"], "did you mean b.csv"),
        (["measure", "", "b.csv"], "SOURCE is empty"),
        (["measure", "a.csv", "builtin:printde"], "did you mean printed"),
        (["rank", "a.csv", "c.csv"], "c.csv does not exist"),
        (["rank", "a.csv", "b.csv", "--label", "ill", "--score", "logmee"], "did you mean logme"),
        (["predict", "run", "b.csv", "--out", "."], "is a folder"),
        (["predict", "run", "b.csv", "--coverage", "2"], "--coverage is 2"),
        (["report", "run", "--out", "nowhere/page.html"], "folder that does not exist"),
        (["methods", "corall"], "did you mean CORAL"),
    ],
)
def test_one_line_and_exit_code_two(clinics, command, words, message):
    done = command(*words, cwd=clinics)
    assert done.returncode == 2 and not done.stdout
    assert message in done.stderr and done.stderr.count("\n") == 1 and done.stderr.startswith("landbridge: ")


def test_nothing_is_read_before_the_sides_and_the_output_are_checked(clinics, command, monkeypatch):
    def read(*args, **kwargs):
        raise AssertionError("a file was read")

    monkeypatch.setattr("landbridge.data._files.read_table", read)
    for words in (["transfer", "a.csv", "no.csv"], [*RUN, "--methods", "CORLA"], [*RUN, "--out", "a.csv"]):
        assert command(*words, cwd=clinics).returncode == 2


def test_too_many_jobs_are_bounded(clinics, command):
    words = [*RUN, "--target-labels", "hide", "--methods", "CORAL", "--out", "many", "-q", "--jobs", "999999"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("landbridge.cli._checks.MOST_PER_CORE", 1)
        patch.setattr(os, "cpu_count", lambda: 1)
        done = command(*words, cwd=clinics)
    assert done.returncode == 0 and "more than 1 processes per core; 1 are used" in done.stderr


def test_names_and_renames():
    assert names_in("drop", ["a, b", '"c, d"']) == ["a", "b", "c, d"] and names_in("drop", None) == []
    assert renamed(["Age=age", "a=b=c"]) == {"Age": "age", "a": "b=c"}
    for pairs in (["=x"], ["x="], ["a=b", "a=c"]):
        with pytest.raises(InputError, match="--rename"):
            renamed(pairs)


def test_a_class_with_fewer_labels_is_named(capsys):
    warn_of_few_labels(1000, {"yes": 40, "no": 2000})
    err = capsys.readouterr().err
    assert "'yes' has 40" in err and err.count("\n") == 1
    for use, counts in (("use", {"yes": 1}), (5, {"yes": 5}), (5, {})):
        warn_of_few_labels(use, counts)
    assert capsys.readouterr().err == ""


def test_fewer_labels_than_asked_for_are_one_warning(clinics, command):
    words = [*RUN, "--target-labels", "1000", "--methods", "CORAL", "--jobs", "1", "--out", "few", "-q"]
    done = command(*words, cwd=clinics)
    assert done.returncode == 0 and "--target-labels 1000: class" in done.stderr and done.stderr.count("\n") == 1


def test_escape_sequences_in_names_are_not_printed(clinics, command):
    done = command("measure", "a\x1b[31m.csv", "b.csv", cwd=clinics)
    assert done.returncode == 2 and "\x1b" not in done.stderr
