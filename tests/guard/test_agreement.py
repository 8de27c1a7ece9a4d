import numpy as np
import pytest

from landbridge.guard import agreement, vote_shares


def test_naive_recomputation():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=(5, 40))
    got = agreement(labels, 3)
    for i in range(5):
        naive = [np.mean([labels[j, r] == labels[i, r] for j in range(5) if j != i]) for r in range(40)]
        np.testing.assert_allclose(got[i], naive, atol=1e-12)


def test_weights_count_votes():
    labels = np.array([[0], [0], [1]])
    assert agreement(labels, 2, [1.0, 1.0, 2.0])[0, 0] == pytest.approx(1 / 3)
    np.testing.assert_allclose(vote_shares(labels, 2, [1.0, 1.0, 2.0]), [[0.5, 0.5]])


def test_the_better_of_independent_models_is_nearer_to_the_vote():
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=2000)
    labels = np.stack([np.where(rng.random(2000) < q, truth, rng.integers(4, size=2000)) for q in (0.3, 0.5, 0.7, 0.9)])
    assert np.all(np.diff(agreement(labels, 4).mean(axis=1)) > 0)


def test_non_voters_are_judged_but_do_not_vote():
    labels = np.array([[0, 0], [0, 0], [1, 1]])
    got = agreement(labels, 2, members=[0, 1])
    assert got[2].tolist() == [0.0, 0.0] and got[0].tolist() == [1.0, 1.0]
