"""A fitted scikit-learn model as the source, without source samples."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from landbridge import load_result, transfer
from landbridge.cli import app
from landbridge.data import make_shift
from landbridge.exceptions import InputError, LabelError, ReadError


def _fitted(source):
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(source.X, source.y)


def _score(result):
    return result[result.decision.chosen].hidden.value


@pytest.mark.parametrize("seed", range(3))
def test_label_shift_is_corrected_without_source_samples(seed):
    """At least half of what source samples gain."""
    source, target = make_shift("label", noise=1.2, random_state=seed)
    with_samples = transfer(source, target, target_labels="hide", methods=["BBSE", "MLLS"])
    alone = transfer(_fitted(source), target, target_labels="hide")
    assert alone.diagnosis.kind == "label" and alone.decision.transferred
    base = alone["source-only"].hidden.value
    assert _score(alone) - base >= 0.5 * (_score(with_samples) - base) > 0.02


@pytest.mark.parametrize("kind", ["concept", "translation", "subspace"])
def test_other_shifts_are_not_taken_for_label_shift(kind):
    source, target = make_shift(kind, random_state=0)
    result = transfer(_fitted(source), target, target_labels="hide")
    assert result.decision.chosen == "source-only"
    assert result.diagnosis.kind in ("model", "none")


def test_no_shift():
    source, target = make_shift("label", severity=0.0, random_state=0)
    result = transfer(_fitted(source), target, target_labels="hide")
    assert result.diagnosis.kind == "none" and result.decision.chosen == "source-only"


def test_a_few_labels_recalibrate():
    source, target = make_shift("concept", random_state=0)
    result = transfer(_fitted(source), target, target_labels=20)
    assert {"source-only", "target-only", "Recalibration", "AdaptiveSVM", "SourcePriorLogistic"} <= {
        c.name for c in result.candidates if c.status == "tried"
    }
    assert result["CORAL"].why == "needs source samples"
    assert _score(result) > result["source-only"].hidden.value + 0.2


def test_regression():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
    model = make_pipeline(StandardScaler(), Ridge()).fit(X, X @ [1.0, 2.0, 0.0])
    result = transfer(model, (Z, 3 * (Z @ [1.0, 2.0, 0.0]) + 5), target_labels=30)
    assert result.task == "regression" and result.decision.transferred
    assert _score(result) > 0.95 > result["source-only"].hidden.value
    forest = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    assert transfer(forest, Z).decision.chosen == "source-only"


def test_a_model_without_statistics_is_said_to_have_none():
    source, target = make_shift("label", random_state=0)
    model = MLPClassifier((4,), max_iter=20, random_state=0).fit(source.X, source.y)
    result = transfer(model, target, target_labels="hide")
    assert result.diagnosis.kind == "model" and "no statistics" in result.diagnosis.words


def test_from_the_command_line(tmp_path):
    source, target = make_shift("label", n_source=300, n_target=300, noise=1.2, random_state=0)
    names = ["a", "b"]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(
        pd.DataFrame(source.X, columns=names), np.where(source.y == 1, "ill", "well")
    )
    skops.io.dump(model, tmp_path / "model.skops")
    table = pd.DataFrame(target.X, columns=names).assign(outcome=np.where(target.y == 1, "ill", "well"))
    table.to_csv(tmp_path / "target.csv", index=False)
    out = tmp_path / "out"
    command = ["transfer", str(tmp_path / "model.skops"), str(tmp_path / "target.csv"), "--label", "outcome"]
    ended = CliRunner().invoke(app, [*command, "--target-labels", "hide", "--out", str(out), "-q"])
    assert ended.exit_code == 0, ended.output
    assert load_result(out).decision.chosen == "PriorCorrection"
    predicted = CliRunner().invoke(app, ["predict", str(out), str(tmp_path / "target.csv")])
    assert predicted.exit_code == 0 and predicted.output.splitlines()[0] == "row,label,p(ill),p(well)"


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"methods": ["CORAL"]}, InputError, "CORAL needs source samples"),
        ({"methods": ["TransferTree"]}, InputError, "cannot start from a Pipeline"),
        ({"task": "regression"}, InputError, "the source model is made for classification"),
        ({"estimator": Ridge()}, InputError, "Ridge is not made for classification"),
        ({"target": np.zeros((5, 3))}, InputError, "has 3 features"),
        ({"target": (np.zeros((5, 2)), list("xxyyz"))}, LabelError, "label 'x', which the source model does not have"),
        ({"source": "model.pkl"}, ReadError, "is a pickle"),
        ({"source": "nowhere.skops"}, ReadError, "does not exist"),
    ],
)
def test_bad_input_is_one_line(change, kind, message):
    source, target = make_shift("label", n_source=60, n_target=60, random_state=0)
    given = {"source": _fitted(source), "target": target} | change
    with pytest.raises(kind, match=message) as caught:
        transfer(**given)
    assert "\n" not in str(caught.value)


def test_clusterers_and_unfitted_models_are_no_sources():
    source, target = make_shift("label", n_source=60, n_target=60, random_state=0)
    for model in (KMeans(2, n_init=1).fit(source.X), LogisticRegression()):
        with pytest.raises((InputError, LabelError)):
            transfer(model, target)
