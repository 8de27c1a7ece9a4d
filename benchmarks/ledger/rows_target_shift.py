"""Rows of the ledger for target shift: class shares, scales and offsets found without target labels, on real data."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression

from benchmarks.ledger.rows import Row
from landbridge import make_pipeline
from landbridge.feature import DomainScaler, LSConS, LSGeTarS
from landbridge.instance import TargetShift

__all__ = ["ROWS"]

SEEDS = range(10)


def kernel_mean_shares() -> Row:
    """TargetShift recovers class shares of digits of which the even ones were thinned out."""
    X, y = load_digits(return_X_y=True)
    worst = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        half = rng.permutation(len(y)) < len(y) // 2
        target = ~half & (rng.random(len(y)) < np.where(y % 2 == 0, 0.2, 1.0))
        model = TargetShift(LogisticRegression(max_iter=2000), random_state=seed)
        model.fit(X[half] / 16, y[half], X_target=X[target] / 16)
        worst.append(float(np.abs(model.target_priors_ - np.bincount(y[target]) / target.sum()).max()))
    return Row(
        ("TargetShift",),
        "Handwritten digits with even digits thinned out, 10 draws: 1 - mean largest error of a class share",
        0.95,
        "stated property",
        0.0,
        1 - float(np.mean(worst)),
        f"worst draw {max(worst):.3f}",
    )


def _tumours(seed: int, source_share: float, target_share: float) -> Any:
    """Two halves of the tumours with these shares of the second class, the target with other gains and offsets."""
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    sides = []
    for rows, share in ((order[:284], source_share), (order[284:], target_share)):
        ones, others = rows[y[rows] == 1], rows[y[rows] == 0]
        n = int(min(len(ones) / share, len(others) / (1 - share)))
        sides.append(np.concatenate([ones[: round(n * share)], others[: n - round(n * share)]]))
    d = X.shape[1]
    moved = X[sides[1]] * np.exp(rng.normal(0, 0.5, d)) + X.std(axis=0) * rng.normal(0, 1.0, d)
    return X[sides[0]], y[sides[0]], moved, y[sides[1]]


def shares_and_map() -> Row:
    """LSGeTarS where columns got gains and offsets and class shares changed, against scaling each domain."""
    gains, told = [], []
    for share in (0.04, 0.25, 0.98):
        for seed in SEEDS:
            Xs, ys, Xt, yt = _tumours(seed, 0.5, share)
            learner = LogisticRegression(max_iter=1000)
            models = (
                make_pipeline(DomainScaler(), learner),
                make_pipeline(DomainScaler(), LSGeTarS(learner, random_state=seed)),
            )
            pair = [100 * float(np.mean(m.fit(Xs, ys, X_target=Xt).predict(Xt) == yt)) for m in models]
            gains.append(pair[1] - pair[0])
            told.append(pair)
    scaled, ours = np.mean(told, axis=0)
    return Row(
        ("LSGeTarS",),
        "Tumours, gains and offsets of all columns, shares .5 to .04, .25 and .98, 10 draws each: mean points over "
        "scaling each domain",
        20.0,
        "stated property",
        0.0,
        float(np.mean(gains)),
        f"scaled {scaled:.1f}, LSGeTarS {ours:.1f}, worst draw {min(t[1] for t in told):.1f}",
    )


def class_maps() -> Row:
    """LSConS where one class of the tumours moved by itself and the shares are the same, against scaling."""
    gains, told = [], []
    for seed in SEEDS:
        Xs, ys, Xt, yt = _tumours(seed, 0.5, 0.5)
        rng = np.random.default_rng(seed)
        Xt = Xt + np.outer(yt, 1.0 * Xt.std(axis=0) * rng.choice([-1.0, 1.0], Xt.shape[1]))
        learner = LogisticRegression(max_iter=1000)
        models = (
            make_pipeline(DomainScaler(), learner),
            make_pipeline(DomainScaler(), LSConS(learner, alpha=1e-3, random_state=seed)),
        )
        pair = [100 * float(np.mean(m.fit(Xs, ys, X_target=Xt).predict(Xt) == yt)) for m in models]
        gains.append(pair[1] - pair[0])
        told.append(pair)
    scaled, ours = np.mean(told, axis=0)
    return Row(
        ("LSConS",),
        "Tumours, one class moved by itself by one spread in each column, 10 draws: mean points over scaling each "
        "domain",
        0.0,
        "stated property",
        0.0,
        float(np.mean(gains)),
        f"scaled {scaled:.1f}, LSConS {ours:.1f}",
    )


ROWS = (kernel_mean_shares, shares_and_map, class_maps)
