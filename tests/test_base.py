import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.base import check_requires, fit_weighted, split_labelled
from landbridge.exceptions import InputError, LabelError, MissingExtraError
from landbridge.feature import CORAL
from landbridge.instance import ClassifierDensityRatio


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=1, max_size=30))
def test_none_marks_what_is_unlabelled(labels):
    rows, told = split_labelled(np.array(labels, dtype=object), len(labels), classes=[0, 1, 2, 3])
    assert rows.tolist() == [i for i, v in enumerate(labels) if v is not None]
    assert told.tolist() == [v for v in labels if v is not None]


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=30))
def test_minus_one_marks_unless_it_is_a_class(labels):
    told = split_labelled(labels, len(labels), classes=[0, 1, 2, 3])[1]
    assert told.tolist() == [v for v in labels if v != -1]
    if -1 in labels:
        with pytest.raises(LabelError, match="with_source"):
            split_labelled(labels, len(labels), classes=[-1, 0, 1, 2, 3])
    as_objects = np.array(labels, dtype=object)
    assert split_labelled(as_objects, len(labels), classes=[-1, 0, 1, 2, 3])[1].tolist() == labels


def test_regression_takes_minus_one_for_a_value():
    rows, told = split_labelled([-1.0, np.nan, 2.5], 3)
    assert rows.tolist() == [0, 2] and told.tolist() == [-1.0, 2.5]


def test_pandas_gaps():
    rows, told = split_labelled(pd.Series(["a", None, "b"], dtype="string"), 3, classes=["a", "b"])
    assert rows.tolist() == [0, 2] and told.tolist() == ["a", "b"]


def test_wrong_length_names_both():
    with pytest.raises(LabelError, match=r"y_target has shape \(2,\) but X_target has 3 rows"):
        split_labelled([0, 1], 3, classes=[0, 1])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.ones((3, 2)), "X_target has 2 columns but X has 3"),
        (np.array([[np.nan, 0, 0]]), "Input X_target contains NaN"),
        (np.array([[np.inf, 0, 0]]), "Input X_target contains infinity"),
        (np.ones((0, 3)), "X_target"),
    ],
)
def test_bad_targets_are_named(target, message):
    with pytest.raises(ValueError, match=message):
        CORAL().fit(np.random.default_rng(0).normal(size=(10, 3)), X_target=target)


def test_labels_without_rows():
    with pytest.raises(InputError, match="without X_target"):
        CORAL().fit(np.eye(3), y_target=[0, 1, 0])


def test_learners_without_weights_are_refused_by_name():
    X, y = np.eye(4), [0, 1, 0, 1]
    with pytest.raises(InputError, match="KNeighborsClassifier takes no sample_weight"):
        ClassifierDensityRatio(KNeighborsClassifier(1)).fit(X, y, X_target=X)


def test_weights_reach_the_last_step_of_a_pipeline():
    X, y = np.array([[0.0], [1.0], [2.0]]), [0, 1, 1]
    w = np.array([5.0, 1.0, 1.0])
    piped = fit_weighted(make_pipeline(StandardScaler(), LogisticRegression()), X, y, w)
    plain = LogisticRegression().fit(StandardScaler().fit_transform(X), y, sample_weight=w)
    np.testing.assert_allclose(piped[-1].coef_, plain.coef_)


def test_missing_libraries_give_the_line_to_install():
    class Needy:
        from landbridge.base import TransferTags

        transfer_tags = TransferTags("feature", requires=("no_such_library",))

    with pytest.raises(MissingExtraError, match="pip install"):
        check_requires(Needy)
