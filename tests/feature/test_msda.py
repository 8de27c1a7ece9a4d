import numpy as np
import pytest
from scipy import sparse

from landbridge.feature import MSDA, marginalised_denoiser


def counts(n=60, m=50, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(0.7, size=(n, d)).astype(float), rng.poisson(1.2, size=(m, d)).astype(float)


def with_ones(X):
    return np.hstack([X, np.ones((len(X), 1))])


def test_the_map_is_the_limit_of_many_corrupted_copies():
    X, _ = counts(n=30, d=4)
    Z = with_ones(X)
    W = marginalised_denoiser(Z.T @ Z, 0.4, alpha=1e-12)
    rng = np.random.default_rng(1)
    copies = 4000
    noisy = np.tile(Z, (copies, 1))
    noisy[:, :-1] *= rng.uniform(size=noisy[:, :-1].shape) > 0.4
    sampled = np.linalg.lstsq(noisy, np.tile(X, (copies, 1)), rcond=None)[0].T
    np.testing.assert_allclose(W, sampled, atol=0.02)


def test_without_noise_it_is_the_identity():
    X, _ = counts()
    Z = with_ones(X)
    np.testing.assert_allclose(marginalised_denoiser(Z.T @ Z, 0.0, alpha=1e-12), np.eye(6, 7), atol=1e-8)


def test_layers_are_stacked_with_tanh():
    Xs, Xt = counts()
    mapper = MSDA(2, noise=0.3)
    Z = mapper.fit_transform(Xs, X_target=Xt)
    first = np.tanh(with_ones(Xs) @ mapper.layers_[0].T)
    np.testing.assert_allclose(Z, np.hstack([Xs, first, np.tanh(with_ones(first) @ mapper.layers_[1].T)]))
    both = with_ones(np.vstack([Xs, Xt]))
    np.testing.assert_allclose(mapper.layers_[0], marginalised_denoiser(both.T @ both, 0.3))
    hidden = with_ones(np.tanh(both @ mapper.layers_[0].T))
    np.testing.assert_allclose(mapper.layers_[1], marginalised_denoiser(hidden.T @ hidden, 0.3))


@pytest.mark.parametrize("keep_input", [True, False])
def test_sparse_rows_give_the_same(keep_input):
    Xs, Xt = counts()
    dense, thin = MSDA(keep_input=keep_input), MSDA(keep_input=keep_input)
    Z = dense.fit_transform(Xs, X_target=Xt)
    np.testing.assert_allclose(thin.fit_transform(sparse.csr_matrix(Xs), X_target=sparse.csr_matrix(Xt)), Z)
    np.testing.assert_allclose(thin.transform(sparse.csr_matrix(Xt)), dense.transform(Xt))
    assert Z.shape[1] == (18 if keep_input else 12)


def test_a_column_of_one_domain_is_read_by_its_companions():
    # column 0 is the cue in the source, column 1 in the target; column 2 goes with both
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=(2, 200))
    S = np.column_stack([y[0], np.zeros(200), y[0] * (rng.uniform(size=200) < 0.8)])
    T = np.column_stack([np.zeros(200), y[1], y[1] * (rng.uniform(size=200) < 0.8)])
    mapper = MSDA(1, keep_input=False).fit(S, X_target=T)
    cue, none = mapper.transform([[0.0, 1.0, 0.0]]), mapper.transform([[0.0, 0.0, 0.0]])
    assert cue[0, 2] > none[0, 2] + 0.1  # the shared column is restored from the target's own cue
