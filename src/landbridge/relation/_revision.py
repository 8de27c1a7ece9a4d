"""Diagnosis and revision of transferred clauses that are too general or too specific."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from landbridge.relation._clauses import Clause
from landbridge.relation._facts import Schema
from landbridge.relation._pseudo_likelihood import ClauseScorer
from landbridge.relation._structure import beam_search

__all__ = ["ClauseDiagnosis", "diagnose_clauses", "revise"]


@dataclass(frozen=True)
class ClauseDiagnosis:
    """Diagnosis of a clause on the labelled target atoms: shares of four kinds of atoms, and whether to revise it.

    Parameters
    ----------
    clause : Clause
        The clause with its weight.
    relevant_good, relevant_bad, irrelevant_good, irrelevant_bad : float
        Shares of the atoms, with the same total weight of true and false atoms; they sum to one.
    too_general, too_specific : bool
        Whether the clause is to be specialised, or generalised.
    """

    clause: Clause
    relevant_good: float
    relevant_bad: float
    irrelevant_good: float
    irrelevant_bad: float
    too_general: bool
    too_specific: bool

    @property
    def marked(self) -> bool:
        """Whether the clause is to be revised."""
        return self.too_general or self.too_specific


def diagnose_clauses(
    active: NDArray[np.bool_],
    weights: NDArray[np.float64],
    truth: NDArray[np.bool_],
    probability: NDArray[np.float64],
    sample_weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    r"""Compute for each clause the shares of atoms in four bins.

    An atom is **relevant** for a clause if the body of the clause is true. The clause then predicts that the atom is
    true if its weight is positive, and false otherwise.

    ============  =========================================  ==================================================
    bin           good                                       bad
    ============  =========================================  ==================================================
    relevant      the prediction of the clause is right      the clause and the model are wrong: the clause is
                  or the model is right                      **too general**
    irrelevant    the prediction would be wrong or the       the prediction would be right but the model is wrong:
                  model is right                             the clause is **too specific**
    ============  =========================================  ==================================================

    Wrong predictions of a clause that the other clauses correct count as good.

    Parameters
    ----------
    active : ndarray of bool, shape (n_atoms, n_clauses)
        Where the body of each clause is true.
    weights : ndarray of shape (n_clauses,)
        Weights of the clauses.
    truth : ndarray of bool, shape (n_atoms,)
        Which atoms are true.
    probability : ndarray of shape (n_atoms,)
        Probability of each atom given all others.
    sample_weight : ndarray of shape (n_atoms,)
        Weights of the atoms.

    Returns
    -------
    ndarray of shape (n_clauses, 4)
        Shares of relevant good, relevant bad, irrelevant good, irrelevant bad.
    """
    s = sample_weight / sample_weight.sum()
    # A probability of one half is an error too.
    erred = np.where(truth, probability, 1.0 - probability) < 0.5 + 1e-6
    agrees = truth[:, None] == (weights >= 0)[None, :]
    bad = erred[:, None] & (active != agrees)
    return np.column_stack([s @ (active & ~bad), s @ (active & bad), s @ (~active & ~bad), s @ (~active & bad)])


def revise(
    scorer: ClauseScorer,
    clauses: Sequence[Clause],
    schema: Schema,
    *,
    threshold: float = 0.05,
    beam_width: int = 5,
    max_literals: int = 4,
    max_variables: int = 4,
    negated: bool = False,
) -> tuple[list[Clause], list[ClauseDiagnosis]]:
    """Revise the clauses that the diagnosis marks.

    Beam search adds literals to a clause that is too general and removes literals from one that is too specific. The
    clause is replaced if the score of the whole model increases.

    Parameters
    ----------
    scorer : ClauseScorer
        Scores clauses on the target.
    clauses : sequence of Clause
        Transferred clauses with the source weights.
    schema : Schema
        Predicates and argument types of the target.
    threshold : float, default=0.05
        A clause is revised if the share of the atoms in a bad bin is larger.
    beam_width, max_literals, max_variables, negated
        See :func:`beam_search`.

    Returns
    -------
    clauses : list of Clause
        Clauses in the same order.
    diagnoses : list of ClauseDiagnosis
        Diagnosis of each clause before its revision.
    """
    model = list(clauses)
    if not model:
        return [], []
    features = scorer.features(model)
    weights, score = scorer.fit(model)
    probability = expit(weights[0] + features @ weights[1:])
    shares = diagnose_clauses(features > 0, weights[1:], scorer.truth, probability, scorer.sample_weight)
    reports = [
        ClauseDiagnosis(c.with_weight(float(w)), good, bad, idle_good, idle_bad, bad > threshold, idle_bad > threshold)
        for c, w, (good, bad, idle_good, idle_bad) in zip(model, weights[1:], shares.tolist(), strict=True)
    ]
    # The worst clause first, because each revision changes the model.
    for i in np.argsort(-(shares[:, 1] + shares[:, 3]), kind="stable").tolist():
        if not reports[i].marked:
            continue
        others = model[:i] + model[i + 1 :]
        found, new = beam_search(
            scorer,
            others,
            [model[i]],
            schema,
            beam_width=beam_width,
            max_literals=max_literals,
            max_variables=max_variables,
            negated=negated,
            lengthen=reports[i].too_general,
            shorten=reports[i].too_specific,
            min_score=score,
        )
        if found is not None:
            model[i], score = found.with_weight(None), new
    return model, reports
