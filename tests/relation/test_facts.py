import numpy as np
import pandas as pd
import pytest

from landbridge.exceptions import InputError
from landbridge.relation import Clause, FactBase, Grounder, Literal, RelationalTransfer, merge_facts

pytest.importorskip("duckdb", reason="duckdb is not installed")


def test_types_come_from_shared_constants():
    base = FactBase({"wrote": [["t", "ann"]], "professor": [["ann"]], "year": [["ann", "y1"]], "level": [["c", "l"]]})
    types = base.schema.types
    assert types["wrote"][1] == types["professor"][0] == types["year"][0]
    assert len({*types["wrote"], types["year"][1], *types["level"]}) == 5


def test_types_join_through_a_third_place():
    base = FactBase({"p": [["a"], ["b"]], "q": [["b"], ["c"]], "r": [["c"]]})
    assert base.schema["p"] == base.schema["q"] == base.schema["r"]


def test_repeated_facts_count_once_and_empty_predicates_vanish():
    base = FactBase({"p": [["a", "b"], ["a", "b"], ["b", "a"]], "q": []})
    assert len(base) == base.n_facts == 2
    assert base.schema.predicates == ["p"]
    assert base.table("q") is None and base.rows("q").size == 0


def test_constants_of_a_type():
    base = FactBase({"p": [["a", "x"], ["b", "x"]], "q": [["c"], ["a"]]})
    people = base.constants(base.schema["q"][0])
    assert sorted(people.tolist()) == sorted(base.encode([["a"], ["b"], ["c"]], 1)[:, 0].tolist())


def test_an_unknown_constant_matches_nothing():
    base = FactBase({"p": [["a"]]})
    assert base.encode([["a"], ["nobody"]], 1)[:, 0].tolist() == [0, -1]


def test_arrays_do_for_lists():
    rows = np.array([[1, 2], [3, 2]])
    assert FactBase({"p": rows}).n_facts == 2


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"p": [["a"], ["a", "b"]]}, "facts of 'p'"),
        ({"p": ["ab", "cd"]}, "facts of 'p'"),
        ({"p": [[]]}, "facts of 'p'"),
        ({"p": [[["a"]]]}, "hashable"),
    ],
)
def test_bad_facts_are_named(facts, message):
    with pytest.raises(InputError, match=message):
        FactBase(facts)


def test_bad_atoms_are_named():
    base = FactBase({"p": [["a", "b"]]})
    with pytest.raises(InputError, match="negatives must have 2 arguments"):
        base.encode([["a"]], 2, "negatives")


def test_merging_leaves_its_input_alone():
    first = {"p": [["a"]]}
    assert merge_facts([first, {"p": [["b"]]}]) == {"p": [["a"], ["b"]]}
    assert first == {"p": [["a"]]}


NASTY = ["'; DROP TABLE p0; --", '"quoted"', "a\nb", "π ∧ ⇒", "", "p0", "{0}%s", "\\"]


def test_names_are_data_and_never_sql():
    facts = {name: [[a, b] for a in NASTY for b in NASTY if a < b] for name in NASTY}
    base = FactBase(facts)
    assert base.schema.predicates == sorted(NASTY)
    assert base.n_facts == len(NASTY) * 28
    ordered = sorted(NASTY)
    for name in NASTY:
        clause = Clause(Literal("head", (0, 1)), (Literal(name, (0, 2)), Literal(name, (2, 1))))
        counts = Grounder(base, base.encode([[ordered[0], ordered[-1]], [ordered[1], ordered[2]]], 2)).counts(clause)
        assert counts.tolist() == [6.0, 0.0]
        assert name in str(clause)


def test_a_model_learns_through_nasty_names():
    rename = {"movie": NASTY[0], "director": NASTY[1], "worked": NASTY[2], "ann": NASTY[3], "m1": NASTY[5]}
    plain = {
        "movie": [["m1", "ann"], ["m1", "dan"], ["m2", "bob"], ["m2", "eve"], ["m3", "cid"], ["m3", "dan"]],
        "director": [["dan"], ["eve"]],
        "worked": [["ann", "dan"], ["bob", "eve"], ["cid", "dan"]],
    }
    nasty = {rename.get(p, p): [[rename.get(c, c) for c in row] for row in rows] for p, rows in plain.items()}
    model = RelationalTransfer(random_state=0).fit(plain, nasty, query=NASTY[2], source_query="worked")
    assert any(NASTY[0] in str(c) for c in model.clauses_)
    p = model.predict_proba(nasty, [[NASTY[3], "dan"], [NASTY[3], "eve"]])[:, 1]
    assert p[0] > p[1]


def test_the_number_of_constants():
    with FactBase({"p": [["a", "b"], ["b", "c"]]}) as base:
        assert base.n_constants == 3


@pytest.mark.parametrize("form", [list, lambda rows: [tuple(r) for r in rows], np.array, pd.DataFrame])
def test_facts_in_any_container_are_the_same(form):
    facts = {"wrote": [["ann", "t1"], ["bob", "t1"]], "professor": [["ann"]]}
    with FactBase(facts) as plain, FactBase({k: form(v) for k, v in facts.items()}) as base:
        assert base.schema == plain.schema and base.n_facts == 3
        np.testing.assert_array_equal(base.rows("wrote"), plain.rows("wrote"))
        np.testing.assert_array_equal(base.encode(form([["bob", "t1"]]), 2), plain.encode([["bob", "t1"]], 2))


def test_a_series_is_one_argument_a_fact():
    with FactBase({"professor": pd.Series([3, 4]), "student": [5]}) as base:
        assert base.n_facts == 3 and len(base.schema["professor"]) == 1


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_constants_equal_no_other(missing):
    with FactBase({"wrote": [["t1", missing], ["t2", missing], ["t3", "ann"]]}) as base:
        assert len(set(base.rows("wrote")[:, 1].tolist())) == 3
        assert base.encode([["t1", missing]], 2)[0, 1] == -1


@pytest.mark.parametrize("facts", [{"wrote": "ann"}, {"wrote": 3}, pd.DataFrame({"a": [1]}), [1], {"wrote": {"a": 1}}])
def test_what_is_no_list_of_facts_is_refused(facts):
    with pytest.raises(InputError):
        FactBase(facts)
