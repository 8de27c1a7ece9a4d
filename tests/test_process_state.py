"""Nothing that belongs to the process is changed: by no verb, in the main thread and in four threads at once."""

import copy
import decimal
import gc
import locale
import logging
import os
import pickle
import random
import signal
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_info

import landbridge
from landbridge import _process_state
from landbridge._process_state import Seen, one_thread, quiet, recorded_warnings, restored_filters
from landbridge.base import InstanceTransfer
from landbridge.candidates import compose
from landbridge.catalogue import methods
from landbridge.data import make_shift
from landbridge.tasks import get_task


def snapshot():
    """Everything of the process that a library could change."""
    generator = np.random.get_state()  # noqa: NPY002 - to see whether it is changed
    state = {
        "numpy's generator": (generator[1].tobytes(), generator[2:]),
        "Python's generator": random.getstate(),
        "numpy's error handling": np.geterr(),
        "numpy's print options": {k: v for k, v in np.get_printoptions().items() if k != "formatter"},
        "warning filters": list(warnings.filters),
        "warning functions": (warnings.showwarning, warnings.formatwarning),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "import path": list(sys.path),
        "recursion limit": sys.getrecursionlimit(),
        "handlers": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
        "garbage collection": (gc.isenabled(), gc.get_threshold()),
        "locale": locale.setlocale(locale.LC_ALL),
        "decimals": repr(decimal.getcontext()),
        "logging": (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
        "scikit-learn": sklearn.get_config(),
        "umask": _umask(),
        "excepthook": (sys.excepthook, threading.excepthook),
        "threads of libraries": sorted((i["filepath"], i["num_threads"]) for i in threadpool_info()),
    }
    if "matplotlib" in sys.modules:
        import matplotlib

        state["matplotlib"] = dict.__repr__(matplotlib.rcParams)
    if "torch" in sys.modules:
        import torch

        state["torch"] = (
            torch.random.get_rng_state().numpy().tobytes(),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_grad_enabled(),
        )
    return state


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def changed(before, after):
    # Libraries that were loaded meanwhile have threads of their own.
    files = {f for f, _ in before["threads of libraries"]}
    after = after | {"threads of libraries": [t for t in after["threads of libraries"] if t[0] in files]}
    return [k for k, v in before.items() if k in after and after[k] != v]


@pytest.fixture(scope="module")
def sides():
    return make_shift("concept", n_source=40, n_target=40, random_state=0)


@pytest.fixture(scope="module")
def result(sides):
    return landbridge.transfer(*sides, target_labels="hide", methods=["CORAL"])


def _verbs(sides, result, folder, random_state):
    source, target = sides
    few = {"n_permutations": 5, "n_bootstrap": 5, "random_state": random_state}
    tree = DecisionTreeClassifier()
    kept = {"random_state": random_state}
    fitted = DecisionTreeClassifier(random_state=0).fit(source.X, source.y)
    return {
        "measure": lambda: landbridge.measure(source, target.without_labels(), **few),
        "rank": lambda: landbridge.rank({"a": source, "b": target}, target, estimator=tree, **few),
        "transfer": lambda: landbridge.transfer(
            source, target, target_labels=5, methods=["TrAdaBoost", "KLIEP"], estimator=tree, n_jobs=1, **kept
        ),
        "estimate": lambda: landbridge.estimate(result, target.without_labels(), **kept),
        "estimate of a model": lambda: landbridge.estimate(fitted, target.X, source=source, **kept),
        "predict": lambda: result.predict(target.X),
        "save and load": lambda: landbridge.load_result(result.save(folder / str(threading.get_ident()))),
        "report": lambda: result.report(folder / str(threading.get_ident())),
    }


@pytest.mark.parametrize("random_state", [0, None])
def test_verbs_change_nothing(sides, result, tmp_path, random_state):
    for name, verb in _verbs(sides, result, tmp_path, random_state).items():
        before = snapshot()
        verb()
        assert changed(before, snapshot()) == [], name


def test_verbs_change_nothing_in_four_threads(sides, result, tmp_path):
    verbs = _verbs(sides, result, tmp_path, None)
    calls = [verbs[name] for name in ("measure", "rank", "transfer", "estimate of a model")]
    calls[0]()  # imports what it needs
    before = snapshot()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()
    assert changed(before, snapshot()) == []


@pytest.mark.filterwarnings("ignore::landbridge.exceptions.EarlyStoppingWarning")
@pytest.mark.parametrize("method", [m for m in methods() if not m.tags.requires], ids=lambda m: m.name)
def test_methods_change_no_generator(method):
    """With their defaults, which scikit-learn's would take to mean the global one."""
    source, target = make_shift("concept", n_source=40, n_target=30, random_state=0)
    classes = "classification" in method.tags.tasks
    known = np.arange(len(target)) < 12
    y = source.y if classes else source.y + np.abs(source.X[:, 0])
    labels = np.where(known, target.y, None) if classes else np.where(known, np.abs(target.X[:, 0]), np.nan)
    learner = get_task("classification" if classes else "regression").default_estimator()
    if not classes and issubclass(method.cls, InstanceTransfer):
        learner = learner[-1]
    before = snapshot()
    compose(method.cls(), learner).fit(source.X, y, X_target=target.X, y_target=labels).predict(target.X)
    assert changed(before, snapshot()) == []


def test_quiet_is_for_one_thread():
    inside, done = threading.Event(), threading.Event()

    def other():
        with quiet(UserWarning):
            inside.set()
            done.wait(10)
            warnings.warn("not shown", UserWarning)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    with pytest.warns(UserWarning, match="shown"):
        warnings.warn("shown", UserWarning)
    done.set()
    thread.join()


def test_only_these_kinds_are_quiet():
    with quiet(UserWarning), pytest.warns(RuntimeWarning, match="kept"):
        warnings.warn("gone", UserWarning)
        warnings.warn("kept", RuntimeWarning)


def test_warnings_are_recorded_each_time():
    with recorded_warnings() as seen:
        for _ in range(2):
            warnings.warn("slow", RuntimeWarning)
        with quiet(UserWarning):
            warnings.warn("inner")
            warnings.warn("outer", DeprecationWarning)
    assert seen == [Seen(RuntimeWarning, "slow")] * 2 + [Seen(DeprecationWarning, "outer")]


def test_warnings_within_parallel_calls_of_scikit_learn_are_recorded():
    """They run with copies of the filters, which lose what is not text."""
    from sklearn.utils.parallel import Parallel, delayed

    before = list(warnings.filters)
    with recorded_warnings() as seen:
        Parallel(n_jobs=1)(delayed(warnings.warn)(f"warning {i}") for i in range(2))
    assert [w.message for w in seen] == ["warning 0", "warning 1"] and list(warnings.filters) == before


def test_the_entry_can_be_sent_to_processes():
    assert pickle.loads(pickle.dumps(_process_state._ENTRY)) == _process_state._ENTRY


def test_threads_that_overlap_leave_no_filter():
    """The first to begin ends first, as `catch_warnings` must not."""
    before = list(warnings.filters)
    one, two = quiet(UserWarning), recorded_warnings()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        first.submit(one.__enter__).result()
        second.submit(two.__enter__).result()
        first.submit(one.__exit__, None, None, None).result()
        second.submit(two.__exit__, None, None, None).result()
    assert list(warnings.filters) == before


def test_filters_that_libraries_leave_behind_are_removed():
    held, before = warnings.filters, copy.copy(warnings.filters)
    inner = [warnings.catch_warnings(), warnings.catch_warnings()]
    outer = [restored_filters(), restored_filters()]
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for pool, verb, library in ((first, outer[0], inner[0]), (second, outer[1], inner[1])):
            pool.submit(verb.__enter__).result()
            pool.submit(library.__enter__).result()
            pool.submit(warnings.simplefilter, "ignore").result()
        for pool, verb, library in ((first, outer[0], inner[0]), (second, outer[1], inner[1])):
            pool.submit(library.__exit__, None, None, None).result()
            pool.submit(verb.__exit__, None, None, None).result()
    assert warnings.filters is held and list(held) == list(before)


def test_what_one_thread_sets_on_purpose_stays():
    with warnings.catch_warnings():
        with restored_filters():
            warnings.simplefilter("ignore", UserWarning)
        assert warnings.filters[0][:3] == ("ignore", None, UserWarning)


def test_threads_of_libraries_are_restored_in_any_order():
    before = threadpool_info()
    one, two = one_thread(), one_thread()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        first.submit(one.__enter__).result()
        second.submit(two.__enter__).result()
        first.submit(one.__exit__, None, None, None).result()
        assert {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"} <= {1}
        second.submit(two.__exit__, None, None, None).result()
    assert threadpool_info() == before
