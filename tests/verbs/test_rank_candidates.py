"""Outputs of the candidates of a ranking."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from landbridge import Domain
from landbridge.exceptions import InputError
from landbridge.verbs._rank_candidates import candidate_outputs, named, read_target

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)
TARGET = Domain(X, np.where(np.arange(30) < 20, Y, None))


def _outputs(candidate):
    alone = read_target(TARGET, {"a": candidate}, None)
    return candidate_outputs("a", candidate, TARGET, alone, label=None, estimator=None, max_samples=1000)


def test_names():
    assert list(named([X, X, (X, Y)])) == ["features", "features 2", "source"]
    assert list(named({"mine": X})) == ["mine"]
    assert list(named("folder/abc.csv")) == ["abc"]
    for bad in ([], {}, 3):
        with pytest.raises(InputError):
            named(bad)


def test_features_of_labelled_samples_only():
    assert _outputs(X).features.shape == (20, 3)
    assert _outputs(PCA(2).fit(X)).features.shape == (20, 2)
    assert _outputs(lambda Z: Z[:, :1]).features.shape == (20, 1)


def test_probabilities():
    found = _outputs(LogisticRegression().fit(X, Y))
    assert found.features is None and found.probabilities.shape == (20, 2)


def test_a_source_is_fitted():
    found = _outputs((X, Y))
    assert found.probabilities.shape == (20, 2) and len(found.source) == 30
    values = _outputs((X, X[:, 0] + 0.5))
    assert values.features.shape == (20, 2)


def test_what_cannot_be_scored():
    with pytest.raises(InputError, match="neither a source with labels"):
        _outputs(object())
    with pytest.raises(InputError, match="samples and the target has"):
        _outputs(X[:7])
