"""Self-diagnosis and repair of transferred clauses: which are too general, which too specific."""

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

__all__ = ["Diagnosis", "diagnose", "revise"]


@dataclass(frozen=True)
class Diagnosis:
    """How one clause does on the target's labelled atoms: four shares that sum to one, and what follows.

    Parameters
    ----------
    clause : Clause
        The clause, weighed.
    relevant_good, relevant_bad, irrelevant_good, irrelevant_bad : float
        Shares of the atoms, true and false ones weighing the same in total.
    too_general, too_specific : bool
        The marks.
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


def diagnose(
    active: NDArray[np.bool_],
    weights: NDArray[np.float64],
    truth: NDArray[np.bool_],
    probability: NDArray[np.float64],
    sample_weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    r"""Sort atoms into four bins for each clause.

    A clause *speaks* about an atom where its body is true (the atom is **relevant**), and it speaks for the atom if
    its weight is positive, against it otherwise.

    ============  =========================================  ==================================================
    bin           good                                       bad
    ============  =========================================  ==================================================
    relevant      the clause spoke, and rightly              it spoke, wrongly, and the model erred: the body is
                                                             met too easily, the clause is **too general**
    irrelevant    it was silent, and rightly so, or the      it was silent where it would have been right and
                  model was right without it                 the model erred: **too specific**
    ============  =========================================  ==================================================

    Wrong words that the other clauses outvote do no harm and count as good.

    Parameters
    ----------
    active : ndarray of bool, shape (n_atoms, n_clauses)
        Where each clause's body is true.
    weights : ndarray of shape (n_clauses,)
        The clauses' weights.
    truth : ndarray of bool, shape (n_atoms,)
        Which atoms are true.
    probability : ndarray of shape (n_atoms,)
        What the model infers for each atom from all the others.
    sample_weight : ndarray of shape (n_atoms,)
        Weights of the atoms.

    Returns
    -------
    ndarray of shape (n_clauses, 4)
        Shares of relevant good, relevant bad, irrelevant good, irrelevant bad.
    """
    s = sample_weight / sample_weight.sum()
    # Being undecided is no answer either.
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
) -> tuple[list[Clause], list[Diagnosis]]:
    """Repair the clauses that the self-diagnosis marks, and those only.

    A clause that is too general gets literals, one that is too specific loses some, by beam search; it is replaced
    if the whole model's score rises, and stays otherwise.

    Parameters
    ----------
    scorer : ClauseScorer
        Scores clauses on the target.
    clauses : sequence of Clause
        The transferred clauses, with the source's weights.
    schema : Schema
        The target's predicates and argument types.
    threshold : float, default=0.05
        A clause is marked when a bad bin holds a larger share of the atoms.
    beam_width, max_literals, max_variables, negated
        See :func:`beam_search`.

    Returns
    -------
    clauses : list of Clause
        In the same order.
    diagnoses : list of Diagnosis
        One a clause, as it came.
    """
    model = list(clauses)
    if not model:
        return [], []
    features = scorer.features(model)
    weights, score = scorer.fit(model)
    probability = expit(weights[0] + features @ weights[1:])
    shares = diagnose(features > 0, weights[1:], scorer.truth, probability, scorer.sample_weight)
    reports = [
        Diagnosis(c.weighed(float(w)), good, bad, idle_good, idle_bad, bad > threshold, idle_bad > threshold)
        for c, w, (good, bad, idle_good, idle_bad) in zip(model, weights[1:], shares.tolist(), strict=True)
    ]
    # The worst clause first, because each repair changes what is left to repair.
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
            floor=score,
        )
        if found is not None:
            model[i], score = found.weighed(None), new
    return model, reports
