"""Targets of fitted models: tables are passed on as the model takes them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from landbridge import Domain, load_result, transfer
from landbridge.exceptions import InputError
from landbridge.problem._fitted_model_target import read_fitted_model_target


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(50, 10, 200), "sex": rng.choice(["f", "m"], 200)})
    return frame, np.where(frame["age"] + 10 * (frame["sex"] == "m") > 55, "ill", "well")


@pytest.fixture(scope="module")
def model(tables):
    encode = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["sex"]))
    return make_pipeline(encode, LogisticRegression()).fit(*tables)


def test_text_features_reach_a_model_that_encodes_them(tables, model, tmp_path):
    frame, y = tables
    target = frame.assign(outcome=y)[["outcome", "sex", "age"]]
    read = read_fitted_model_target(target, model, "outcome")
    assert list(read.X.columns) == ["age", "sex"] and read.labelled.all()
    result = transfer(model, target, label="outcome", target_labels="hide", methods=["Recalibration"])
    assert result["source-only"].hidden.value == pytest.approx(model.score(frame, y))
    again = load_result(result.save(tmp_path))
    assert (again.predict(frame) == model.predict(frame)).all()


def test_labels_take_the_type_of_the_classes():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = LogisticRegression().fit(X, [0, 0, 1, 1])
    table = pd.DataFrame({"x": X[:, 0], "y": ["0", "1", None, "1"]})
    read = read_fitted_model_target(table, model, "y")
    assert read.y.tolist() == [0, 1, None, 1]


def test_domains_and_arrays(model):
    X = np.array([[0.0], [1.0]])
    plain = LogisticRegression().fit(X, [0, 1])
    assert read_fitted_model_target(Domain(X, [1, None]), plain, None).y.tolist() == [1, None]
    assert len(read_fitted_model_target(X, plain, None)) == 2
    with pytest.raises(InputError, match="label='y' names a column"):
        read_fitted_model_target(X, plain, "y")
    with pytest.raises(InputError, match="has no column 'sex'"):
        read_fitted_model_target(pd.DataFrame({"age": [1.0]}), model, None)
