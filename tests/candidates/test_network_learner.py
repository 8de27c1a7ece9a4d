"""transfer() between data with networks as candidates: by the labels there are, named apart, guarded and saved."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

from typer.testing import CliRunner

from landbridge import load_result, transfer
from landbridge.candidates import find_strategy
from landbridge.candidates._network_learner import planned
from landbridge.cli import app
from landbridge.data import load_builtin
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError
from landbridge.neural import NeuralClassifier, SeedAverage
from landbridge.neural.feature import DANN, MCC, SourceAttention
from landbridge.problem import Arguments, Sides
from landbridge.report import write_report

UNLABELLED = ("ADDA", "CDAN", "DAN", "DANN", "DeepCORAL", "JAN", "MCC", "SHOT")
SEVERAL = ("MomentMatchingSources", "SourceHeads")
LABELLED = ("FineTuning", "L2SP", "LPFT", "LinearProbe")


def test_what_is_planned_follows_from_the_tags():
    assert tuple(planned("classification")) == UNLABELLED
    assert tuple(planned("classification", several=True)) == (*UNLABELLED, *SEVERAL)
    assert tuple(planned("regression", several=True)) == ("DAN", "DANN", "DeepCORAL", "WDGRL")
    assert tuple(planned("regression", labelled=True)) == tuple(planned("classification", labelled=True)) == LABELLED


@pytest.fixture(scope="module")
def sides():
    return load_builtin("printed").take(range(200)), load_builtin("handwritten").take(range(200))


@pytest.fixture(scope="module")
def result(sides):
    return transfer(
        *sides, network="builtin", methods=["DAN", MCC(), MCC(50.0)], target_labels="hide", epochs=3, n_jobs=1
    )


def test_candidates_are_told_apart_and_judged_each(result):
    names = [c.name for c in result.candidates]
    assert names[:4] == ["source-only", "DAN", "MCC", "MCC (2)"]
    assert result["MCC"].hidden.value != result["MCC (2)"].hidden.value
    assert all(c.status == "tried" for c in result.candidates)
    assert result.settings["network"] == "builtin"


def test_the_guard_hands_over_what_is_better(result):
    chosen = next(c for c in result.candidates if c.name == result.decision.chosen)
    assert chosen.hidden.value >= result["source-only"].hidden.value


def test_a_saved_result_predicts_the_same(result, sides, tmp_path):
    result.save(tmp_path)
    again = load_result(tmp_path)
    assert (again.predict(sides[1].X) == result.predict(sides[1].X)).all()


def test_target_labels_call_for_fine_tuning(sides):
    source, target = sides[0].take(range(100)), sides[1].take(range(80))
    result = transfer(source, target, network="builtin", epochs=1, n_jobs=1)
    tried = {c.name for c in result.candidates if c.status == "tried"}
    assert tried == {"source-only", "target-only", *LABELLED}
    assert result.decision.evidence == "target labels"


def test_tables_and_values():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(80, 3)), rng.normal(size=(60, 3)) + 0.5
    result = transfer((X, X[:, 0] + 0.1), Xt, network="mlp", task="regression", epochs=2, n_jobs=1)
    assert {c.name for c in result.candidates} >= {"source-only", *planned("regression")}


def test_bad_input(sides):
    with pytest.raises(InputError, match=r"'Magic', which adapts no network; choose from .*DANN"):
        transfer(*sides, network="builtin", methods=["Magic"])
    with pytest.raises(InputError, match="network and estimator were both given"):
        transfer(*sides, network="builtin", estimator=object())


def test_from_the_command_line(tmp_path):
    ended = CliRunner().invoke(
        app,
        ["transfer", "builtin:tumours-small", "builtin:tumours-large", "--network", "mlp", "--methods", "DeepCORAL",
         "--target-labels", "hide", "--epochs", "2", "--jobs", "1", "--out", str(tmp_path / "out"), "-q"],
    )  # fmt: skip
    assert ended.exit_code == 0, ended.output
    assert "--network mlp" in (tmp_path / "out" / "result.json").read_text()


def _planned(source, target, **given):
    """What would be tried: name to specification, without the baselines."""
    sides = Sides(source, target, Arguments.of(network="builtin", epochs=1, **{"target_labels": "hide"} | given))
    strategy = find_strategy(sides)
    problem = strategy.read(sides)
    specs = strategy.plan(problem, Diagnosis("concept", "high", ""), sides)
    return {s.name: s for s in specs if s.role == "candidate"}


def test_adversarial_candidates_are_means_of_runs_where_that_is_requested(sides):
    source, target = sides[0].take(range(120)), sides[1].take(range(120))
    single = _planned(source, target)
    assert not any(isinstance(_last(s.model), SeedAverage) for s in single.values())
    several = _planned(source, target, n_seeds=3)
    assert list(several) == list(single)
    means = {n for n, s in several.items() if isinstance(_last(s.model), SeedAverage)}
    assert means == {"DANN", "CDAN", "ADDA"}
    assert all(("mean of 3 runs" in s.reason) == (n in means) for n, s in several.items())
    assert _last(several["DANN"].model).n_seeds == 3
    asked = _planned(source, target, n_seeds=2, methods=["WDGRL", "MCD", "MDD", [DANN(), MCC()], "DAN"])
    assert [isinstance(_last(s.model), SeedAverage) for s in asked.values()] == [True] * 4 + [False]
    assert list(asked) == ["WDGRL", "MCD", "MDD", "DANN + MCC", "DAN"]


def test_several_sources_call_for_methods_that_keep_them_apart(sides):
    source, target = sides[0].take(range(120)), sides[1].take(range(120))
    names = np.array(["a", "b", "c"])[np.arange(120) % 3]
    several = _planned(source.replace(source_domain=names), target)
    assert list(several) == [*UNLABELLED, *SEVERAL]
    assert all("each of 3 sources" in several[n].reason for n in SEVERAL)
    one = source.replace(source_domain=np.zeros(120))
    values = source.replace(y=source.y + 0.5, source_domain=names)
    for given, how in ((one, {}), (source.replace(source_domain=names), {"target_labels": 5})):
        assert not set(_planned(given, target, **how)) & set(SEVERAL)
    assert not set(_planned(values, target.without_labels(), task="regression")) & set(SEVERAL)
    asked = _planned(source.replace(source_domain=names), target, methods=["SourceHeads"])
    assert [(n, s.reason) for n, s in asked.items()] == [("SourceHeads", "requested")]


def test_a_mean_of_runs_is_fitted_saved_and_told(sides, tmp_path):
    source, target = sides[0].take(range(120)), sides[1].take(range(120))
    attention = SourceAttention().set_source_domain(np.arange(120) % 2)
    network = NeuralClassifier("builtin", methods=[DANN(), attention], epochs=1, image_shape=(8, 8))
    result = transfer(
        source, target, methods=[SeedAverage(network, n_seeds=2, random_state=0)], target_labels="hide", n_jobs=1
    )
    mean = SeedAverage(network, n_seeds=2, random_state=0).fit(source.X, source.y, X_target=target.X)
    result = replace(result, model=mean, decision=replace(result.decision, chosen="SeedAverage"))
    result.save(tmp_path)
    again = load_result(tmp_path)
    assert again.model.agreement_ == result.model.agreement_ and again.model.collapsed_ == result.model.collapsed_
    np.testing.assert_array_equal(again.predict(target.X), result.predict(target.X))
    fresh, loaded = (
        write_report(r, tmp_path / n).read_text(encoding="utf-8") for r, n in ((result, "a.html"), (again, "b.html"))
    )
    said = f"Mean of 2 runs that agree on {100 * result.model.agreement_:.0f} % of the samples."
    assert said in fresh and said in loaded
    # what methods learned is not saved
    assert "Of the sources, source " in fresh and "Of the sources" not in loaded


def _last(model):
    return model.steps[-1][1] if hasattr(model, "steps") else model
