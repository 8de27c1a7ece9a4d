"""The grid of simulated shifts: each family of methods wins where theory says."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.ledger.rows import Row
from benchmarks.ledger.sets import seeded
from landbridge.data import make_shift
from landbridge.feature import CORAL, GFK, ClassRegularizedOT, LinearOT, OTMapping, SubspaceAlignment
from landbridge.instance import BBSE, KLIEP, KMM, MLLS, ULSIF, ClassifierDensityRatio
from landbridge.pipeline import make_pipeline

__all__ = ["ROWS"]

SEEDS = range(101, 111)
FAMILIES: dict[str, tuple[Any, ...]] = {
    "weights by row": (KMM, KLIEP, ULSIF, ClassifierDensityRatio),
    "weights by class": (BBSE, MLLS),
    "mapping": (OTMapping, ClassRegularizedOT, LinearOT, CORAL),
    "subspace": (SubspaceAlignment, GFK),
}
# What theory says repairs each shift.
REPAIRS = {
    "covariate": "weights by row",
    "label": "weights by class",
    "concept": "mapping",
    "subspace": "subspace",
}


def four_shifts() -> Row:
    """Mean accuracy of each family on each of four simulated shifts."""
    right, told = 0, []
    for kind, expected in REPAIRS.items():
        found: dict[str, list[float]] = {}
        for seed in SEEDS:
            source, target = make_shift(kind, random_state=seed)
            found.setdefault("source-only", []).append(_learner().fit(source.X, source.y).score(target.X, target.y))
            for family, members in FAMILIES.items():
                for cls in members:
                    model = _with(cls).fit(source.X, source.y, X_target=target.X)
                    found.setdefault(family, []).append(model.score(target.X, target.y))
                    found.setdefault(cls.__name__, []).append(found[family][-1])
        means = {k: 100 * float(np.mean(v)) for k, v in found.items()}
        families = {k: means[k] for k in ("source-only", *FAMILIES)}
        methods = {cls.__name__: family for family, members in FAMILIES.items() for cls in members}
        best = max(methods, key=means.__getitem__)
        right += methods[best] == expected
        listed = ", ".join(f"{k} {v:.1f}" for k, v in families.items())
        told.append(f"{kind}: {best} {means[best]:.1f}; family means: {listed}")
    return Row(
        tuple(cls.__name__ for members in FAMILIES.values() for cls in members),
        "Four simulated shifts, 10 draws, logistic regression: shifts on which the best of twelve methods is "
        "of the family that theory names",
        4.0,
        "stated property",
        0.0,
        float(right),
        "; ".join(told),
    )


def _learner() -> Any:
    return LogisticRegression(C=10.0, max_iter=1000)


def _with(cls: Any) -> Any:
    if cls.transfer_tags.family == "instance":
        return seeded(cls(_learner()))
    return make_pipeline(cls(n_components=1) if cls is SubspaceAlignment or cls is GFK else cls(), _learner())


ROWS = [four_shifts]
