"""Reading of source and target together."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from landbridge import Domain
from landbridge.exceptions import InputError
from landbridge.problem import read_domains, read_intermediate, share_features


def test_named_features_are_brought_into_one_order():
    a = Domain(pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]}), [0, 1])
    b = Domain(pd.DataFrame({"y": [7.0], "x": [5.0]}))
    _, target, encoder = read_domains(a, b)
    assert target.columns == ["x", "y"] and target.X.tolist() == [[5.0, 7.0]] and encoder is None


def test_features_are_shared_by_name_or_number():
    a, b = Domain(np.eye(2)), Domain(np.ones((2, 3)))
    assert share_features(a, a) and not share_features(a, b)
    left, right = Domain(pd.DataFrame({"x": [1.0]})), Domain(pd.DataFrame({"y": [1.0]}))
    assert not share_features(left, right)


def test_a_label_column_needs_a_table():
    with pytest.raises(InputError, match="label='ill' names a column of a table, but neither side is a table"):
        read_domains((np.eye(2), [0, 1]), np.eye(2), label="ill")


def test_intermediate_domains_have_the_features_of_the_source():
    source = Domain(np.eye(2), [0, 1])
    assert [x.shape for x in read_intermediate([np.ones((3, 2)), Domain(np.ones((4, 2)))], source, None)] == [
        (3, 2),
        (4, 2),
    ]
    assert read_intermediate((), source, None) == ()
    for bad, message in ((np.ones((3, 2))[0:0], "list of domains|empty|minimum"), ("a.csv", "must be a list")):
        with pytest.raises(InputError, match=message):
            read_intermediate([bad] if not isinstance(bad, str) else bad, source, None)


def test_frames_are_encoded_together():
    a = pd.DataFrame({"sex": ["f", "m"], "ill": [0, 1]})
    source, target, encoder = read_domains(a, a[["sex"]], label="ill")
    assert source.columns == target.columns == ["sex=f", "sex=m"] and encoder.transform(a[["sex"]]).shape == (2, 2)


def test_columns_that_occur_twice_or_have_two_levels_are_refused():
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [1.0, 3.0, 2.0], "ill": [0, 1, 0]})
    twice = frame.set_axis(["a", "a", "ill"], axis=1)
    levels = frame.set_axis(pd.MultiIndex.from_product([["x"], frame.columns]), axis=1)
    for side in (twice, levels):
        with pytest.raises(InputError):
            read_domains(side, side, label="ill", other_features=True)


def test_samples_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="different numbers of features"):
        read_domains(([[1.0], [1.0, 2.0]], [0, 1]), np.eye(2))


def test_a_side_whose_columns_are_all_empty_is_named():
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": ["x", "y", "x"], "ill": [0, 1, 0]})
    gone = frame.assign(a=None, b=None)
    with pytest.raises(InputError, match="'a' is empty in the source"):
        read_domains(gone, frame.drop(columns="ill"), label="ill", other_features=True)


def test_a_sparse_and_a_dense_side_become_dense():
    X = np.eye(3)
    for a, b in ((X, sparse.csr_matrix(X)), (sparse.csr_matrix(X), X)):
        one, two, _ = read_domains((a, [0, 1, 0]), b)
        assert one.X.tolist() == two.X.tolist() == X.tolist()
    one, two, _ = read_domains((sparse.csr_matrix(X), [0, 1, 0]), sparse.csr_matrix(X))
    assert sparse.issparse(one.X) and sparse.issparse(two.X)
