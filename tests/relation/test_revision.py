import numpy as np
import pytest

from landbridge.relation import Clause, ClauseScorer, FactBase, Grounder, Literal, diagnose_clauses, revise

pytest.importorskip("duckdb", reason="duckdb is not installed")
HEAD = Literal("advised", (0, 1))


def test_the_four_bins():
    active = np.array([[True], [True], [False], [False], [False], [True]])
    truth = np.array([True, False, False, True, True, False])
    wrong, right = 0.9, 0.1
    probability = np.array([0.9, wrong, 0.1, 0.2, 0.8, right])
    weight = np.ones(6)
    # spoke rightly; spoke wrongly; rightly silent; should have spoken; silent, others did; wrong but outvoted
    shares = diagnose_clauses(active, np.array([1.0]), truth, probability, weight)
    np.testing.assert_allclose(shares * 6, [[2, 1, 2, 1]])
    # A model without errors has nothing to blame on anyone.
    fine = diagnose_clauses(active, np.array([1.0]), truth, truth.astype(float), weight)
    np.testing.assert_allclose(fine * 6, [[3, 0, 3, 0]])


def test_a_negative_weight_is_right_where_the_atom_is_false():
    active = np.array([[True], [True], [False], [False]])
    truth = np.array([True, False, True, False])
    shares = diagnose_clauses(active, np.array([-1.0]), truth, 1.0 - truth, np.ones(4))
    np.testing.assert_allclose(shares * 4, [[1, 1, 1, 1]])


def test_an_undecided_model_errs():
    shares = diagnose_clauses(
        np.array([[False], [False]]), np.array([1.0]), np.array([True, False]), np.full(2, 0.5), np.ones(2)
    )
    np.testing.assert_allclose(shares, [[0, 0, 0.5, 0.5]])


def campus():
    people = [f"s{i}" for i in range(12)]
    facts = {
        "prof": [["p0"], ["p1"]],
        "student": [[s] for s in people],
        "wrote": [[f"t{i}", s] for i, s in enumerate(people)] + [[f"t{i}", f"p{i % 2}"] for i in range(12)],
        "advised": [[s, f"p{i % 2}"] for i, s in enumerate(people)],
    }
    true = facts["advised"]
    false = [[s, f"p{1 - i % 2}"] for i, s in enumerate(people)]
    base = FactBase(facts)
    return base, ClauseScorer(Grounder(base, base.encode(true + false, 2)), np.repeat([True, False], 12))


def clause(*body, weight=None):
    return Clause(HEAD, tuple(Literal(*b) for b in body), weight)


JOINT = clause(("wrote", (2, 0)), ("wrote", (2, 1)))


def test_a_clause_too_general_gets_literals():
    base, scorer = campus()
    # Says yes wherever a professor is meant: half of the time wrongly.
    before = clause(("wrote", (2, 0)), ("prof", (1,)), weight=2.0)
    after, [report] = revise(scorer, [before], base.schema)
    assert report.too_general and report.marked
    assert len(after) == 1 and len(after[0]) > len(before)
    assert set(JOINT.body) <= set(after[0].body)
    assert scorer.fit(after)[1] > scorer.fit([before])[1]


def test_a_clause_too_specific_loses_literals():
    base, scorer = campus()
    before = clause(("wrote", (2, 0)), ("wrote", (2, 1)), ("prof", (0,)), weight=2.0)
    after, [report] = revise(scorer, [before], base.schema)
    assert report.too_specific and not report.too_general
    assert after[0] == JOINT.canonical()


def test_unmarked_clauses_are_not_changed():
    base, scorer = campus()
    good = JOINT.with_weight(2.0)
    after, [report] = revise(scorer, [good], base.schema)
    assert after == [good] and after[0].weight == 2.0
    assert not report.marked and scorer.n_scored == 0
    assert report.relevant_good == pytest.approx(0.5) and report.irrelevant_good == pytest.approx(0.5)


def test_nothing_to_revise():
    base, scorer = campus()
    assert revise(scorer, [], base.schema) == ([], [])
