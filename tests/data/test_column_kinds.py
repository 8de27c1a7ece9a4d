"""What the cells of a column are."""

import uuid

import numpy as np
import pandas as pd
import pytest

from landbridge.data import Encoder
from landbridge.data._column_kinds import days_of, learn_column, one_hot

N = 40
RNG = np.random.default_rng(0)


def kind(one, two, name="c", **options):
    learned = learn_column(name, pd.Series(one), pd.Series(two), **options)
    return learned.column.kind, learned.column.used


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (["S"] * N, ["C"] * N, ("domain name", False)),
        (["S"] * 98 + ["C"] * 2, ["C"] * 99 + ["S"], ("domain name", False)),
        ([2019] * N, [2021] * N, ("domain name", False)),
        ([1.0] * N, [0.0] * N, ("domain name", False)),
        (["x"] * N, ["x"] * N, ("constant", False)),
        ([3] * N, [3] * N, ("constant", False)),
        ([3] * N, [3, 4] * (N // 2), ("number", True)),
        (["a"] * 5, ["b"] * 5, ("category", True)),  # too few rows to say
        (["S", "Q"] * N, ["C", "Q"] * N, ("category", True)),
        (["S", "Q"] * N, ["C", "D"] * N, ("category", False)),  # no value in common
    ],
)
def test_constants_and_names_of_the_domain(one, two, expected):
    assert kind(one, two) == expected
    assert kind(one, two, keep=True)[1]


@pytest.mark.parametrize(
    "cells",
    [
        [str(uuid.UUID(int=int(i))) for i in np.repeat(np.arange(N // 2), 2)],
        [f"P-{i}" for i in range(N)],
        [f"name {i}" for i in range(N - 1)] + ["name 0"],
    ],
)
def test_text_that_identifies(cells):
    assert kind(cells, cells) == ("identifier", False)


@pytest.mark.parametrize(
    ("name", "cells", "used"),
    [
        ("patient_id", np.repeat(np.arange(N // 2) * 7, 2), False),
        ("Patient ID", np.arange(N) * 7, False),
        ("Unnamed: 0", np.arange(N) * 0.5, False),
        ("dose", np.arange(N) * 7, True),
        ("time", 40_000_000 + 1000 * np.arange(N), True),
        ("paid", np.arange(N) * 7, True),
        ("row", np.arange(N), False),
        ("nr", RNG.normal(size=N), True),
    ],
)
def test_numbers_that_identify(name, cells, used):
    assert kind(cells, cells, name)[1] is used


@pytest.mark.parametrize(
    "cell", ["2024-01-31", "31.01.2024", "1/31/24", "2024/01/31 10:15", "2024-01-31T10:15:00Z", "31 Jan 2024"]
)
def test_dates_as_text(cell):
    assert kind([cell] * N, [cell] * N) == ("date", False)


def test_dates_that_are_kept_are_days():
    one, two = pd.Series(["2024-01-01", "2024-01-03"] * N), pd.Series(["2024-02-01"] * N)
    learned = learn_column("day", one, two, keep=True)
    assert learned.column.used and learned.column.reason == "days since 1970"
    assert np.diff(days_of(one)[:2]).tolist() == [2.0]


def test_text_among_numbers_is_missing_and_named():
    numbers = [str(v) for v in RNG.normal(size=N).round(3)]
    one = ["unknown", "not done", *numbers[2:]]
    learned = learn_column("oldpeak", pd.Series(one), pd.Series(numbers))
    assert learned.column.kind == "number" and learned.column.not_numbers == {"source": 2}
    assert learned.column.examples == ("unknown", "not done") and learned.column.gaps["source"] == 2
    half = ["unknown"] * (N // 3) + numbers[N // 3 :]
    assert kind(half, numbers) == ("number", True)  # many numbers, one word
    assert kind(["1", "2", "none of them", "other"] * 10, ["1", "2"] * 20) == ("category", True)


def test_codes_with_leading_zeros_are_no_numbers():
    codes = ["007", "012", "100"] * N
    learned = learn_column("zip", pd.Series(codes), pd.Series(codes))
    assert learned.categories == ("007", "012", "100")


def test_spellings_that_differ_in_capitals_are_one_category():
    one, two = pd.Series(["Male", "Female"] * N), pd.Series(["male", "FEMALE"] * N)
    learned = learn_column("sex", one, two)
    assert learned.categories == ("Female", "Male") and "capitals" in learned.remarks[0]
    np.testing.assert_array_equal(one_hot(two, list(learned.categories)), one_hot(one, list(learned.categories)))
    both = pd.Series(["a", "A"] * N)
    assert learn_column("grade", both, both).categories == ("A", "a")  # here they are two


def test_numbers_of_another_byte_order_are_read():
    rng = np.random.default_rng(0)
    one, two = (
        pd.DataFrame({"a": rng.normal(size=30).astype(">f8"), "b": np.arange(30).astype(">i4") % 7}) for _ in "ab"
    )
    encoder = Encoder().fit(one, two)
    assert encoder.columns_ == ["a", "b"] and np.isfinite(encoder.transform(two)).all()
