import math

import pytest

from landbridge.report._words import between, journal, number, p_value


@pytest.mark.parametrize(
    ("value", "percent", "text"),
    [(0.9683, True, "96.8"), (-0.0071, True, "−0.7"), (0.0042, False, "0.0042"), (0.1, False, "0.10"),
     (12.345, False, "12.3"), (123456.7, False, "123,457"), (0.0, False, "0.00"), (math.nan, False, ""),
     (None, True, ""), (math.inf, False, "")],
)  # fmt: skip
def test_numbers_are_rounded_as_in_a_journal(value, percent, text):
    assert number(value, percent) == text


def test_signs_and_intervals():
    assert number(0.02, True, sign=True) == "+2.0" and between(-0.02, 0.04, True, sign=True) == "−2.0 to +4.0"
    assert between(None, 1.0) == between(math.nan, 1.0) == ""


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0012, "0.001"), (0.049, "0.05"), (1.0, "> 0.99")]
)
def test_p_values(p, text):
    assert p_value(p) == text


def test_p_values_within_sentences():
    assert (
        journal("Gain (p = 3.2e-13) and none (p = 0.44); p = 0.004.")
        == "Gain (p < 0.001) and none (p = 0.44); p = 0.004."
    )
    assert journal("step = 3, p is high") == "step = 3, p is high"
