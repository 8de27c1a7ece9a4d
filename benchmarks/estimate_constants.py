"""Constants of the combination of estimates, from the cases of the families in ``estimate_pairs.SET``."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

__all__ = ["fit_combination", "fit_loss_combination"]

# Smallest standard deviation that no estimator sees, and smallest end of the interval.
LEAST_UNSEEN, LEAST_END = 0.015, 1.3
# The ends hold 92 % of the cases that they are set on, so that 90 % are left on others.
ENDS = (0.04, 0.96)


def fit_combination(
    cases: list[dict[str, Any]], key: str, truth: str, names: list[str], *, shift: bool = True
) -> dict[str, Any]:
    """Fit weights by the mean absolute error, then the interval by the likelihood of the errors.

    Parameters
    ----------
    cases : list of dict
        Records of :mod:`benchmarks.estimate_cases`.
    key, truth : str
        Where the estimates and the true score stand.
    names : list of str
        Estimators to combine.
    shift : bool, default=True
        Whether outside support and distance are known.

    Returns
    -------
    dict
        Fields of the constants of ``landbridge.performance``.
    """
    V, E, T, outside, far, family = _columns(cases, key, truth, names)
    outside, far = (outside, far) if shift else (outside * 0, far * 0)
    chance = np.array([1 / max(c["n_classes"], 2) for c in cases])
    # Every family counts alike, however many pairs it has.
    share = np.array([1 / (family == f).sum() for f in family])
    share /= share.sum()
    k = len(names)

    def parts(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = np.exp(x[:k] - x[:k].max())
        w, lost = w / w.sum(), 1 / (1 + np.exp(-x[k]))
        return w, chance + (V @ w - chance) * (1 - (lost if shift else 0.0) * outside * far)

    def loss(x: np.ndarray) -> float:
        w, value = parts(x)
        return float(share @ np.sqrt((value - T) ** 2 + 1e-4) + 0.01 * ((w - 1 / k) ** 2).sum())

    x = min((minimize(loss, np.r_[np.zeros(k), start]) for start in (-2.0, 0.0)), key=lambda r: r.fun).x
    w = np.round(parts(x)[0], 2)
    w /= w.sum()
    lost = round(1 / (1 + float(np.exp(-x[k]))), 2) if shift else 0.0
    mean = V @ w
    value = chance + (mean - chance) * (1 - lost * outside * far)
    spread2, sampling = V.var(axis=1), E @ w
    found = _interval(T - value, sampling, [spread2, outside**2, far**2][: 3 if shift else 1], share, LEAST_UNSEEN)
    return {"weights": {n: round(float(v), 2) for n, v in zip(names, w, strict=True) if v}, "lost": lost, **found}


def fit_loss_combination(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Fit the interval of the combination of R² on the logarithm of the unexplained share.

    Parameters
    ----------
    cases : list of dict

    Returns
    -------
    dict
    """
    V, E, T, outside, far, _ = _columns(cases, "r2", "truth", list(cases[0]["r2"]))
    rest = np.maximum(1 - V, 1e-6)
    logs = np.log(rest)
    middle = np.median(logs, axis=1)
    spread2 = np.sort(np.abs(logs - middle[:, None]), axis=1)[:, 1] ** 2
    sampling = np.median(np.minimum(E / rest, 1), axis=1)
    share = np.full(len(T), 1 / len(T))
    return _interval(np.log(1 - T) - middle, sampling, [spread2, outside**2, far**2], share, 0.05)


def _columns(cases: list[dict[str, Any]], key: str, truth: str, names: list[str]) -> tuple[np.ndarray, ...]:
    V, E = (np.array([[c[key][n][i] for n in names] for c in cases]) for i in (0, 1))
    T, outside, far = (np.array([c[k] for c in cases]) for k in (truth, "outside", "distance"))
    return V, E, T, outside, far, np.array([c["family"] for c in cases])


def _interval(
    errors: np.ndarray, sampling: np.ndarray, parts: list[np.ndarray], share: np.ndarray, least: float
) -> dict[str, float]:
    """Standard deviation per unit of each part by maximum likelihood, and the ends that hold most errors."""
    A = np.column_stack([np.ones(len(errors)), *parts])

    def nll(z: np.ndarray) -> float:
        variance = sampling**2 + A @ np.exp(z)
        return float(share @ (np.log(variance) + errors**2 / variance))

    start = np.log([0.03**2, 1.0, 0.05**2, 0.05**2][: A.shape[1]])
    z = minimize(nll, start, method="Nelder-Mead", options={"maxiter": 5000}).x
    c = np.round(np.sqrt(np.exp(z)), 3)
    c[0] = max(c[0], least)
    ratio = errors / np.sqrt(sampling**2 + A @ c**2)
    below, above = (max(LEAST_END, float(end)) for end in (-np.quantile(ratio, ENDS[0]), np.quantile(ratio, ENDS[1])))
    unseen, by_spread, by_outside, by_distance = [*c.tolist(), 0.0, 0.0][:4]
    return {
        "unseen": unseen, "by_spread": by_spread, "by_outside": by_outside, "by_distance": by_distance,
        "below": round(below, 2), "above": round(above, 2),
    }  # fmt: skip
