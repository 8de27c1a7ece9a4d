"""Fitting on source and target: what is passed on to whom, and held-out predictions."""

import numpy as np
import pytest
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from landbridge import Domain, make_pipeline
from landbridge.base import TransferEstimator, TransferTags
from landbridge.feature import CORAL
from landbridge.guard import fit_transfer, held_out_predictions, reads, reads_labels, reads_target, reverse_validation
from landbridge.instance import KMM, SourcePooling
from landbridge.parameter import SourcePriorLogistic


class Recorder(ClassifierMixin, TransferEstimator):
    """Keeps what its fit was given."""

    transfer_tags = TransferTags("stepwise", reads=frozenset({"X_target", "intermediate_domains"}))
    fits = []

    def fit(self, X, y=None, *, X_target=None, y_target=None, intermediate_domains=None):
        self.classes_ = np.unique(y)
        self.intermediate_domains_ = intermediate_domains
        Recorder.fits.append({"n": len(X), "target": X_target, "y": y_target, "path": intermediate_domains})
        return self

    def predict(self, X):
        return self.classes_[np.arange(len(X)) % len(self.classes_)]


class Deaf(Recorder):
    """Does not read intermediate domains."""

    transfer_tags = TransferTags("feature")


@pytest.fixture
def data():
    Recorder.fits.clear()
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 2)), np.arange(30) % 2, rng.normal(size=(20, 2))


def test_intermediate_domains_go_to_models_that_read_them(data):
    fit_transfer(Recorder(), *data, intermediate_domains=["a", "b"])
    fit_transfer(Deaf(), *data, intermediate_domains=["a", "b"])
    fit_transfer(Recorder(), *data)
    assert [f["path"] for f in Recorder.fits] == [["a", "b"], None, None]
    assert all(f["target"] is data[2] and f["y"] is None for f in Recorder.fits)


def test_target_labels_go_to_every_model_with_a_target(data):
    fit_transfer(Recorder(), *data, np.full(20, -1))
    assert Recorder.fits[0]["y"].tolist() == [-1] * 20


def test_a_plain_estimator_sees_the_source_alone(data):
    model = fit_transfer(LogisticRegression(), *data, np.full(20, 1), source_domain=np.zeros(30))
    np.testing.assert_array_equal(model.coef_, LogisticRegression().fit(*data[:2]).coef_)


def test_sources_go_to_models_that_read_them(data):
    origin = np.repeat(["a", "b"], 15)
    pooled = fit_transfer(make_pipeline(StandardScaler(), SourcePooling()), *data, source_domain=origin)
    assert len(pooled[-1].source_domains_) == 2
    fit_transfer(make_pipeline(CORAL(), LogisticRegression()), *data, source_domain=origin)


def test_what_models_read():
    assert reads(make_pipeline(CORAL(), SourcePooling()), "source_domain")
    assert not reads(CORAL(), "source_domain") and not reads(LogisticRegression(), "X_target")
    assert reads(Recorder(), "intermediate_domains") and not reads(Deaf(), "intermediate_domains")
    assert reads_target(make_pipeline(StandardScaler(), CORAL(), Ridge())) and not reads_target(Ridge())


def test_reads_labels():
    assert reads_labels(SourcePriorLogistic())
    assert not reads_labels(KMM())
    assert not reads_labels(make_pipeline(CORAL(), LogisticRegression()))
    assert not reads_labels(LogisticRegression())


def test_reverse_validation_takes_the_path_in_the_opposite_order(data):
    X, y, Xt = data
    model = fit_transfer(Recorder(), X, y, Xt, intermediate_domains=["a", "b"])
    Recorder.fits.clear()
    reverse_validation(model, Domain(X, y), Domain(Xt), intermediate_domains=["a", "b"])
    reverse_validation(model, Domain(X, y), Domain(Xt))  # those it has kept
    reverse_validation(fit_transfer(Deaf(), X, y, Xt), Domain(X, y), Domain(Xt), intermediate_domains=["a", "b"])
    assert [f["path"] for f in Recorder.fits if f["n"] == 20] == [["b", "a"], ["b", "a"], None]
    assert [len(f["target"]) for f in Recorder.fits if f["n"] == 20] == [30, 30, 30]


def test_held_out_fits_know_the_whole_target_and_no_test_sample(data):
    X, y, Xt = data
    held_out_predictions(Recorder(), Domain(X, y), Domain(Xt), cv=5, intermediate_domains=["a"], random_state=0)
    assert [(f["n"], len(f["target"]), f["path"], f["y"]) for f in Recorder.fits] == [(24, 20, ["a"], None)] * 5


def test_held_out_predictions_repeat_by_their_seed(data):
    X, _, Xt = data
    noisy = Domain(X, np.random.default_rng(0).integers(2, size=30)), Domain(Xt)
    one, two, other = (held_out_predictions(LogisticRegression(), *noisy, random_state=s) for s in (0, 0, 1))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_held_out_labels_of_different_length_are_kept_whole():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(20, 1)), rng.normal(size=(4, 1)) + 50])
    y = np.array(["a"] * 20 + ["a very long label"] * 4)
    got = held_out_predictions(LogisticRegression(), Domain(X, y), Domain(X), cv=3, random_state=0)
    assert got.tolist() == y.tolist()


def test_a_class_of_one_sample_and_values_are_split_without_classes():
    X = np.arange(12.0)[:, None]
    one = np.array([0] * 6 + [1] * 5 + [2])
    assert len(held_out_predictions(LogisticRegression(), Domain(X, one), Domain(X), random_state=0)) == 12
    values = held_out_predictions(Ridge(1e-6), Domain(X, 2 * X[:, 0] + 0.5), Domain(X), random_state=0)
    np.testing.assert_allclose(values, 2 * X[:, 0] + 0.5, atol=1e-4)


def test_no_group_is_on_both_sides_of_a_hold_out():
    from landbridge import Domain
    from landbridge.guard._fitting import held_out_fits

    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 4)
    source = Domain(groups[:, None] + 0.01 * rng.normal(size=(40, 1)), groups % 2, groups=groups)

    class Remembering(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = set(np.round(np.asarray(X)[:, 0]).astype(int).tolist())
            return super().fit(X, y, sample_weight)

    tested = []
    for model, test in held_out_fits(Remembering(), source, source, 3, 0):
        assert model.seen_.isdisjoint(groups[test].tolist())
        tested += test.tolist()
    assert sorted(tested) == list(range(40))
