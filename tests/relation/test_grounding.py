from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.relation import Clause, FactBase, Grounder, Literal
from landbridge.relation._grounding import components

pytest.importorskip("duckdb", reason="duckdb is not installed")

HEAD = Literal("h", (0, 1))
NAMES = "abcd"


def naive(facts, body, atom):
    """Count by trying every constant for every variable; negated-only variables are meant inside the negation."""
    bound = sorted({v for b in body if b.positive for v in b.arguments if v > 1})
    total = 0
    for values in product(NAMES, repeat=len(bound)):
        at = {0: atom[0], 1: atom[1], **dict(zip(bound, values, strict=True))}
        good = True
        for b in body:
            loose = sorted({v for v in b.arguments if v not in at})
            there = any(
                [{**at, **dict(zip(loose, more, strict=True))}[v] for v in b.arguments] in facts.get(b.predicate, [])
                for more in product(NAMES, repeat=len(loose))
            )
            good = good and there == b.positive
        total += good
    return total


literals = st.one_of(
    st.builds(Literal, st.just("p"), st.tuples(*[st.integers(0, 4)] * 2), st.booleans()),
    st.builds(Literal, st.just("q"), st.tuples(st.integers(0, 4)), st.booleans()),
    st.builds(Literal, st.just("r"), st.tuples(*[st.integers(0, 4)] * 3), st.just(True)),
    st.builds(Literal, st.just("absent"), st.tuples(st.integers(0, 4)), st.just(False)),
)
places = st.sampled_from(NAMES)


@settings(max_examples=60, deadline=None)
@given(
    p=st.lists(st.lists(places, min_size=2, max_size=2), min_size=1, max_size=8),
    q=st.lists(st.lists(places, min_size=1, max_size=1), min_size=1, max_size=3),
    r=st.lists(st.lists(places, min_size=3, max_size=3), min_size=1, max_size=8),
    body=st.lists(literals, min_size=1, max_size=4),
)
def test_counts_agree_with_trying_everything(p, q, r, body):
    facts = {"p": p, "q": q, "r": r}
    atoms = [[a, b] for a in NAMES for b in NAMES]
    body = tuple(dict.fromkeys(body))
    with FactBase(facts) as base:
        got = Grounder(base, base.encode(atoms, 2)).counts(Clause(HEAD, body))
    assert got.tolist() == [naive(facts, body, atom) for atom in atoms]


def chain(n):
    return FactBase({"p": [[f"c{i}", f"c{j}"] for i in range(n) for j in range(n)]})


def test_long_chains_over_dense_facts_do_not_blow_up():
    base = chain(60)
    body = (Literal("p", (0, 2)), *(Literal("p", (v, v + 1)) for v in range(2, 8)))
    counts = Grounder(base, base.encode([["c0", "c1"]], 2)).counts(Clause(HEAD, body))
    assert counts.tolist() == [60.0**7]


def test_a_part_met_before_costs_no_query():
    base = chain(4)
    grounder = Grounder(base, base.encode([["c0", "c1"], ["c2", "c3"]], 2))
    first = Clause(HEAD, (Literal("p", (0, 2)), Literal("p", (2, 3))))
    grounder.counts(first)
    assert grounder.n_queries == 1
    grounder.counts(Clause(HEAD, (Literal("p", (0, 9)), Literal("p", (9, 5)))))
    assert grounder.n_queries == 1
    grounder.counts(Clause(HEAD, (*first.body, Literal("p", (1, 4)))))
    assert grounder.n_queries == 2


def test_kept_counts_stay_within_their_memory():
    base = chain(4)
    atoms = base.encode([["c0", "c1"]] * 100, 2)
    grounder = Grounder(base, atoms, cache_bytes=1000)
    for body in [(Literal("p", (0, 2)),), (Literal("p", (2, 0)),), (Literal("p", (1, 2)),)]:
        assert grounder.counts(Clause(HEAD, body)).tolist() == [4.0] * 100
    assert grounder._size <= 1000
    assert grounder.n_queries == 3


def test_two_grounders_and_no_atoms():
    base = chain(3)
    clause = Clause(HEAD, (Literal("p", (0, 1)),))
    one, two = Grounder(base, base.encode([["c0", "c1"]], 2)), Grounder(base, base.encode([["c0", "zz"]], 2))
    assert one.counts(clause).tolist() == [1.0]
    assert two.counts(clause).tolist() == [0.0]
    one.close()
    assert two.counts(Clause(HEAD, (Literal("p", (0, 2)),))).tolist() == [3.0]
    assert Grounder(base, np.empty((0, 2), dtype=np.int64)).counts(clause).shape == (0,)


def test_components_share_no_free_variable():
    body = (Literal("p", (0, 2)), Literal("q", (4,)), Literal("p", (3, 4)), Literal("p", (1, 3)), Literal("q", (0,)))
    assert [len(part) for part in components(body, 2)] == [1, 3, 1]


def test_an_empty_body_is_true_once():
    base = chain(2)
    assert Grounder(base, base.encode([["c0", "c1"]], 2)).counts(Clause(HEAD, ())).tolist() == [1.0]
