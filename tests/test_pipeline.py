import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from landbridge import make_pipeline
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.exceptions import InputError
from landbridge.feature import CORAL, DomainScaler
from landbridge.instance import ClassifierDensityRatio
from landbridge.pipeline import TransferPipeline, reads_metadata, reads_sources

SEEN = []


class Spy(FeatureTransfer):
    """Remember what arrived."""

    transfer_tags = TransferTags("feature")
    preserves_columns = True

    def _fit(self, Xs, ys, Xt, yt):
        SEEN.append((len(Xs), len(Xt), float(Xt.mean())))
        self.fitted_ = True

    def _map_source(self, X):
        return X

    def _map_target(self, X):
        return X


@pytest.fixture
def rows():
    SEEN.clear()
    rng = np.random.default_rng(0)
    X, y = rng.normal(10.0, 2.0, size=(90, 3)), np.arange(90) % 2
    X[y == 1] += 2.0
    return X, y, rng.normal(37.0, 2.0, size=(90, 3))


def test_the_target_arrives_scaled_by_the_source(rows):
    X, y, Xt = rows
    make_pipeline(StandardScaler(), Spy(), LogisticRegression()).fit(X, y, X_target=Xt)
    assert SEEN[-1][:2] == (90, 90)
    assert SEEN[-1][2] == pytest.approx(StandardScaler().fit(X).transform(Xt).mean())
    assert sklearn.get_config()["enable_metadata_routing"] is False


def test_a_pipeline_without_a_method_refuses_a_target(rows):
    Xs, ys, Xt = rows
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(InputError, match="X_target was given, but no step of the pipeline reads it"):
        plain.fit(Xs, ys, X_target=Xt)


def test_column_transformers_come_first():
    frame = pd.DataFrame({"ward": ["a", "b"] * 20, "age": np.arange(40.0)})
    y = np.arange(40) % 2
    pre = make_column_transformer((OneHotEncoder(), ["ward"]), (StandardScaler(), ["age"]))
    model = make_pipeline(pre, CORAL(), LogisticRegression()).fit(frame, y, X_target=frame.iloc[:30])
    assert model.predict(frame).shape == (40,)


def test_every_step_before_the_method_is_applied_to_the_target(rows):
    X, y, Xt = rows
    make_pipeline(StandardScaler(), DomainScaler(), Spy(), LogisticRegression()).fit(X, y, X_target=Xt)
    assert SEEN[-1][2] == pytest.approx(0.0, abs=1e-9)  # the target, scaled by itself, has mean nought


def test_an_instance_method_at_the_end_gets_the_target_scaled(rows):
    X, y, Xt = rows
    piped = make_pipeline(StandardScaler(), ClassifierDensityRatio()).fit(X, y, X_target=Xt)
    scaler = StandardScaler().fit(X)
    alone = ClassifierDensityRatio().fit(scaler.transform(X), y, X_target=scaler.transform(Xt))
    np.testing.assert_allclose(piped[-1].source_weights_, alone.source_weights_)


def test_fit_transform_returns_the_source_and_transform_takes_the_target(rows):
    X, y, Xt = rows
    model = make_pipeline(StandardScaler(), CORAL())
    mapped = model.fit_transform(X, y, X_target=Xt)
    Z = model[0].transform(X)
    np.testing.assert_allclose(mapped, model[-1].transform_source(Z))
    assert not np.allclose(mapped, model.transform(X))
    assert sklearn.get_config()["enable_metadata_routing"] is False


def test_the_switch_is_put_back_after_an_error(rows):
    X, y, Xt = rows
    with pytest.raises(ValueError, match="X_target"):
        make_pipeline(CORAL(), LogisticRegression()).fit(X, y, X_target=Xt[:, :2])
    assert sklearn.get_config()["enable_metadata_routing"] is False


def test_without_a_target_it_is_an_ordinary_pipeline(rows):
    X, y, _ = rows
    ours = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    plain = sklearn.pipeline.make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), plain.predict_proba(X))
    assert not hasattr(ours, "fit_transform") and hasattr(ours[:1], "fit_transform")
    assert isinstance(sklearn.clone(ours), TransferPipeline)


def test_target_labels_reach_the_method(rows):
    X, y, Xt = rows
    told = []

    class Listener(Spy):
        """Remember the labels."""

        def _fit(self, Xs, ys, Xt, yt):
            told.append(None if yt is None else [v for v in yt if v is not None])
            super()._fit(Xs, ys, Xt, yt)

    partly = np.where(np.arange(len(Xt)) < 3, y, -1)
    make_pipeline(StandardScaler(), Listener(), LogisticRegression()).fit(X, y, X_target=Xt, y_target=partly)
    assert told == [[0, 1, 0]]


class Path(Spy):
    """Remember the intermediate domains, the pairs and the sources."""

    transfer_tags = TransferTags(
        "feature", reads=frozenset({"X_target", "source_domain", "intermediate_domains", "pairs"})
    )

    def fit(
        self, X, y=None, *, X_target=None, y_target=None, source_domain=None, intermediate_domains=None, pairs=None
    ):
        SEEN.append((intermediate_domains, pairs, source_domain, X_target))
        return super().fit(X, y, X_target=X_target, y_target=y_target)

    def fit_transform(self, X, y=None, **metadata):
        return self.fit(X, y, **metadata).transform_source(X)


@pytest.mark.parametrize("kind", [list, tuple, np.stack])
def test_intermediate_domains_pass_through_the_steps_as_the_target_does(rows, kind):
    X, y, Xt = rows
    between = kind([X + 9.0, X + 18.0])
    given = {"source_domain": y, "pairs": np.array([[0, 1], [2, 3]])}
    model = make_pipeline(StandardScaler(), DomainScaler(), Path(), LogisticRegression())
    model.fit(X, y, X_target=Xt, intermediate_domains=between, **given)
    got, pairs, sources, target = SEEN[0]
    np.testing.assert_allclose(target, model[:2].transform(Xt))
    assert len(got) == 2
    for one, raw in zip(got, between, strict=True):
        np.testing.assert_allclose(one, model[:2].transform(raw))
    assert pairs is given["pairs"] and sources is y
    SEEN.clear()
    make_pipeline(StandardScaler(), Path()).fit_transform(X, y, X_target=Xt, intermediate_domains=list(between))
    np.testing.assert_allclose(SEEN[0][0][1], StandardScaler().fit(X).transform(between[1]))


def test_intermediate_domains_are_a_sequence(rows):
    X, y, Xt = rows
    model = make_pipeline(StandardScaler(), Path(), LogisticRegression())
    for wrong in (X, pd.DataFrame(X), {"a": X}):
        with pytest.raises(InputError, match="intermediate_domains must be a sequence of arrays"):
            model.fit(X, y, X_target=Xt, intermediate_domains=wrong)


@pytest.mark.parametrize("name", ["source_domain", "intermediate_domains", "pairs"])
def test_what_no_step_reads_is_refused_by_name(rows, name):
    X, y, Xt = rows
    with pytest.raises(InputError, match=f"{name} was given, but no step of the pipeline reads it"):
        make_pipeline(StandardScaler(), CORAL(), LogisticRegression()).fit(X, y, X_target=Xt, **{name: [X]})


def test_what_a_pipeline_reads():
    model = make_pipeline(StandardScaler(), Path(), LogisticRegression())
    assert reads_sources(model) and reads_metadata(model, "pairs") and not reads_metadata(model, "y_target")
    assert not reads_sources(make_pipeline(StandardScaler(), CORAL())) and not reads_sources(LogisticRegression())
