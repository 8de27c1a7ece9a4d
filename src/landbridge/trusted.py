"""Types that a skops file may hold: estimators of scikit-learn and landbridge, and what they are made of."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from landbridge.exceptions import UntrustedModelError

__all__ = [
    "HARMLESS",
    "PARTS",
    "PART_FOLDERS",
    "check_archive",
    "check_trees",
    "foreign_types",
    "import_skops",
    "is_own_type",
    "trusted_types",
]

# Classes of landbridge that are no estimators and yet part of fitted ones.
PARTS = frozenset(
    {
        "landbridge.neural._resume.History",
        "landbridge.parameter._flat_tree.FlatTree",
        "landbridge.problem._model_target.NetworkReader",
        # clauses of first-order logic: names and numbers
        "landbridge.relation._clauses.Clause",
        "landbridge.relation._clauses.Literal",
        "landbridge.relation._facts.Schema",
        "landbridge.relation._revision.ClauseDiagnosis",
        "landbridge.relation._second_order.Clique",
    }
)
# Packages all classes of which may be part of a fitted network: they hold numbers and names.
PART_FOLDERS = ("landbridge.neural.feature.", "landbridge.neural.parameter.", "landbridge.neural.tasks.")
# Types outside landbridge that skops does not trust by default, though they only hold numbers.
HARMLESS = frozenset(
    {
        "numpy.dtype",
        "numpy.random._mt19937.MT19937",
        "numpy.random.mtrand.RandomState",
        "scipy.sparse._csr.csr_matrix",
        "scipy.sparse._csr.csr_array",
        "sklearn._loss.link.HalfLogitLink",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogLink",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.AbsoluteError",
        "sklearn._loss.loss.ExponentialLoss",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfPoissonLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn._loss._loss.CyAbsoluteError",
        "sklearn._loss._loss.CyExponentialLoss",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss._loss.CyHalfPoissonLoss",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn._loss._loss.CyHalfTweedieLoss",
        "sklearn._loss._loss.CyHalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._kd_tree.newObj",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._ball_tree.newObj",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)


# Parts of scikit-learn that import large libraries; skops imports every part of it to find the estimators.
# Bytes that data may unpack to, as a multiple of their own, and beyond it.
MOST_RATIO, SMALL_ARCHIVE = 100, 16 * 2**20
_IMPORT = threading.Lock()
LARGE_PARTS = ("sklearn.externals.array_api_compat.torch", "sklearn.externals.array_api_compat.dask.array")


def import_skops() -> Any:
    """Import ``skops.io`` without torch and dask, which take seconds and are not needed for it.

    Returns
    -------
    module

    Examples
    --------
    >>> from landbridge.trusted import import_skops
    >>> import_skops().__name__
    'skops.io'
    """
    with _IMPORT:
        hidden = [] if "skops.io" in sys.modules else [name for name in LARGE_PARTS if name not in sys.modules]
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]  # an import of it fails, and is skipped
        try:
            return importlib.import_module("skops.io")
        finally:
            for name in hidden:
                sys.modules.pop(name, None)


def check_archive(data: bytes) -> None:
    """Raise if skops data would unpack to far more than they are, or have entries that skops does not write.

    Parameters
    ----------
    data : bytes
        Content of a skops file.

    Raises
    ------
    UntrustedModelError
        If it is no archive, its entries are larger than :data:`MOST_RATIO` times the data, or bear names outside it.

    Examples
    --------
    >>> import skops.io
    >>> from landbridge.trusted import check_archive
    >>> check_archive(skops.io.dumps([1, 2]))
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            # Sparse matrices are archives of their own.
            inner = [e for e in entries if e.filename.endswith(".npz") and e.file_size <= len(data)]
            nested = [archive.read(e) for e in inner] if len(inner) < len(entries) else []
    except Exception as error:
        raise UntrustedModelError("the file is damaged: it is no skops file; save the model again.") from error
    names = [e.filename for e in entries]
    if len(set(names)) < len(names):
        raise UntrustedModelError("the file holds two entries of one name, which skops never writes; do not load it.")
    for name in names:
        posix, windows = PurePosixPath(name), PureWindowsPath(name)
        if posix.is_absolute() or windows.drive or windows.root or ".." in (*posix.parts, *windows.parts):
            raise UntrustedModelError(
                "the file holds an entry outside of it, which skops never writes; do not load it."
            )
    size = sum(e.file_size for e in entries)
    if size > MOST_RATIO * len(data) + SMALL_ARCHIVE:
        raise UntrustedModelError(
            f"the file holds {size:,} bytes in {len(data):,}, more than a model does; do not load it."
        )
    for part in nested:
        check_archive(part)


def check_trees(model: Any) -> None:
    """Raise if a tree in a loaded model has nodes that do not exist or lead back, which scikit-learn does not check.

    Parameters
    ----------
    model : object
        As :func:`skops.io.loads` returned it.

    Raises
    ------
    UntrustedModelError

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from landbridge.trusted import check_trees
    >>> check_trees(DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))
    """
    seen: set[int] = set()
    rest: list[tuple[Any, int | None]] = [(model, None)]
    while rest:
        held, n_features = rest.pop()
        if isinstance(held, str | bytes | int | float | type | None) or id(held) in seen:
            continue
        seen.add(id(held))
        kind = type(held).__name__
        if kind == "Tree" and hasattr(held, "children_left"):
            known = held.n_features if n_features is None else min(n_features, held.n_features)
            _check_nodes(held.children_left, held.children_right, held.feature, held.children_left == -1, known)
        elif kind == "TreePredictor" and hasattr(held, "nodes"):
            nodes = held.nodes
            _check_nodes(nodes["left"], nodes["right"], nodes["feature_idx"], nodes["is_leaf"] != 0, n_features)
        if isinstance(held, dict):
            rest += [(v, n_features) for v in held.values()]
        elif isinstance(held, list | tuple | set):
            rest += [(v, n_features) for v in held]
        elif isinstance(held, np.ndarray):
            rest += [(v, n_features) for v in held.ravel().tolist()] if held.dtype == object else []
        else:
            given = getattr(held, "__dict__", {})
            own = given.get("n_features_in_", n_features)
            rest += [(v, own if isinstance(own, int | None) else n_features) for v in given.values()]


def _check_nodes(left: Any, right: Any, feature: Any, leaf: Any, n_features: int | None) -> None:
    """Children come after their parent in every tree that scikit-learn grows."""
    inner, n = np.flatnonzero(~np.asarray(leaf, dtype=bool)), len(left)
    children = np.stack([np.asarray(left)[inner], np.asarray(right)[inner]]).astype(np.int64)
    columns = np.asarray(feature)[inner].astype(np.int64)
    wrong = (children <= inner).any() or (children >= n).any() or (columns < 0).any() or n == 0
    if wrong or (n_features is not None and (columns >= n_features).any()):
        raise UntrustedModelError("the file holds a tree whose nodes do not exist; do not load it.")


def trusted_types(data: bytes) -> list[str]:
    """List the types of skops data that skops asks to confirm, all of them trusted by landbridge.

    Parameters
    ----------
    data : bytes
        Content of a skops file.

    Returns
    -------
    list of str
        What ``skops.io.loads(data, trusted=...)`` needs.

    Raises
    ------
    UntrustedModelError
        If the data hold a type that is not trusted.

    Examples
    --------
    >>> import skops.io
    >>> from landbridge.trusted import trusted_types
    >>> trusted_types(skops.io.dumps({"values": [1, 2]}))
    []
    """
    check_archive(data)
    needed = list(import_skops().get_untrusted_types(data=data))
    if foreign := foreign_types(needed):
        raise UntrustedModelError(
            f"the file holds the type {foreign[0]}, which is not trusted; use estimators of scikit-learn only."
        )
    return needed


def foreign_types(types: Iterable[str]) -> list[str]:
    """Select the type names that are not trusted.

    Parameters
    ----------
    types : iterable of str
        Full names, as :func:`skops.io.get_untrusted_types` lists them.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from landbridge.trusted import foreign_types
    >>> foreign_types(["sklearn.tree._tree.Tree", "os.system"])
    ['os.system']
    """
    return [t for t in types if t not in HARMLESS and not is_own_type(t)]


def is_own_type(name: str) -> bool:
    """Check whether a name is that of an estimator class that landbridge defines.

    Classes only: a function of landbridge inside a ``FunctionTransformer`` would be *called* with arguments from an
    unknown file.

    Parameters
    ----------
    name : str
        Full name of a type.

    Returns
    -------
    bool
    """
    module, _, attribute = name.rpartition(".")
    if not module.startswith("landbridge."):
        return False
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    own = inspect.isclass(found) and found.__module__ == module and found.__qualname__ == attribute
    return own and (issubclass(found, BaseEstimator) or name in PARTS or name.startswith(PART_FOLDERS))
