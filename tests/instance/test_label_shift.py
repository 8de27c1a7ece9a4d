"""BBSE and MLLS: class shares are found again, and help where the classes' shares alone have changed."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from landbridge.instance import BBSE, MLLS, calibrate, fit_calibration

CENTRES = np.array([[0.0, 0.0], [2.5, 0.0], [0.0, 2.5]])


def draw(shares, n, seed, copies=1):
    rng = np.random.default_rng(seed)
    y = rng.choice(len(shares), size=n, p=shares)
    X = CENTRES[y] + rng.normal(size=(n, 2))
    return np.concatenate([X] * copies, axis=1), y


SOURCE, TARGET = [0.6, 0.3, 0.1], [0.1, 0.3, 0.6]


@pytest.mark.parametrize(
    "method",
    [
        BBSE(random_state=0),
        BBSE(soft=True, random_state=0),
        MLLS(random_state=0),
        MLLS(calibration="temperature", random_state=0),
    ],
)
def test_shares_are_found(method):
    X, y = draw(SOURCE, 3000, 0)
    Xt, yt = draw(TARGET, 3000, 1)
    names = np.array(["a", "b", "c"])
    model = method.fit(X, names[y], X_target=Xt)
    assert np.allclose(model.target_priors_, np.bincount(yt) / len(yt), atol=0.06)
    assert model.source_priors_ == pytest.approx(np.bincount(y) / len(y))
    # one weight a class, the ratio of the shares
    for k, name in enumerate(names):
        w = model.source_weights_[names[y] == name]
        assert np.ptp(w) == 0
        assert w[0] == pytest.approx(model.target_priors_[k] / model.source_priors_[k])
    plain = LogisticRegression().fit(X, names[y])
    assert model.score(Xt, names[yt]) > plain.score(Xt, names[yt]) + 0.03


@pytest.mark.parametrize("method", [BBSE(random_state=0), MLLS(random_state=0)])
def test_no_shift_changes_little(method):
    X, y = draw(SOURCE, 3000, 0)
    Xt, _ = draw(SOURCE, 3000, 2)
    assert np.abs(method.fit(X, y, X_target=Xt).target_priors_ - SOURCE).max() < 0.04


def test_calibration_mends_what_overconfidence_spoils():
    """Naive Bayes on columns given five times over is far too sure of itself."""
    X, y = draw(SOURCE, 2000, 0, copies=5)
    Xt, yt = draw(TARGET, 2000, 1, copies=5)
    true = np.bincount(yt) / len(yt)
    error = {
        c: np.abs(
            MLLS(shift_classifier=GaussianNB(), calibration=c, random_state=0).fit(X, y, X_target=Xt).target_priors_
            - true
        ).sum()
        for c in ("bcts", None)
    }
    assert error["bcts"] < 0.5 * error[None]


def test_calibration_lowers_the_loss_and_matches_the_shares():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(5000, 3))
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    codes = np.array([rng.choice(3, p=p) for p in proba])
    sharp = np.exp(3 * logits + [1.0, 0, 0])
    sharp /= sharp.sum(axis=1, keepdims=True)
    slope, intercept = fit_calibration(sharp, codes)
    assert slope == pytest.approx(1 / 3, abs=0.03)
    mended = calibrate(sharp, slope, intercept)
    assert log_loss(codes, mended) < log_loss(codes, proba) + 0.001
    assert mended.mean(axis=0) == pytest.approx(np.bincount(codes) / 5000, abs=1e-4)
    assert fit_calibration(sharp, codes, bias=False)[1].tolist() == [0, 0, 0]
    assert calibrate(proba, 1.0, np.zeros(3)) == pytest.approx(proba)


def test_perfect_predictions_stay_finite():
    codes = np.repeat([0, 1], 20)
    slope, intercept = fit_calibration(np.eye(2)[codes], codes)
    assert np.isfinite(slope) and np.isfinite(intercept).all()


@pytest.mark.parametrize("method", [BBSE(random_state=0), MLLS(random_state=0)])
def test_class_of_a_single_row(method):
    X, y = draw([0.5, 0.5, 0.0], 60, 0)
    X, y = np.concatenate([X, [[0.0, 9.0]]]), np.append(y, 2)
    model = method.fit(X, y, X_target=X[:30])
    assert model.target_priors_.sum() == pytest.approx(1.0)
    assert np.isfinite(model.source_weights_).all()


@pytest.mark.parametrize("method", [BBSE(random_state=0), MLLS(random_state=0)])
def test_one_row_of_each_class(method):
    model = method.fit([[0.0], [1.0]], [0, 1], X_target=[[0.0], [0.1], [1.0]])
    assert np.isfinite(model.source_weights_).all()


def test_a_black_box_without_probabilities():
    X, y = draw(SOURCE, 1500, 0)
    Xt, yt = draw(TARGET, 1500, 1)
    model = BBSE(shift_classifier=LinearSVC(), random_state=0).fit(X, y, X_target=Xt)
    assert np.abs(model.target_priors_ - np.bincount(yt) / 1500).max() < 0.08
    assert model.confusion_.sum() == pytest.approx(1.0)
    assert model.confusion_.sum(axis=0) == pytest.approx(model.source_priors_)
