import numpy as np
import pytest

from landbridge.transferability import bhattacharyya_overlap, gbc


def test_overlap_is_the_integral_of_the_root_of_both_densities():
    means, variances = np.array([[0.0], [1.0]]), np.array([[1.0], [4.0]])
    x = np.linspace(-30, 30, 60001)
    densities = [
        np.exp(-((x - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v) for m, v in zip(means, variances, strict=True)
    ]
    whole = np.sum(np.sqrt(densities[0] * densities[1])) * (x[1] - x[0])
    found = bhattacharyya_overlap(means, variances)
    np.testing.assert_allclose(found, [[1, whole], [whole, 1]], rtol=1e-6)


def test_in_many_columns_it_is_the_product_over_columns():
    rng = np.random.default_rng(0)
    means, variances = rng.normal(size=(3, 4)), rng.uniform(0.5, 2, size=(3, 4))
    parts = [bhattacharyya_overlap(means[:, [k]], variances[:, [k]]) for k in range(4)]
    np.testing.assert_allclose(bhattacharyya_overlap(means, variances), np.prod(parts, axis=0))


@pytest.mark.parametrize("covariance", ["spherical", "diagonal"])
def test_against_the_definition(covariance):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    F = rng.normal(size=(90, 4)) * [1, 2, 1, 2] + y[:, None]
    means = np.array([F[y == c].mean(axis=0) for c in range(3)])
    variances = np.array([F[y == c].var(axis=0) for c in range(3)])
    if covariance == "spherical":
        variances = np.repeat(variances.mean(axis=1, keepdims=True), 4, axis=1)
    overlap = bhattacharyya_overlap(means, variances)
    m = gbc(features=F, target_labels=y, covariance=covariance, n_components=None, n_bootstrap=0)
    assert m.value == pytest.approx(3 - overlap.sum(), rel=1e-4)
    assert -6 <= m.value <= 0


def test_classes_of_one_row_are_allowed():
    F = np.random.default_rng(0).normal(size=(5, 3))
    assert np.isfinite(gbc(features=F, target_labels=list("aabbc"), random_state=0).value)
