"""Situations: each is recognised, and every argument either applies or is refused with the reason."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from landbridge import Domain, transfer
from landbridge.candidates import find_strategy, strategies
from landbridge.exceptions import InputError
from landbridge.problem import Arguments, Sides
from landbridge.problem._arguments import ALWAYS

rng = np.random.default_rng(0)
X, Z = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
SITUATIONS = {
    "tables": ((X, Y), Z, {}),
    "several sources": (Domain(X, Y, source_domain=np.arange(40) % 2), Z, {}),
    "different features": ((X, Y), Z[:, :2], {}),
    "unlabelled source": (X, (Z, Y), {}),
    "fitted model": (LogisticRegression().fit(X, Y), Z, {}),
    "trained network": ("timm/inception_v3.tv_in1k", Z, {}),
    "network learner": ((X, Y), Z, {"network": "mlp"}),
    "structured network": ("timm/inception_v3.tv_in1k", [["Oslo"]], {"task": "tagging"}),
    "structured": (([["Rome"]], [["B-LOC"]]), [["Oslo"]], {"task": "tagging"}),
}
VALUES = {
    "label": "ill",
    "sources": "hospital",
    "groups": "patient",
    "methods": ["CORAL"],
    "estimator": LogisticRegression(),
    "intermediate_domains": [Z],
    "exhaustive": True,
    "network": "mlp",
    "epochs": 3,
    "assume": "shares-kept",
    "n_seeds": 2,
    "skip_corrupt": True,
    "read_options": {"drop": ["visit"]},
}


def test_every_situation_has_a_file_and_is_listed_here():
    assert {s.name for s in strategies()} == set(SITUATIONS)


@pytest.mark.parametrize("name", list(SITUATIONS))
def test_it_is_recognised(name):
    source, target, given = SITUATIONS[name]
    assert find_strategy(Sides(source, target, Arguments.of(**given))).name == name


@pytest.mark.parametrize("name", list(SITUATIONS))
def test_every_argument_applies_or_is_refused(name):
    """No argument is ever ignored."""
    strategy = next(s for s in strategies() if s.name == name)
    names = set(Arguments.__dataclass_fields__) - {"given"}
    assert strategy.accepts <= names - ALWAYS and set(VALUES) == names - ALWAYS
    for argument, value in VALUES.items():
        if argument in strategy.accepts:
            continue
        with pytest.raises(InputError, match=f"^{argument}=.* does not apply, because {strategy.clause}; omit it") as e:
            Arguments.of(**{argument: value}).check_applies(strategy.accepts, strategy.clause)
        assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 3}, "epochs=3 does not apply, because source and target are tables"),
        ({"network": "mlp", "intermediate_domains": [Z]}, "intermediate_domains=.* because a network is the base"),
        ({"skip_corrupt": True}, "skip_corrupt=True does not apply"),
        ({"label": "ill"}, "label='ill' names a column of a table"),
    ],
)
def test_transfer_refuses_what_does_not_apply(given, message):
    with pytest.raises(InputError, match=message):
        transfer((X, Y), Z, **given)


def test_methods_need_labels_somewhere():
    with pytest.raises(InputError, match="methods does not apply, because neither side has labels"):
        transfer(X, Z, methods=["PrincipalComponents"])


def test_every_argument_that_was_used_is_in_the_settings():
    result = transfer((X, Y), Z, methods=["CORAL"], confidence=0.8, random_state=3, exhaustive=True, time_budget=100.0)
    for name, value in {"confidence": 0.8, "random_state": 3, "exhaustive": True, "time_budget": 100.0}.items():
        assert result.settings[name] == value
    assert (
        result.settings["situation"] == "tables"
        and "task='classification' was inferred" in result.settings["inferred"][0]
    )
