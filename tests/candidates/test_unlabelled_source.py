"""transfer() from rows without labels: features for a labelled target, clusters for one without."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from landbridge import Domain, load_result, transfer
from landbridge.exceptions import InputError, LabelError


@pytest.fixture(scope="module")
def hidden_direction():
    """Two classes along the direction in which unlabelled rows vary most; forty other columns are noise."""
    rng = np.random.default_rng(0)
    axis = rng.normal(size=40)
    axis /= np.linalg.norm(axis)

    def rows(n):
        y = rng.integers(2, size=n)
        return 4.0 * (y - 0.5)[:, None] * axis + rng.normal(size=(n, 40)), y

    return Domain(rows(1500)[0]), Domain(*rows(300))


def test_features_of_unlabelled_rows_are_handed_over_where_they_help(hidden_direction, tmp_path):
    source, target = hidden_direction
    result = transfer(source, target, target_labels=6, methods=["PrincipalComponents", PCA(1)])
    assert [c.name for c in result.candidates] == ["target-only", "PrincipalComponents", "PCA"]
    assert result["PCA"].hidden.value > result["target-only"].hidden.value + 0.05
    assert result.decision.evidence == "target labels"
    assert result.settings["n_source_labelled"] == 0
    result.save(tmp_path)
    assert (load_result(tmp_path).predict(target.X) == result.predict(target.X)).all()


def test_useless_features_are_refused(hidden_direction):
    _, target = hidden_direction
    noise = Domain(np.random.default_rng(1).normal(size=(200, 40)) * np.linspace(0.1, 5, 40))
    result = transfer(noise, target, target_labels=20, methods=[PCA(1)])
    assert not result.decision.transferred
    assert result.decision.reason.startswith("The source has no labels")
    assert "target-only is kept" in result.decision.reason


def test_nobody_has_labels():
    rng = np.random.default_rng(0)
    target = np.vstack([rng.poisson(lam, size=(30, 12)) for lam in np.eye(3).repeat(4, axis=1) * 9 + 1])
    result = transfer(rng.poisson(3.0, size=(60, 12)).astype(float), target.astype(float))
    assert {c.name for c in result.candidates} == {"target-only", "SelfTaughtClustering"}
    assert result.decision.evidence == "stability of clusters"
    labels = result.predict(target.astype(float))
    assert len(set(labels[:30].tolist())) == 1
    assert len(set(labels.tolist())) == 3


def test_bad_input(hidden_direction):
    source, target = hidden_direction
    with pytest.raises(InputError, match="PrincipalComponents, SparseCodingFeatures, AutoencoderFeatures"):
        transfer(source, target, methods=["TCA"])
    with pytest.raises(LabelError, match="label at least six target samples"):
        transfer(source, Domain(target.X[:50], [0, 1, 1] + [None] * 47), methods=["PrincipalComponents"])
