"""New samples for a result: in any form that holds the features of the run, else one line."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from landbridge import Domain, transfer
from landbridge.exceptions import InputError
from landbridge.results._new_samples import samples_for

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": RNG.normal(50, 9, 30), "sex": ["f", "m"] * 15, "ill": ["yes", "no", "no"] * 10})
NEW = FRAME.drop(columns="ill").iloc[:8]


@pytest.fixture(scope="module")
def of_tables():
    return transfer(FRAME, FRAME.drop(columns="ill"), label="ill", methods=["DomainScaler"], n_jobs=1)


@pytest.fixture(scope="module")
def of_arrays():
    X = RNG.normal(size=(30, 3))
    return transfer((X, np.arange(30) % 2), X + 0.1, methods=["DomainScaler"], n_jobs=1)


def test_a_table_in_any_form(of_tables, tmp_path):
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    NEW.to_csv(tmp_path / "new.csv", index=False)
    wanted = of_tables.predict(NEW).tolist()
    for form in (
        NEW[["sex", "age"]],
        NEW.to_dict("records"),
        NEW.to_dict("list"),
        polars.DataFrame(NEW.to_dict("list")),
        pyarrow.Table.from_pandas(NEW),
        tmp_path / "new.csv",
        str(tmp_path / "new.csv"),
    ):
        assert of_tables.predict(form).tolist() == wanted
    encoded = of_tables.encoder.transform(NEW)
    assert of_tables.predict(sparse.csr_matrix(encoded)).tolist() == wanted
    assert of_tables.predict(Domain(encoded)).tolist() == wanted


@pytest.mark.parametrize(
    "X",
    [
        (NEW, None),
        NEW.to_numpy(dtype=object),
        {"age": 3},
        {"age": [1, 2], "sex": ["f"]},
        {1, 2},
        None,
        np.zeros((2, 9)),
        sparse.eye(9).tocsr(),
        Domain(np.zeros((2, 9))),
        NEW.assign(age=1e300),
        "nowhere.csv",
    ],
)
def test_what_holds_something_else_is_refused(of_tables, X):
    with pytest.raises(InputError):
        of_tables.predict(X)


def test_arrays_are_checked(of_arrays):
    X = RNG.normal(size=(4, 3))
    wanted = of_arrays.predict(X).tolist()
    assert of_arrays.predict(X.tolist()).tolist() == wanted
    assert of_arrays.predict(Domain(X)).tolist() == wanted
    for bad in (
        X[:, :2],
        np.full((2, 3), np.nan),
        [["a", "b", "c"]],
        X[0],
        "a.csv",
        np.full((2, 3), 1e300),
        3,
        [[1], [1, 2]],
    ):
        with pytest.raises(InputError):
            of_arrays.predict(bad)


def test_named_features_may_stand_in_any_order():
    class Model:
        feature_names_in_ = np.array(["a", "b"], dtype=object)
        n_features_in_ = 2

    frame = pd.DataFrame({"c": ["x"], "b": [2.0], "a": [1.0]})
    assert samples_for(frame, Model(), None).to_numpy().tolist() == [[1.0, 2.0]]
    assert list(samples_for(Domain([[1.0, 2.0]]), Model(), None).columns) == ["a", "b"]
    with pytest.raises(InputError, match="lacks the column 'b'"):
        samples_for(frame[["a"]], Model(), None)
