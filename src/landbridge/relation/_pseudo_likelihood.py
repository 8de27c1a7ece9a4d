"""Weights of clauses, and the worth of a set of clauses, by pseudo-likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from landbridge.relation._clauses import Clause
from landbridge.relation._grounding import Grounder

__all__ = ["ClauseScorer", "clause_features", "fit_weights"]


def clause_features(counts: NDArray[np.float64], kind: str = "log") -> NDArray[np.float64]:
    """Turn numbers of true groundings into features.

    Parameters
    ----------
    counts : ndarray
        Numbers of true groundings.
    kind : {"log", "count", "any"}, default="log"
        ``"count"`` is the Markov logic network itself; ``"log"`` takes log₂(1 + n), so that one grounding counts one
        and the hundredth little; ``"any"`` only asks whether there is one.

    Returns
    -------
    ndarray
    """
    if kind == "count":
        return counts
    return np.log2(1.0 + counts) if kind == "log" else (counts > 0).astype(np.float64)


def fit_weights(
    features: NDArray[np.float64],
    truth: NDArray[np.bool_],
    sample_weight: NDArray[np.float64],
    *,
    prior_mean: NDArray[np.float64] | None = None,
    prior_scale: float = 1.0,
    start: NDArray[np.float64] | None = None,
    tol: float = 1e-8,
    max_iter: int = 100,
) -> tuple[NDArray[np.float64], float]:
    r"""Weigh clauses by the mode of the weighted pseudo-likelihood under a Gaussian prior.

    In a Markov logic network the probability of one atom given all others is logistic in the number of true
    groundings :math:`n_c` of each clause, so that the pseudo-likelihood of the atoms of one predicate is a logistic
    regression:

    .. math:: \max_w \sum_i s_i \log \sigma\bigl((2 t_i - 1)(w_0 + \textstyle\sum_c w_c\, n_c(i))\bigr)
        - \frac{1}{2\, n\, \tau^2} \sum_c (w_c - m_c)^2

    with sample weights :math:`s_i` that sum to one. It is concave; Newton's method with step halving finds the mode.

    Parameters
    ----------
    features : ndarray of shape (n, k)
        One column a clause.
    truth : ndarray of bool, shape (n,)
        Which atoms are true.
    sample_weight : ndarray of shape (n,)
        Weights; only their proportions matter.
    prior_mean : ndarray of shape (k,), optional
        Where the prior is centred; zero if left out. The weights of a source model go here.
    prior_scale : float, default=1.0
        ``τ``, the prior's standard deviation.
    start : ndarray of shape (k + 1,), optional
        Where to start.
    tol : float, default=1e-8
        Stop when no entry of the gradient is larger.
    max_iter : int, default=100
        Newton steps at most.

    Returns
    -------
    weights : ndarray of shape (k + 1,)
        The unit clause's weight ``w_0`` first; it has no prior but a wide one.
    value : float
        The objective there, in nats an atom; with half of the weight on true atoms the empty model has -log 2.
    """
    n, k = features.shape
    s = sample_weight / sample_weight.sum()
    design = np.column_stack([np.ones(n), features])
    signs = np.where(truth, 1.0, -1.0)
    mean = np.concatenate([[0.0], np.zeros(k) if prior_mean is None else prior_mean])
    # The unit clause carries the base rate, which must be free to move; the trace of a prior keeps it finite.
    precision = np.concatenate([[1e-6], np.full(k, 1.0 / (n * prior_scale**2))])
    w = mean.copy() if start is None else np.asarray(start, dtype=np.float64).copy()

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
    """Scores sets of clauses on one list of labelled atoms, and counts how many it had to score.

    The score is the objective of :func:`fit_weights`, true and false atoms weighing the same in total (the *weighted*
    pseudo-log-likelihood), less a penalty a literal.

    Parameters
    ----------
    grounder : Grounder
        Counts groundings for the atoms.
    truth : ndarray of bool, shape (n_atoms,)
        Which atoms are true.
    counts : {"log", "count", "any"}, default="log"
        How groundings become features.
    prior_scale : float, default=1.0
        Standard deviation of the prior of a weight.
    length_penalty : float, default=0.5
        Nats that a literal must earn, summed over all atoms.

    Attributes
    ----------
    n_scored : int
        How many clauses were scored so far.
    """

    def __init__(
        self,
        grounder: Grounder,
        truth: NDArray[np.bool_],
        *,
        counts: str = "log",
        prior_scale: float = 1.0,
        length_penalty: float = 0.5,
    ) -> None:
        self.grounder = grounder
        self.truth = np.asarray(truth, dtype=bool)
        self.counts = counts
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

        Returns
        -------
        ndarray of shape (n_atoms, n_clauses)
        """
        if not clauses:
            return np.empty((len(self.truth), 0))
        return np.column_stack([clause_features(self.grounder.counts(c), self.counts) for c in clauses])

    def fit(self, clauses: Sequence[Clause]) -> tuple[NDArray[np.float64], float]:
        """Weigh clauses together; the weights they come with are the prior's means.

        Parameters
        ----------
        clauses : sequence of Clause

        Returns
        -------
        weights : ndarray of shape (n_clauses + 1,)
            That of the unit clause first.
        score : float
        """
        return self._fit(clauses, self.features(clauses), None)

    def score_all(
        self, model: Sequence[Clause], candidates: Sequence[Clause]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score the model with each candidate added.

        Parameters
        ----------
        model : sequence of Clause
            Clauses that stay.
        candidates : sequence of Clause
            Each is tried alone.

        Returns
        -------
        scores : ndarray of shape (n_candidates,)
        weights : ndarray of shape (n_candidates,)
            The candidate's own weight.
        """
        fixed = self.features(model)
        start = self._fit(model, fixed, None)[0]
        scores, own = np.empty(len(candidates)), np.empty(len(candidates))
        for i, candidate in enumerate(candidates):
            columns = np.column_stack([fixed, self.features([candidate])])
            begin = np.append(start, candidate.weight or 0.0)
            weights, scores[i] = self._fit([*model, candidate], columns, begin)
            own[i] = weights[-1]
        self.n_scored += len(candidates)
        return scores, own

    def _fit(
        self, clauses: Sequence[Clause], columns: NDArray[np.float64], start: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.float64], float]:
        mean = np.array([c.weight or 0.0 for c in clauses])
        weights, value = fit_weights(
            columns, self.truth, self.sample_weight, prior_mean=mean, prior_scale=self.prior_scale, start=start
        )
        return weights, value - self.length_penalty * sum(len(c) for c in clauses) / max(len(self.truth), 1)
