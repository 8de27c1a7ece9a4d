"""Coupled non-negative matrix tri-factorisation of source, intermediate and target domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from landbridge._process_state import quiet
from landbridge.stepwise._samples import stack_samples

__all__ = ["CoupledFactors", "coupled_nmtf", "fold_in"]

TINY = 1e-12


@dataclass
class CoupledFactors:
    """Result of :func:`coupled_nmtf`.

    Parameters
    ----------
    profiles : list of ndarray of shape (n_classes, d)
        ``A F`` of each term: the profile of each class. The terms are source, intermediate (first pair), intermediate
        (second pair), target.
    G : list of ndarray of shape (n, n_classes)
        Class memberships of the source (as given), the intermediate and the target.
    objective : ndarray of shape (n_iter + 1,)
        Value at the start and after each iteration.
    n_iter : int
        Number of iterations.
    """

    profiles: list[NDArray[np.float64]]
    G: list[NDArray[np.float64]]
    objective: NDArray[np.float64]
    n_iter: int


def coupled_nmtf(
    Xs: Any,
    Xd: Any,
    Xt: Any,
    Gs: NDArray[np.float64],
    Gd: NDArray[np.float64],
    Gt: NDArray[np.float64],
    *,
    n_common: int = 50,
    n_specific: int = 10,
    target_pair_weight: float = 1.0,
    max_iter: int = 100,
    tol: float = 1e-4,
    random_state: Any = None,
) -> CoupledFactors:
    r"""Factorise three domains in two coupled pairs, the objective of [1]_ with samples as samples.

    .. math:: \frac{\|X_s - G_s A_s F_s\|^2}{\|X_s\|^2} + \frac{\|X_d - G_d A_d F_d\|^2}{\|X_d\|^2}
        + \lambda \Bigl( \frac{\|X_d - G_d A'_d F'_d\|^2}{\|X_d\|^2}
        + \frac{\|X_t - G_t A'_t F'_t\|^2}{\|X_t\|^2} \Bigr)

    In each pair the feature clusters are ``F = [F¹; F²]`` and their association with the classes is ``A = [A¹, A²]``:
    F¹ and A¹ are common to both domains of the pair, F² and A² are specific to each domain. The memberships ``G_d`` of
    the intermediate domain belong to both pairs and are their only link. ``G_s`` is known and fixed.

    The factors are updated by multiplicative steps, which cannot increase the objective. For fixed G a domain enters
    by ``GᵀX`` and ``GᵀG`` only.

    Parameters
    ----------
    Xs, Xd, Xt : ndarray or csr_matrix of shape (n, d)
        Non-negative samples of source, intermediate and target domain.
    Gs : ndarray of shape (n_source, n_classes)
        Known memberships of the source.
    Gd, Gt : ndarray of shape (n, n_classes)
        Initial memberships of the intermediate and the target samples; zeros stay zero.
    n_common, n_specific : int, default=50 and 10
        Number of feature clusters that a pair shares, and that are specific to each domain.
    target_pair_weight : float, default=1.0
        Weight of the pair of intermediate and target domain.
    max_iter : int, default=100
        Maximum number of iterations.
    tol : float, default=1e-4
        Stops when an iteration lowers the objective by less, relatively.
    random_state : int, RandomState or None, default=None
        Initialisation of the feature clusters.

    Returns
    -------
    CoupledFactors

    References
    ----------
    .. [1] B. Tan, Y. Song, E. Zhong, Q. Yang. Transitive transfer learning. KDD 2015.
    """
    X, G = [Xs, Xd, Xt], [Gs, Gd, Gt]
    norms = [max(_squares(x), TINY) for x in X]
    domain, pair = [0, 1, 1, 2], [0, 0, 1, 1]
    weight = [(1.0, target_pair_weight)[p] / norms[r] for r, p in zip(domain, pair, strict=True)]
    F, A = _start(X, G, n_common, n_specific, random_state)
    common = slice(0, n_common)

    def sums() -> tuple[list[Any], list[Any]]:
        return [_left(x, g) for x, g in zip(X, G, strict=True)], [g.T @ g for g in G]

    def objective() -> float:
        total = 0.0
        for i, r in enumerate(domain):
            P = A[i] @ F[i]
            total += weight[i] * (norms[r] - 2.0 * np.sum(Y[r] * P) + np.sum((S[r] @ P) * P))
        return float(total)

    Y, S = sums()
    history = [objective()]
    for _ in range(max_iter):
        for p in (0, 1):
            terms = [i for i in range(4) if pair[i] == p]
            # feature clusters: the common block over both terms of the pair, the specific block for each term
            up = [weight[i] * (A[i].T @ Y[domain[i]]) for i in terms]
            down = [weight[i] * (A[i].T @ (S[domain[i]] @ (A[i] @ F[i]))) for i in terms]
            ratio = sum(u[common] for u in up) / np.maximum(sum(d[common] for d in down), TINY)
            for i in terms:
                F[i][common] *= ratio
            for i in terms:
                r = domain[i]
                u, d = A[i].T @ Y[r], A[i].T @ (S[r] @ (A[i] @ F[i]))
                F[i][n_common:] *= u[n_common:] / np.maximum(d[n_common:], TINY)
            up = [weight[i] * (Y[domain[i]] @ F[i].T) for i in terms]
            down = [weight[i] * (S[domain[i]] @ A[i] @ (F[i] @ F[i].T)) for i in terms]
            ratio = sum(u[:, common] for u in up) / np.maximum(sum(d[:, common] for d in down), TINY)
            for i in terms:
                A[i][:, common] *= ratio
            for i in terms:
                r = domain[i]
                u, d = Y[r] @ F[i].T, S[r] @ A[i] @ (F[i] @ F[i].T)
                A[i][:, n_common:] *= u[:, n_common:] / np.maximum(d[:, n_common:], TINY)
        P = [a @ f for a, f in zip(A, F, strict=True)]
        for r, terms in ((1, [1, 2]), (2, [3])):
            push = sum(weight[i] * _right(X[r], P[i]) for i in terms)
            pull = G[r] @ sum(weight[i] * (P[i] @ P[i].T) for i in terms)
            G[r] = G[r] * (push / np.maximum(pull, TINY))
        Y, S = sums()
        history.append(objective())
        if history[-2] - history[-1] <= tol * history[-2]:
            break
    profiles = [a @ f for a, f in zip(A, F, strict=True)]
    return CoupledFactors(profiles, G, np.array(history), len(history) - 1)


def fold_in(X: Any, profiles: NDArray[np.float64], *, max_iter: int = 200) -> NDArray[np.float64]:
    r"""Compute the memberships of new samples for given profiles, :math:`\min_{G \ge 0} \|X - G P\|^2`.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n, d)
        Non-negative samples.
    profiles : ndarray of shape (n_classes, d)
        Profile of each class.
    max_iter : int, default=200
        Number of multiplicative steps.

    Returns
    -------
    ndarray of shape (n, n_classes)
        Fractions of the mass of each sample; each sample sums to one.
    """
    mass = np.maximum(profiles.sum(axis=1), TINY)
    P = profiles / mass[:, None]
    up, gram = _right(X, P), P @ P.T
    G = up + TINY
    for _ in range(max_iter):
        G = G * (up / np.maximum(G @ gram, TINY))
    G = G + TINY * (1.0 + G.max(initial=0.0))
    return G / G.sum(axis=1, keepdims=True)


def _start(
    X: list[Any], G: list[Any], n_common: int, n_specific: int, random_state: Any
) -> tuple[list[Any], list[Any]]:
    """Initialise the feature clusters by a short factorisation of all samples, the associations by class means."""
    k = n_common + n_specific
    with quiet(ConvergenceWarning):
        everything = stack_samples([x[np.linspace(0, x.shape[0] - 1, min(x.shape[0], 2000)).astype(int)] for x in X])
        base = NMF(k, init="random", max_iter=30, random_state=random_state).fit(everything).components_
    base = base / np.maximum(base.sum(axis=1, keepdims=True), TINY)
    base = base + 1e-3 / base.shape[1]
    F, A = [base.copy() for _ in range(4)], []
    for r in (0, 1, 1, 2):
        centres = _left(X[r], G[r]) / np.maximum(G[r].sum(axis=0), TINY)[:, None]
        A.append(np.maximum(centres @ base.T, TINY) / np.maximum((base @ base.T).sum(axis=1), TINY))
    for i, j in ((0, 1), (2, 3)):  # the common block is initialised equally
        A[i][:, :n_common] = A[j][:, :n_common] = (A[i][:, :n_common] + A[j][:, :n_common]) / 2
    return F, A


def _squares(X: Any) -> float:
    return float((X.data**2).sum() if sparse.issparse(X) else (X**2).sum())


def _left(X: Any, G: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((X.T @ G).T)


def _right(X: Any, P: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(X @ P.T)
