"""What all scores share: keyword-only arguments, errors in one line, intervals, nulls, seeds, untouched inputs."""

import inspect

import numpy as np
import pytest

from landbridge import transferability
from landbridge.exceptions import InputError, LabelError
from landbridge.transferability import gbc, h_score, leep, logme, nce, parc, regularised_h_score, transrate

FEATURES = (logme, h_score, regularised_h_score, transrate, gbc, parc)
ALL = (*FEATURES, leep, nce)


def draw(noise, n=120, k=3, d=8, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    centres = rng.normal(size=(k, d))
    return centres[y] + noise * rng.normal(size=(n, d)), y


def arguments(score, noise=0.5, seed=0):
    F, y = draw(noise, seed=seed)
    if score in FEATURES:
        return {"features": F, "target_labels": y}
    P = np.exp(F[:, :5])
    P /= P.sum(axis=1, keepdims=True)
    if score is leep:
        return {"source_probabilities": P, "target_labels": y}
    return {"source_labels": P.argmax(axis=1), "target_labels": y}


@pytest.mark.parametrize("score", ALL, ids=lambda s: s.__name__)
def test_arguments_cannot_be_swapped(score):
    kinds = {p.kind for p in inspect.signature(score).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError):
        score(*arguments(score).values())


@pytest.mark.parametrize("score", ALL, ids=lambda s: s.__name__)
def test_measured_with_interval_and_null(score):
    given = arguments(score)
    m = score(**given, random_state=0)
    assert m.name == score.__name__ and m.higher_is_better
    assert m.low <= m.value <= m.high and m.low < m.high
    assert m.null < m.value and m.p_value < 0.02  # the classes are apart
    assert score(**given, random_state=0) == m
    bare = score(**given, n_bootstrap=0, n_permutations=0)
    assert bare.value == m.value and bare.low is None and bare.null is None


@pytest.mark.parametrize("score", ALL, ids=lambda s: s.__name__)
def test_labels_that_have_nothing_to_do_with_the_features_are_no_better_than_chance(score):
    given = arguments(score)
    given["target_labels"] = np.random.default_rng(3).permutation(given["target_labels"])
    m = score(**given, random_state=0)
    assert m.p_value > 0.02
    assert m.low < m.null + (m.high - m.low)


@pytest.mark.parametrize("score", ALL, ids=lambda s: s.__name__)
def test_nothing_is_mutated_and_the_names_of_classes_do_not_matter(score):
    given = arguments(score)
    kept = {k: v.copy() for k, v in given.items()}
    for v in given.values():
        v.setflags(write=False)
    value = score(**given, n_bootstrap=3, n_permutations=3, random_state=0).value
    assert all((given[k] == v).all() for k, v in kept.items())
    names = np.array(["zebra", "ape", "cat"], dtype=object)[given["target_labels"]]
    assert score(**{**given, "target_labels": names}, n_bootstrap=0).value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("score", FEATURES, ids=lambda s: s.__name__)
def test_better_features_score_higher_and_turning_them_changes_nothing(score):
    good, y = draw(0.3)
    poor, _ = draw(3.0)
    few = {"n_bootstrap": 0, "n_permutations": 0}
    assert score(features=good, target_labels=y, **few).value > score(features=poor, target_labels=y, **few).value
    if score is not parc:  # correlation over the columns is not blind to their turning
        Q = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
        turned = score(features=good @ Q, target_labels=y, **few).value
        assert turned == pytest.approx(score(features=good, target_labels=y, **few).value, rel=1e-6)


@pytest.mark.parametrize("score", FEATURES, ids=lambda s: s.__name__)
def test_more_columns_than_rows_and_flat_columns(score):
    rng = np.random.default_rng(0)
    F = np.hstack([rng.normal(size=(20, 40)), np.ones((20, 2))])
    m = score(features=F, target_labels=np.arange(20) % 2, n_bootstrap=5, n_permutations=5, random_state=0)
    assert np.isfinite([m.value, m.low, m.high, m.null]).all()
    flat = score(features=np.ones((20, 3)), target_labels=np.arange(20) % 2, n_bootstrap=5, n_permutations=5)
    assert np.isfinite(flat.value)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: leep(source_probabilities=[0, 1], target_labels=[0, 1]), InputError, "one dimension"),
        (lambda: leep(source_probabilities=[[2.0, 1.0]] * 2, target_labels=[0, 1]), InputError, "sum to one"),
        (lambda: leep(source_probabilities=np.eye(2), target_labels=[0]), LabelError, "1 entries but there are 2"),
        (lambda: nce(source_labels=[0, 1], target_labels=[1, 1]), LabelError, "the class '1' only"),
        (lambda: nce(source_labels=["a", None], target_labels=[0, 1]), LabelError, "source_labels has missing"),
        (lambda: logme(features=[[np.nan]] * 2, target_labels=[0, 1]), InputError, "features.*NaN"),
        (lambda: logme(features=np.eye(2), target_labels=[0.5, 1]), LabelError, "task='regression'"),
        (lambda: logme(features=np.eye(2), target_labels=[0, 1], task="ranking"), InputError, "task='ranking'"),
        (lambda: logme(features=np.eye(2), target_labels=["a", "b"], task="regression"), LabelError, "as numbers"),
        (lambda: h_score(features=np.eye(1), target_labels=[0]), InputError, "has 1 sample; a score needs at least 2"),
        (lambda: gbc(features=np.eye(2), target_labels=[0, 1], covariance="full"), InputError, "covariance='full'"),
    ],
)
def test_bad_input_is_one_line(call, kind, message):
    with pytest.raises(kind, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_every_score_is_on_the_face():
    assert {s.__name__ for s in ALL} < set(transferability.__all__)
