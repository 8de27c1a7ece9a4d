"""A common factor on all features of both domains only scales the common space, or leaves it unchanged."""

import numpy as np
import pytest

from landbridge.feature import (
    CORAL,
    GFK,
    JDA,
    TCA,
    TJM,
    CoOptimalTransport,
    LinearOT,
    OTMapping,
    SubspaceAlignment,
    TransferSubspaceLearning,
)

# method and whether its output has the scale of its input
METHODS = [
    (CORAL(), True),
    (LinearOT(), True),
    (SubspaceAlignment(3), True),
    (GFK(3), True),
    (GFK("auto"), True),
    (OTMapping(), True),
    (OTMapping("unbalanced"), True),
    (CoOptimalTransport(random_state=0), True),
    (TransferSubspaceLearning(2, random_state=0), True),
    (TCA(3, kernel="rbf", random_state=0), False),
    (JDA(3, kernel="rbf", random_state=0), False),
    (TJM(3, kernel="rbf", random_state=0), False),
]


@pytest.mark.parametrize("scale", [1e-4, 1e4])
@pytest.mark.parametrize(("method", "linear"), METHODS, ids=lambda v: str(v).split("(")[0])
def test_a_common_factor_changes_nothing_else(method, linear, scale):
    rng = np.random.default_rng(0)
    ys = np.arange(60) % 2
    Xs = rng.normal(size=(60, 5)) * [3.0, 2.0, 1.0, 0.5, 0.2] + ys[:, None]
    Xt = rng.normal(size=(50, 5)) @ rng.normal(size=(5, 5)) + 1.0
    plain = method.fit_transform(Xs, ys, X_target=Xt), method.transform(Xt)
    scaled = method.fit_transform(scale * Xs, ys, X_target=scale * Xt), method.transform(scale * Xt)
    for a, b in zip(plain, scaled, strict=True):
        wanted = scale * a if linear else a
        size = np.abs(wanted).max()
        np.testing.assert_allclose(b / size, wanted / size, atol=1e-5)
