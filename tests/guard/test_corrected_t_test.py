import numpy as np
import pytest
from scipy import stats

from landbridge.guard import corrected_gain


def test_formula():
    d = np.array([0.02, 0.05, -0.01, 0.03, 0.04, 0.0])
    m = corrected_gain(d, 0.2)
    error = np.sqrt(d.var(ddof=1) * (1 / 6 + 0.2 / 0.8))
    assert m.p_value == pytest.approx(stats.t.sf(d.mean() / error, 5))
    assert m.low == pytest.approx(d.mean() - stats.t.ppf(0.975, 5) * error)


def test_more_cautious_than_the_naive_test():
    d = np.random.default_rng(0).normal(0.02, 0.05, size=10)
    assert corrected_gain(d, 0.2).p_value > stats.ttest_1samp(d, 0, alternative="greater").pvalue


@pytest.mark.parametrize(("value", "p"), [(0.1, 0.0), (0.0, 1.0), (-0.1, 1.0)])
def test_constant_differences(value, p):
    assert corrected_gain([value] * 4, 0.25).p_value == p


def test_one_split_has_no_interval():
    assert corrected_gain([0.1], 0.2).low is None
