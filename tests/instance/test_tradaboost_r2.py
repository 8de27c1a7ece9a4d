"""TrAdaBoost.R2: the steps of the paper by hand; the two-stage form moves the weight as documented."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from landbridge.exceptions import EarlyStoppingWarning
from landbridge.instance import (
    TrAdaBoostR2,
    TwoStageTrAdaBoostR2,
    adjusted_errors,
    decay_for_share,
    source_decay,
    weighted_median,
)


@pytest.fixture
def domains():
    rng = np.random.default_rng(0)
    X, Xt = rng.uniform(size=(300, 2)), rng.uniform(size=(200, 2))
    # half of the source follows another rule
    y = np.sin(5 * X[:, 0]) + np.where(X[:, 1] > 0.5, 1.0, 0.0) + 0.05 * rng.normal(size=300)
    yt = np.sin(5 * Xt[:, 0]) + 0.05 * rng.normal(size=200)
    return X, y, Xt, yt, np.where(np.arange(200) < 30, yt, np.nan)


def test_by_hand(domains):
    X, y, Xt, yt, partly = domains
    n, rounds = 300, 6
    rows, values = np.concatenate([X, Xt[:30]]), np.concatenate([y, yt[:30]])
    w, learners, votes = np.full(330, 1 / 330), [], []
    for _ in range(rounds):
        h = DecisionTreeRegressor(max_depth=3, random_state=0).fit(rows, values, sample_weight=w * 330)
        e = np.abs(h.predict(rows) - values)
        e /= e.max()
        error = (w[n:] * e[n:]).sum() / w[n:].sum()
        beta_t = error / (1 - error)
        learners.append(h)
        votes.append(np.log(1 / beta_t))
        w = np.concatenate([w[:n] * source_decay(n, rounds) ** e[:n], w[n:] * beta_t ** -e[n:]])
        w /= w.sum()
    model = TrAdaBoostR2(n_estimators=rounds, random_state=0).fit(X, y, X_target=Xt, y_target=partly)
    assert model.votes_ == pytest.approx(votes)
    assert model.source_weights_ == pytest.approx(w[:n] * 330)
    # rounds ceil(6/2) = 3 to 6
    table = np.column_stack([h.predict(Xt) for h in learners[2:]])
    want = [np.sort(np.repeat(r, np.round(1e4 * np.array(votes[2:])).astype(int))) for r in table]
    assert model.predict(Xt) == pytest.approx([r[(len(r) - 1) // 2] for r in want])


@pytest.mark.parametrize("make", [TrAdaBoostR2, TwoStageTrAdaBoostR2])
def test_better_than_source_only_and_target_only(domains, make):
    X, y, Xt, yt, partly = domains
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    model = make(random_state=0).fit(X, y, X_target=Xt, y_target=partly)
    scores = [tree.fit(X, y).score(Xt[30:], yt[30:]), tree.fit(Xt[:30], yt[:30]).score(Xt[30:], yt[30:])]
    assert model.score(Xt[30:], yt[30:]) > max(scores)


def test_adjusted_errors():
    y, p = np.array([0.0, 2.0, 4.0]), np.zeros(3)
    assert adjusted_errors(y, p, "square").tolist() == [0, 0.25, 1]
    assert adjusted_errors(y, p, "exponential") == pytest.approx(1 - np.exp([0, -0.5, -1]))
    assert adjusted_errors(y, y).tolist() == [0, 0, 0]
    assert adjusted_errors(y, y * (1 + 1e-15)).tolist() == [0, 0, 0]


def test_weighted_median_is_the_repeated_one():
    rng = np.random.default_rng(0)
    table, votes = rng.normal(size=(20, 7)), rng.integers(1, 6, 7)
    want = [np.sort(np.repeat(row, votes))[(votes.sum() - 1) // 2] for row in table]
    assert weighted_median(table, votes.astype(float)) == pytest.approx(want)
    assert weighted_median(table, np.zeros(7)) == pytest.approx(np.median(table, axis=1))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 1.0])
def test_target_gets_its_share(share):
    rng = np.random.default_rng(0)
    source, errors = rng.uniform(size=50), rng.uniform(0.01, 1, 50)
    new = decay_for_share(source, 5.0, errors, share)
    assert 5.0 / (5.0 + new.sum()) == pytest.approx(max(share, 5 / (5 + source.sum())), abs=1e-9)
    assert (new <= source * (1 + 1e-12)).all()
    # the larger the error, the more is lost
    ratio = (new / source)[np.argsort(errors)]
    assert (np.diff(ratio) <= 1e-12).all()


def test_source_without_errors_still_makes_room():
    new = decay_for_share(np.ones(4), 1.0, np.zeros(4), 0.5)
    assert new == pytest.approx(np.full(4, 0.25))


def test_two_stages_keep_the_best_step(domains):
    X, y, Xt, _, partly = domains
    model = TwoStageTrAdaBoostR2(n_steps=5, n_estimators=4, random_state=0).fit(X, y, X_target=Xt, y_target=partly)
    assert len(model.cv_errors_) == 5
    assert model.best_step_ == np.argmin(model.cv_errors_)
    assert 1 <= len(model.estimators_) <= 4


def test_single_judge_fits_less_and_keeps_the_boosted_model(domains):
    class Counting(DecisionTreeRegressor):
        fits = 0

        def fit(self, X, y, sample_weight=None):
            Counting.fits += 1
            return super().fit(X, y, sample_weight=sample_weight)

    X, y, Xt, _, partly = domains
    fits = {}
    for selection in ("boosted", "single"):
        Counting.fits = 0
        model = TwoStageTrAdaBoostR2(
            Counting(max_depth=3), n_steps=3, n_estimators=4, selection=selection, random_state=0
        )
        model.fit(X, y, X_target=Xt, y_target=partly)
        fits[selection] = Counting.fits
        assert len(model.estimators_) == 4
    assert fits == {"boosted": 3 * 6 * 4, "single": 3 * (4 + 5)}


def test_a_source_of_noise_is_given_up(domains):
    X, _, Xt, yt, _ = domains
    noise = 5 * np.random.default_rng(1).normal(size=300)
    model = TwoStageTrAdaBoostR2(Ridge(1e-3), n_steps=6, random_state=0)
    # a ridge regression is no weak learner: boosting does not improve on its first round
    with pytest.warns(EarlyStoppingWarning, match="^TwoStageTrAdaBoostR2"):
        model.fit(X, noise, X_target=Xt, y_target=yt)
    assert model.n_estimators_ == len(model.estimators_) == len(model.votes_) < 10
    assert model.best_step_ == 5
    assert model.source_weights_.max() < 1e-6


def test_perfect_and_hopeless_learners():
    X, Xt = np.arange(10.0)[:, None], np.arange(5.0)[:, None]
    model = TrAdaBoostR2(Ridge(1e-12), random_state=0).fit(X, X[:, 0], X_target=Xt, y_target=Xt[:, 0])
    assert model.predict(Xt) == pytest.approx(Xt[:, 0], abs=1e-6)
    against = TrAdaBoostR2(Ridge(1e9), random_state=0).fit(X, X[:, 0], X_target=Xt, y_target=100 - Xt[:, 0])
    assert np.isfinite(against.predict(Xt)).all()


def contradicting(seed=0):
    """Half of the source follows the line of the target, half lies elsewhere with other values."""
    rng = np.random.RandomState(seed)
    X = np.r_[rng.randn(50) * 0.1, rng.randn(50) * 0.1 + 1][:, None]
    Xt = (rng.randn(100) * 0.1)[:, None]
    y = np.where(X[:, 0] < 0.5, X[:, 0], 10.0)
    return X, y, Xt, Xt[:, 0], np.where(np.arange(100) < 10, Xt[:, 0], np.nan)


def by_hand(X, y, Xl, yl, Xt, rounds):
    """Rounds at chance do not vote, but the source goes on losing weight."""
    A, b, n = np.r_[X, Xl], np.r_[y, yl], len(y)
    w, fits, votes = np.full(len(b), 1 / len(b)), [], []
    for _ in range(rounds):
        w = w / w.sum()
        fit = LinearRegression(fit_intercept=False).fit(A, b, sample_weight=w)
        e = np.abs(fit.predict(A) - b)
        e = e / e.max()
        error = float(w[n:] @ e[n:] / w[n:].sum())
        error = max(error, 1e-10)
        beta_t = min(error, 0.5) / (1 - min(error, 0.5))
        w[:n] *= source_decay(n, rounds) ** e[:n]
        w[n:] *= beta_t ** -e[n:]
        if error < 0.5:
            fits.append(fit)
            votes.append(-np.log(beta_t))
    first = (len(fits) + 1) // 2 - 1
    return weighted_median(np.array([f.predict(Xt) for f in fits[first:]]).T, np.array(votes[first:])), votes


@pytest.mark.parametrize("seed", range(3))
def test_contradicting_source_samples_lose_their_weight_though_the_first_rounds_are_at_chance(seed):
    X, y, Xt, yt, partly = contradicting(seed)
    learner = LinearRegression(fit_intercept=False)
    model = TrAdaBoostR2(learner, n_estimators=100).fit(X, y, X_target=Xt, y_target=partly)
    assert np.abs(model.predict(Xt) - yt).sum() < 1
    assert model.source_weights_[50:].max() < 1e-3 * model.source_weights_[:50].mean()
    expected, votes = by_hand(X, y, Xt[:10], yt[:10], Xt, 100)
    assert model.votes_ == pytest.approx(votes, rel=1e-4)
    assert model.predict(Xt) == pytest.approx(expected, abs=1e-3)


def test_all_rounds_at_chance_leave_the_first_one():
    X, y, Xt, _, partly = contradicting()
    model = TrAdaBoostR2(LinearRegression(fit_intercept=False), n_estimators=2).fit(X, y, X_target=Xt, y_target=partly)
    assert model.n_estimators_ == 1 and model.votes_.tolist() == [0.0]
    assert np.isfinite(model.predict(Xt)).all()
