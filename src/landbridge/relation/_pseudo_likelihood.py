"""Weights and scores of clauses by pseudo-likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from landbridge.relation._clauses import Clause
from landbridge.relation._grounding import Grounder

__all__ = ["ClauseScorer", "clause_features", "fit_weights"]


def clause_features(counts: NDArray[np.float64], transform: str = "log") -> NDArray[np.float64]:
    """Transform numbers of true groundings to features.

    Parameters
    ----------
    counts : ndarray
        Numbers of true groundings.
    transform : {"log", "count", "any"}, default="log"
        ``"count"`` is the Markov logic network; ``"log"`` is log₂(1 + n); ``"any"`` is 1 if there is a true grounding,
        else 0.

    Returns
    -------
    ndarray
        Features, of the shape of `counts`.
    """
    if transform == "count":
        return counts
    return np.log2(1.0 + counts) if transform == "log" else (counts > 0).astype(np.float64)


def fit_weights(
    features: NDArray[np.float64],
    truth: NDArray[np.bool_],
    sample_weight: NDArray[np.float64],
    *,
    prior_mean: NDArray[np.float64] | None = None,
    prior_scale: float = 1.0,
    init: NDArray[np.float64] | None = None,
    tol: float = 1e-8,
    max_iter: int = 100,
) -> tuple[NDArray[np.float64], float]:
    r"""Fit clause weights by weighted pseudo-likelihood with a Gaussian prior.

    In a Markov logic network the probability of one atom given all others is logistic in the number of true
    groundings :math:`n_c` of each clause, so that the pseudo-likelihood of the atoms of one predicate is a logistic
    regression:

    .. math:: \max_w \sum_i s_i \log \sigma\bigl((2 t_i - 1)(w_0 + \textstyle\sum_c w_c\, n_c(i))\bigr)
        - \frac{1}{2\, n\, \tau^2} \sum_c (w_c - m_c)^2

    with sample weights :math:`s_i` that sum to one. The concave problem is solved by Newton's method with step halving.

    Parameters
    ----------
    features : ndarray of shape (n_atoms, n_clauses)
        Feature of each clause.
    truth : ndarray of bool, shape (n_atoms,)
        Which atoms are true.
    sample_weight : ndarray of shape (n_atoms,)
        Weights of the atoms, normalised to sum one.
    prior_mean : ndarray of shape (n_clauses,), default=None
        Mean of the prior, for example the weights of a source model. If None, zero.
    prior_scale : float, default=1.0
        ``τ``, the standard deviation of the prior.
    init : ndarray of shape (n_clauses + 1,), default=None
        Initial weights. If None, the prior mean.
    tol : float, default=1e-8
        Stop when the largest entry of the gradient is at most this.
    max_iter : int, default=100
        Maximum number of Newton steps.

    Returns
    -------
    weights : ndarray of shape (n_clauses + 1,)
        The weight ``w_0`` of the unit clause, which has a nearly flat prior, then those of the clauses.
    value : float
        Objective in nats per atom; the empty model has -log 2 if true atoms have half of the weight.
    """
    n, k = features.shape
    s = sample_weight / sample_weight.sum()
    design = np.column_stack([np.ones(n), features])
    signs = np.where(truth, 1.0, -1.0)
    mean = np.concatenate([[0.0], np.zeros(k) if prior_mean is None else prior_mean])
    # The unit clause models the base rate; a nearly flat prior keeps its weight finite.
    precision = np.concatenate([[1e-6], np.full(k, 1.0 / (n * prior_scale**2))])
    w = mean.copy() if init is None else np.asarray(init, dtype=np.float64).copy()

    def value_at(v: NDArray[np.float64]) -> float:
        return float(-(s @ np.logaddexp(0.0, -signs * (design @ v))) - 0.5 * precision @ (v - mean) ** 2)

    value = value_at(w)
    for _ in range(max_iter):
        p = expit(design @ w)
        gradient = design.T @ (s * (truth - p)) - precision * (w - mean)
        if np.abs(gradient).max() <= tol:
            break
        hessian = (design * (s * p * (1.0 - p))[:, None]).T @ design
        hessian[np.diag_indices(k + 1)] += precision
        step = np.linalg.solve(hessian, gradient)
        rate, slope = 1.0, float(gradient @ step)
        while (new := value_at(w + rate * step)) < value + 1e-4 * rate * slope and rate > 1e-10:
            rate *= 0.5
        if new <= value:
            break
        w, value = w + rate * step, new
    return w, value


class ClauseScorer:
    """Scorer of sets of clauses on labelled atoms, by weighted pseudo-log-likelihood.

    The score is the objective of :func:`fit_weights`, with the same total weight of true and false atoms, less a
    penalty for each literal.

    Parameters
    ----------
    grounder : Grounder
        Counter of groundings for the atoms.
    truth : ndarray of bool, shape (n_atoms,)
        Which atoms are true.
    count_transform : {"log", "count", "any"}, default="log"
        Feature of a number of true groundings, see :func:`clause_features`.
    prior_scale : float, default=1.0
        Standard deviation of the prior of the weights.
    length_penalty : float, default=0.5
        Penalty of each literal, in nats summed over all atoms.

    Attributes
    ----------
    n_scored : int
        Number of clauses scored so far.
    """

    def __init__(
        self,
        grounder: Grounder,
        truth: NDArray[np.bool_],
        *,
        count_transform: str = "log",
        prior_scale: float = 1.0,
        length_penalty: float = 0.5,
    ) -> None:
        self.grounder = grounder
        self.truth = np.asarray(truth, dtype=bool)
        self.count_transform = count_transform
        self.prior_scale = prior_scale
        self.length_penalty = length_penalty
        self.n_scored = 0
        n_true = max(int(self.truth.sum()), 1)
        n_false = max(len(self.truth) - int(self.truth.sum()), 1)
        self.sample_weight = np.where(self.truth, 0.5 / n_true, 0.5 / n_false)

    def features(self, clauses: Sequence[Clause]) -> NDArray[np.float64]:
        """Compute the features of clauses.

        Parameters
        ----------
        clauses : sequence of Clause
            The clauses.

        Returns
        -------
        ndarray of shape (n_atoms, n_clauses)
            Features.
        """
        if not clauses:
            return np.empty((len(self.truth), 0))
        return np.column_stack([clause_features(self.grounder.counts(c), self.count_transform) for c in clauses])

    def fit(self, clauses: Sequence[Clause]) -> tuple[NDArray[np.float64], float]:
        """Fit the weights of clauses jointly; the weights they have are the means of the prior.

        Parameters
        ----------
        clauses : sequence of Clause
            The clauses.

        Returns
        -------
        weights : ndarray of shape (n_clauses + 1,)
            Weight of the unit clause, then those of the clauses.
        score : float
            Penalised objective.
        """
        return self._fit(clauses, self.features(clauses), None)

    def score_all(
        self, model: Sequence[Clause], candidates: Sequence[Clause]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score the model with each candidate clause added.

        Parameters
        ----------
        model : sequence of Clause
            Clauses of the model.
        candidates : sequence of Clause
            Clauses to add, one at a time.

        Returns
        -------
        scores : ndarray of shape (n_candidates,)
            Score of the model with the candidate.
        weights : ndarray of shape (n_candidates,)
            Weight of the candidate.
        """
        fixed = self.features(model)
        init = self._fit(model, fixed, None)[0]
        scores, own = np.empty(len(candidates)), np.empty(len(candidates))
        for i, candidate in enumerate(candidates):
            columns = np.column_stack([fixed, self.features([candidate])])
            warm = np.append(init, candidate.weight or 0.0)
            weights, scores[i] = self._fit([*model, candidate], columns, warm)
            own[i] = weights[-1]
        self.n_scored += len(candidates)
        return scores, own

    def _fit(
        self, clauses: Sequence[Clause], columns: NDArray[np.float64], init: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.float64], float]:
        mean = np.array([c.weight or 0.0 for c in clauses])
        weights, value = fit_weights(
            columns, self.truth, self.sample_weight, prior_mean=mean, prior_scale=self.prior_scale, init=init
        )
        return weights, value - self.length_penalty * sum(len(c) for c in clauses) / max(len(self.truth), 1)
