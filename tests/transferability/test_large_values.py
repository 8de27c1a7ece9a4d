"""Scores of features with large offsets, large scales and constant features against high precision and invariances."""

import numpy as np
import pytest

from landbridge.transferability import gbc, h_score, log_evidence, logme, parc, regularised_h_score, transrate

mpmath = pytest.importorskip("mpmath")


def exact_log_evidence(F, y):
    """Maximum evidence with sixty digits: eigenvalues of the Gram matrix, a grid and a golden-section search."""
    mp = mpmath.mp.clone()
    mp.dps = 60
    F, y = mp.matrix(F.tolist()), mp.matrix(y.tolist())
    values, vectors = mp.eigsy(F.T * F)
    inner, n = vectors.T * (F.T * y), F.rows
    pairs = [(v, inner[i] ** 2 / v) for i, v in enumerate(values) if v > max(values) * mp.mpf(10) ** -40]
    rest = (y.T * y)[0] - sum(z for _, z in pairs)

    def evidence(log_ratio):
        ratio = mp.exp(log_ratio)
        error = rest + sum(ratio * z / (ratio + v) for v, z in pairs)
        determinant = sum(mp.log1p(v / ratio) for v, _ in pairs)
        return (n * mp.log(n / error) - determinant - n * (1 + mp.log(2 * mp.pi))) / (2 * n)

    start = mp.log(max(values)) - 60
    best = max((start + i for i in range(90)), key=evidence)
    low, high, golden = best - 1, best + 1, (mp.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if evidence(left) > evidence(right) else (left, high)
    return float(evidence((low + high) / 2))


def features(n=30):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    F = rng.normal(size=(n, 4)) + 1.5 * np.eye(4)[y]
    return F, y, F @ rng.normal(size=4) + rng.normal(size=n) + 3


CHANGES = {
    "none": lambda F: F,
    "scale": lambda F: 1e8 * F,
    "small scale": lambda F: 1e-8 * F,
    "offset": lambda F: F + 1e8,
    "constant feature": lambda F: np.column_stack([F, np.full(len(F), 1e8)]),
    "zero feature": lambda F: np.column_stack([F, np.zeros(len(F))]),
    "one large feature": lambda F: F * np.array([1e8, 1.0, 1.0, 1.0]),
    "offset and scale": lambda F: 1e6 * F + 1e8,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_log_evidence_equals_high_precision(change):
    F, y, t = features()
    F = change(F)
    for values in ((y == 0).astype(float), t, 1e8 * t):
        assert log_evidence(F, values[:, None])[0] == pytest.approx(exact_log_evidence(F, values), abs=1e-7)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e8, 1e12])
def test_logme_does_not_depend_on_units(scale):
    F, y, t = features(60)
    few = {"n_bootstrap": 5, "n_permutations": 5, "random_state": 0}
    plain, scaled = (logme(features=f, target_labels=y, **few) for f in (F, scale * F))
    assert [scaled.value, scaled.low, scaled.null] == pytest.approx([plain.value, plain.low, plain.null], abs=1e-8)
    plain, scaled = (logme(features=F, target_labels=v, task="regression", **few) for v in (t, scale * t))
    assert scaled.value == pytest.approx(plain.value - np.log(scale), abs=1e-8)


def test_log_evidence_of_several_maxima_is_the_largest():
    # two directions of very different variance, either of which explains part of the values
    rng = np.random.default_rng(1)
    U = np.linalg.qr(rng.normal(size=(40, 6)))[0]
    F = U * np.array([1e6, 1.0, 1.0, 1.0, 1.0, 1e-3])
    for weights in ([3.0, 2, 2, 2, 2, 0], [0.0, 0, 0, 0, 0, 5], [5.0, 0, 0, 0, 0, 5]):
        y = U @ np.array(weights) + 0.1 * rng.normal(size=40)
        assert log_evidence(F, y[:, None])[0] == pytest.approx(exact_log_evidence(F, y), abs=1e-9)


@pytest.mark.parametrize("score", [h_score, regularised_h_score, transrate, gbc])
@pytest.mark.parametrize("change", ["scale", "small scale", "offset", "offset and scale"])
def test_scores_that_do_not_depend_on_offset_and_scale(score, change):
    F, y, _ = features(60)
    a, b = (score(features=f, target_labels=y, n_bootstrap=0, n_permutations=0).value for f in (F, CHANGES[change](F)))
    assert b == pytest.approx(a, rel=1e-5)


def test_h_score_does_not_depend_on_the_units_of_each_feature():
    F, y, _ = features(60)
    plain = h_score(features=F, target_labels=y, n_bootstrap=0, n_permutations=0).value
    for name in ("one large feature", "constant feature", "zero feature"):
        changed = h_score(features=CHANGES[name](F), target_labels=y, n_bootstrap=0, n_permutations=0).value
        assert changed == pytest.approx(plain, rel=1e-7)
    small = np.column_stack([1e-9 * F, np.full(len(F), 0.1 + 1e8)])
    assert h_score(features=small, target_labels=y, n_bootstrap=0, n_permutations=0).value == pytest.approx(plain)


def test_parc_of_one_large_feature():
    F, y, _ = features(30)
    F = F + np.array([1e8, 0.0, 0.0, 0.0])
    mp = mpmath.mp.clone()
    mp.dps = 60
    rows = [[mp.mpf(float(v)) for v in row] for row in F]
    rows = [[v - sum(row) / len(row) for v in row] for row in rows]
    rows = [[v / mp.sqrt(sum(u * u for u in row)) for v in row] for row in rows]
    pairs = [(i, j) for i in range(30) for j in range(i + 1, 30)]
    distances = [1 - sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) for i, j in pairs]
    ranks = np.argsort(np.argsort(np.array([float(d * mp.mpf(10) ** 16) for d in distances])))
    wanted = np.corrcoef(ranks, [y[i] != y[j] for i, j in pairs])[0, 1]
    got = parc(features=F, target_labels=y, n_bootstrap=0, n_permutations=0).value
    assert got == pytest.approx(wanted, abs=1e-3)
