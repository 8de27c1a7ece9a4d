import numpy as np
import pytest

from landbridge.transferability import coding_rate, transrate


@pytest.mark.parametrize("shape", [(30, 5), (5, 30)])
def test_coding_rate_is_its_determinant(shape):
    Z = np.random.default_rng(0).normal(size=shape)
    wanted = 0.5 * np.linalg.slogdet(np.eye(shape[1]) + Z.T @ Z / (shape[0] * 0.01))[1]
    assert coding_rate(Z, eps=0.01) == pytest.approx(wanted)


@pytest.mark.parametrize("centre", [True, False])
def test_against_the_definition_and_any_scale(centre):
    rng = np.random.default_rng(0)
    F, y = rng.normal(size=(60, 4)), np.arange(60) % 3
    F[:, 0] += 2 * y
    Z = F - F.mean(axis=0)
    Z /= np.sqrt((Z**2).mean())
    wanted = coding_rate(Z) - sum(
        np.mean(y == c) * coding_rate(Z[y == c] - centre * Z[y == c].mean(axis=0)) for c in range(3)
    )
    given = {"target_labels": y, "n_bootstrap": 0, "centre_classes": centre}
    found = transrate(features=F, **given).value
    assert found == pytest.approx(wanted)
    assert transrate(features=1000 * F + 5, **given).value == pytest.approx(found)


def test_opposite_classes_are_seen_only_about_their_own_means():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    F = rng.normal(size=(400, 2)) + 5 * (2 * y[:, None] - 1)
    assert transrate(features=F, target_labels=y, random_state=0).p_value < 0.02
    assert transrate(features=F, target_labels=y, centre_classes=False, random_state=0).p_value > 0.02
