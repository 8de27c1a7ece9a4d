"""Sparse coding: the codes solve their problem, and the transformer keeps the scikit-learn contract."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from landbridge.data import load_builtin
from landbridge.selftaught import SparseCodingFeatures, sparse_codes


def make(seed=0):
    return SparseCodingFeatures(24, 0.1, max_iter=2, random_state=seed)


@pytest.fixture(scope="module")
def printed():
    return load_builtin("printed").X[:100]


@pytest.fixture(scope="module")
def handwritten():
    digits = load_builtin("handwritten")
    few = np.concatenate([np.flatnonzero(digits.y == c)[:5] for c in range(10)])
    return digits.X, digits.y, few


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [
        SparseCodingFeatures(4, max_iter=3),
        SparseCodingFeatures(12, 0.5, max_iter=1, batch_size=20, random_state=1),
    ],
)
def test_scikit_learn_checks(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {r["check_name"]: repr(r["exception"]) for r in results if r["status"] not in ("passed", "skipped")}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 30


def test_same_seed_same_codes_and_no_seed_leaks(printed, handwritten):
    X, _, few = handwritten
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    kept = printed.copy()
    a, b, c = (make(s).fit(printed).transform(X[few]) for s in (0, 0, 1))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert np.array_equal(printed, kept)
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_codes_do_not_depend_on_their_company_and_survive_copies(printed, handwritten):
    X = handwritten[0][:20]
    model = make().fit(printed)
    codes = model.transform(X)
    assert codes.shape == (20, model.n_components) and codes.dtype == np.float64
    assert np.allclose(np.vstack([model.transform(x[None]) for x in X]), codes, atol=1e-9)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(X), codes)
    assert np.array_equal(clone(model).fit(printed).transform(X), codes)
    assert len(model.get_feature_names_out()) == model.n_components


def test_codes_of_printed_parts_separate_handwritten_digits_with_five_labels_per_class(printed, handwritten):
    X, y, few = handwritten
    model = make_pipeline(make().fit(printed), LogisticRegression(max_iter=500))
    model[-1].fit(model[0].transform(X[few]), y[few])
    rest = np.setdiff1d(np.arange(len(y)), few)[:600]
    assert model.score(X[rest], y[rest]) > 0.5  # chance is 0.1


def test_sparse_codes_meet_the_conditions_of_the_minimum():
    rng = np.random.default_rng(0)
    B = rng.normal(size=(8, 5))
    B /= np.linalg.norm(B, axis=1, keepdims=True)
    X, l1_penalty = rng.normal(size=(30, 5)), 0.3
    A = sparse_codes(X, B, l1_penalty)
    slope = (X - A @ B) @ B.T  # equals l1_penalty sign(a) where a is not zero, and lies within l1_penalty elsewhere
    assert np.allclose(slope[A != 0], l1_penalty * np.sign(A[A != 0]), atol=1e-4)
    assert np.abs(slope).max() < l1_penalty + 1e-4
    assert 0 < (A == 0).mean() < 1
    assert not sparse_codes(X, B, np.abs(X @ B.T).max() * 1.001).any()


def test_atoms_have_length_one_at_most_and_a_larger_l1_penalty_gives_more_zeros(printed, handwritten):
    few, many = (
        SparseCodingFeatures(24, l1_penalty, max_iter=5, random_state=0).fit(printed) for l1_penalty in (0.5, 0.05)
    )
    assert np.linalg.norm(few.components_, axis=1).max() <= 1 + 1e-9
    X = handwritten[0][:100]
    assert (few.transform(X) == 0).mean() > (many.transform(X) == 0).mean() + 0.1


@pytest.mark.parametrize(
    ("model", "name"),
    [(SparseCodingFeatures(l1_penalty=0.0), "l1_penalty"), (SparseCodingFeatures(0), "n_components")],
)
def test_bad_parameters_are_named(model, name):
    with pytest.raises(ValueError, match=name):
        model.fit(np.eye(4))


def test_no_torch_is_needed():
    code = """
import importlib.abc, sys
class NoTorch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch" or name.startswith("landbridge.neural"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoTorch())
import numpy as np
from landbridge.selftaught import SelfTaughtClustering, SparseCodingFeatures
X = np.random.default_rng(0).poisson(2.0, size=(40, 6)).astype(float)
print(SparseCodingFeatures(4, max_iter=2, random_state=0).fit(X).transform(X[:10]).shape)
print(SelfTaughtClustering(3, n_feature_clusters=2, random_state=0).fit(X, X_target=X[:12]).labels_.shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["(10, 4)", "(12,)"]
