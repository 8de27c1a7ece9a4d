import pytest

from landbridge.cli._options import PrintOptions
from landbridge.cli._progress import Remaining, RunProgress, in_words, working


def test_the_first_second_has_an_estimate():
    remaining = Remaining(40.0)
    assert remaining.seconds(0.5) == pytest.approx(39.5)
    assert remaining.seconds(60.0) == pytest.approx(20.0)  # the guess was too low


def test_finished_candidates_take_over():
    remaining = Remaining(1000.0)
    for done in range(1, 6):
        remaining.advance(10.0 + 2 * done, done, 11)
    assert remaining.seconds(20.0) == pytest.approx(2 * 6 + 0.1 * 2 * 11)
    remaining.advance(32.0, 11, 11)
    assert 0 < remaining.seconds(32.0) < 5


def test_a_time_budget_bounds_it():
    assert Remaining(1000.0, budget=20.0).seconds(5.0) == pytest.approx(17.0)


def test_durations_in_words():
    assert [in_words(s) for s in (0, 59.4, 60, 601, 3600)] == ["1 s", "59 s", "1 min", "10 min", "1 h"]


@pytest.mark.parametrize(("printing", "lines"), [(PrintOptions(), 0), (PrintOptions(verbose=True), 3)])
def test_without_a_terminal_there_are_plain_lines_or_none(capsys, printing, lines):
    with RunProgress(printing, 1000.0) as progress:
        progress.advance(1, 2, "CORAL")
        progress.advance(2, 2, "GFK")
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.splitlines()) == lines
    assert all(" left" in line and "\x1b" not in line for line in shown.err.splitlines())


@pytest.mark.parametrize("printing", [PrintOptions(verbose=True, quiet=True), PrintOptions(verbose=True, as_json=True)])
def test_quiet_and_json_print_nothing(capsys, printing):
    with working("reading", printing), RunProgress(printing, 1000.0) as progress:
        progress.advance(1, 1, "CORAL")
    assert capsys.readouterr() == ("", "")


def test_a_run_prints_what_was_read_where_the_verb_says_so(clinics, command, monkeypatch):
    import landbridge.verbs._transfer as verb
    from landbridge.data import Inspection
    from landbridge.data._inspection import SideFacts as Side
    from landbridge.problem import TransferOptions

    real = verb.transfer

    def transfer(source, target, *, on_inspection=None, **options):
        on_inspection(
            Inspection("table", (Side("source", "a", 80, 0, {"no": 3}), Side("target", "b", 80, 0, {"no": 3})))
        )
        return real(source, target, **options)

    monkeypatch.setattr(verb, "transfer", transfer)
    monkeypatch.setitem(TransferOptions.__annotations__, "on_inspection", object)
    words = ["transfer", "a.csv", "b.csv", "--label", "ill", "--methods", "CORAL", "--jobs", "1", "--out", "seen"]
    done = command(*words, "--target-labels", "5", cwd=clinics)
    assert done.returncode == 0, done.stderr
    assert "Source a: 80 samples" in done.stderr and "Source a" not in done.stdout
    assert "class 'no' has 3 labelled target samples only" in done.stderr
    assert command(*words, "--json", cwd=clinics).stderr == ""
