"""Every method of the catalogue passes the kit, and the kit catches methods that should not."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge._method_tags import MethodTags  # noqa: E402
from landbridge.catalogue import entries  # noqa: E402
from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Method, Methods, NeuralClassifier  # noqa: E402
from landbridge.neural._method_checks import example_network, method_checks  # noqa: E402
from landbridge.neural.feature import (  # noqa: E402
    CDAN,
    DANN,
    MCC,
    MomentMatchingSources,
    PartialAdversarial,
    _adda,
)
from landbridge.neural.parameter import L2SP, BalancedBatches, LinearProbe, Mixup  # noqa: E402
from landbridge.testing import check_method  # noqa: E402

METHODS = {e.name: e for e in entries() if e.family.startswith("network ")}
# What the constructors need, and values that show within a few steps on a small network.
GIVEN = {
    "ADDA": {"n_steps": 3},
    "BalancedBatches": {"balance": "source"},
    "BestEpoch": {"score": "density"},
    "CoTuning": {"head": nn.Linear(5, 4)},
    "DiscriminativeRates": {"factors": {"low": 0.1}},
    "GradientClipping": {"max_norm": 0.01},
    "LayerTransfer": {"first": 1},
    "LearningWithoutForgetting": {"head": nn.Linear(5, 4)},
    "LowRankAdapters": {"rank": 2},
    "SHOT": {"epochs": 2},
    "StrongAugmentation": {"intensity": "light"},
    "TrustRegion": {"radius": 0.01},
}
pytestmark = pytest.mark.filterwarnings("ignore")


def make(name):
    if not METHODS[name].available:
        pytest.skip(f"needs {', '.join(METHODS[name].requires)}")
    given = GIVEN.get(name, {}) | ({"teacher": example_network()} if name == "Distillation" else {})
    return METHODS[name].cls(**given)


def test_the_catalogue_has_them_all():
    assert len(METHODS) > 45
    for entry in METHODS.values():
        assert issubclass(entry.cls, Method) and entry.cls.method_tags == entry.tags, entry.name


@pytest.mark.parametrize("name", sorted(METHODS))
def test_methods(name, monkeypatch):
    monkeypatch.setitem(_adda.DISCRIMINATOR, "n_warmup_steps", 2)  # most of the time of a second stage
    check_method(make(name))


class Pull(Method):
    """Pull the weights towards zero.

    Parameters
    ----------
    strength : float, default=0.1

    Notes
    -----
    O(w).

    References
    ----------
    .. [1] Nobody, 2026.

    Examples
    --------
    None needed.
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}))
    _parameter_constraints = L2SP._parameter_constraints

    def __init__(self, strength=0.1):
        self.strength = strength

    def loss(self, network, source, target, progress):
        return {"pull": self.strength * sum((p**2).sum() for p in network.parameters())}


def test_outsiders_can_prove_their_own_method():
    check_method(Pull())


class Converting(Pull):
    __doc__ = Pull.__doc__

    def __init__(self, strength=0.1):
        self.strength = float(strength) + 0.0


class Holding(Pull):
    __doc__ = Pull.__doc__

    def __init__(self, strength=0.1):
        self.strength = strength
        self.seen = []


class Unchecked(Pull):
    __doc__ = Pull.__doc__
    _parameter_constraints = {}


class Reading(Pull):
    __doc__ = Pull.__doc__
    reads_target = True


class Crooked(Pull):
    __doc__ = Pull.__doc__

    def loss(self, network, source, target, progress):
        return {"pull": self.strength * sum(((p + p.data) ** 2).sum() for p in network.parameters())}


class Idle(Pull):
    __doc__ = Pull.__doc__

    def loss(self, network, source, target, progress):
        return {}


class Forgetful(Pull):
    __doc__ = Pull.__doc__

    def prepare(self, network, task):
        self._count = 0

    def loss(self, network, source, target, progress):
        self._count += 1
        return {"pull": 0.01 * self._count * sum((p**2).sum() for p in network.parameters())}


class Seeding(Pull):
    __doc__ = Pull.__doc__

    def validate_params(self):
        super().validate_params()
        torch.manual_seed(0)


class Coarse(Pull):
    __doc__ = Pull.__doc__

    def finish(self, network):
        network.float()


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (Converting, "parameters"),
        (Holding, "parameters"),
        (Unchecked, "parameters"),
        (Reading, "tags and docstring"),
        (Crooked, "gradients"),
        (Idle, "effect"),
        (Forgetful, "resumed runs"),
        (Seeding, "parameters"),
        (Coarse, "precision"),
    ],
)
def test_broken_methods_are_caught(broken, check):
    dict(method_checks(Pull()))[check]()
    with pytest.raises(AssertionError):
        dict(method_checks(broken(0.1)))[check]()


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (
            [MomentMatchingSources(), PartialAdversarial()],
            "PartialAdversarial, which both replace the task's loss",
        ),
        ([DANN(), CDAN()], "DANN and CDAN, which both train a module 'discriminator'"),
        ([BalancedBatches(), BalancedBatches(shares={0: 1, 1: 2})], "which both choose the order of the samples"),
    ],
)
def test_what_one_method_can_have_only_is_refused_to_two(methods, message):
    X, y = np.random.RandomState(0).randn(20, 3), np.arange(20) % 2
    with pytest.raises(InputError, match=message) as caught:
        NeuralClassifier(methods=methods, epochs=1, random_state=0).fit(X, y, X_target=X)
    assert "\n" not in str(caught.value)


def test_parameters_at_fault_are_found_before_anything_is_learned():
    X, y = np.random.RandomState(0).randn(20, 3), np.arange(20) % 2
    model = NeuralClassifier(methods=[L2SP(-1)], epochs=10**9, random_state=0)
    with pytest.raises(InputError, match="The 'strength' parameter of L2SP must be a float in the range") as caught:
        model.fit(X, y, X_target=X, y_target=y)
    assert "\n" not in str(caught.value)


def test_a_search_reaches_the_parameters_of_methods():
    X, y = np.random.RandomState(0).randn(30, 3), np.arange(30) % 2
    given = [L2SP(0.1), LinearProbe()]
    model = NeuralClassifier(methods=given, epochs=1, random_state=0)
    params = model.get_params()
    assert params["methods__0"] is given[0] and params["methods__0__strength"] == 0.1
    assert params["methods__1__head_factor"] == 10.0 and "methods__0" not in model.get_params(deep=False)
    search = GridSearchCV(model, {"methods__0__strength": [0.5, 2.0], "methods__1__head_factor": [1.0]}, cv=2)
    found = search.fit(X, y).best_estimator_.methods
    assert found[0].strength in (0.5, 2.0) and found[1].head_factor == 1.0
    assert given[0].strength == 0.1 and given[1].head_factor == 10.0

    copied = clone(model)
    assert copied.methods[0] is not given[0] and repr(copied.methods) == repr(given)
    copied.set_params(methods__1__head_factor=3.0, methods__0=MCC(), methods__0__strength=0.7)
    assert repr(copied.methods) == "[MCC(strength=0.7), LinearProbe(head_factor=3.0)]"
    assert given[0].strength == 0.1 and model.set_params(**params).methods == given
    for wrong in ({"methods__2": MCC()}, {"methods__one__strength": 1.0}):
        with pytest.raises(InputError, match="methods holds 2 methods"):
            model.set_params(**wrong)
    with pytest.raises(ValueError, match="Invalid parameter 'power'"):
        model.set_params(methods__0__power=1.0)


def test_hooks_are_not_routed():
    assert not hasattr(Mixup(), "set_transform_request") and not hasattr(L2SP(), "fit")


def test_the_sources_of_a_method_are_kept_by_its_clones():
    copied = clone(BalancedBatches("source").set_source_domain([0, 1, 1]))
    assert copied.source_domain_.tolist() == [0, 1, 1] and copied.balance == "source"


def test_methods_are_checked_as_a_whole():
    with pytest.raises(InputError, match="MCC, which needs classes; the task is regression"):
        from landbridge.neural.tasks import Regression

        Methods([MCC()]).validate(Regression.of(np.arange(4.0)))
