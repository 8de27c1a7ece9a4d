"""Every method of the catalogue passes scikit-learn's checks and ours, and the kit catches those that should not."""

from dataclasses import replace
from numbers import Real

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval
from landbridge.base import FeatureTransfer, InstanceTransfer, TransferTags
from landbridge.catalogue import methods
from landbridge.testing import check_transfer_estimator, transfer_checks

METHODS = {m.name: m for m in methods()}
pytestmark = pytest.mark.filterwarnings("ignore")  # tiny data make learners complain


def _skip_unless_available(method):
    if not method.available:
        pytest.skip(f"needs {', '.join(method.tags.requires)}, which is not installed")


# Rounds of boosting, folds and restarts are no part of the contract, but take most of the time.
ROUNDS = {"n_estimators": 3, "n_steps": 2, "cv": 2, "n_restarts_optimizer": 1}


def _instance(name, *learner):
    """A method with its defaults, and few rounds."""
    method = METHODS[name].cls(*learner)
    params = method.get_params(deep=False)
    return method.set_params(**{k: v for k, v in ROUNDS.items() if isinstance(params.get(k), int)})


@pytest.mark.parametrize("name", METHODS)
def test_scikit_learn_checks(name):
    _skip_unless_available(METHODS[name])
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(_instance(name), on_fail=None, on_skip=None)
    failed = {r["check_name"]: repr(r["exception"]) for r in results if r["status"] not in ("passed", "skipped")}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 30


@pytest.mark.parametrize("name", METHODS)
def test_transfer_checks(name):
    _skip_unless_available(METHODS[name])
    check_transfer_estimator(_instance(name), sklearn_checks=False)


NETWORKS = ["NeuralClassifier", "NeuralRegressor", "SeedAverage"]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    pytest.importorskip("lightning_fabric")
    from landbridge import neural

    if name == "SeedAverage":
        estimator = neural.SeedAverage(neural.NeuralClassifier(epochs=2), n_seeds=2)
    else:
        estimator = getattr(neural, name)(epochs=2, random_state=0)
    # scikit-learn's checks are in tests/neural, with epochs enough to learn
    check_transfer_estimator(estimator, sklearn_checks=False)


REGRESSING = [n for n, m in METHODS.items() if issubclass(m.cls, InstanceTransfer) and "regression" in m.tags.tasks]


@pytest.mark.parametrize("name", REGRESSING)
def test_instance_methods_over_a_regressor(name):
    check_transfer_estimator(_instance(name, Ridge()))


class Shift(FeatureTransfer):
    """Move the source's mean onto the target's.

    Attributes
    ----------
    shift_ : ndarray of shape (n_features,)

    Parameters
    ----------
    amount : float, default=1.0
        Which part of the way.

    Notes
    -----
    Time O(n d).

    References
    ----------
    .. [1] Nobody, 2026.

    Examples
    --------
    None needed.
    """

    transfer_tags = TransferTags("feature", growth="O(n d)", reference="Nobody, 2026")
    _parameter_constraints = {"amount": [Interval(Real, 0, 1, closed="both")]}
    preserves_columns = True

    def __init__(self, amount=1.0):
        self.amount = amount

    def _fit(self, Xs, ys, Xt, yt):
        self.shift_ = self.amount * (Xt.mean(axis=0) - Xs.mean(axis=0))

    def _map_source(self, X):
        return X + self.shift_

    def _map_target(self, X):
        return X.copy()


def test_outsiders_can_prove_their_own_method():
    check_transfer_estimator(Shift())


class Greedy(Shift):
    __doc__ = Shift.__doc__

    def fit(self, X, y=None, *, X_target=None, y_target=None):
        if isinstance(X, np.ndarray) and X.flags.writeable:
            X -= 1.0
        return super().fit(X, y, X_target=X_target, y_target=y_target)


class Swapped(Shift):
    __doc__ = Shift.__doc__

    def fit_transform(self, X, y=None, *, X_target=None, y_target=None):
        return self.fit(X, y, X_target=X_target, y_target=y_target).transform(X)


class Seeded(Shift):
    __doc__ = Shift.__doc__

    def _fit(self, Xs, ys, Xt, yt):
        np.random.seed(0)  # noqa: NPY002
        super()._fit(Xs, ys, Xt, yt)


class Forgetful(Shift):
    __doc__ = Shift.__doc__

    def _map_target(self, X):
        return X + np.random.default_rng().normal(size=X.shape)


class Blind(Shift):
    __doc__ = Shift.__doc__

    def fit(self, X, y=None, *, X_target=None, y_target=None):
        if X_target is not None:
            X_target = np.nan_to_num(np.asarray(X_target, dtype=float))
        return super().fit(X, y, X_target=X_target, y_target=y_target)


class Untold(Shift):
    """Move the mean."""


class Mislaid(Shift):
    __doc__ = Shift.__doc__
    transfer_tags = TransferTags("features", growth="O(n d)", reference="Nobody, 2026")


class Meddling(Shift):
    __doc__ = Shift.__doc__

    def _fit(self, Xs, ys, Xt, yt):
        super()._fit(Xs, ys, Xt, yt)
        self.amount = 0.5


class Fragile(Shift):
    __doc__ = Shift.__doc__

    def _fit(self, Xs, ys, Xt, yt):
        super()._fit(Xs, ys, Xt, yt)
        self.shift_ = self.shift_ / Xt.std(axis=0, ddof=1)


class Holding(Shift):
    __doc__ = Shift.__doc__

    def __init__(self, amount=1.0, pairs=None):
        self.amount = amount
        self.pairs = pairs


class Keeping(Shift):
    __doc__ = Shift.__doc__

    def __init__(self, amount=1.0, random_state=None):
        self.amount = amount
        self.random_state = random_state

    def _fit(self, Xs, ys, Xt, yt):
        super()._fit(Xs, ys, Xt, yt)
        self.generator_ = check_random_state(self.random_state)


class Coded(Shift):
    __doc__ = Shift.__doc__

    def _task(self, y):
        return "classification"

    transfer_tags = replace(Shift.transfer_tags, reads=frozenset({"X_target", "y_target"}))


class Guessing(Shift):
    __doc__ = Shift.__doc__

    def fit(self, X, y=None, *, X_target=None, y_target=None):
        super().fit(X, y, X_target=X_target)
        if y_target is not None:  # takes -1 for a missing label
            known = [v not in (None, -1) and v == v for v in np.asarray(y_target).tolist()]
            self.shift_ = self.shift_ * np.mean(known)
        return self


class Reading(Shift):
    __doc__ = Shift.__doc__
    transfer_tags = replace(Shift.transfer_tags, reads=frozenset({"X_target", "pairs"}))


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (Greedy, "nothing of the caller's is changed"),
        (Meddling, "nothing of the caller's is changed"),
        (Swapped, "feature maps"),
        (Seeded, "no global state is touched"),
        (Forgetful, "copies agree"),
        (Blind, "bad targets are refused"),
        (Blind, "columns are matched by name"),
        (Fragile, "odd targets"),
        (Untold, "docstring is complete"),
        (Mislaid, "tags are complete"),
        (Reading, "tags are complete"),
        (Holding, "constructor parameters hold no data"),
        (Keeping, "random_state may be None"),
        (Coded, "whole numbers are values in regression"),
        (Guessing, "any labels"),
    ],
)
def test_broken_methods_are_caught(broken, check):
    checks = dict(transfer_checks(Shift()))
    checks[check]()
    with pytest.raises(AssertionError):
        dict(transfer_checks(broken()))[check]()
    with pytest.raises(AssertionError):
        check_transfer_estimator(broken(), sklearn_checks=False)


class Unweighted(InstanceTransfer):
    """Weight the source samples, but fit without the weights."""

    transfer_tags = TransferTags("instance")

    def __init__(self, estimator=None):
        self.estimator = estimator

    def _compute_weights(self, Xs, ys, Xt, yt):
        return np.linspace(0.1, 2.0, len(Xs))


class Plain(Unweighted):
    """Give the weights to learners without a pipeline only."""

    def fit(self, X, y, *, X_target=None, y_target=None):
        super().fit(X, y, X_target=X_target, y_target=y_target)
        if isinstance(self._base(), Pipeline):
            self.estimator_ = clone(self._base()).fit(X, np.roll(y, 1))
        return self


class Scoreless(Unweighted):
    """Score without weights."""

    def score(self, X, y):
        return super().score(X, y)


def test_broken_reweighting_methods_are_caught():
    for check in ("weights reach inner learners", "scores take weights"):
        dict(transfer_checks(Unweighted()))[check]()
        dict(transfer_checks(Unweighted(Ridge())))[check]()
    with pytest.raises(AssertionError):
        dict(transfer_checks(Plain()))["weights reach inner learners"]()
    with pytest.raises(TypeError):
        dict(transfer_checks(Scoreless()))["scores take weights"]()


def test_a_failure_of_scikit_learns_checks_is_told_by_name():
    class Mute(Shift):
        __doc__ = Shift.__doc__

        def __init__(self, amount=1.0):
            self.amount = amount * 2  # changed on the way in

    with pytest.raises(AssertionError, match=r"scikit-learn's checks: check_\w+"):
        check_transfer_estimator(Mute())


def test_every_check_applies_to_a_feature_method_and_none_of_theirs_to_others():
    names = [n for n, _ in transfer_checks(Shift())]
    assert len(set(names)) == len(names) > 12
    others = [n for n, _ in transfer_checks(METHODS["KMM"].cls())]
    assert set(names) - set(others) == {"feature maps"}
