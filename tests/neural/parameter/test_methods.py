"""Every fine-tuning method: it trains, repeats by its seed, resumes to the same bits, and says what is at fault."""

import inspect

import numpy as np
import pytest
import torch

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import NeuralClassifier, load_backbone, parameter
from landbridge.neural._method import Method
from landbridge.neural.parameter import (
    BalancedBatches,
    CoTuning,
    DiscriminativeRates,
    Distillation,
    LayerTransfer,
    LearningWithoutForgetting,
    LinearProbe,
    LowRankAdapters,
    Mixup,
    StageAttention,
    StrongAugmentation,
)


@pytest.fixture(scope="module")
def digits():
    part = load_builtin("handwritten").take(range(120))
    return part.X, part.y


@pytest.fixture(scope="module")
def old():
    part = load_builtin("printed").take(range(300))
    how = {"epochs": 4, "image_shape": (8, 8), "random_state": 0}
    return NeuralClassifier("builtin", **how).fit(part.X, part.y)


def makers(old):
    given = {
        CoTuning: lambda: CoTuning(old.network_.head),
        Distillation: lambda: Distillation(old.network_),
        LearningWithoutForgetting: lambda: LearningWithoutForgetting(old.network_.head),
        DiscriminativeRates: lambda: DiscriminativeRates({"edges": 0.1}),
        LayerTransfer: lambda: LayerTransfer(2, random_state=0),
        StrongAugmentation: lambda: StrongAugmentation("light", flip=False),
    }
    found = {n: getattr(parameter, n) for n in parameter.__all__}
    kinds = {n: c for n, c in found.items() if inspect.isclass(c) and issubclass(c, Method)}
    return {name: given.get(kind, kind) for name, kind in kinds.items()}


class Stop(Method):
    """Fall over in the third epoch."""

    armed = False

    def epoch(self, network, epoch, epochs):
        if self.armed and epoch == 2:
            raise KeyboardInterrupt


NAMES = sorted(n for n in parameter.__all__ if n[0].isupper())


@pytest.mark.parametrize("name", NAMES)
def test_trains_and_repeats_by_its_seed(name, digits, old):
    make = makers(old)[name]
    X, y = digits
    source = old.network_ if name in ("CoTuning", "LearningWithoutForgetting") else "builtin"
    one, two = (
        NeuralClassifier(source, methods=[make()], epochs=4, image_shape=(8, 8), random_state=0).fit(X, y)
        for _ in range(2)
    )
    assert one.score(X, y) > 0.5
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert name in repr(make())


@pytest.mark.parametrize("name", ["CoTuning", "BiTuning", "L2SP", "StochasticNorm", "Mixup", "LPFT"])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(name, digits, old, tmp_path, monkeypatch):
    make = makers(old)[name]
    X, y = digits
    source = old.network_ if name == "CoTuning" else "builtin"
    how = {"image_shape": (8, 8), "random_state": 0, "schedule": "constant", "warmup": 0}
    whole = NeuralClassifier(source, methods=[make(), Stop()], epochs=4, **how).fit(X, y)
    how |= {"epochs": 4, "checkpoint_dir": tmp_path}
    monkeypatch.setattr(Stop, "armed", True)
    with pytest.raises(KeyboardInterrupt):
        NeuralClassifier(source, methods=[make(), Stop()], **how).fit(X, y)
    monkeypatch.setattr(Stop, "armed", False)
    resumed = NeuralClassifier(source, methods=[make(), Stop()], resume=True, **how).fit(X, y)
    np.testing.assert_array_equal(whole.predict_proba(X), resumed.predict_proba(X))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parameter.L2SP(0), "'strength'"),
        (lambda: parameter.LPFT(1.5), "probe_fraction"),
        (lambda: parameter.LinearProbe(-1), "head_factor"),
        (lambda: parameter.FineTuning(0), "learning_rate_factor"),
        (lambda: parameter.GradualUnfreezing(0), "unfrozen_by"),
        (lambda: parameter.LayerwiseDecay(1.5), "decay"),
        (lambda: parameter.LayerTransfer(random_state=0), "give one of first"),
        (lambda: parameter.LayerTransfer(1, last=1, random_state=0), "give one of first"),
        (lambda: parameter.LowRankAdapters(kind="best"), "kind.*Got 'best'"),
        (lambda: parameter.StrongAugmentation("wild"), "intensity.*Got 'wild'"),
        (lambda: parameter.TrustRegion(-0.1), "radius"),
        (lambda: parameter.Mixup(0), "concentration"),
    ],
)
def test_arguments_at_fault_are_named(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call().validate_params()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (LowRankAdapters(targets="attention"), "matches no layer.*there are"),
        (DiscriminativeRates({"attic": 0.1}), "no stage 'attic'"),
        (LayerTransfer(9, random_state=0), "first=9 of the 4 stages"),
        (LayerTransfer(stages=["attic"], random_state=0), "no stage 'attic'"),
        (BalancedBatches("source").set_source_domain([0, 1]), "source_domain has 2 entries"),
        (BalancedBatches(shares={0: 1.0}), "shares lacks 1"),
        (StageAttention(stages=("attic",)), "no stage 'attic'"),
    ],
)
def test_what_the_network_lacks_is_named(method, message, digits):
    X, y = digits
    with pytest.raises(InputError, match=message):
        NeuralClassifier("builtin", methods=[method], epochs=1, image_shape=(8, 8)).fit(X, y)


def test_methods_add_up(digits):
    X, y = digits
    both = [LinearProbe(), Mixup()]
    model = NeuralClassifier("builtin", methods=both, epochs=4, image_shape=(8, 8), random_state=0).fit(X, y)
    fresh = load_backbone("builtin")
    for a, b in zip(model.network_.stages.parameters(), fresh.stages.parameters(), strict=True):
        assert torch.equal(a, b)
