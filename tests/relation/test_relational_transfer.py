import gzip
import json
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score, roc_auc_score

from landbridge.data import shared_data
from landbridge.exceptions import InputError, LabelError
from landbridge.relation import FactBase, RelationalTransfer, merge_facts, sample_negatives
from landbridge.trusted import import_skops, trusted_types

pytest.importorskip("duckdb", reason="duckdb is not installed")


def studio(n=12):
    return {
        "movie": [[f"m{i}", f"a{i}"] for i in range(n)] + [[f"m{i}", f"d{i % 3}"] for i in range(n)],
        "director": [[f"d{i}"] for i in range(3)],
        "worked": [[f"a{i}", f"d{i % 3}"] for i in range(n)],
    }


def campus(n=10, known=5, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "wrote": [[f"t{i}", f"s{i}"] for i in range(n)] + [[f"t{i}", f"p{i % 4}"] for i in range(n)],
        "prof": [[f"p{i}"] for i in range(4)],
        "office": [[f"{k}{i}", f"room{rng.integers(3)}"] for k in "sp" for i in range(4)],
        "advised": [[f"s{i}", f"p{i % 4}"] for i in range(known)],
    }


def test_a_rule_is_carried_over():
    model = RelationalTransfer(random_state=0).fit(studio(), campus(known=2), query="advised", source_query="worked")
    assert "wrote(x, a) ∧ wrote(x, b)" in " | ".join(map(str, model.clauses_))
    new = [["s8", "p0"], ["s9", "p1"]]
    wrong = [["s8", "p1"], ["s9", "p0"], ["s8", "s9"], ["p0", "s8"]]
    p = model.predict_proba(campus(), new + wrong)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert p[:2, 1].min() > p[2:, 1].max()
    assert model.predict(campus(), new + wrong).dtype == bool
    assert len(model.source_clauses_) >= len(model.mapping_) > 0
    assert model.n_clauses_scored_ > 0 and model.n_source_clauses_scored_ > 0
    assert model.seconds_ > 0 and model.source_seconds_ > 0


def test_it_scores_fewer_clauses_than_from_scratch():
    carried = RelationalTransfer(random_state=0).fit(studio(), campus(), query="advised", source_query="worked")
    scratch = RelationalTransfer(random_state=0).fit(None, campus(), query="advised")
    assert carried.n_clauses_scored_ < 0.6 * scratch.n_clauses_scored_
    assert scratch.source_clauses_ == [] and scratch.clauses_


def test_a_fitted_model_lends_its_clauses():
    source = RelationalTransfer(random_state=0).fit(None, studio(), query="worked")
    model = RelationalTransfer(random_state=0).fit(source, campus(), query="advised")
    assert model.source_clauses_ == source.clauses_ and model.n_source_clauses_scored_ == 0
    with pytest.raises(InputError, match="facts_source"):
        RelationalTransfer(strategy="second_order").fit(source, campus(), query="advised")


def test_predictions_never_look_at_the_query():
    model = RelationalTransfer(random_state=0).fit(studio(), campus(), query="advised", source_query="worked")
    facts = campus()
    without = {k: v for k, v in facts.items() if k != "advised"}
    atoms = [*facts["advised"], ["s8", "p1"]]
    np.testing.assert_array_equal(model.predict_proba(facts, atoms), model.predict_proba(without, atoms))


def test_missing_predicates_and_unknown_constants_are_false():
    model = RelationalTransfer(random_state=0).fit(studio(), campus(), query="advised", source_query="worked")
    p = model.predict_proba({"office": [["z", "room"]]}, [["nobody", "noone"]])
    assert 0 < p[0, 1] < 0.5
    assert model.predict_proba(campus(), []).shape == (0, 2)


@pytest.mark.parametrize("strategy", ["mapping", "second_order"])
def test_the_same_seed_twice_copies_and_threads(strategy):
    def fitted(**options):
        model = RelationalTransfer(strategy=strategy, random_state=3, negative_ratio=2.0, **options)
        return model.fit(studio(), campus(), query="advised", source_query="worked")

    first = fitted()
    atoms = [[f"s{i}", f"p{j}"] for i in range(10) for j in range(4)]
    p = first.predict_proba(campus(), atoms)
    data = import_skops().dumps(first)  # as results are saved
    loaded = import_skops().loads(data, trusted=trusted_types(data))
    for other in (fitted(), fitted(n_jobs=2), pickle.loads(pickle.dumps(first)), loaded):
        assert [str(c) for c in other.clauses_] == [str(c) for c in first.clauses_]
        np.testing.assert_array_equal(other.predict_proba(campus(), atoms), p)
    assert clone(first).get_params() == first.get_params()
    assert hasattr(first, "cliques_") == (strategy == "second_order")


def test_shuffled_facts_change_nothing():
    rng = np.random.default_rng(0)
    shuffled = {k: [v[i] for i in rng.permutation(len(v))] for k, v in reversed(campus().items())}
    negatives = [[f"s{i}", f"p{(i + 1) % 4}"] for i in range(5)]
    fits = [
        RelationalTransfer(random_state=0).fit(
            studio(), facts, query="advised", source_query="worked", negatives_target=negatives
        )
        for facts in (campus(), shuffled)
    ]
    assert [c.body for c in fits[0].clauses_] == [c.body for c in fits[1].clauses_]
    np.testing.assert_allclose([c.weight for c in fits[0].clauses_], [c.weight for c in fits[1].clauses_], atol=1e-6)


def test_nothing_of_the_callers_is_changed_and_fact_bases_stay_open():
    source, target = studio(), campus()
    before = json.dumps([source, target])
    RelationalTransfer(random_state=0).fit(source, target, query="advised", source_query="worked")
    assert json.dumps([source, target]) == before
    with FactBase(target) as base:
        model = RelationalTransfer(random_state=0).fit(source, base, query="advised", source_query="worked")
        again = RelationalTransfer(random_state=0).fit([source], [target], query="advised", source_query="worked")
        np.testing.assert_array_equal(
            model.predict_proba(base, target["advised"]), again.predict_proba(target, target["advised"])
        )
        assert len(base.rows("prof")) == 4


def test_the_base_rate_shifts_the_log_odds_only():
    negatives = {"advised": [[f"s{i}", f"p{(i + k) % 4}"] for i in range(5) for k in (1, 2, 3)]}
    options = {"query": "advised", "source_query": "worked", "negatives_target": negatives}
    odds = []
    for rate in ("observed", "balanced"):
        model = RelationalTransfer(random_state=0, base_rate=rate).fit(studio(), campus(), **options)
        p = model.predict_proba(campus(), [["s8", "p0"], ["s8", "p1"]])[:, 1]
        odds.append(np.log(p / (1 - p)))
    np.testing.assert_allclose(odds[1] - odds[0], np.log(15 / 5))


def test_no_revision_means_the_translation_as_it_is():
    plain = RelationalTransfer(revision=False, discovery=False, random_state=0)
    plain.fit(studio(), campus(), query="advised", source_query="worked")
    assert [c.body for c in plain.clauses_] == [new.body for _, new, _ in plain.mapping_]
    assert not hasattr(plain, "diagnoses_")


def test_a_source_without_a_legal_translation_falls_back_to_scratch():
    source = {
        "smart": [["a"], ["b"], ["c"]],
        "famous": [["a"], ["b"], ["c"], ["d"], ["e"]],
        "old": [["a"], ["b"], ["c"]],
    }
    negatives = [["d"], ["e"]]
    model = RelationalTransfer(random_state=0, discovery=False)
    model.fit(source, campus(), query="advised", source_query="smart", negatives_source=negatives)
    assert model.source_clauses_ and model.mapping_ == []
    assert model.clauses_


def test_false_atoms_are_drawn_from_the_right_types():
    base = FactBase(campus())
    drawn, n_false = sample_negatives(base, "advised", 20, np.random.RandomState(0))
    people = set(base.constants(base.schema["advised"][0]).tolist())
    true = {tuple(r) for r in base.rows("advised").tolist()}
    rows = {tuple(r) for r in drawn.tolist()}
    assert len(rows) == 20 and not rows & true and all(set(r) <= people for r in rows)
    assert n_false == len(people) ** 2 - len(true)
    everything, _ = sample_negatives(base, "advised", 10**6, np.random.RandomState(0))
    assert len(everything) == n_false


def test_false_atoms_of_large_domains_are_drawn_without_listing_them():
    base = FactBase({"p": [[f"a{i}", f"b{i}"] for i in range(2000)]})
    drawn, n_false = sample_negatives(base, "p", 500, np.random.RandomState(0))
    assert n_false == 2000**2 - 2000
    assert len({tuple(r) for r in drawn.tolist()}) == 500
    assert not {tuple(r) for r in drawn.tolist()} & {tuple(r) for r in base.rows("p").tolist()}


def test_arguments_at_fault_are_named():
    with pytest.raises(LabelError, match="facts_target has no fact of 'nothing'"):
        RelationalTransfer().fit(studio(), campus(), query="nothing", source_query="worked")
    with pytest.raises(LabelError, match="facts_source has no fact of 'advised'"):
        RelationalTransfer().fit(studio(), campus(), query="advised")
    with pytest.raises(LabelError, match="negatives_target has no false atom"):
        RelationalTransfer().fit(None, campus(), query="advised", negatives_target=[])
    with pytest.raises(InputError, match="negatives_target must have 2 arguments"):
        RelationalTransfer().fit(None, campus(), query="advised", negatives_target=[["a"]])
    with pytest.raises(ValueError, match="beam_width"):
        RelationalTransfer(beam_width=0).fit(None, campus(), query="advised")
    with pytest.raises(NotFittedError):
        RelationalTransfer().predict_proba(campus(), [["a", "b"]])


def folds(name):
    path = shared_data(f"relational_{name}.json.gz")
    if path is None:
        pytest.skip("the shared data are absent")
    with gzip.open(path) as file:
        return json.load(file)


def published_protocol(source, source_query, target, query, n_folds=5, **options):
    """Each fold of the target in turn is learned from, the others are predicted: carried over, then from scratch."""
    lender = RelationalTransfer(random_state=0)
    lender.fit(None, merge_facts(source[0]), query=source_query, negatives_target=merge_facts(source[1]))
    rows = []
    for k in range(n_folds):
        for start in (lender, None):
            model = RelationalTransfer(random_state=0, **options)
            model.fit(start, target[0][k], query=query, negatives_target=target[1][k])
            truth, p = [], []
            for j in range(len(target[0])):
                if j != k:
                    true, false = target[0][j][query], target[1][j][query]
                    truth += [1] * len(true) + [0] * len(false)
                    p += model.predict_proba(target[0][j], true + false)[:, 1].tolist()
            rows.append([roc_auc_score(truth, p), average_precision_score(truth, p), model.n_clauses_scored_])
    return np.array(rows).reshape(-1, 2, 3).mean(axis=0)


@pytest.mark.data
@pytest.mark.slow
def test_advisers_from_movies():
    # Boosted relational trees that transfer and revise reach .939 in this set-up, from scratch .940; all negatives
    # give .950 in the ledger.
    options, auc = {"negative_ratio": 1.0}, 0.93
    carried, scratch = published_protocol(folds("imdb"), "workedunder", folds("uwcse"), "advisedby", **options)
    assert carried[0] >= auc
    assert carried[0] > scratch[0] and carried[1] > scratch[1]
    assert carried[2] <= 0.6 * scratch[2]


@pytest.mark.data
@pytest.mark.slow
def test_directors_from_universities():
    carried, scratch = published_protocol(folds("uwcse"), "advisedby", folds("imdb"), "workedunder", n_folds=3)
    assert carried[0] > 0.99 and carried[2] < 0.6 * scratch[2]
