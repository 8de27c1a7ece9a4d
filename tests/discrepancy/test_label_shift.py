"""Class shares of the target without labels, and the goodness of fit of label shift."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from landbridge.data import make_shift
from landbridge.discrepancy import label_shift, label_shift_fit
from landbridge.discrepancy._posterior import bias_corrected_temperature, cross_fit_posterior
from landbridge.exceptions import InputError

FEW = {"n_permutations": 60, "n_bootstrap": 40}


@pytest.mark.parametrize("method", ["em", "bbse"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_shares_are_found(method, n_classes):
    source, target = make_shift("label", n_classes=n_classes, random_state=1)
    m = label_shift(source.X, source.y, target.X, method=method, random_state=0, **FEW)
    true = np.bincount(target.y) / len(target)
    assert m.details["target_priors"] == pytest.approx(true, abs=0.03)
    assert m.details["other_method"] == pytest.approx(true, abs=0.04)
    assert m.p_value < 0.05 and m.low <= m.value <= m.high
    assert all(
        a <= t + 0.03 and t - 0.03 <= b
        for a, t, b in zip(m.details["target_low"], true, m.details["target_high"], strict=True)
    )


def test_overlapping_classes_are_corrected_where_counting_predictions_is_not():
    source, target = make_shift("label", noise=1.8, n_source=1000, n_target=1000, random_state=0)
    m = label_shift(source.X, source.y, target.X, random_state=0, **FEW)
    counted = np.mean(LogisticRegression().fit(source.X, source.y).predict(target.X) == 0)
    found = m.details["target_priors"][0]
    assert abs(found - 0.2) < 0.06 < abs(counted - 0.2)


def test_p_value_is_level_without_shift():
    p = []
    for seed in range(20):
        source, target = make_shift("label", severity=0.0, noise=1.5, n_source=150, n_target=120, random_state=seed)
        m = label_shift(source.X, source.y, target.X, n_permutations=40, n_bootstrap=0, random_state=seed)
        p.append(m.p_value)
    # labels come in exact proportions, so that the null is a little milder than chance
    assert np.mean(p) > 0.3 and np.mean(np.array(p) <= 0.05) <= 0.2


def test_fit_accepts_label_shift_and_rejects_the_rest():
    fits = {}
    for kind in ("label", "covariate", "concept", "translation", "subspace"):
        source, target = make_shift(kind, random_state=3)
        fits[kind] = label_shift_fit(source.X, source.y, target.X, n_permutations=60, random_state=0)
    assert fits["label"].value > 0.9 and fits["label"].p_value > 0.05
    assert fits["label"].details["accuracy_after"] < 0.6 < fits["label"].details["accuracy_before"]
    for kind in ("covariate", "concept", "translation", "subspace"):
        assert fits[kind].value < 0.6 and fits[kind].p_value < 0.05, kind


def test_fit_p_values_are_not_too_small_under_label_shift():
    p = []
    for seed in range(20):
        source, target = make_shift("label", noise=1.2, n_source=150, n_target=150, random_state=seed)
        p.append(label_shift_fit(source.X, source.y, target.X, n_permutations=60, random_state=seed).p_value)
    assert np.mean(np.array(p) <= 0.05) <= 0.15


def test_calibration_is_the_minimum_of_its_loss_and_unbiased():
    rng = np.random.default_rng(0)
    z = 3 * rng.normal(size=(500, 3))
    y = np.array([rng.choice(3, p=p) for p in softmax(z / 3 + [0.5, 0.0, -0.5], axis=1)])
    t, b, loss = bias_corrected_temperature(log_softmax(z, axis=1), y)
    p = softmax(log_softmax(z, axis=1) * t + b, axis=1)
    assert t == pytest.approx(1 / 3, abs=0.08)
    assert p.mean(axis=0) == pytest.approx(np.bincount(y) / 500, abs=0.01)
    for factor in (0.8, 1.25):
        assert -np.log(softmax(log_softmax(z, axis=1) * t * factor + b, axis=1)[np.arange(500), y]).mean() > loss - 2e-3


def test_cross_fitting_never_scores_a_row_by_a_model_that_saw_it():
    # labels are noise: a model that had seen a row would know it (nearest neighbour memorises)
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(300, 5)), rng.randint(2, size=300)
    posterior = cross_fit_posterior(X, y, X, rng, estimator=KNeighborsClassifier(1))
    assert 0.4 < posterior.error < 0.6


def test_rare_classes_and_strings():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.array(["common"] * 57 + ["rare"] * 2 + ["single"])
    m = label_shift(X, y, rng.normal(size=(40, 2)), random_state=0, n_permutations=10, n_bootstrap=10)
    assert m.details["classes"] == ["common", "rare", "single"]
    assert sum(m.details["target_priors"]) == pytest.approx(1.0)


def test_mistakes_are_named():
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(InputError, match="method must be em or bbse"):
        label_shift(X, np.arange(20) % 2, X, method="guess")
    with pytest.raises(InputError, match="y_source has shape"):
        label_shift(X, [0, 1], X)
    with pytest.raises(InputError, match="class '0' only"):
        label_shift_fit(X, np.zeros(20, int), X)
