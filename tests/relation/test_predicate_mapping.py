import numpy as np
import pytest

from landbridge.relation import Clause, ClauseScorer, FactBase, Grounder, Literal, Schema, legal_mappings, map_clauses

SOURCE = Schema({"movie": (0, 1), "director": (1,), "genre": (1, 2), "worked": (1, 1)})
TARGET = Schema({"wrote": (4, 5), "taught": (5, 6), "prof": (5,), "hard": (6,), "advised": (5, 5), "ta": (6, 5, 7)})
WORKED = Literal("worked", (0, 1))


def clause(*body, weight=None):
    return Clause(WORKED, tuple(Literal(*b) for b in body), weight)


def bodies(c, source=SOURCE, target=TARGET, query="advised", **options):
    return {str(t).split(" ⇒")[0] for _, t in legal_mappings(c, source, target, query, **options)}


def test_types_must_agree_throughout_the_clause():
    # movie(x, a): the second place is a person, so only wrote fits; genre(a, x): the first is.
    assert bodies(clause(("movie", (2, 0)))) == {"wrote(x, a)"}
    assert bodies(clause(("genre", (0, 2)))) == {"taught(a, x)"}
    assert bodies(clause(("director", (1,)))) == {"prof(b)"}


def test_swapped_arguments_on_request():
    assert bodies(clause(("movie", (2, 0))), swap_arguments=True) == {"wrote(x, a)", "taught(a, x)"}


def test_a_predicate_may_become_nothing_but_not_all_of_them():
    both = clause(("movie", (2, 0)), ("director", (1,)))
    assert bodies(both) == {"prof(b) ∧ wrote(x, a)", "prof(b)", "wrote(x, a)"}


def test_one_predicate_has_one_image():
    target = Schema({"p": (1,), "q": (1,), "advised": (1, 1)})
    found = bodies(clause(("director", (0,)), ("director", (1,))), target=target)
    assert found == {"p(a) ∧ p(b)", "q(a) ∧ q(b)"}


def test_a_source_type_has_one_image():
    source = Schema({"r": (0, 3), "s": (3, 0), "worked": (0, 0)})
    target = Schema({"p": (1, 5), "q": (6, 1), "advised": (1, 1)})
    whole = [b for b in bodies(clause(("r", (0, 2)), ("s", (2, 1))), source, target) if "∧" in b]
    assert whole == []


def test_queries_of_another_arity_have_no_mapping():
    assert bodies(clause(("director", (1,))), target=Schema({"prof": (5,), "smart": (5,)}), query="smart") == set()


def test_the_query_never_enters_a_body():
    source = Schema({"likes": (1, 1), "worked": (1, 1)})
    target = Schema({"knows": (5, 5), "advised": (5, 5)})
    assert bodies(clause(("likes", (0, 1))), source, target) == {"knows(a, b)"}


def test_the_best_mapping_keeps_structure_and_weight():
    pytest.importorskip("duckdb", reason="duckdb is not installed")
    facts = {
        "wrote": [["t1", "ann"], ["t1", "pat"], ["t2", "bob"], ["t2", "ray"]],
        "reviewed": [["t1", "ray"], ["t1", "ann"], ["t2", "pat"], ["t2", "bob"]],
        "advised": [["ann", "pat"], ["bob", "ray"]],
    }
    base = FactBase(facts)
    atoms = base.encode([["ann", "pat"], ["bob", "ray"], ["ann", "ray"], ["bob", "pat"]], 2)
    scorer = ClauseScorer(Grounder(base, atoms), np.array([True, True, False, False]))
    together = clause(("movie", (2, 0)), ("movie", (2, 1)), ("genre", (1, 3)), weight=1.5)
    [(old, new, score)] = map_clauses([together, together], SOURCE, base.schema, "advised", scorer)
    assert old == together
    assert str(new) == "wrote(x, a) ∧ wrote(x, b) ⇒ advised(a, b)  [1.50]"
    assert scorer.n_scored >= 2
    assert score == pytest.approx(scorer.fit([new])[1])
