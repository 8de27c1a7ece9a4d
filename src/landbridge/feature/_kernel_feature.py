"""What the kernel methods of this family share: their parameters, and how fitted directions take rows along."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.utils.multiclass import check_classification_targets

from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer
from landbridge.exceptions import LabelError
from landbridge.numerics.stacked import FeatureRows, KernelRows, project, stack_rows

KERNEL_CONSTRAINTS: dict[str, Any] = {
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "reg": [Interval(Real, 0, None, closed="neither")],
    "kernel": [StrOptions({"linear", "rbf"})],
    "gamma": [Interval(Real, 0, None, closed="neither"), None],
    "form": [StrOptions({"dual", "primal"})],
    "n_landmarks": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
    "random_state": ["random_state"],
}


class KernelFeature(FeatureTransfer):
    """Template of methods that look for directions in a kernel's space; one map serves both domains."""

    kernel: str
    gamma: float | None
    form: str
    n_landmarks: Any
    random_state: Any

    def _stack(self, Xs: Any, Xt: Any, rng: Any, *, form: str | None = None, explicit: bool = False) -> Any:
        rows = stack_rows(
            Xs,
            Xt,
            kernel=self.kernel,
            gamma=self.gamma,
            form=form or self.form,
            n_landmarks=self.n_landmarks,
            explicit=explicit,
            random_state=rng,
        )
        self.gamma_ = rows.gamma
        return rows

    def _keep(self, rows: FeatureRows | KernelRows, directions: NDArray[np.float64]) -> None:
        self.kernel_rows_, self.components_ = rows.coefficients(directions)
        self.n_components_ = directions.shape[1]

    def _map_source(self, X: Any) -> Any:
        return project(X, self.kernel_rows_, self.components_, kernel=self.kernel, gamma=self.gamma_)

    def _map_target(self, X: Any) -> Any:
        return self._map_source(X)


def label_codes(method: Any, ys: Any, yt: Any, n_target: int) -> tuple[Any, NDArray[np.intp], NDArray[np.intp]]:
    """Number the classes: those of the source rows, and those of the labelled target rows (-1 elsewhere).

    Parameters
    ----------
    method : estimator
        For the message.
    ys : array of shape (n_source,) or None
    yt : array of shape (n_target,) or None
    n_target : int

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    source_codes : ndarray of int, shape (n_source,)
    target_codes : ndarray of int, shape (n_target,)

    Raises
    ------
    LabelError
        Without source labels.
    """
    if ys is None:
        raise LabelError(
            f"{type(method).__name__} requires y to be passed, but the target y is None; give the source's labels, "
            "or choose TCA, which needs none."
        )
    check_classification_targets(ys)
    classes, source_codes = np.unique(ys, return_inverse=True)
    target_codes = np.full(n_target, -1, dtype=np.intp)
    if yt is not None:
        known = np.array([v is not None and v == v for v in yt])
        target_codes[known] = np.searchsorted(classes, np.asarray(yt[known].tolist()))
    return classes, source_codes, target_codes


def pseudo_codes(
    estimator: Any, Z: NDArray[np.float64], source_codes: NDArray[np.intp], known: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Predict the classes of the target rows from all labelled ones; given labels stay.

    Parameters
    ----------
    estimator : classifier or None
        None is the classifier of the published tables: 1-nearest-neighbour on rows of unit length.
    Z : ndarray of shape (n_source + n_target, k)
        Both domains in the common space.
    source_codes : ndarray of int, shape (n_source,)
    known : ndarray of int, shape (n_target,)
        Given classes, -1 where there is none.

    Returns
    -------
    ndarray of int, shape (n_target,)
    """
    n_source = len(source_codes)
    told = np.flatnonzero(known >= 0)
    model = make_pipeline(Normalizer(), KNeighborsClassifier(n_neighbors=1)) if estimator is None else clone(estimator)
    model.fit(np.concatenate([Z[:n_source], Z[n_source + told]]), np.concatenate([source_codes, known[told]]))
    codes = np.asarray(model.predict(Z[n_source:]), dtype=np.intp)
    codes[told] = known[told]
    return codes


def labelled_tags(tags: Any) -> Any:
    """Say in scikit-learn's tags that labels are required.

    Parameters
    ----------
    tags : Tags

    Returns
    -------
    Tags
    """
    tags.target_tags.required = True
    return tags
