import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import landbridge
from landbridge import Expected, estimate, load_result, transfer
from landbridge.data import make_shift
from landbridge.exceptions import InputError

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def pair():
    return make_shift("covariate", n_source=300, n_target=300, random_state=0)


@pytest.fixture(scope="module")
def model(pair):
    return LogisticRegression().fit(pair[0].X, pair[0].y)


@pytest.fixture(scope="module")
def result(pair):
    return transfer(*pair, target_labels="hide", methods=["CORAL", "KMM"])


def test_a_model_with_its_source(pair, model):
    source, target = pair
    found = estimate(model, target.X, source=source)
    assert isinstance(found, Expected)
    assert found.low < (model.predict(target.X) == target.y).mean() < found.high
    assert 0 <= found.outside_support <= 1 and "agreement" in found.estimates
    assert found == estimate(model, target.X, source=source)


def test_source_samples_narrow_the_interval(pair, model):
    source, target = pair
    near, far = estimate(model, target.X, source=source), estimate(model, target.X)
    assert near.high - near.low < far.high - far.low
    assert far.outside_support is None and "not compared" in far.words


def test_a_farther_target_has_a_wider_interval(pair, model):
    source, _ = pair
    widths = [
        found.high - found.low
        for d in (0.0, 6.0)
        if (found := estimate(model, source.X[:200] + np.array([0.0, d]), source=source))
    ]
    assert widths[1] > widths[0]


def test_samples_that_the_model_was_not_fitted_on(pair):
    source, target = pair
    model = LogisticRegression().fit(source.X[:100], source.y[:100])
    rest = (source.X[100:], source.y[100:])
    found = estimate(model, target.X, source=rest, fitted_on_source=False)
    assert len(found.held_out["rows"]) == 200


def test_target_labels_are_used(pair, model):
    source, target = pair
    y = target.y.astype(object)
    y[40:] = None
    found = estimate(model, (target.X, y), source=source)
    assert (
        found.n_labelled == 40
        and found.estimates["labelled"].value == (model.predict(target.X) == target.y)[:40].mean()
    )


def test_a_result_and_the_folder_it_was_saved_in(pair, result, tmp_path):
    source, target = pair
    direct = estimate(result, target.X, source=source)
    assert direct == estimate(result.save(tmp_path / "out"), target.X, source=source)
    assert load_result(tmp_path / "out").expected.to_dict() == result.expected.to_dict()
    assert estimate(tmp_path / "out", target.X).to_dict() == result.expected.to_dict()
    without = estimate(tmp_path / "out", target.X[:-1])
    assert without.outside_support is None and 0 < without.value < 1


def test_another_source_than_that_of_the_result_is_refused(pair, result):
    with pytest.raises(InputError, match="source has 100 samples, but the result was made from 300"):
        estimate(result, pair[1].X, source=(pair[0].X[:100], pair[0].y[:100]))


@pytest.mark.parametrize("metric", ["balanced accuracy", "accuracy"])
def test_metrics_of_classifiers(pair, model, metric):
    assert estimate(model, pair[1].X, source=pair[0], metric=metric).metric == metric


def test_regressors(pair):
    rng = np.random.default_rng(0)
    y = pair[0].X @ [1.0, 2.0] + rng.normal(size=300)
    model = Ridge().fit(pair[0].X, y)
    r2, rmse = (estimate(model, pair[1].X, source=(pair[0].X, y), metric=m) for m in ("R²", "RMSE"))
    assert r2.low < r2.value < r2.high <= 1 and rmse.low < 1.0 < rmse.high
    with pytest.raises(InputError, match="give source samples"):
        estimate(model, pair[1].X)


def test_a_pipeline_that_encodes_its_table_and_a_skops_file(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"size": rng.normal(size=200), "colour": rng.choice(["red", "blue"], 200)})
    y = np.where(table["size"] + (table["colour"] == "red") > 0.5, "yes", "no")
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["colour"]), remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression()).fit(table, y)
    skops.io.dump(model, tmp_path / "m.skops")
    table.assign(label=y).to_csv(tmp_path / "a.csv", index=False)
    table[:90].to_csv(tmp_path / "b.csv", index=False)
    found = estimate(tmp_path / "m.skops", tmp_path / "b.csv", source=tmp_path / "a.csv", label="label")
    assert found.value > 0.85 and found.outside_support < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "R²"}, "does not apply to a classifier"),
        ({"source": "no labels"}, "source has no labels"),
    ],
)
def test_bad_input_is_one_line(pair, model, arguments, message):
    if "source" in arguments:
        arguments = {"source": pair[0].X}
    with pytest.raises(InputError, match=message):
        estimate(model, pair[1].X, **arguments)


def test_neither_a_model_nor_a_result(tmp_path):
    with pytest.raises(InputError, match="no folder of a result"):
        estimate(str(tmp_path / "nowhere"), np.eye(2))
    with pytest.raises(InputError, match="model_or_result"):
        estimate(LogisticRegression(), np.eye(2))


def test_the_package_and_the_verb_have_their_own_names():
    assert callable(landbridge.estimate) and landbridge.performance.cbpe is not None


def test_a_source_without_a_class_of_the_model_is_refused(model):
    X = np.zeros((6, model.n_features_in_))
    with pytest.raises(InputError, match="none is a class of the model"):
        estimate(model, X, source=(X, ["other", "another"] * 3))
