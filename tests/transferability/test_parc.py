import numpy as np
import pytest
from scipy.stats import spearmanr

from landbridge.transferability import parc, parc_score


def test_is_the_spearman_correlation_of_all_pairs():
    rng = np.random.default_rng(0)
    F, y = rng.normal(size=(25, 6)), rng.integers(0, 3, 25)
    pairs = np.triu_indices(25, 1)
    # rounded, as ties among label distances must not be broken by the arithmetic
    by_features, by_labels = 1 - np.corrcoef(F)[pairs], np.round(1 - np.corrcoef(np.eye(3)[y])[pairs], 9)
    assert parc_score(F, y) == pytest.approx(spearmanr(by_features, by_labels).statistic)


def test_ties_do_not_matter_and_rows_can_be_cut():
    y = np.repeat([0, 1], 30)
    assert parc_score(np.eye(2)[y], y) == pytest.approx(1.0)
    F = np.eye(2)[y] + 0.1 * np.random.default_rng(0).normal(size=(60, 2))
    m = parc(features=F, target_labels=y, max_samples=20, n_components=1, random_state=0)
    assert m.details["n_samples"] == 20


def test_all_rows_of_their_own_class():
    F = np.random.default_rng(0).normal(size=(4, 3))
    assert parc_score(F, np.arange(4)) == 0.0
