"""Types of arguments are refused in one line that names the argument."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import landbridge
from landbridge._checks import (
    check_column,
    check_count,
    check_flag,
    check_function,
    check_learner,
    check_path,
    check_seed,
    is_whole,
    shown,
)
from landbridge.exceptions import InputError

FRAME = pd.DataFrame({"age": [30.0, 40.0] * 6, "ill": [0, 1] * 6})


@pytest.mark.parametrize(
    "check, right, wrong",
    [
        (lambda v: check_column("label", v), [None, "ill", np.str_("ill")], [3, b"ill", ["ill"], pd.NA, FRAME]),
        (lambda v: check_count("n", v), [0, 3, np.int64(3)], [-1, True, 1.0, "3", None, np.array([1]), FRAME]),
        (lambda v: check_flag("resume", v), [True, np.bool_(False)], [0, 1, None, "yes", pd.NA]),
        (check_seed, [None, 0, np.random.RandomState(0)], [-1, 2**32, 0.5, True, "0", [1], FRAME["age"]]),
        (lambda v: check_function("progress", v), [None, print], [1, "print", FRAME]),
        (lambda v: check_learner("estimator", v), [None, Ridge()], [Ridge, "Ridge", 1]),
        (lambda v: check_path("path", v), ["a", Path("a")], [None, 1, b"a", "a\0", ["a"]]),
    ],
)
def test_right_values_pass_and_others_are_refused(check, right, wrong):
    for value in right:
        check(value)
    for value in wrong:
        with pytest.raises(InputError) as refused:
            check(value)
        assert len(str(refused.value)) < 200


def test_values_are_shown_short_and_without_addresses():
    assert shown(object()) == "object" and shown(FRAME) == "DataFrame" and shown("a\nb") == "'a\\nb'"
    assert len(shown("x" * 500)) == 60
    assert is_whole(np.int8(3)) and not is_whole(True) and not is_whole(3.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: landbridge.inspect(FRAME, label=3),
        lambda: landbridge.inspect(FRAME, random_state=[1]),
        lambda: landbridge.inspect(FRAME, read_options={"rename": 3}),
        lambda: landbridge.inspect(FRAME, read_options={"drop": [None]}),
        lambda: landbridge.measure(FRAME, FRAME, label="ill", n_permutations="9"),
        lambda: landbridge.measure(FRAME, FRAME, label=b"ill"),
        lambda: landbridge.rank([FRAME], FRAME, label="ill", n_bootstrap=(1,)),
        lambda: landbridge.rank([FRAME], FRAME, label="ill", estimator="ridge"),
        lambda: landbridge.transfer(FRAME, FRAME, label=0.5),
        lambda: landbridge.transfer(FRAME, FRAME, label="ill", target_labels=FRAME),
        lambda: landbridge.transfer(FRAME, FRAME, label="ill", methods=True),
        lambda: landbridge.transfer(FRAME, FRAME, label="ill", work_dir=3),
        lambda: landbridge.transfer(FRAME, FRAME, label="ill", progress="x"),
        lambda: landbridge.transfer(FRAME, FRAME, label="ill", resume=pd.NA),
        lambda: landbridge.transfer(FRAME, FRAME, label="ill", time_budget=1j),
        lambda: landbridge.transfer(FRAME, FRAME, label="ill", network=pd.NA),
        lambda: landbridge.estimate(Ridge().fit([[1.0]], [1.0]), FRAME, label=("ill",)),
        lambda: landbridge.load_result(None),
    ],
)
def test_the_functions_refuse_arguments_of_another_type(call):
    with pytest.raises(InputError):
        call()
