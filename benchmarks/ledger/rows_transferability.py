"""Rows of the ledger for the scores that rank sources and models."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.ledger.protocols import office_caltech_tasks
from benchmarks.ledger.rows import Row
from landbridge import Domain, rank
from landbridge.transferability import agreement

__all__ = ["ROWS"]

# Fine-tuned accuracy, H-score, LEEP, LogME, NCE of ten ImageNet networks, as TLlib prints them.
# GoogleNet and DenseNet-201 have one LogME in print, 1.228; the printed correlation needs the former to be the larger
# before rounding (with the tie it is 0.721).
CALTECH101 = [
    [91.7, 75.88, -1.462, 1.2284, -0.665],
    [94.3, 93.73, -1.119, 1.387, -0.560],
    [91.8, 91.65, -1.020, 1.262, -0.616],
    [93.1, 92.54, -0.899, 1.305, -0.603],
    [93.2, 92.91, -0.875, 1.324, -0.605],
    [91.9, 75.02, -0.979, 1.172, -0.609],
    [92.5, 86.37, -0.864, 1.212, -0.580],
    [93.4, 89.90, -0.914, 1.228, -0.590],
    [89.1, 75.82, -1.115, 1.150, -0.693],
    [91.5, 77.00, -1.043, 1.178, -0.690],
]
CIFAR10 = [
    [96.2, 5.911, -1.385, 0.293, -1.139],
    [97.5, 6.363, -1.259, 0.349, -1.060],
    [96.8, 6.567, -1.010, 0.388, -1.007],
    [97.7, 6.901, -0.829, 0.463, -0.838],
    [97.9, 6.945, -0.838, 0.469, -0.851],
    [97.2, 6.210, -1.035, 0.302, -1.006],
    [97.4, 6.547, -0.934, 0.343, -0.946],
    [97.4, 6.706, -0.888, 0.369, -0.866],
    [95.7, 5.928, -1.100, 0.291, -1.089],
    [96.8, 6.018, -1.066, 0.304, -1.086],
]
# weighted Kendall and Pearson of the four scores, as printed there
PRINTED = {
    "Caltech101": [(0.721, 0.748), (0.127, 0.324), (0.697, 0.794), (0.810, 0.843)],
    "CIFAR10": [(0.800, 0.839), (0.638, 0.604), (0.785, 0.733), (0.714, 0.786)],
}


def _correlations(name: str, table: Any, note: str = "") -> Row:
    table = np.asarray(table)
    off, told = [], []
    for k, (label, printed) in enumerate(zip(("H-score", "LEEP", "LogME", "NCE"), PRINTED[name], strict=True), 1):
        found = agreement(scores=table[:, k], accuracies=table[:, 0])
        off += [abs(a - b) for a, b in zip(found, printed, strict=True)]
        told.append(f"{label} {found.weighted_kendall:.3f} {found.pearson:.3f}")
    return Row(
        ("agreement",),
        f"Ten ImageNet networks on {name}: weighted Kendall and Pearson of four published scores, farthest from print",
        0.0, "published", 0.005, float(max(off)), ", ".join(told) + note,
    )  # fmt: skip


def tllib_caltech101() -> Row:
    """Correlations of published scores on Caltech101."""
    note = "; two LogME values that are equal as printed are put in the order that the printed correlation needs"
    return _correlations("Caltech101", CALTECH101, note)


def tllib_cifar10() -> Row:
    """Correlations of published scores on CIFAR10."""
    return _correlations("CIFAR10", CIFAR10)


def _office() -> dict[str, tuple[Any, Any]]:
    domains: dict[str, tuple[Any, Any]] = {}
    for task, Xs, ys, _, _ in office_caltech_tasks():
        domains[task.split("→")[0]] = (Xs, ys)
    return domains


def rank_sources() -> Row:
    """rank() puts the three sources of each Office-Caltech domain in order from three labelled rows a class."""
    from landbridge.tasks import get_task

    domains = _office()
    kendall, hits, lost = [], 0, []
    accuracy = {
        (s, t): get_task("classification").default_estimator().fit(*domains[s]).score(*domains[t])
        for t in domains
        for s in domains
        if s != t
    }
    for t, (X, y) in domains.items():
        for draw in range(5):
            rng = np.random.default_rng(draw)
            told = np.concatenate([rng.choice(np.flatnonzero(y == c), 3, replace=False) for c in np.unique(y)])
            labels = np.full(len(y), None, dtype=object)
            labels[told] = y[told]
            sources = {s: domains[s] for s in domains if s != t}
            found = rank(sources, Domain(X, labels), n_bootstrap=0, n_permutations=0)
            reached = [accuracy[s, t] for s in found.names]
            kendall.append(
                agreement(scores=[found.values[s] for s in found.names], accuracies=reached).weighted_kendall
            )
            hits += reached[0] == max(reached)
            lost.append(100 * (max(reached) - reached[0]))
    return Row(
        ("rank", "leep"),
        "Office-Caltech SURF, three sources for each of four targets, 3 labelled rows a class, 5 draws: mean weighted "
        "Kendall of LEEP with the source models' accuracy",
        0.6, "stated property", 0.0, float(np.mean(kendall)),
        f"the best source is found in {hits} of {len(kendall)} (by chance a third), {np.mean(lost):.1f} points lost by "
        "taking the first",
    )  # fmt: skip


def rank_digits() -> Row:
    """LogME and its kin order seven views of handwritten digits as a linear probe does."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    views = {f"{k} components": PCA(k).fit_transform(X) for k in (2, 4, 8, 16, 32)}
    views["noisy dots"] = X + 12.0 * rng.normal(size=X.shape)
    views["every fourth dot"] = X[:, ::4]
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    reached = [100 * cross_val_score(probe, F, y, cv=5).mean() for F in views.values()]
    told, worst = [], 1.0
    for score in ("logme", "h_score", "regularised_h_score", "transrate", "gbc", "parc"):
        found = rank(views, (X, y), score=score, n_bootstrap=0, n_permutations=0).values
        tau = agreement(scores=[found[v] for v in views], accuracies=reached).weighted_kendall
        told.append(f"{score} {tau:.2f}")
        worst = min(worst, tau) if score in ("logme", "h_score", "regularised_h_score") else worst
    probes = ", ".join(f"{v} {a:.1f}" for v, a in zip(views, reached, strict=True))
    return Row(
        ("logme", "h_score", "regularised_h_score", "transrate", "gbc", "parc"),
        "Handwritten digits, seven views of other quality: weighted Kendall with a linear probe's accuracy, least of "
        "LogME and the two H-scores",
        0.8, "stated property", 0.0, worst, f"{', '.join(told)}. Probe: {probes}",
    )  # fmt: skip


ROWS = [tllib_caltech101, tllib_cifar10, rank_sources, rank_digits]
