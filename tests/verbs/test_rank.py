"""rank(): sources and models of any form in the right order, with what chance gives, and errors in one line."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from landbridge import Domain, rank
from landbridge.data import make_gradual_shift, make_shift
from landbridge.exceptions import InputError
from landbridge.transferability import leep, logme
from landbridge.verbs._rank import SCORES


@pytest.fixture(scope="module")
def chain():
    return make_gradual_shift(8, angle=90, random_state=0)


def blind(target):
    """Rows of which only the labels' noise is left."""
    return np.random.default_rng(0).normal(size=target.X.shape)


def test_sources_in_order_of_how_far_they_are(chain):
    far, *_, near, target = chain
    mid = chain[4]
    found = rank({"far": far, "mid": mid, "near": near}, target)
    assert found.names == ("near", "mid", "far") and found.best == "near" and found.score == "leep"
    assert [c.name for c in found] == list(found.names) and len(found) == 3
    assert found.n_samples == len(target)
    assert "near comes first by leep" in found.words
    assert found.candidates[0].above_chance > 0.3
    assert sum(c.first for c in found) == pytest.approx(1.0)


def test_the_score_is_that_of_the_source_model_on_the_target(chain):
    source, *_, target = chain
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(source.X, source.y)
    wanted = leep(source_probabilities=model.predict_proba(target.X), target_labels=target.y, n_bootstrap=0)
    assert rank([source], target).candidates[0].score.value == pytest.approx(wanted.value)
    assert rank({"m": model}, target).values["m"] == pytest.approx(wanted.value)


def test_without_target_labels_sources_are_ranked_by_their_bound(chain):
    far, *_, near, target = chain
    found = rank({"far": far, "near": near}, target.without_labels())
    assert found.score == "distance_and_agreement" and found.names == ("near", "far") and found.n_samples == 0
    assert "Without target labels" in found.words
    assert found.candidates[0].above_chance is None and found.candidates[0].first is None


def test_features_of_any_origin_are_scored_alike(chain):
    *_, target = chain
    X, y = target.X, target.y
    scaler = StandardScaler().fit(X)
    found = rank(
        {
            "fitted": scaler,
            "function": lambda rows: scaler.transform(rows),
            "array": scaler.transform(X),
            "sparse": FunctionTransformer(lambda rows: pd.DataFrame(scaler.transform(rows)).to_numpy()),
        },
        target,
        n_bootstrap=20,
        n_permutations=20,
    )
    assert found.score == "mean_z_score"
    wanted = logme(features=scaler.transform(X), target_labels=y, n_bootstrap=0).value
    assert all(c.score.details["logme"] == pytest.approx(wanted) for c in found.candidates)
    assert list(found.values.values()) == pytest.approx([0.0] * 4)  # none stands above the others


def test_the_committee_is_the_mean_of_standardised_scores(chain):
    *_, target = chain
    dice = np.random.default_rng(0)
    table = {f"noise {k}": target.X + k * dice.normal(size=target.X.shape) for k in range(4)}
    few = {"n_bootstrap": 20, "n_permutations": 20, "random_state": 0}
    together = rank(table, target, **few)
    assert together.score == "mean_z_score" and together.best == "noise 0"
    alone = [rank(table, target, score=s, **few) for s in ("logme", "regularised_h_score")]
    scaled = []
    for one in alone:
        values = np.array([one.values[name] for name in table])
        scaled.append((values - values.mean()) / values.std())
    assert [together.values[name] for name in table] == pytest.approx(np.mean(scaled, axis=0))
    first = together.candidates[0]
    assert first.score.low < first.score.value < first.score.high and first.score.null < first.score.value
    by_name = {c.name: c.score.p_value for one in alone for c in one.candidates if c.name == first.name}
    assert first.score.p_value >= max(by_name.values()) - 1e-12
    assert sum(c.first for c in together.candidates) == pytest.approx(1.0)


def test_two_candidates_are_no_committee_and_values_have_none(chain):
    *_, target = chain
    X = target.X
    assert rank({"a": X, "b": X + 1}, target, n_bootstrap=0).score == "logme"
    with pytest.raises(InputError, match=r"mean_z_score.*needs classes"):
        rank({"a": X, "b": X + 1}, (X, X[:, 0] + 0.5), score="mean_z_score")


@pytest.mark.parametrize(
    "score", [s for s in SCORES if s not in ("leep", "nce", "risk_bound", "distance_and_agreement")]
)
def test_every_score_finds_the_features_that_see(chain, score):
    *_, target = chain
    found = rank({"blind": blind(target), "sees": target.X.copy()}, target, score=score, n_bootstrap=10)
    assert found.best == "sees" and found.score == score
    assert found.candidates[1].score.p_value > 0.02


def test_nothing_better_than_chance_is_said(chain):
    *_, target = chain
    assert "None is better than chance" in rank({"blind": blind(target)}, target).words


def test_candidates_that_cannot_be_told_apart_are_said(chain):
    *_, target = chain
    rng = np.random.default_rng(0)
    near = {k: target.X + 0.05 * rng.normal(size=target.X.shape) for k in "ab"}
    assert "too close to call" in rank(near, target).words


def test_a_classifier_without_probabilities_answers_by_its_labels(chain):
    source, *_, target = chain
    model = RidgeClassifier().fit(source.X, source.y)
    assert rank([model], target, score="nce").values["RidgeClassifier"] <= 0


def test_only_labelled_rows_are_looked_at_and_many_are_cut(chain):
    source, *_, target = chain
    y = target.y.astype(object)
    y[50:] = None
    part = Domain(target.X, y)
    assert rank([source], part).n_samples == 50
    features = target.X.copy()
    assert rank({"all rows": features, "labelled rows": features[:50]}, part).n_samples == 50
    assert rank([source], target, max_samples=40).n_samples == 40


def test_regression():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
    good, poor, yt = X @ [1.0, 2, 3] + 0.1 * rng.normal(size=200), X @ [3.0, -2, 1], Xt @ [1.0, 2, 3] + 0.1
    found = rank({"poor": (X, poor), "good": (X, good)}, (Xt, yt))
    assert found.names == ("good", "poor") and found.score == "logme"
    model = LinearRegression().fit(X, good)
    assert rank({"m": lambda rows: model.predict(rows)[:, None]}, (Xt, yt)).values["m"] > found.values["poor"]


def test_one_seed_gives_one_ranking_and_nothing_is_mutated(chain):
    far, *_, near, target = chain
    X = target.X.copy()
    a, b = (rank([far, near], (X, target.y), random_state=3).to_dict() for _ in range(2))
    assert a == b and json.loads(json.dumps(a)) == a
    assert (target.X == X).all()


def test_what_cannot_be_scored_is_told_and_the_rest_goes_on(chain):
    source, *_, target = chain
    found = rank(
        {
            "source": source,
            "narrow": (source.X[:, :1], source.y),
            "unlabelled": Domain(source.X),
            "object": object(),
            "features": target.X.copy(),
            "of three": PCA(2).fit(np.eye(3)),
        },
        target,
        score="leep",
    )
    assert found.names == ("source",)
    assert set(found.skipped) == {"narrow", "unlabelled", "object", "features", "of three"}
    assert "same features" in found.skipped["narrow"] and "labels" in found.skipped["unlabelled"]
    assert "neither" in found.skipped["object"] and "class probabilities" in found.skipped["features"]
    assert "transform failed" in found.skipped["of three"]
    assert "not scored" in str(found)


def test_names_of_a_list(chain, tmp_path):
    source, *_, target = chain
    for name in ("one", "two"):
        pd.DataFrame(source.X).assign(label=source.y).to_csv(tmp_path / f"{name}.csv", index=False)
    pd.DataFrame(target.X).assign(label=target.y).to_csv(tmp_path / "target.csv", index=False)
    found = rank([str(tmp_path / "one.csv"), tmp_path / "two.csv"], tmp_path / "target.csv", label="label")
    assert set(found.names) == {"one", "two"}
    assert set(rank([(source.X, source.y)] * 2, target).names) == {"source", "source 2"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, t: rank([], t), "candidates is empty"),
        (lambda s, t: rank(3, t), "give a list"),
        (lambda s, t: rank([s], t, score="luck"), "score='luck' is unknown"),
        (lambda s, t: rank([s], t, max_samples=1), "max_samples"),
        (lambda s, t: rank([StandardScaler().fit(t.X)], t.without_labels()), "label some of the target"),
        (lambda s, t: rank([(s.X, np.zeros(len(s), dtype=int))], t), "labels are all"),
        (lambda s, t: rank({"m": np.ones((3, 2))}, t), "array of 3 samples"),
    ],
)
def test_bad_input_is_one_line(chain, call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(chain[0], chain[-1])
    assert "\n" not in str(caught.value)


def test_groups_are_halved_and_permuted_whole():
    """Labels at random per person: ten rows each make the features look informative, unless they count as one."""
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(16), 10)
    y = rng.integers(2, size=16)[persons]
    X = rng.normal(size=(16, 8))[persons] + 0.05 * rng.normal(size=(160, 8))
    apart, together = (rank({"it": X}, Domain(X, y, groups=g), score="logme") for g in (None, persons))
    apart, together = apart.candidates[0].score, together.candidates[0].score
    assert apart.p_value < 0.05 < together.p_value and together.value == pytest.approx(apart.value)


def test_groups_by_name_and_scoring():
    frame = pd.DataFrame({"x": np.arange(40) / 3, "who": np.arange(40) // 4, "ill": np.arange(40) % 2})
    ranking = rank({"a": frame}, frame, label="ill", groups="who")
    assert ranking.candidates[0].score.details["n_groups"] == 10
    with pytest.raises(InputError, match="scoring does not apply"):
        rank({"a": frame}, frame, label="ill", scoring="f1")


def test_halves_of_three_labels_a_class_hold_both():
    """Labels that are floats because others are missing are classes all the same."""
    X, y = load_breast_cancer(return_X_y=True)
    some = np.full(100, np.nan)
    for c in (0, 1):
        at = np.flatnonzero(y[200:300] == c)[:3]
        some[at] = c
    sources = {"a": (X[:100], y[:100]), "b": (X[100:200], y[100:200])}
    assert set(rank(sources, (X[200:300], some)).names) == {"a", "b"}


def test_equal_candidates_are_called_equal():
    source, target = make_shift("label", random_state=0)
    ranking = rank({"a": source, "b": source}, target, score="leep")
    assert "a and b are equal" in ranking.words and "comes first" not in ranking.words


def test_sources_without_labels_are_named_and_no_score_is():
    source, target = make_shift("label", random_state=0)
    with pytest.raises(InputError, match=r"^no candidate can be scored \(a: a source needs labels"):
        rank({"a": source.without_labels()}, target.without_labels())
