"""Arguments of transfer(): checked once, compared with the situation, and returned as settings."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from landbridge.exceptions import InputError
from landbridge.problem import Arguments, TransferOptions


def test_defaults_are_not_given():
    assert Arguments.of().given == frozenset()
    assert Arguments.of(confidence=0.9, intermediate_domains=[], error_score=np.nan).given == frozenset()
    assert Arguments.of(confidence=0.95, epochs=3).given == {"confidence", "epochs"}


def test_every_option_is_an_argument():
    assert set(TransferOptions.__annotations__) <= set(Arguments.__dataclass_fields__)


def test_methods_may_be_one_string():
    assert Arguments.of(methods="CORAL, TCA").methods == ["CORAL", "TCA"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 3}, "no argument 'epoch'; did you mean epochs"),
        ({"confidence": 1.0}, "confidence must lie"),
        ({"target_labels": 0}, "target_labels must be"),
        ({"target_labels": True}, "target_labels must be"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"n_seeds": 1.5}, "n_seeds must be a whole number"),
        ({"n_jobs": 0}, "n_jobs must be"),
        ({"time_budget": -1}, "time_budget must be"),
        ({"random_state": -1}, "random_state must be"),
        ({"random_state": 2**32}, "random_state must be"),
        ({"error_score": "ignore"}, "error_score must be"),
        ({"resume": True}, "resume=True needs work_dir"),
        ({"network": "mlp", "estimator": Ridge()}, "network and estimator were both given"),
        ({"estimator": "knn"}, "estimator='knn' is no estimator"),
        ({"estimator": Ridge}, "is no estimator; give an unfitted one"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_argument(given, message):
    with pytest.raises(InputError, match=message) as caught:
        Arguments.of(**given)
    assert "\n" not in str(caught.value)


def test_an_argument_that_does_not_apply_is_refused_with_the_reason():
    arguments = Arguments.of(epochs=3, label="ill")
    arguments.check_applies(frozenset({"epochs", "label"}), "anything")
    with pytest.raises(InputError, match=r"epochs=3 does not apply, because the source is a table; omit it\."):
        arguments.check_applies(frozenset({"label"}), "the source is a table")


def test_settings_hold_what_was_used_and_nothing_else():
    arguments = Arguments.of(methods=["CORAL"], time_budget=5.0, work_dir="w")
    settings = arguments.settings(frozenset({"methods", "estimator", "label"}))
    assert settings["methods"] == ["CORAL"] and settings["time_budget"] == 5.0
    assert "epochs" not in settings and "progress" not in settings and "work_dir" not in settings


def test_names_of_other_tools_lead_to_the_argument():
    with pytest.raises(InputError, match="no argument 'seed'; did you mean random_state"):
        Arguments.of(seed=0)
