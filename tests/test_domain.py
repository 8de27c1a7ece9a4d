import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from landbridge import Domain
from landbridge.domain import missing_labels, unmasked
from landbridge.exceptions import InputError, LabelError


def test_it_never_changes_and_never_changes_what_it_was_given():
    X, y = np.ones((3, 2)), np.array([0.0, np.nan, 1.0])
    domain = Domain(X, y)
    with pytest.raises(AttributeError, match="frozen"):
        domain.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        domain.X[0, 0] = 5.0
    X[0, 0] = 7.0  # the caller's own array stays writable
    assert domain.regime == "partly labelled" and domain.labelled.tolist() == [True, False, True]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_holes_are_refused_with_a_remedy(bad):
    with pytest.raises(InputError, match=r"ward.*(NaN|infinity).*Drop or fill"):
        Domain([[1.0], [bad]], name="ward")


def test_lengths_must_match():
    with pytest.raises(InputError, match="y has 2 entries but X has 3 samples"):
        Domain(np.ones((3, 1)), [0, 1])
    with pytest.raises(InputError, match="source_domain"):
        Domain(np.ones((3, 1)), source_domain=[0, 1])


def test_labels_of_any_kind():
    assert Domain(np.ones((3, 1)), ["a", None, "b"]).classes.tolist() == ["a", "b"]
    assert Domain(np.ones((3, 1)), [1, -1, 2], unlabelled=-1).labelled_part().y.tolist() == [1, 2]
    assert Domain(np.ones((2, 1)), pd.Series([1.5, np.nan])).labelled.tolist() == [True, False]
    with pytest.raises(LabelError, match="no labelled sample"):
        Domain(np.ones((2, 1))).labelled_part()


def test_frames_keep_their_names():
    frame = pd.DataFrame({"age": [1.0, 2.0], "dose": [3.0, 4.0]})
    domain = Domain(frame, [0, 1])
    assert domain.columns == ["age", "dose"]
    pd.testing.assert_frame_equal(domain.take([1]).frame(), frame.iloc[[1]].reset_index(drop=True))


def test_images_are_kept_flat_and_remembered():
    domain = Domain(np.zeros((5, 4, 3)), kind="images")
    assert domain.X.shape == (5, 12) and domain.image_shape == (4, 3)
    with pytest.raises(InputError, match="image_shape"):
        Domain(np.zeros((5, 10)), image_shape=(3, 3))


def test_sparse_rows_and_pickling():
    domain = Domain(sparse.eye(4, format="csr"), [0, 1, 0, 1], name="bag")
    again = pickle.loads(pickle.dumps(domain))
    assert again.name == "bag" and (again.X != domain.X).nnz == 0
    assert again.take([0, 2]).y.tolist() == [0, 0]


def test_replace_knows_its_fields():
    with pytest.raises(InputError, match="no field 'z'"):
        Domain([[1.0]]).replace(z=1)


def test_none_and_nan_and_na_are_missing():
    assert missing_labels(np.array(["a", None, float("nan"), pd.NA], dtype=object)).tolist() == [
        False,
        True,
        True,
        True,
    ]
    assert missing_labels(np.array([1.0, np.nan])).tolist() == [False, True]
    assert missing_labels(pd.Series([1, None], dtype="Int64")).tolist() == [False, True]
    assert missing_labels([0, -1]).tolist() == [False, False]


def test_taking_rows_keeps_everything_in_line():
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0]})
    domain = Domain(frame, ["a", None, "b"], name="ward", source_domain=[7, 8, 9])
    part = domain.take([2, 0])
    assert part.X[:, 0].tolist() == [3.0, 1.0] and part.y.tolist() == ["b", "a"]
    assert part.source_domain.tolist() == [9, 7] and part.columns == ["age"] and part.name == "ward"
    assert domain.take(domain.labelled).y.tolist() == ["a", "b"]


def test_labels_can_be_taken_away_and_put_back():
    domain = Domain(np.ones((2, 1)), [0, 1], name="ward")
    assert domain.without_labels().regime == "unlabelled" and domain.without_labels().classes is None
    assert domain.without_labels().replace(y=[1, 0]).y.tolist() == [1, 0] and domain.y.tolist() == [0, 1]


def test_pickling_keeps_names_and_stays_frozen():
    domain = Domain(pd.DataFrame({"age": [1.0, 2.0]}), ["a", None], name="ward")
    again = pickle.loads(pickle.dumps(domain))
    assert again.columns == ["age"] and again.labelled.tolist() == [True, False] and repr(again) == repr(domain)
    with pytest.raises(AttributeError, match="frozen"):
        again.y = None


def test_unknown_kinds_are_refused():
    with pytest.raises(InputError, match="kind must be one of table"):
        Domain([[1.0]], kind="sound")


def test_masked_entries_are_no_labels_and_no_data():
    masked = np.ma.masked_array([1, 0, 1], mask=[False, True, False])
    domain = Domain(np.ones((3, 1)), masked)
    assert domain.labelled.tolist() == [True, False, True] and domain.y.tolist() == [1, None, 1]
    values = Domain(np.ones((2, 1)), np.ma.masked_array([0.5, 9.0], mask=[False, True]))
    assert values.labelled.tolist() == [True, False] and np.isnan(values.y[1])
    with pytest.raises(InputError, match="domain 'ward' is a masked array with 1 masked entries"):
        Domain(np.ma.masked_array(np.ones((2, 1)), mask=[[True], [False]]), name="ward")
    assert len(Domain(np.ma.masked_array(np.ones((2, 1)), mask=False))) == 2


def test_minus_one_is_a_label_unless_it_is_said_to_be_none():
    assert Domain(np.ones((2, 1)), [-1, 1]).regime == "labelled"
    assert Domain(np.ones((2, 1)), [-1, 1], unlabelled=-1).regime == "partly labelled"


def _masked(values, hidden):
    """An entry that holds -9999 under a mask."""
    values = np.ma.array(values, copy=True)
    values[(3, 0) if values.ndim == 2 else 3] = hidden
    values[(3, 0) if values.ndim == 2 else 3] = np.ma.masked
    return values


ROWS, LABELS = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


@pytest.mark.parametrize("X", [_masked(ROWS, -9999.0), list(_masked(ROWS, -9999.0))], ids=["array", "list"])
def test_masked_samples_are_refused(X):
    with pytest.raises(InputError, match="1 masked entries"):
        Domain(X, LABELS)


@pytest.mark.parametrize("y", [_masked(LABELS, 7), list(_masked(LABELS, 7))], ids=["array", "list"])
def test_masked_labels_are_missing(y):
    domain = Domain(ROWS, y)
    assert domain.labelled.sum() == 19 and not domain.labelled[3] and domain.classes.tolist() == [0, 1]


def test_masked_text_labels_are_missing():
    assert Domain(ROWS[:3], ["a", np.ma.masked, "b"]).classes.tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ["groups", "source_domain"])
@pytest.mark.parametrize("values", [_masked(LABELS, 7), [None, *LABELS[1:]], list(_masked(LABELS, 7))])
def test_each_sample_has_a_group_and_a_source(name, values):
    with pytest.raises(InputError, match=f"{name} has 1 missing entries"):
        Domain(ROWS, LABELS, **{name: values})


def test_labels_of_other_kinds_are_returned_as_they_are():
    assert unmasked(LABELS) is LABELS
    plain = np.ma.array([1, 2])
    assert isinstance(unmasked(plain), np.ndarray) and not np.ma.isMaskedArray(unmasked(plain))
    assert unmasked(_masked(LABELS, 7)).tolist()[3] is None


def test_nullable_columns_are_gaps():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": [1.0, 2.0, 3.0]})
    with pytest.raises(InputError, match="NaN"):
        Domain(frame)
    assert Domain(frame[["b"]], pd.array(["x", None, "y"], dtype="string")).labelled.tolist() == [True, False, True]


def test_a_notebook_shows_counts_and_no_markup_of_the_user():
    page = Domain(np.eye(3), ["<b>", "a", "a"], name="<i>")._repr_html_()
    assert "&lt;b&gt;" in page and "<i>" not in page and "<td>2</td>" in page


@pytest.mark.parametrize(
    "X, words",
    [
        ([[1e300, 1.0]], "no number exceeds 1e\\+100"),
        (sparse.csr_matrix([[1e300, 1.0]]), "no number exceeds"),
        ([[1.0], [1.0, 2.0]], "different numbers of features"),
        ({1, 2}, "of type set"),
        (None, "of type NoneType"),
        (3, "is int 3"),
        (np.zeros(3), "one row per sample"),
        (np.zeros((2, 2, 2, 2, 2)), "one row per sample"),
        (np.zeros((0, 2)), "empty"),
        (pd.DataFrame(index=[0, 1]), "empty"),
        (np.ones((2, 2)) * 1j, "complex"),
        (np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]), "structured"),
        ([[np.inf, -np.inf]], "infinity"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(X, words):
    with pytest.raises(InputError, match=words):
        Domain(X)


@pytest.mark.parametrize(
    "y, words",
    [
        ([1e200, 0.0], "beyond 1e\\+100"),
        ([1j, 0.0], "complex"),
        ("ab", "of type str"),
        ((v for v in (0, 1)), "of type generator"),
        ([{"a": 1}, {"b": 1}], "holds a dict"),
        ([object(), object()], "holds a object"),
    ],
)
def test_what_is_no_label_is_refused(y, words):
    with pytest.raises(InputError, match=words):
        Domain([[1.0], [2.0]], y)


def test_labels_of_several_types_become_text_and_large_numbers_stay_apart():
    assert Domain(np.eye(3), [1, "a", None]).labelled_part().y.tolist() == ["1", "a"]
    assert len(Domain(np.eye(2), [10**25, 10**25 + 1]).classes) == 2
    assert len(Domain(np.eye(3), [10**25, 10**25 + 1, None]).classes) == 2


def test_single_precision_becomes_double_where_its_squares_overflow():
    assert Domain(np.ones((2, 2), dtype=np.float32)).X.dtype == np.float32
    assert Domain(np.full((2, 2), 1e30, dtype=np.float32)).X.dtype == np.float64


def test_bytes_are_read_as_text():
    assert Domain(np.eye(2), [b"a", b"b"]).y.tolist() == ["a", "b"]
