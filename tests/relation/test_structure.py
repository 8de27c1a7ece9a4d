import numpy as np
import pytest

from landbridge.relation import (
    Clause,
    ClauseScorer,
    FactBase,
    Grounder,
    Literal,
    add_greedily,
    beam_search,
    find_paths,
    learn_structure,
)

pytest.importorskip("duckdb", reason="duckdb is not installed")
HEAD = Literal("advised", (0, 1))


def campus(n=12):
    people = [f"s{i}" for i in range(n)]
    facts = {
        "prof": [["p0"], ["p1"]],
        "student": [[s] for s in people],
        "wrote": [[f"t{i}", s] for i, s in enumerate(people)] + [[f"t{i}", f"p{i % 2}"] for i in range(n)],
        "advised": [[s, f"p{i % 2}"] for i, s in enumerate(people)],
    }
    false = [[s, f"p{1 - i % 2}"] for i, s in enumerate(people)] + [[f"p{i % 2}", s] for i, s in enumerate(people)]
    base = FactBase(facts)
    atoms = base.encode(facts["advised"] + false, 2)
    return base, ClauseScorer(Grounder(base, atoms), np.repeat([True, False], [n, 2 * n]))


JOINT = Clause(HEAD, (Literal("wrote", (2, 0)), Literal("wrote", (2, 1))))


def test_beam_search_finds_a_path_that_no_first_literal_suggests():
    base, scorer = campus()
    found, score = beam_search(scorer, [], [Clause(HEAD, ())], base.schema, patience=1)
    assert set(JOINT.canonical().body) <= set(found.body)
    assert found.weight > 0 and score > scorer.fit([])[1]
    assert scorer.n_scored > 10


def test_beam_search_beats_the_minimum_score_or_finds_nothing():
    base, scorer = campus()
    assert beam_search(scorer, [], [Clause(HEAD, ())], base.schema, min_score=0.0)[0] is None


def test_a_clause_never_enters_twice_and_each_helps():
    base, scorer = campus()
    clauses = learn_structure(scorer, HEAD, base.schema, max_clauses=6)
    assert len({c.canonical() for c in clauses}) == len(clauses) >= 1
    scores = [scorer.fit(clauses[:i])[1] for i in range(len(clauses) + 1)]
    assert (np.diff(scores) > 0).all()


def test_bounds_are_kept():
    base, scorer = campus()
    for c in learn_structure(scorer, HEAD, base.schema, max_clauses=3, max_literals=2, max_variables=3):
        assert len(c) <= 2 and len(c.free) <= 1


def test_greedy_addition_takes_the_best_and_stops():
    _, scorer = campus()
    useless = Clause(HEAD, (Literal("student", (0,)), Literal("prof", (0,))))
    prof = Clause(HEAD, (Literal("prof", (1,)),))
    candidates = [useless, prof, JOINT, JOINT]
    best = candidates[int(np.argmax(scorer.score_all([], candidates)[0]))]
    found = add_greedily(scorer, [], candidates)
    assert found[0] == best and sorted(map(len, found)) == [1, 2]
    assert add_greedily(scorer, [JOINT], [JOINT, prof], max_clauses=1) == [JOINT]
    assert add_greedily(scorer, [], [useless]) == []


def test_paths_link_the_arguments_of_true_atoms():
    base, _ = campus()
    true = base.rows("advised")
    paths = dict(find_paths(base, HEAD, true))
    assert paths[JOINT.canonical()] == len(true)
    assert all(b.predicate != "advised" for c in paths for b in c.body)
    assert all(c.connected() for c in paths)
    assert dict(find_paths(base, HEAD, true, max_literals=1)) == {}


def test_paths_go_through_facts_in_any_direction_but_not_through_hubs():
    facts = {"knows": [["a", "m"], ["m", "b"]], "likes": [[f"x{i}", "m"] for i in range(9)], "q": [["a", "b"]]}
    base = FactBase(facts)
    [(clause, shown)] = find_paths(base, Literal("q", (0, 1)), base.rows("q"), max_literals=2)
    assert shown == 1 and str(clause).startswith("knows(a, x) ∧ knows(x, b)")
    assert find_paths(base, Literal("q", (0, 1)), base.rows("q"), max_degree=5) == []


def test_an_argument_alone_has_no_path():
    base = FactBase({"p": [["a", "b"]], "q": [["a"]]})
    assert find_paths(base, Literal("q", (0,)), base.rows("q")) == []
