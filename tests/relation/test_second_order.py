from itertools import product

import numpy as np
import pytest

from landbridge.relation import (
    Clique,
    FactBase,
    Grounder,
    Literal,
    Schema,
    clique_clauses,
    clique_score,
    find_cliques,
    state_distribution,
)

pytest.importorskip("duckdb", reason="duckdb is not installed")


def test_states_agree_with_trying_every_grounding():
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(5)]
    facts = {
        "r": [[a, b] for a in names for b in names if rng.uniform() < 0.4],
        "s": [[a] for a in names if rng.uniform() < 0.6],
        "every": [[a] for a in names],
    }
    base = FactBase(facts)
    literals = [Literal("r", (0, 1)), Literal("r", (1, 2)), Literal("s", (2,))]
    wanted = np.zeros((2, 2, 2))
    for values in product(names, repeat=3):
        at = tuple(int([values[v] for v in b.arguments] in facts[b.predicate]) for b in literals)
        wanted[at] += 1 / 125
    got = state_distribution(base, literals, Grounder(base, np.empty((1, 0), dtype=np.int64)))
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_the_score_is_zero_where_a_literal_can_be_split_off():
    p, q = np.array([0.3, 0.7]), np.array([[0.4, 0.1], [0.1, 0.4]])
    assert clique_score(np.multiply.outer(p, q)) == pytest.approx(0.0, abs=1e-12)
    assert clique_score(p) == 0.0


def test_the_score_of_two_literals_is_their_mutual_information():
    q = np.array([[0.4, 0.1], [0.1, 0.4]])
    assert clique_score(q) == pytest.approx(0.8 * np.log(1.6) + 0.2 * np.log(0.4))
    assert clique_score(np.eye(2) / 2) == pytest.approx(np.log(2))


def test_symmetry_and_homophily_are_found():
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(30)]
    group = rng.integers(2, size=30)
    friends = set()
    for i, j in product(range(30), repeat=2):
        if i < j and group[i] == group[j] and rng.uniform() < 0.5:
            friends |= {(names[i], names[j]), (names[j], names[i])}
    facts = {"friends": sorted(friends), "smokes": [[n] for n, g in zip(names, group, strict=True) if g]}
    facts["person"] = [[n] for n in names]
    found = [str(c) for c in find_cliques(FactBase(facts), n_instances=1)]
    assert found[0] in {"r(x, y) ∧ r(y, x)", "r(x, x) ∧ r(x, y) ∧ r(y, x)"}
    assert any(c in found for c in ("r(x, y) ∧ s(x) ∧ s(y)", "r(x) ∧ r(y) ∧ s(x, y)"))


def test_patterns_are_filled_with_legal_predicates_of_the_target():
    schema = Schema({"wrote": (0, 1), "cites": (0, 0), "prof": (1,), "advised": (1, 1), "hard": (2,)})
    joint = Clique(((0, (0, 1)), (1, (2, 0)), (1, (2, 1))))
    assert [str(c) for c in clique_clauses(joint, schema, "advised")] == ["wrote(x, a) ∧ wrote(x, b) ⇒ advised(a, b)"]
    unary = Clique(((0, (0, 1)), (1, (0,))))
    assert {str(c) for c in clique_clauses(unary, schema, "advised")} == {"prof(a) ⇒ advised(a, b)"}


def test_the_query_is_never_its_own_premise():
    schema = Schema({"friends": (0, 0)})
    assert list(clique_clauses(Clique(((0, (0, 1)), (0, (1, 0)))), schema, "friends")) == []
    assert list(clique_clauses(Clique(((0, (0, 0)), (1, (0,)))), Schema({"f": (0, 0), "s": (0,)}), "f")) == []
