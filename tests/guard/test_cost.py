"""Whether a second fit is affordable: by numbers of samples and tags alone."""

import inspect

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from landbridge import make_pipeline
from landbridge.base import TransferTags
from landbridge.catalogue import methods
from landbridge.feature import CORAL, MEDA
from landbridge.guard import _cost, worth_refitting
from landbridge.instance import KMM
from landbridge.stepwise import GradualSelfTraining


@pytest.mark.parametrize(
    ("growth", "power"),
    [
        ("", 1),
        ("time O(n d² + d³), memory O(n²)", 1),
        ("time O(n_s n_t d), memory O(n_s d)", 2),
        ("time O((n_s + n_t) d + n_s²), memory O(1)", 2),
        ("linear: time O(n d²); rbf: time O(n² d), memory O(n³)", 2),
        ("exact time O(n³), memory O(n²); with m landmarks time O(n m²)", 3),
        ("time O(m³) per iteration, memory O(m²), m = min(n, max_samples)", 1),
        ("time O(n^3), memory O(n^2)", 3),
    ],
)
def test_the_power_is_read_from_the_time(growth, power):
    assert _cost._power(growth) == power


@pytest.mark.parametrize(
    ("model", "limit"), [(LogisticRegression(), 100_000), (CORAL(), 100_000), (KMM(), 20_000), (MEDA(), 5_000)]
)
def test_limits(model, limit):
    assert worth_refitting(model, limit // 2, limit // 2)
    assert not worth_refitting(model, limit // 2, limit // 2 + 1)


def test_a_pipeline_is_as_costly_as_its_costliest_step():
    assert worth_refitting(make_pipeline(CORAL(), LogisticRegression()), 10_000, 10_001)
    assert not worth_refitting(make_pipeline(CORAL(), make_pipeline(KMM(), CORAL())), 10_000, 10_001)


def test_max_samples_bounds_either_side(monkeypatch):
    monkeypatch.setattr(GradualSelfTraining, "transfer_tags", TransferTags("stepwise", max_samples=300))
    assert worth_refitting(GradualSelfTraining(), 300, 300)
    assert not worth_refitting(GradualSelfTraining(), 301, 1) and not worth_refitting(GradualSelfTraining(), 1, 301)


class Network(BaseEstimator):
    """A network of so many weights."""

    transfer_tags = TransferTags("parameter", growth="time O(epochs n) passes through the network")

    def __init__(self, epochs=10, weights=0):
        self.epochs, self.weights = epochs, weights
        if weights:
            self.network_ = self

    def parameters(self):
        half = self.weights // 2
        return [np.empty((half,)).view(Sized), np.empty((self.weights - half,)).view(Sized)]


class Sized(np.ndarray):
    """An array that counts its entries as tensors do."""

    def numel(self):
        return self.size


class Mean(BaseEstimator):
    """Several runs of a network."""

    transfer_tags = TransferTags("parameter", growth="time and memory those of n_seeds fits of the estimator")

    def __init__(self, estimator, n):
        self.estimator = estimator
        self.estimators_ = [estimator] * n


def test_networks_by_epochs_samples_and_weights():
    assert worth_refitting(Network(10, 100_000), 5_000, 5_000)
    assert not worth_refitting(Network(10, 100_000), 5_000, 5_001)
    assert not worth_refitting(Network(11, 100_000), 5_000, 5_000)
    assert not worth_refitting(Network(10, 100_002), 5_000, 5_000)
    assert worth_refitting(Network(10), 50_000, 50_000)  # not fitted, so of unknown size


def test_runs_of_a_network_add_up():
    assert worth_refitting(Mean(Network(10, 50_000), 2), 5_000, 5_000)
    assert not worth_refitting(Mean(Network(10, 50_000), 3), 5_000, 5_000)


def test_it_reads_the_tags_of_every_method_and_no_clock():
    for method in methods():
        assert _cost._power(method.tags.growth) in (1, 2, 3)
    assert "time" not in {name for name, _ in inspect.getmembers(_cost, inspect.ismodule)}
