import uuid

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy import sparse

from landbridge.data import Encoder, load_builtin, read_pair, shared_data
from landbridge.exceptions import InputError, ReadError

N = 24


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.normal(50, 10, N), "sex": ["f", "m"] * (N // 2)})


def _both(rows, one, two):
    """Fit an encoder on the rows with a column ``d`` that differs by side."""
    return Encoder().fit(rows.assign(d=one), rows.assign(d=two))


def test_medians_are_of_both_sides(rows):
    one, two = [1.0, 2.0, None] * 8, [10.0] * N
    encoder = _both(rows, one, two)
    given = np.array([v for v in one + two if v is not None])
    filled = encoder.transform(rows.assign(d=[None] * N))[:, encoder.columns_.index("d")]
    assert (filled == np.median(given)).all() and np.median(given) != np.median([1.0, 2.0])
    assert encoder.notes_ == ["8 missing values in column 'd' were filled with the median."]


@pytest.mark.parametrize("values", [["1", " 2.5 ", "?", "4"], [1, 2.5, np.inf, 4], [1, 2.5, None, 4]])
def test_what_looks_like_numbers_is_numbers(rows, values):
    encoder = _both(rows, values * 6, [3.0] * N)
    column = encoder.transform(rows.assign(d=values * 6))[:4, -1]
    assert column.tolist() == [1.0, 2.5, 3.0, 4.0] and encoder.columns_[-1] == "d"


@pytest.mark.parametrize(
    ("one", "two", "note"),
    [
        (range(N), [None] * N, "is empty in the target"),
        (range(N), ["?"] * N, "has no number in the target"),
        ([np.inf] * N, range(N), "has no number in the source"),
        ([f"p{i}" for i in range(N)], [f"p{i}" for i in range(N)], "has a different text in each row"),
        (
            [str(uuid.UUID(int=i)) for i in range(N)],
            [str(uuid.UUID(int=9 * i)) for i in range(N)],
            "has a different text in each row",
        ),
        (pd.date_range("2020", periods=N), pd.date_range("2021", periods=N), "holds dates"),
        ([[1]] * N, ["a"] * N, "holds lists"),
    ],
)
def test_columns_not_used_are_noted(rows, one, two, note):
    encoder = _both(rows, one, two)
    assert encoder.columns_ == ["age", "sex=f", "sex=m"]
    assert len(encoder.notes_) == 1 and note in encoder.notes_[0] and "'d'" in encoder.notes_[0]


def test_columns_of_one_side_are_noted(rows):
    encoder = Encoder().fit(rows.assign(here=1), rows.assign(there=1))
    assert encoder.notes_ == ["Only the source has here; not used.", "Only the target has there; not used."]


def test_whole_numbers_are_one_category_however_they_are_written(rows):
    # a gap makes 1.0 of 1 on one side, the letters make "1" on the other
    encoder = _both(rows, ["1", "2", "x"] * 8, [1.0, None] * (N // 2))
    assert encoder.columns_[-4:] == ["d=1", "d=2", "d=x", "d=(other)"]
    assert encoder.transform(rows.assign(d=[1.0, None] * (N // 2)))[:2, -4:].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", None] * (N // 2), dtype="string"),
        pd.Series(["a", None] * (N // 2), dtype="category"),
        pd.Series(["a", np.nan] * (N // 2), dtype=object),
    ],
    ids=lambda c: str(c.dtype),
)
def test_gaps_of_every_type_of_text(rows, column):
    encoder = _both(rows, column, ["a", "b"] * (N // 2))
    assert encoder.columns_[-3:] == ["d=a", "d=b", "d=(other)"]
    assert encoder.transform(rows.assign(d=column))[:2, -3:].tolist() == [[1, 0, 0], [0, 0, 1]]


def test_nullable_numbers(rows):
    encoder = _both(rows, pd.array([1, None, 3] * 8, dtype="Int64"), np.arange(N))
    assert encoder.transform(rows.assign(d=pd.array([7, None, 9] * 8, dtype="Int64")))[0, -1] == 7


def test_truth_values_are_categories(rows):
    encoder = _both(rows, [True, False] * (N // 2), pd.Series([True, None] * (N // 2), dtype=object))
    assert encoder.columns_[-3:] == ["d=False", "d=True", "d=(other)"]


def test_rare_categories_are_one():
    common = ["a"] * 500 + ["b"] * 499
    source = pd.DataFrame({"c": [*common, "rare1"]})
    encoder = Encoder().fit(source, pd.DataFrame({"c": [*common, "rare2"]}))
    assert encoder.columns_ == ["c=a", "c=b", "c=(other)"]
    assert encoder.notes_ == ["2 rare categories of column 'c' were merged into '(other)'."]
    assert encoder.transform(source)[-1].tolist() == [0, 0, 1]
    assert encoder.transform(pd.DataFrame({"c": ["never seen"]})).tolist() == [[0, 0, 1]]


def test_equally_frequent_categories_are_chosen_whatever_the_order():
    names = [f"c{i:02d}" for i in range(40)] * 2
    forward = Encoder().fit(pd.DataFrame({"c": names}), pd.DataFrame({"c": names}))
    backward = Encoder().fit(pd.DataFrame({"c": names[::-1]}), pd.DataFrame({"c": names[::-1]}))
    assert forward.columns_ == backward.columns_ and len(forward.columns_) == 31


def test_running_text(rows):
    said = [f"the {w} patient came in on day {i} with a cough" for i, w in enumerate(["old", "young"] * (N // 2))]
    frame = rows.assign(said=said)
    encoder = Encoder().fit(frame, frame.iloc[::-1])
    Z = encoder.transform(frame)
    assert encoder.text_ == "said" and encoder.columns_[3] == "said:0" and np.isfinite(Z).all()
    np.testing.assert_array_equal(Z, Encoder().fit(frame, frame.iloc[::-1]).transform(frame))
    two = Encoder().fit(frame.assign(more=said), frame.assign(more=said))
    assert two.notes_ == ["Column 'more' is a second column of running text; not used."]


def test_text_may_be_named(rows):
    short = rows.assign(note=["cough", "fever", "cough fever"] * 8)
    assert Encoder().fit(short, short).text_ is None
    named = Encoder(text_column="note").fit(short, short)
    assert named.text_ == "note" and "note:0" in named.columns_
    with pytest.raises(InputError, match="text='nte' is no column of both sides"):
        Encoder(text_column="nte").fit(short, short)


def test_order_and_names_of_columns_do_not_matter(rows):
    numbered = rows.rename(columns={"age": 0, "sex": 1})
    encoder = Encoder().fit(numbered, numbered)
    assert encoder.get_feature_names_out().tolist() == ["0", "1=f", "1=m"]
    np.testing.assert_array_equal(encoder.transform(numbered[[1, 0]]), encoder.transform(numbered))


def test_labels_are_not_used_and_input_is_not_modified(rows):
    frame = rows.assign(ill=[0, 1] * (N // 2), sex=["f", None] * (N // 2))
    before = frame.copy()
    encoder = Encoder(ignored_column="ill").fit(frame, frame.drop(columns="ill"))
    other = Encoder(ignored_column="ill").fit(frame.assign(ill="z"), frame)
    assert encoder.notes_ == other.notes_ and encoder.columns_ == other.columns_
    np.testing.assert_array_equal(encoder.transform(frame), encoder.transform(frame.drop(columns="ill")))
    pd.testing.assert_frame_equal(frame, before)


def test_encoded_samples_pass_through(rows):
    encoder = Encoder().fit(rows, rows)
    Z = encoder.transform(rows)
    np.testing.assert_array_equal(encoder.transform(Z), Z)
    with pytest.raises(InputError, match="2 features but the model was fitted on 3"):
        encoder.transform(Z[:, :2])


def test_faults_are_one_line(rows):
    encoder = Encoder().fit(rows, rows)
    for bad, said in (
        (lambda: encoder.transform(rows.drop(columns="sex")), "lacks the column 'sex'"),
        (lambda: encoder.transform(pd.concat([rows, rows], axis=1)), "'age' twice"),
        (lambda: encoder.transform(rows.iloc[:0]), "no rows"),
        (lambda: Encoder().fit(np.eye(3), rows), "must be a DataFrame"),
        (lambda: Encoder().fit(rows, rows.rename(columns=str.upper)), "share no column"),
        (lambda: Encoder().fit(rows[["age"]], rows[["age"]].assign(age=None)), "no column can be used"),
    ):
        with pytest.raises(InputError, match=said) as caught:
            bad()
        assert "\n" not in str(caught.value)


def test_saved_without_pickle_and_read_in_anew(rows, tmp_path):
    said = [f"the patient number {i} came in with a cough" for i in range(N)]
    frame = rows.assign(said=said, ill=[0, 1] * (N // 2))
    frame.to_csv(tmp_path / "new.csv", index=False)
    source, _, encoder = read_pair(frame, frame, label="ill")
    data = skops.io.dumps(encoder)
    foreign = [t for t in skops.io.get_untrusted_types(data=data) if not t.startswith("landbridge.")]
    assert set(foreign) <= {"numpy.dtype", "scipy.sparse._csr.csr_matrix", "scipy.sparse._csr.csr_array"}
    again = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    Z, names = again.read(tmp_path / "new.csv")
    np.testing.assert_allclose(Z, source.X, rtol=1e-12)
    assert names[:2] == ["0", "1"] and again.notes_ == encoder.notes_


def test_reading_takes_the_kind_that_was_fitted(rows, tmp_path):
    encoder = Encoder().fit(rows, rows)
    np.savez(tmp_path / "a.npz", X=np.eye(3))
    with pytest.raises(ReadError, match="is a file of arrays, but the model was fitted on a table"):
        encoder.read(tmp_path / "a.npz")
    small = load_builtin("tumours-small").frame()
    again, names = Encoder().fit(small, small).read("builtin:tumours-large")
    np.testing.assert_array_equal(again, load_builtin("tumours-large").X)
    assert len(names) == len(again)


def test_arrays_keep_their_columns(tmp_path):
    encoder = Encoder().fit_arrays(4)
    narrow = sparse.csr_matrix(np.eye(2, 3))
    assert encoder.transform(narrow).toarray().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]] and narrow.shape == (2, 3)
    np.savez(tmp_path / "a.npz", X=np.arange(8.0).reshape(2, 2, 2), y=[0, 1])
    assert encoder.read(tmp_path / "a.npz")[0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    with pytest.raises(InputError, match="3 features but the model was fitted on 4"):
        encoder.transform(np.eye(3))


@pytest.mark.data
def test_a_table_of_codes_to_itself():
    path = shared_data("credit_german.csv")
    if path is None:
        pytest.skip("the shared data folder is not here; set LANDBRIDGE_DATA to it")
    source, target, encoder = read_pair(path, path, label="class")
    assert source.X.shape == (1000, 61) and (source.X == target.X).all() and encoder.notes_ == []
    frame = pd.read_csv(path)
    for code in ("A11", "A14"):
        column = source.X[:, source.columns.index(f"checking_status={code}")]
        assert column.sum() == (frame["checking_status"] == code).sum() > 0


@pytest.mark.parametrize(
    ("name", "numbers", "used"),
    [
        ("a", np.arange(40), False),
        ("a", 500 + np.random.default_rng(0).permutation(40), False),
        ("patient_id", np.random.default_rng(0).permutation(9000)[:40], False),
        ("Unnamed: 0", np.random.default_rng(0).permutation(9000)[:40], False),
        ("income", np.random.default_rng(0).permutation(9000)[:40], True),
        ("patient_id", np.arange(40) // 2, False),
        ("ward_id", np.arange(40) // 2, True),
        ("a", np.arange(40) + 0.5, True),
    ],
)
def test_row_numbers_and_identifiers_are_no_features(name, numbers, used):
    table = pd.DataFrame({name: numbers, "x": np.random.default_rng(1).normal(size=40)})
    encoder = Encoder().fit(table, table)
    assert (name in encoder.columns_) is used
    assert used or any("identifiers" in note or "has no name" in note for note in encoder.notes_)


def test_few_rows_say_nothing_about_identifiers():
    table = pd.DataFrame({"age": [1, 2, 3], "x": [0.5, 0.1, 0.9]})
    assert Encoder().fit(table, table).columns_ == ["age", "x"]


def test_numbers_whose_squares_overflow_are_refused_by_their_column(rows):
    with pytest.raises(InputError, match=r"column 'age' holds 1e\+300; convert it"):
        Encoder().fit(rows.assign(age=1e300), rows)
    with pytest.raises(InputError, match="column 'age'"):
        Encoder().fit(rows, rows).transform(rows.assign(age=1e300))


def test_encoded_samples_may_be_sparse_and_must_be_numbers(rows):
    encoder = Encoder().fit(rows, rows)
    X = encoder.transform(rows)
    assert encoder.transform(sparse.csr_matrix(X)).tolist() == X.tolist()
    with pytest.raises(InputError, match="something else than numbers"):
        encoder.transform([["a", "b", "c"]])


def test_a_side_without_features_is_named(rows):
    with pytest.raises(InputError, match="the source has no column that can be a feature"):
        Encoder(ignored_column="ill").fit(pd.DataFrame({"ill": [0, 1]}), rows)


def test_halves_of_surrogate_pairs_are_unknown_characters():
    words = pd.Series(["\ud800", "b"] * 6, dtype=object)
    frame = pd.DataFrame({"word": words, "ill": [0, 1] * 6})
    source, _, _ = read_pair(frame, frame, label="ill")
    assert source.columns == ["word=b", "word=\ufffd"]


def test_words_for_missing_values_are_no_text_among_numbers(rows):
    encoder = Encoder().fit(rows, rows)
    mixed = rows.assign(age=pd.Series([50.0, *["N.A.", "?", "..."] * 8][:N], dtype=object))
    encoder.check_types(mixed)
    with pytest.raises(InputError, match="holds text such as 'heavy'"):
        encoder.check_types(rows.assign(age="heavy"))


@pytest.mark.filterwarnings("error")
def test_the_largest_numbers_are_refused_without_a_warning(rows):
    with pytest.raises(InputError, match="column 'age'"):
        read_pair(rows.assign(age=[1.7e308, -1.7e308, 1.0] * (N // 3), ill=[0, 1] * (N // 2)), rows, label="ill")


def test_words_that_meant_a_gap_in_the_fit_mean_one_in_new_samples():
    values = [*np.random.default_rng(0).normal(size=30).round(3).astype(str)]
    frame = pd.DataFrame({"x": values, "z": np.arange(30) * 1.5})
    mostly = frame.assign(x=["not done"] * 14 + values[14:])
    encoder = Encoder().fit(frame, mostly)
    encoder.check_types(frame.assign(x=["not done"] * 29 + ["1.5"]))
    with pytest.raises(InputError, match="holds text such as 'unknown'"):
        encoder.check_types(frame.assign(x=["unknown"] * 29 + ["1.5"]))


def test_categories_and_units_that_the_target_did_not_have_are_refused():
    rng = np.random.default_rng(0)
    source = pd.DataFrame({"glucose": rng.normal(5, 1, 40), "age": rng.normal(50, 9, 40), "sex": ["f", "m"] * 20})
    target = source.assign(glucose=source["glucose"] * 18)
    encoder = Encoder().fit(source, target)
    encoder.check_types(target)
    with pytest.raises(InputError, match=r"'glucose' has values from .*convert it to the same unit"):
        encoder.check_types(source)
    with pytest.raises(InputError, match=r"'sex' holds 'male' and other categories .*learned f, m"):
        encoder.check_types(target.assign(sex=["male", "female"] * 20))
