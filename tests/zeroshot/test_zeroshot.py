"""Zero-shot classification: closed forms by hand, unseen classes, seen-class penalty, novelty, bad attributes."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import solve_sylvester
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from landbridge.exceptions import InputError, LabelError
from landbridge.zeroshot import (
    ALE,
    DAP,
    ESZSL,
    IAP,
    SAE,
    NoveltyDetector,
    best_seen_class_penalty,
    eszsl_weights,
    generalised_accuracy,
    harmonic_mean,
    log_posterior,
    semantic_encoder,
)

METHODS = (ESZSL, SAE, DAP, IAP, ALE)


def animals(noise=0.4, n=40, seed=0, n_classes=20, n_attributes=12, d=30):
    """Samples that are linear in the binary attributes of their class; the last five classes are unseen."""
    rng = np.random.default_rng(seed)
    S = (rng.uniform(size=(n_classes, n_attributes)) < 0.5).astype(float)
    y = np.repeat(np.arange(n_classes), n)
    X = S[y] @ rng.normal(size=(n_attributes, d)) + noise * rng.normal(size=(len(y), d))
    return X, y, {c: S[c] for c in range(n_classes)}


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
@pytest.mark.parametrize("settings", [{}, {"candidate_classes": "all"}], ids=["plain", "all"])
def test_scikit_learn_contract(method, settings):
    check_estimator(method(**settings), on_fail="raise", on_skip=None)


def test_scikit_learn_contract_of_the_detector():
    check_estimator(NoveltyDetector(), on_fail="raise", on_skip=None)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_unseen_classes_are_predicted(method):
    X, y, attributes = animals()
    seen = y < 15
    model = method().fit(X[seen], y[seen], attributes=attributes)
    assert set(model.classes_) == set(range(15, 20))
    assert model.score(X[~seen], y[~seen]) > (0.7 if method is not IAP else 0.4)
    named = {f"animal {c:02d}": v for c, v in attributes.items()}
    names = np.array([f"animal {c:02d}" for c in y])
    found = method().fit(X[seen], names[seen], attributes=named).predict(X[~seen])
    assert np.mean(found == names[~seen]) == pytest.approx(model.score(X[~seen], y[~seen]))
    frame = pd.DataFrame.from_dict(attributes, orient="index")
    other = method().fit(X[seen], y[seen], attributes=frame)
    assert (other.predict(X[~seen]) == model.predict(X[~seen])).all()


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_without_attributes_it_is_an_ordinary_classifier(method):
    X, y, _ = animals(n_classes=4)
    assert method().fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("shape", [(60, 8), (20, 50)])
def test_eszsl_is_its_closed_form(shape):
    rng = np.random.default_rng(0)
    X, codes, S = rng.normal(size=shape), np.arange(shape[0]) % 5, rng.normal(size=(5, 3))
    Y = 2.0 * np.eye(5)[codes] - 1
    wanted = np.linalg.inv(X.T @ X + 0.5 * np.eye(shape[1])) @ X.T @ Y @ S @ np.linalg.inv(S.T @ S + 0.2 * np.eye(3))
    np.testing.assert_allclose(eszsl_weights(X, codes, S, 0.5, 0.2), wanted, atol=1e-9)


def test_sae_solves_its_sylvester_equation():
    rng = np.random.default_rng(0)
    X, A = rng.normal(size=(50, 6)), rng.normal(size=(50, 3))
    wanted = solve_sylvester(A.T @ A, 2.0 * X.T @ X, 3.0 * A.T @ X)
    np.testing.assert_allclose(semantic_encoder(X, A, 2.0), wanted, atol=1e-9)


def test_the_posterior_of_classes_by_hand():
    p, binary, priors = np.array([[0.9, 0.2]]), np.array([[True, False], [True, True]]), np.array([0.5, 0.4])
    wanted = [np.log(0.9 / 0.5) + np.log(0.8 / 0.6), np.log(0.9 / 0.5) + np.log(0.2 / 0.4)]
    np.testing.assert_allclose(log_posterior(p, binary, priors)[0], wanted)


def test_the_penalty_against_every_value():
    rng = np.random.default_rng(0)
    scores, codes, seen = rng.normal(size=(60, 6)), rng.integers(0, 6, 60), np.arange(6) < 4
    scores[np.arange(60), codes] += 1.0
    scores[:, :4] += 1.5

    def mean(penalty):
        found = (scores - penalty * seen).argmax(axis=1)
        return generalised_accuracy(found, codes, np.arange(4)).harmonic

    best = best_seen_class_penalty(scores, codes, seen)
    assert mean(best) == pytest.approx(max(mean(g) for g in np.linspace(-4, 6, 2001)))
    assert mean(best) > mean(0.0)
    assert harmonic_mean(0.2, 0.0) == 0.0


@pytest.mark.parametrize("method", [ESZSL, SAE, DAP], ids=lambda m: m.__name__)
def test_a_penalty_found_on_seen_classes_helps_unseen_ones(method):
    before, after = [], []
    for seed in range(3):
        X, y, attributes = animals(noise=3.0, seed=seed)
        train = (y < 15) & (np.random.default_rng(1).uniform(size=len(y)) < 0.7)
        for penalty, found in ((0.0, before), ("auto", after)):
            model = method(candidate_classes="all", seen_class_penalty=penalty)
            model.fit(X[train], y[train], attributes=attributes)
            found.append(generalised_accuracy(model.predict(X[~train]), y[~train], model.seen_))
    assert np.mean([a.unseen for a in after]) > np.mean([b.unseen for b in before])
    assert np.mean([a.harmonic for a in after]) > np.mean([b.harmonic for b in before])
    few = method(candidate_classes=[0, 17, 18]).fit(X[train], y[train], attributes=attributes)
    assert set(few.predict(X)) <= {0, 17, 18}


def test_novel_classes_are_detected():
    X, y = load_digits(return_X_y=True)
    known = y < 7
    rng = np.random.default_rng(0)
    train = known & (rng.uniform(size=len(y)) < 0.6)
    model = NoveltyDetector().fit(X[train], y[train])
    rest = ~train
    assert roc_auc_score(known[rest], model.score_samples(X[rest])) > 0.85
    assert 0.01 < np.mean(model.predict(X[rest & known]) == -1) < 0.12
    with pytest.raises(LabelError, match="one label per sample"):
        model.fit(X[:9], y[:3])


@pytest.mark.parametrize(
    ("attributes", "settings", "message"),
    [
        ({0: [1.0]}, {}, "lacks the class 1"),
        ({0: [1.0], 1: [1.0, 2.0]}, {}, "vectors of 1 and 2 entries"),
        ({0: [1.0], 1: [np.nan]}, {}, "of 1 hold NaN"),
        ([[1.0], [2.0]], {}, "give a dict"),
        ({0: [1.0], 1: [0.0]}, {"candidate_classes": [7]}, "candidate_classes holds 7"),
        ({0: [1.0], 1: [0.0]}, {"seen_class_penalty": "high"}, "seen_class_penalty='high'"),
    ],
)
def test_attributes_at_fault_are_named(attributes, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        ESZSL(**settings).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1], attributes=attributes)
    assert "\n" not in str(caught.value)


def test_a_pipeline_and_a_search_pass_the_attributes_on():
    X, y, attributes = animals()
    seen = y < 15
    model = ESZSL().fit(StandardScaler().fit_transform(X[seen]), y[seen], attributes=attributes)
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), ESZSL()).fit(X[seen], y[seen], attributes=attributes)
        search = GridSearchCV(ESZSL(candidate_classes="all"), {"alpha": [0.1, 1.0]}, cv=2)
        search.fit(X[seen], y[seen], attributes=attributes)
    assert (pipeline[-1].class_attributes_ == model.class_attributes_).all()
    np.testing.assert_allclose(pipeline[-1].weights_, model.weights_)
    assert set(search.best_estimator_.classes_) == set(range(20))
    assert "attributes" not in ESZSL().get_params()
