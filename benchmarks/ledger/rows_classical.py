"""Rows of the ledger for instance methods: what their papers state, checked by the papers' protocols."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import AdaBoostRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from benchmarks.ledger.rows import Row
from benchmarks.ledger.sets import (
    classification_tables,
    cross_person_activity,
    cross_speaker_digits,
    regression_tables,
    seeded,
)
from landbridge.instance import (
    BBSE,
    KLIEP,
    KMM,
    MLLS,
    ULSIF,
    ClassifierDensityRatio,
    MultiSourceTrAdaBoost,
    NearestNeighbourWeights,
    SourcePooling,
    TaskTrAdaBoost,
    TrAdaBoost,
    TrAdaBoostR2,
    TwoStageTrAdaBoostR2,
)

__all__ = ["ROWS"]

WEIGHTS = (KMM, KLIEP, ULSIF, ClassifierDensityRatio, NearestNeighbourWeights)
N_DRAWS = 10
TREES = "trees of depth 3"


def ulsif_ratios() -> Row:
    """uLSIF is nearer to the true ratio than equal weights, on tables whose target rows were sampled by one column."""
    saved = {}
    for name, (X, _) in (regression_tables() | classification_tables()).items():
        ours = equal = 0.0
        for seed in range(N_DRAWS):
            source, target, ratio = _sampled_by_a_column(X, np.random.default_rng(seed))
            Z = _scaled_by(X, source)
            model = ULSIF(Ridge(), random_state=0).fit(Z[source], np.zeros(len(source)), X_target=Z[target])
            ours += np.sum((model.source_weights_ / len(source) - ratio) ** 2)
            equal += np.sum((1.0 / len(source) - ratio) ** 2)
        saved[name] = float(1.0 - ours / equal)
    return Row(
        ("ULSIF",), "Nine real tables, 100 source rows, target sampled by one column, 10 draws: share of the squared "
        "error of equal weights that is saved", 0.0, "stated property", 0.0, float(np.mean(list(saved.values()))),
        _words(saved),
    )  # fmt: skip


def biased_tables() -> Row:
    """The benchmark of the KLIEP and uLSIF papers: weighted kernel regression, its width and ridge by weighted CV."""
    saved: dict[str, dict[str, float]] = {m.__name__: {} for m in WEIGHTS}
    two_valued = classification_tables()
    for name, (X, y) in (regression_tables() | two_valued).items():
        plain, ours = 0.0, dict.fromkeys(saved, 0.0)
        for seed in range(N_DRAWS):
            rng = np.random.default_rng(seed)
            source, target, _ = _sampled_by_a_column(X, rng)
            Z = _scaled_by(X, source)
            v = 2.0 * y - 1.0 if name in two_valued else (y - y[source].mean()) / y[source].std()
            folds = rng.permutation(len(source)) % 5
            task = Z[source], v[source], Z[target], v[target], folds, name in two_valued
            plain += _kernel_loss(*task, np.ones(len(source)))
            for method in WEIGHTS:
                model = seeded(method(Ridge())).fit(Z[source], v[source], X_target=Z[target])
                ours[method.__name__] += _kernel_loss(*task, model.source_weights_)
        for key, loss in ours.items():
            saved[key][name] = 1.0 - loss / plain
    mean = {k: float(np.mean(list(e.values()))) for k, e in saved.items()}
    return Row(
        tuple(saved), "Nine real tables, 100 source rows, target sampled by one column, kernel regression tuned by "
        "weighted CV, 10 draws: least mean share of the loss that weights save", 0.0, "stated property", 0.0,
        min(mean.values()), "; ".join(f"{k} {mean[k]:+.2f}: {_words(e)}" for k, e in saved.items()),
    )  # fmt: skip


def label_biased_cancer() -> Row:
    """Huang et al. 2007: breast cancer with a source sampled by its label, a Gaussian SVM."""
    X, y = load_breast_cancer(return_X_y=True)
    errors: dict[str, list[float]] = {"no weights": []} | {m.__name__: [] for m in WEIGHTS}
    for seed in range(2 * N_DRAWS):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(X))
        pool, target = order[: len(X) // 2], order[len(X) // 2 :]
        source = pool[rng.random(len(pool)) < np.where(y[pool] == 1, 0.1, 0.9)]
        Z = _scaled_by(X, source)
        errors["no weights"].append(_errors(SVC().fit(Z[source], y[source]), Z[target], y[target]))
        for method in WEIGHTS:
            model = seeded(method(SVC())).fit(Z[source], y[source], X_target=Z[target])
            errors[method.__name__].append(_errors(model, Z[target], y[target]))
    mean = {k: float(np.mean(v)) for k, v in errors.items()}
    worst = max(mean[m.__name__] for m in WEIGHTS)
    return Row(
        tuple(m.__name__ for m in WEIGHTS), "Breast cancer, source sampled by its label (0.1 and 0.9), Gaussian SVM, "
        "20 draws: points of accuracy that the least of them gains", 0.0, "stated property", 0.0,
        100 * (mean["no weights"] - worst), "errors " + ", ".join(f"{k} {v:.3f}" for k, v in mean.items()),
    )  # fmt: skip


def nearest_neighbour_weights() -> Row:
    """Shimodaira's toy for nearest-neighbour weights, smoothed or not."""
    better = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        Xs, Xt = rng.normal(0.5, 0.5, size=(100, 1)), rng.normal(0.0, 0.3, size=(100, 1))
        curve = lambda x: (-x + x**3)[:, 0]  # noqa: E731
        ys = curve(Xs) + rng.normal(0, 0.3, size=100)
        model = NearestNeighbourWeights(LinearRegression()).fit(Xs, ys, X_target=Xt)
        better.append(_squared(model, Xt, curve(Xt)) < _squared(LinearRegression().fit(Xs, ys), Xt, curve(Xt)))
    return Row(
        ("NearestNeighbourWeights",), "Line fitted to a curve under covariate shift: share of 20 draws in which "
        "weights help", 0.8, "stated property", 0.0, float(np.mean(better)),
    )  # fmt: skip


def dirichlet_label_shift() -> Row:
    """Lipton et al. 2018, Alexandari et al. 2020: target classes by a Dirichlet draw; the shares, and the gain."""
    X, y = load_digits(return_X_y=True)
    error: dict[str, list[float]] = {"uniform": [], "BBSE": [], "MLLS": []}
    right: dict[str, list[float]] = {"source-only": [], "BBSE": [], "MLLS": []}
    for seed in range(N_DRAWS):
        rng = np.random.default_rng(seed)
        source, target = np.array_split(rng.permutation(len(y)), 2)
        wanted = rng.dirichlet(np.ones(10))
        odds = wanted / wanted.max()
        target = target[rng.random(len(target)) < odds[y[target]]]
        Xs, ys, Xt, yt = X[source] / 16, y[source], X[target] / 16, y[target]
        truth = np.bincount(yt, minlength=10) / len(yt)
        error["uniform"].append(np.abs(np.bincount(ys) / len(ys) - truth).sum())
        base = LogisticRegression(max_iter=2000).fit(Xs, ys)
        right["source-only"].append(base.score(Xt, yt))
        for method in (BBSE, MLLS):
            model = seeded(method(LogisticRegression(max_iter=2000))).fit(Xs, ys, X_target=Xt)
            error[method.__name__].append(np.abs(model.target_priors_ - truth).sum())
            right[method.__name__].append(model.score(Xt, yt))
    mean = {k: float(np.mean(v)) for k, v in error.items()}
    note = "L1 errors of the shares " + ", ".join(f"{k} {v:.3f}" for k, v in mean.items())
    note += "; accuracy " + ", ".join(f"{k} {np.mean(v):.3f}" for k, v in right.items())
    return Row(
        ("BBSE", "MLLS"), "Handwritten digits, target classes by a Dirichlet draw, 10 draws: share of the L1 error of "
        "the source's class shares that is removed", 0.8, "stated property", 0.0,
        1.0 - max(mean["BBSE"], mean["MLLS"]) / mean["uniform"], note,
    )  # fmt: skip


def boosting_several_sources() -> Row:
    """Yao and Doretto 2010: boosting weak learners from several sources beats boosting from one."""
    notes, short = [], {}
    learners = {TREES: DecisionTreeClassifier(max_depth=3, random_state=0), "ridge": RidgeClassifier()}
    for words, learner in learners.items():
        right: dict[str, list[float]] = {}
        for task in cross_person_activity(per_class=1):
            people = _five_who_did_all(task.sources, task.ys)
            kept = np.isin(task.sources, people)
            Xs, ys, of = task.Xs[kept], task.ys[kept], task.sources[kept]
            for told in task.told[: 2 if learner is learners[TREES] else 1]:
                labels, rest = task.partly(told), task.rest(told)
                single = TrAdaBoost(learner, n_estimators=10, target_share=None)
                multi = MultiSourceTrAdaBoost(learner, n_estimators=10)
                tasks = TaskTrAdaBoost(learner, n_estimators=10)

                def score(model: Any, told: Any = (task, labels, rest), **more: Any) -> float:
                    t, partly, left = told
                    rows = more.pop("rows", slice(None))
                    model.fit(Xs[rows], ys[rows], X_target=t.Xt, y_target=partly, **more)  # noqa: B023
                    return float(model.score(t.Xt[left], t.yt[left]))

                found = {
                    "one source": float(np.mean([score(single, rows=of == p) for p in people])),
                    "all as one": score(single),
                    "MultiSourceTrAdaBoost": score(multi, source_domain=of),
                    "TaskTrAdaBoost": score(tasks, source_domain=of),
                }
                for name, value in found.items():
                    right.setdefault(name, []).append(value)
        mean = {k: 100 * float(np.mean(v)) for k, v in right.items()}
        notes.append(f"{words}: {_words(mean, '{:.1f}')}")
        short[words] = min(mean["MultiSourceTrAdaBoost"], mean["TaskTrAdaBoost"]) - mean["one source"]
    return Row(
        ("MultiSourceTrAdaBoost", "TaskTrAdaBoost"), "Activity across 18 people, five source people, 1 label an "
        "activity, 2 draws each, trees of depth 3: points that the lesser of both gains over TrAdaBoost from one "
        "source", 0.0, "stated property", 0.0, short[TREES], "; ".join(notes),
    )  # fmt: skip


def source_pooling() -> Row:
    """Sun et al. 2011: people weighed by their likeness to the target are no worse a pool than all alike."""
    gains = {}
    for name, tasks in (("activity", cross_person_activity), ("spoken digits", cross_speaker_digits)):
        learner, each = LogisticRegression(max_iter=200), []
        for task in tasks():
            plain = learner.fit(task.Xs, task.ys).score(task.Xt, task.yt)
            model = SourcePooling(learner, random_state=0)
            model.fit(task.Xs, task.ys, X_target=task.Xt, source_domain=task.sources)
            each.append(100 * (model.score(task.Xt, task.yt) - plain))
        gains[name] = each
    note = "; ".join(f"{k} {np.mean(v):+.1f}, better for {sum(g > 0 for g in v)} of {len(v)}" for k, v in gains.items())
    return Row(
        ("SourcePooling",), "Activity across 18 people, 35 sources, no target label: mean gain over the plain pool in "
        "points", 0.0, "stated property", 0.0, float(np.mean(gains["activity"])), note,
    )  # fmt: skip


def friedman_r2() -> Row:
    """Pardoe and Stone 2010: Friedman #1 with five varied sources of 100 rows and 15 target rows."""
    errors: dict[str, list[float]] = {}
    for seed in range(N_DRAWS):
        rng = np.random.default_rng(seed)
        sources = [_friedman(rng, 100, varied=True) for _ in range(5)]
        Xs, ys = np.vstack([X for X, _ in sources]), np.concatenate([y for _, y in sources])
        (Xl, yl), (Xt, yt) = _friedman(rng, 15), _friedman(rng, 600)
        told = {"X_target": np.vstack([Xl, Xt]), "y_target": np.concatenate([yl, np.full(len(yt), np.nan)])}
        trees = RandomForestRegressor(10, random_state=seed)
        alone = AdaBoostRegressor(trees, n_estimators=10, random_state=seed)
        models = {
            "target-only": clone(alone).fit(Xl, yl),
            "all as one": clone(alone).fit(np.vstack([Xs, Xl]), np.concatenate([ys, yl])),
            "TrAdaBoostR2": TrAdaBoostR2(trees, n_estimators=10, random_state=seed).fit(Xs, ys, **told),
            "TwoStageTrAdaBoostR2": TwoStageTrAdaBoostR2(
                trees, n_steps=10, n_estimators=5, cv=5, random_state=seed
            ).fit(Xs, ys, **told),
        }
        for name, model in models.items():
            errors.setdefault(name, []).append(float(np.sqrt(_squared(model, Xt, yt))))
    mean = {k: float(np.mean(v)) for k, v in errors.items()}
    return Row(
        ("TrAdaBoostR2", "TwoStageTrAdaBoostR2"), "Friedman #1, five varied sources, 15 target rows, 10 draws: how "
        "much lower the root mean squared error is than AdaBoost.R2's on the target alone, lesser of both", 0.0,
        "stated property", 0.0, mean["target-only"] - max(mean["TrAdaBoostR2"], mean["TwoStageTrAdaBoostR2"]),
        _words(mean, "{:.2f}"),
    )  # fmt: skip


ROWS = (
    nearest_neighbour_weights,
    ulsif_ratios,
    biased_tables,
    label_biased_cancer,
    dirichlet_label_shift,
    boosting_several_sources,
    source_pooling,
    friedman_r2,
)


def _sampled_by_a_column(X: Any, rng: Any) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """100 source rows drawn evenly, up to 500 target rows kept with odds min(1, 4 x²) of one column between 0 and 1.

    The sampling of Sugiyama et al. 2008. Also returns the true ratio at the source rows, which sums to one.
    """
    unit = (X - X.min(axis=0)) / np.maximum(np.ptp(X, axis=0), 1e-12)
    while True:
        odds = np.minimum(1.0, 4.0 * unit[:, rng.integers(X.shape[1])] ** 2)
        source, rest = np.split(rng.permutation(len(X)), [100])
        target = rest[rng.random(len(rest)) < odds[rest]][:500]
        # a column in which nearly all rows are at zero leaves no target
        if len(target) >= 20 and len(np.unique(odds[source])) > 1:
            return source, target, odds[source] / odds[source].sum()


def _kernel_loss(
    Xs: Any, ys: Any, Xt: Any, yt: Any, folds: NDArray[np.intp], two_valued: bool, weights: NDArray[np.float64]
) -> float:
    """Target loss of weighted Gaussian kernel ridge regression, tuned by weighted cross-validation on the source."""
    apart = ((Xs[:, None] - Xs[None]) ** 2).sum(axis=-1)
    best = (np.inf, 0.0, 0.0)
    for gamma in np.array([0.1, 1.0, 10.0]) / np.median(apart):
        K = np.exp(-gamma * apart)
        for ridge in (0.01, 0.1, 1.0, 10.0):
            loss = 0.0
            for fold in range(5):
                a, b = folds != fold, folds == fold
                coef = _kernel_ridge(K[np.ix_(a, a)], ys[a], weights[a], ridge)
                loss += weights[b] @ (K[np.ix_(b, a)] @ coef - ys[b]) ** 2
            best = min(best, (float(loss), gamma, ridge))
    _, gamma, ridge = best
    predicted = rbf_kernel(Xt, Xs, gamma=gamma) @ _kernel_ridge(np.exp(-gamma * apart), ys, weights, ridge)
    return float(np.mean(np.sign(predicted) != yt) if two_valued else np.mean((predicted - yt) ** 2))


def _kernel_ridge(K: Any, y: Any, weights: Any, ridge: float) -> NDArray[np.float64]:
    root = np.sqrt(weights)
    return root * np.linalg.solve(K * root[:, None] * root + ridge * np.eye(len(y)), root * y)


def _five_who_did_all(sources: NDArray[Any], ys: NDArray[Any]) -> NDArray[Any]:
    complete = [p for p in np.unique(sources) if len(np.unique(ys[sources == p])) == len(np.unique(ys))]
    return np.random.default_rng(0).permutation(complete)[:5]


def _friedman(rng: Any, n: int, varied: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Friedman #1 in ten columns; a varied concept has its constants drawn anew."""
    X = rng.random((n, 10))
    a, b, c = np.ones(4), np.ones(5), np.zeros(5)
    if varied:
        a, b, c = rng.normal(1, 0.1, 4), rng.normal(1, 0.1, 5), rng.normal(0, 0.05, 5)
    Z = b * X[:, :5] + c
    y = a[0] * 10 * np.sin(np.pi * Z[:, 0] * Z[:, 1]) + a[1] * 20 * (Z[:, 2] - 0.5) ** 2
    return X, y + a[2] * 10 * Z[:, 3] + a[3] * 5 * Z[:, 4] + rng.normal(size=n)


def _scaled_by(X: NDArray[np.float64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    return (X - X[rows].mean(axis=0)) / np.maximum(X[rows].std(axis=0), 1e-12)


def _squared(model: Any, X: Any, y: Any) -> float:
    return float(np.mean((model.predict(X) - y) ** 2))


def _errors(model: Any, X: Any, y: Any) -> float:
    return float(np.mean(model.predict(X) != y))


def _words(found: dict[str, float], form: str = "{:+.2f}") -> str:
    return ", ".join(f"{k} {form.format(v)}" for k, v in found.items())
