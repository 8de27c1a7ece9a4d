from itertools import permutations

import pytest

from landbridge.exceptions import InputError
from landbridge.relation import Clause, Literal, Schema, extensions, shortenings
from landbridge.relation._clauses import rename_predicates

HEAD = Literal("advisedby", (0, 1))
SCHEMA = Schema({"publication": (0, 1), "professor": (1,), "phase": (1, 2), "advisedby": (1, 1)})


def clause(*body, weight=None):
    return Clause(HEAD, tuple(Literal(*b) for b in body), weight)


def test_a_clause_reads_as_logic():
    c = clause(("publication", (7, 0)), ("publication", (7, 1)), ("phase", (0, 3), False), weight=-0.5)
    assert str(c) == "publication(x, a) ∧ publication(x, b) ∧ ¬phase(a, y) ⇒ advisedby(a, b)  [-0.50]"
    assert str(clause()) == "⊤ ⇒ advisedby(a, b)"


def test_the_weight_is_no_part_of_identity():
    assert clause(("professor", (1,)), weight=1.0) == clause(("professor", (1,)))
    assert hash(clause(weight=1.0)) == hash(clause())


def test_all_spellings_have_one_canonical_form():
    body = [("publication", (2, 0)), ("publication", (2, 3)), ("phase", (3, 4)), ("phase", (0, 4))]
    forms = set()
    for order in permutations(body):
        for names in permutations([5, 6, 7]):
            spelt = {0: 0, 1: 1, **dict(zip([2, 3, 4], names, strict=True))}
            forms.add(clause(*[(p, tuple(spelt[v] for v in a)) for p, a in order]).canonical())
    assert len(forms) == 1
    assert clause(("phase", (0, 2))).canonical() != clause(("phase", (1, 2))).canonical()


def test_repeated_literals_say_nothing_new():
    assert clause(("professor", (1,)), ("professor", (1,))).canonical() == clause(("professor", (1,)))


def test_a_head_needs_its_variables_in_order():
    with pytest.raises(InputError, match="head"):
        Clause(Literal("advisedby", (1, 0)), ())


def test_connection_to_the_head():
    assert clause(("publication", (2, 3)), ("publication", (2, 0))).connected()
    assert not clause(("publication", (2, 3)), ("professor", (0,))).connected()


def test_extensions_fit_types_and_never_use_the_query():
    found = list(extensions(clause(), SCHEMA))
    assert {str(c).split(" ⇒")[0] for c in found} == {
        "professor(a)",
        "professor(b)",
        "publication(x, a)",
        "publication(x, b)",
        "phase(a, x)",
        "phase(b, x)",
    }
    second = set(extensions(clause(("publication", (2, 0))), SCHEMA))
    assert clause(("publication", (2, 0)), ("publication", (2, 1))).canonical() in second
    assert clause(("publication", (2, 0)), ("professor", (2,))).canonical() not in second
    assert all(len(c) == 2 and c.connected() for c in second)


def test_extensions_keep_to_the_number_of_variables():
    assert all(not c.free for c in extensions(clause(), SCHEMA, max_variables=2))


def test_negated_extensions_bring_no_variable():
    negated = [c for c in extensions(clause(), SCHEMA, negated=True) if not c.body[0].positive]
    assert [str(c).split(" ⇒")[0] for c in negated] == ["¬professor(a)", "¬professor(b)"]


def test_shortenings_stay_connected():
    c = clause(("publication", (2, 0)), ("publication", (2, 3)), ("professor", (3,)))
    assert {str(s).split(" ⇒")[0] for s in shortenings(c)} == {"publication(x, a) ∧ publication(x, y)"}
    assert list(shortenings(clause(("professor", (0,))))) == []


def test_translating_drops_what_maps_to_nothing():
    c = clause(("publication", (2, 0)), ("professor", (1,)), weight=2.0)
    new = rename_predicates(c, {"publication": ("wrote", (1, 0)), "professor": None}, "likes")
    assert str(new) == "wrote(a, x) ⇒ likes(a, b)  [2.00]"
