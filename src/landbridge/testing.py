"""Checks that every transfer estimator has to pass, those of landbridge and of other projects.

>>> from landbridge.feature import CORAL
>>> from landbridge.testing import check_transfer_estimator
>>> check_transfer_estimator(CORAL(), sklearn_checks=False)
"""

from __future__ import annotations

import concurrent.futures
import functools
import inspect
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from scipy import sparse
from sklearn.base import clone, is_regressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from landbridge.base import METADATA, FeatureTransfer, InstanceTransfer, TransferEstimator
from landbridge.binding import with_source, with_target
from landbridge.pipeline import make_pipeline

__all__ = ["check_method", "check_transfer_estimator", "transfer_checks"]

FAMILIES = ("feature", "instance", "parameter", "relation", "stepwise")
# Names of constructor parameters that would hold samples, labels or domains.
DATA_NAMES = frozenset({*METADATA, "X", "y", "data", "domains", "groups", "intermediate", "samples"})


def check_transfer_estimator(estimator: TransferEstimator, *, sklearn_checks: bool = True) -> None:
    """Run every check on an estimator; the first failure is raised.

    Parameters
    ----------
    estimator : TransferEstimator
        Unfitted.
    sklearn_checks : bool, default=True
        Also run scikit-learn's own ``check_estimator``, with no expected failures.

    Raises
    ------
    AssertionError
        Naming the check that failed.

    Examples
    --------
    >>> from landbridge.feature import DomainScaler
    >>> from landbridge.testing import check_transfer_estimator
    >>> check_transfer_estimator(DomainScaler(), sklearn_checks=False)
    """
    if sklearn_checks:
        results = check_estimator(estimator, on_fail=None, on_skip=None)
        failed = [r for r in results if r["status"] not in ("passed", "skipped")]
        if failed:
            names = "; ".join(f"{r['check_name']}: {r['exception']!r}" for r in failed)
            raise AssertionError(f"scikit-learn's checks: {names}") from failed[0]["exception"]
    for name, check in transfer_checks(estimator):
        try:
            check()
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error


def check_method(method: Any) -> None:
    """Run every check on a method of network training; the first failure is raised.

    Parameters
    ----------
    method : Method
        It is not changed. What it holds, such as a head, must fit the network of the checks: stages ``"low"`` and
        ``"high"``, an embedding of 5 columns, 3 classes.

    Raises
    ------
    AssertionError
        Naming the check that failed.

    Examples
    --------
    >>> from landbridge.neural.parameter import L2SP
    >>> from landbridge.testing import check_method
    >>> check_method(L2SP())
    """
    from landbridge.neural._method_checks import method_checks

    for name, check in method_checks(method):
        try:
            check()
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error


def transfer_checks(estimator: TransferEstimator) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the name and the function of each check of landbridge.

    Parameters
    ----------
    estimator : TransferEstimator
        Unfitted.

    Yields
    ------
    name : str
    check : callable
        Takes no argument and raises if the estimator fails.
    """
    for name, check in _CHECKS:
        if name.startswith("feature") and not isinstance(estimator, FeatureTransfer):
            continue
        yield name, _bound(check, estimator)


def _bound(check: Callable[[Any], None], estimator: Any) -> Callable[[], None]:
    def run() -> None:
        # Random methods are compared with themselves, so they get the same random numbers.
        unset = estimator.get_params().get("random_state", 0) is None
        check(clone(estimator).set_params(random_state=0) if unset else clone(estimator))

    return run


class _Data:
    """A small source and target domain with two classes (or values); half of the target is labelled."""

    def __init__(self, estimator: Any, *, n: int = 40, m: int = 30, strings: bool = False, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        tags = estimator.transfer_tags
        self.regression = is_regressor(estimator) or "classification" not in tags.tasks
        y, yt = np.arange(n) % 2, np.arange(m) % 2
        self.X = rng.normal(size=(n, 4)) + 2.0 * y[:, None] * [1, 0.5, 0, 0]
        self.X_target = 1.5 * rng.normal(size=(m, 4)) + 2.0 * yt[:, None] * [1, 0.5, 0, 0] + 0.5
        if self.regression:
            self.y: Any = self.X @ [1.0, -1.0, 0.5, 0.0] + 0.1 * rng.normal(size=n)
            self.full: Any = self.X_target @ [1.0, -1.0, 0.5, 0.0]
            if get_tags(estimator).target_tags.positive_only:
                self.y, self.full = np.exp(0.3 * self.y), np.exp(0.3 * self.full)
            self.y_target: Any = np.where(np.arange(m) < m // 2, self.full, np.nan)
        else:
            names = np.array(["ill", "well"]) if strings else np.array([3, 7])
            self.y, self.full = names[y], names[yt]
            self.y_target = self.full.astype(object)
            self.y_target[m // 2 :] = None

    @property
    def target(self) -> dict[str, Any]:
        return {"X_target": self.X_target, "y_target": self.y_target}

    def fit(self, estimator: Any) -> Any:
        return clone(estimator).fit(self.X, self.y, **self.target)


def _outputs(model: Any, X: Any) -> Any:
    """Return the predictions of a fitted model; both maps side by side for a feature method."""
    if not isinstance(model, FeatureTransfer):
        return np.asarray(model.predict(X))
    return np.hstack(
        [m.toarray() if sparse.issparse(m) else m for m in (model.transform(X), model.transform_source(X))]
    )


def _same(a: Any, b: Any, *, tol: float = 1e-6) -> None:
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, f"shapes {a.shape} and {b.shape} differ"
    if a.dtype.kind in "fc":
        scale = max(float(np.abs(b).max(initial=0.0)), 1.0)
        assert np.abs(a - b).max(initial=0.0) <= tol * scale, f"values differ by {np.abs(a - b).max():.2g}"
    else:
        assert np.mean(a == b) == 1.0, "labels differ"


def _check_tags(estimator: Any) -> None:
    cls, tags = type(estimator), estimator.transfer_tags
    assert tags.family in FAMILIES, f"tags: family {tags.family!r}"
    if cls.__module__.startswith("landbridge."):
        # networks of every family are in one folder
        assert cls.__module__.split(".")[1] in (tags.family, "neural"), "tags: the family is not the name of its folder"
    assert tags.growth and tags.reference, "tags: growth and reference must be given"
    assert tags.needs <= tags.reads <= set(METADATA), "tags: needs must be among reads"
    taken = set(inspect.signature(cls.fit).parameters)
    assert tags.reads <= taken, f"tags: fit does not take {sorted(tags.reads - taken)}"
    assert tags.tasks and tags.tasks <= {"classification", "regression"}, f"tags: tasks {set(tags.tasks)}"
    known = {"covariate", "label", "concept", "subspace"}
    assert tags.shifts <= known, f"tags: shifts must be among {sorted(known)}"
    assert tags.source_free == hasattr(cls, "adapt"), "tags: a source-free method has adapt(), and only such a one"


def _check_docstring(estimator: Any) -> None:
    text = inspect.getdoc(type(estimator)) or ""
    summary = text.split("\n")[0].strip()
    assert summary and summary.endswith("."), (
        "docstring: the first line must be a sentence that says what the method does"
    )
    for section in ("Parameters\n---", "Attributes\n---", "Notes\n---", "References\n---", "Examples\n---"):
        assert section in text, f"docstring: no section {section.split()[0]}"
    assert "O(" in text or "growth" in text.lower() or "time" in text.lower(), "docstring: Notes must state growth"


def _check_no_mutation(estimator: Any) -> None:
    data = _Data(estimator)
    given = [data.X, data.y, data.X_target, data.y_target]
    before = [a.copy() for a in given]
    params = {k: repr(v) for k, v in estimator.get_params().items()}
    fresh = clone(estimator)
    _outputs(fresh.fit(data.X, data.y, **data.target), data.X_target)
    for a, b in zip(given, before, strict=True):
        equal = np.array([x is y or x == y or (x != x and y != y) for x, y in zip(a.ravel(), b.ravel(), strict=True)])
        assert equal.all(), "an argument was changed in place"
    assert {k: repr(v) for k, v in fresh.get_params().items()} == params, "a parameter was changed by fit"


def _check_storage(estimator: Any) -> None:
    """Read-only, memory-mapped, Fortran-ordered and float32 input give the same model."""
    data = _Data(estimator)
    wanted = _outputs(data.fit(estimator), data.X_target)
    X, Xt = np.asfortranarray(data.X), np.asfortranarray(data.X_target)
    _same(_outputs(clone(estimator).fit(X, data.y, X_target=Xt, y_target=data.y_target), Xt), wanted)
    frozen = [a.copy() for a in (data.X, data.X_target)]
    for a in frozen:
        a.flags.writeable = False
    model = clone(estimator).fit(frozen[0], data.y, X_target=frozen[1], y_target=data.y_target)
    _same(_outputs(model, frozen[1]), wanted)
    with tempfile.TemporaryDirectory() as folder:
        maps = []
        for name, a in (("source", data.X), ("target", data.X_target)):
            np.save(Path(folder) / f"{name}.npy", a)
            maps.append(np.load(Path(folder) / f"{name}.npy", mmap_mode="r"))
        model = clone(estimator).fit(maps[0], data.y, X_target=maps[1], y_target=data.y_target)
        _same(_outputs(model, maps[1]), wanted)
        del maps, model
    small = [a.astype(np.float32) for a in (data.X, data.X_target)]
    model = clone(estimator).fit(small[0], data.y, X_target=small[1], y_target=data.y_target)
    assert np.isfinite(np.asarray(_outputs(model, small[1]), dtype=float)).all()


def _check_frames(estimator: Any) -> None:
    """Features in another order are refused or matched by name, never taken by position."""
    pd = __import__("pandas")
    data = _Data(estimator)
    names = ["a", "b", "c", "d"]
    X, Xt = pd.DataFrame(data.X, columns=names), pd.DataFrame(data.X_target, columns=names)
    wanted = _outputs(data.fit(estimator), data.X_target)
    model = clone(estimator).fit(X, data.y, X_target=Xt, y_target=data.y_target)
    _same(_outputs(model, Xt), wanted)
    try:
        got = clone(estimator).fit(X, data.y, X_target=Xt[names[::-1]], y_target=data.y_target)
    except ValueError as error:
        assert "order" in str(error) or "names" in str(error)
    else:
        _same(_outputs(got, Xt), wanted)
    # The index of a Series is ignored: labels belong to samples by position.
    mixed = pd.Series(data.y_target, index=np.arange(len(Xt))[::-1])
    model = clone(estimator).fit(X, pd.Series(data.y, index=X.index[::-1]), X_target=Xt, y_target=mixed)
    _same(_outputs(model, Xt), wanted)
    lists = (data.X.tolist(), data.y.tolist(), data.X_target.tolist(), data.y_target.tolist())
    model = clone(estimator).fit(lists[0], lists[1], X_target=lists[2], y_target=lists[3])
    _same(_outputs(model, lists[2]), wanted)


def _check_sparse(estimator: Any) -> None:
    """A sparse target gives the same model as a dense one, or is refused by name."""
    data = _Data(estimator)
    if not get_tags(estimator).input_tags.sparse:
        for kind in (sparse.csr_matrix, sparse.csr_array):
            target = {"X_target": kind(data.X_target), "y_target": data.y_target}
            _raises(functools.partial(clone(estimator).fit, data.X, data.y, **target), "X_target")
        return
    wanted = _outputs(data.fit(estimator), data.X_target)
    X, Xt = sparse.csr_array(data.X), sparse.csr_array(data.X_target)
    model = clone(estimator).fit(X, data.y, X_target=Xt, y_target=data.y_target)
    _same(_outputs(model, Xt), wanted, tol=1e-4)


def _check_labels(estimator: Any) -> None:
    """String labels; None, NaN, masks and -1 for missing labels; -1 as a class."""
    data = _Data(estimator)
    if data.regression:
        return
    text = _Data(estimator, strings=True)
    model = text.fit(estimator)
    predicts = hasattr(model, "classes_") and not isinstance(model, FeatureTransfer)
    if predicts:
        assert set(_outputs(model, text.X_target)) <= {"ill", "well"}
        assert list(model.classes_) == ["ill", "well"]
    wanted = _outputs(data.fit(estimator), data.X_target)
    m = len(data.X_target)
    half = np.arange(m) < m // 2
    for marked in (
        np.where(half, data.full, -1),
        np.where(half, data.full.astype(float), np.nan),
        np.ma.masked_array(data.full, mask=~half),
    ):
        got = clone(estimator).fit(data.X, data.y, X_target=data.X_target, y_target=marked)
        _same(_outputs(got, data.X_target), wanted)
    minus, full = np.where(data.y == 3, -1, 1), np.where(data.full == 3, -1, 1)
    partly = full.astype(object)
    partly[~half] = None
    got = clone(estimator).fit(data.X, minus, X_target=data.X_target, y_target=partly)
    if predicts:
        assert set(_outputs(got, data.X_target)) <= {-1, 1}
    # A fully labelled target: the same as with other names of the classes, -1 is no missing label.
    wanted = _outputs(clone(estimator).fit(data.X, data.y, X_target=data.X_target, y_target=data.full), data.X_target)
    got = _outputs(clone(estimator).fit(data.X, minus, X_target=data.X_target, y_target=full), data.X_target)
    if predicts:
        wanted = np.where(wanted == 3, -1, 1)
    _same(got, wanted)
    tags = estimator.transfer_tags
    if "y_target" in tags.reads and not tags.new_classes:
        strange = np.where(np.arange(m) == 0, 99, np.where(half, data.full, -1))
        _raises(lambda: clone(estimator).fit(data.X, data.y, X_target=data.X_target, y_target=strange), "99")


def _check_whole_values(estimator: Any) -> None:
    """Whole numbers in regression are values: what the source does not have is no unknown class."""
    if "regression" not in estimator.transfer_tags.tasks:
        return
    if not (is_regressor(estimator) or isinstance(estimator, FeatureTransfer)):
        return  # a classifier
    data = _Data(estimator)
    X, Xt = data.X, data.X_target
    beta = np.array([6.0, -6.0, 3.0, 0.0])
    y, yt = np.round(50 + X @ beta), np.round(52 + Xt @ beta)
    half = np.arange(len(yt)) < len(yt) // 2
    for values, target in ((y.astype(int), yt), (y, np.where(half, yt, np.nan)), (np.round(y, -1), np.round(yt, -1))):
        if not is_regressor(estimator) and len(np.unique(values)) <= 10:
            continue  # a feature method without a task takes few values for classes
        try:
            model = clone(estimator).fit(X, values, X_target=Xt, y_target=target)
        except ValueError as error:
            raise AssertionError(f"whole numbers were taken for classes: {error}") from error
        out = _outputs(model, Xt)
        assert len(out) == len(Xt) and np.isfinite(out.astype(float)).all()


def _check_score(estimator: Any) -> None:
    """``score`` is accuracy or R², and takes ``sample_weight``."""
    data = _Data(estimator)
    model = data.fit(estimator)
    if not hasattr(model, "predict"):
        return
    metric = r2_score if data.regression else accuracy_score
    weights = np.random.default_rng(0).uniform(size=len(data.full))
    predicted = model.predict(data.X_target)
    _same(model.score(data.X_target, data.full), metric(data.full, predicted))
    wanted = metric(data.full, predicted, sample_weight=weights)
    _same(model.score(data.X_target, data.full, sample_weight=weights), wanted)


def _check_passed_weights(estimator: Any) -> None:
    """The weights of reweighting methods reach learners inside meta-estimators and pipelines."""
    params = estimator.get_params(deep=False)
    if not isinstance(estimator, InstanceTransfer) or "estimator" not in params:
        return
    data = _Data(estimator)
    learner = params["estimator"]
    if learner is None:
        learner = Ridge() if data.regression else LogisticRegression(max_iter=1000)
    wanted = data.fit(clone(estimator).set_params(estimator=learner))
    nested = plain_pipeline(FunctionTransformer(), plain_pipeline(FunctionTransformer(), clone(learner)))
    voting = VotingRegressor if data.regression else VotingClassifier
    for wrapped in (nested, GridSearchCV(nested, {}, cv=2), voting([("a", nested)])):
        model = data.fit(clone(estimator).set_params(estimator=wrapped))
        _same(model.source_weights_, wanted.source_weights_)
        _same(model.predict(data.X_target), wanted.predict(data.X_target))


def _check_constructor(estimator: Any) -> None:
    """No constructor parameter holds data; they are arguments of ``fit``."""
    for name in estimator.get_params(deep=False):
        held = name in DATA_NAMES or name.startswith(("X_", "y_"))
        assert not held, f"the constructor parameter {name} holds data; make it an argument of fit"


def _check_random_state(estimator: Any) -> None:
    """``random_state=None`` works, stays None and leaves no generator behind."""
    names = [k for k in estimator.get_params() if k == "random_state" or k.endswith("__random_state")]
    if not names:
        return
    model = _Data(estimator).fit(clone(estimator).set_params(**dict.fromkeys(names)))
    params = model.get_params()
    assert all(params[k] is None for k in names), "random_state=None was replaced"
    kept = [k for k, v in vars(model).items() if isinstance(v, (np.random.RandomState, np.random.Generator))]
    assert not kept, f"the random number generator is stored as {kept}"


def _check_odd_targets(estimator: Any) -> None:
    """One sample, a missing class, constant features, duplicates, as many samples as the source, few samples."""
    data = _Data(estimator)
    n, m = len(data.X), len(data.X_target)
    one_class = data.y_target if data.regression else np.where(data.full == 3, data.y_target, None)
    flat_s, flat_t = data.X.copy(), data.X_target.copy()
    flat_s[:, 2] = flat_t[:, 2] = 1.0
    twice = np.repeat(data.X_target[: m // 2], 2, axis=0)
    twice_y = np.repeat(data.y_target[: m // 2], 2)
    more = np.concatenate([data.X_target, data.X_target[: n - m] + 0.1])
    more_y = np.concatenate([data.y_target, data.y_target[: n - m]])
    cases: list[tuple[str, Any, Any, Any]] = [
        ("one target sample", data.X, data.X_target[:1], data.y_target[:1]),
        ("a class missing in the target", data.X, data.X_target, one_class),
        ("a constant feature", flat_s, flat_t, data.y_target),
        ("duplicates", data.X, twice, twice_y),
        ("as many target samples as source samples", data.X, more, more_y),
        ("three target samples", data.X, data.X_target[:3], data.y_target[:3]),
    ]
    for case, X, Xt, yt in cases:
        model = clone(estimator).fit(X, data.y, X_target=Xt, y_target=yt)
        out = _outputs(model, Xt)
        assert len(out) == len(Xt), f"{case}: {len(out)} outputs for {len(Xt)} samples"
        if out.dtype.kind == "f":
            assert np.isfinite(out).all(), f"{case}: not finite"


def _check_bad_targets(estimator: Any) -> None:
    """Targets of another shape, with NaN, masked or empty: the message names the argument at fault."""
    data = _Data(estimator)
    missing, infinite = data.X_target.copy(), data.X_target.copy()
    missing[0, 0], infinite[0, 0] = np.nan, np.inf
    masked = np.ma.masked_array(data.X_target, mask=data.X_target > 2)
    ragged = [*data.X_target[1:].tolist(), [0.0]]
    bads: list[Any] = [missing, infinite, masked, data.X_target[:0], data.X_target[:, 0], ragged]
    if not estimator.transfer_tags.heterogeneous:
        bads.append(data.X_target[:, :3])
    for bad in bads:
        labels = data.y_target[: len(bad)]
        _raises(functools.partial(clone(estimator).fit, data.X, data.y, X_target=bad, y_target=labels), "X_target")
    _raises(
        lambda: clone(estimator).fit(data.X, data.y, X_target=data.X_target, y_target=data.y_target[:5]), "y_target"
    )
    _raises(lambda: clone(estimator).fit(data.X, data.y, y_target=data.y_target), "X_target")
    if "y_target" in estimator.transfer_tags.needs:
        _raises(lambda: clone(estimator).fit(data.X, data.y, X_target=data.X_target), "y_target")


def _check_other_columns(estimator: Any) -> None:
    """A target with features of its own is accepted; each map then takes the features of its domain only."""
    data = _Data(estimator)
    if not estimator.transfer_tags.heterogeneous:
        return
    other = {"X_target": data.X_target[:, :3], "y_target": data.y_target}
    model = clone(estimator).fit(data.X, data.y, **other)
    assert model.n_features_in_ == 3, "n_features_in_ must be the target's number of columns"
    if not isinstance(estimator, FeatureTransfer):
        assert len(model.predict(data.X_target[:, :3])) == len(data.X_target)
        return
    mapped = model.transform_source(data.X), model.transform(data.X_target[:, :3])
    assert mapped[0].shape[1] == mapped[1].shape[1] and all(np.isfinite(m).all() for m in mapped)
    _same(clone(estimator).fit_transform(data.X, data.y, **other), mapped[0])
    _raises(lambda: model.transform_source(data.X_target[:, :3]), "4")
    _raises(lambda: model.transform(data.X), "3")


def _check_copies(estimator: Any) -> None:
    """Pickle, a second fit and four threads give the same outputs."""
    data = _Data(estimator)
    model = data.fit(estimator)
    wanted = _outputs(model, data.X_target)
    _same(_outputs(pickle.loads(pickle.dumps(model)), data.X_target), wanted, tol=1e-12)
    _same(_outputs(data.fit(estimator), data.X_target), wanted)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda _: _outputs(data.fit(estimator), data.X_target), range(4)):
            _same(got, wanted)


def _check_adapt(estimator: Any) -> None:
    """``adapt`` starts from the fitted source model, whatever it was adapted to before."""
    if not estimator.transfer_tags.source_free:
        return
    data = _Data(estimator)
    source = clone(estimator).fit(data.X, data.y)
    wanted = _outputs(pickle.loads(pickle.dumps(source)).adapt(data.X_target, data.y_target), data.X_target)
    source.adapt(data.X_target[:5], data.y_target[:5])
    _same(_outputs(source.adapt(data.X_target, data.y_target), data.X_target), wanted)
    _raises(lambda: source.adapt(data.X_target[:, :3], data.y_target), "X_target")


def _check_globals(estimator: Any) -> None:
    data = _Data(estimator)
    np.random.seed(7)  # noqa: NPY002 - to see whether it is changed
    before, config = np.random.get_state(legacy=False), sklearn.get_config()  # noqa: NPY002
    _outputs(data.fit(estimator), data.X_target)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    same = (
        np.array_equal(after["state"]["key"], before["state"]["key"])
        and after["state"]["pos"] == before["state"]["pos"]
    )
    assert same, "numpy's global random state was changed"
    assert sklearn.get_config() == config, "scikit-learn's global configuration was changed"


def _check_pipeline(estimator: Any) -> None:
    """In a pipeline the earlier steps transform the target as they transform the source."""
    data = _Data(estimator)
    scaler = StandardScaler().fit(data.X)
    Zs, Zt = scaler.transform(data.X), scaler.transform(data.X_target)
    byhand = clone(estimator).fit(Zs, data.y, X_target=Zt, y_target=data.y_target)
    piped = make_pipeline(StandardScaler(), clone(estimator)).fit(data.X, data.y, **data.target)
    _same(_outputs(piped[-1], Zt), _outputs(byhand, Zt))
    assert sklearn.get_config()["enable_metadata_routing"] is False


def _check_bindings(estimator: Any) -> None:
    """Bound to a domain, it can be cross-validated: the other domain is split, the bound one is not."""
    data = _Data(estimator)
    if isinstance(estimator, FeatureTransfer):
        learner = Ridge() if data.regression else LogisticRegression()
        whole: Any = make_pipeline(clone(estimator), learner)
    else:
        whole = clone(estimator)
    bound = with_target(whole, data.X_target, data.y_target)
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(bound, data.X, data.y, cv=folds, error_score="raise")
    assert np.isfinite(scores).all()
    copied = clone(bound)
    assert copied.X_target is bound.X_target, "a clone must share the target, not copy it"
    half = len(data.X_target) // 2
    labelled, labels = data.X_target[:half], data.full[:half]
    scores = cross_val_score(
        with_source(whole, data.X, data.y, data.X_target[half:]), labelled, labels, cv=folds, error_score="raise"
    )
    assert np.isfinite(scores).all()


def _check_probabilities(estimator: Any) -> None:
    data = _Data(estimator)
    model = data.fit(estimator)
    if not hasattr(model, "predict_proba"):
        return
    proba = model.predict_proba(data.X_target)
    assert proba.shape == (len(data.X_target), len(model.classes_))
    assert np.allclose(proba.sum(axis=1), 1.0) and proba.min() >= 0, "predict_proba: probabilities must sum to one"


def _check_feature_maps(estimator: Any) -> None:
    """``fit_transform`` maps the source, ``transform`` the target; ``set_output`` names the features."""
    data = _Data(estimator)
    fresh = clone(estimator)
    mapped = fresh.fit_transform(data.X, data.y, **data.target)
    _same(mapped, fresh.transform_source(data.X), tol=1e-4)
    assert fresh.transform(data.X_target).shape[1] == mapped.shape[1] == len(fresh.get_feature_names_out())
    frame = clone(estimator).set_output(transform="pandas").fit(data.X, data.y, **data.target).transform(data.X_target)
    assert list(frame.columns) == list(fresh.get_feature_names_out())


def _raises(call: Callable[[], Any], word: str) -> None:
    try:
        call()
    except (ValueError, TypeError) as error:  # scikit-learn refuses sparse input with a TypeError
        assert word in str(error), f"the message must name {word}: {str(error).splitlines()[0]}"
    else:
        raise AssertionError(f"bad input was accepted; expected a ValueError that names {word}")


_CHECKS: tuple[tuple[str, Callable[[Any], None]], ...] = (
    ("tags are complete", _check_tags),
    ("docstring is complete", _check_docstring),
    ("constructor parameters hold no data", _check_constructor),
    ("nothing of the caller's is changed", _check_no_mutation),
    ("any storage gives the same", _check_storage),
    ("columns are matched by name", _check_frames),
    ("sparse targets", _check_sparse),
    ("any labels", _check_labels),
    ("whole numbers are values in regression", _check_whole_values),
    ("scores take weights", _check_score),
    ("weights reach inner learners", _check_passed_weights),
    ("odd targets", _check_odd_targets),
    ("bad targets are refused", _check_bad_targets),
    ("targets with columns of their own", _check_other_columns),
    ("copies agree", _check_copies),
    ("adapting starts from the source", _check_adapt),
    ("no global state is touched", _check_globals),
    ("random_state may be None", _check_random_state),
    ("pipelines carry the target", _check_pipeline),
    ("bindings", _check_bindings),
    ("probabilities", _check_probabilities),
    ("feature maps", _check_feature_maps),
)
