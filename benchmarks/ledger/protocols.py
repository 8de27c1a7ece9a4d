"""Data, preprocessing and pipelines of published tables, so that a run lands on the published numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import Normalizer

from landbridge.data import shared_data
from landbridge.pipeline import make_pipeline

Task = tuple[str, NDArray, NDArray, NDArray, NDArray]

# The order of the published tables.
OFFICE_CALTECH = ("caltech", "amazon", "webcam", "dslr")

# Accuracy in percent, one entry a task in the order of `office_caltech_tasks`, as published by Long et al., ICCV 2013.
PUBLISHED_SURF = {
    "1-NN": (23.70, 25.76, 25.48, 26.00, 29.83, 25.48, 19.86, 22.96, 59.24, 26.27, 28.50, 63.39),
    "PCA": (36.95, 32.54, 38.22, 34.73, 35.59, 27.39, 26.36, 31.00, 77.07, 29.65, 32.05, 75.93),
    "TCA": (38.20, 38.64, 41.40, 37.76, 37.63, 33.12, 29.30, 30.06, 87.26, 31.70, 32.15, 86.10),
    "JDA": (44.78, 41.69, 45.22, 39.36, 37.97, 39.49, 31.17, 32.78, 89.17, 31.52, 33.09, 89.49),
}
# Long et al., CVPR 2014 (TJM), and Wang et al., ACM Multimedia 2018 (MEDA), in the same order.
PUBLISHED_SURF |= {
    "TJM": (46.8, 39.0, 44.6, 39.5, 42.0, 45.2, 30.2, 30.0, 89.2, 31.4, 32.8, 85.4),
    "MEDA": (56.5, 53.9, 50.3, 43.9, 53.2, 45.9, 34.0, 42.7, 88.5, 34.9, 41.2, 87.5),
}
PUBLISHED_USPS_MNIST = {"1-NN": 44.70, "PCA": 44.95, "TCA": 51.05, "JDA": 59.65}


def office_caltech_tasks() -> Iterator[Task]:
    """Go through the twelve Office-Caltech SURF tasks, preprocessed.

    Each domain by itself: every row divided by its sum, every column brought to mean 0 and population standard
    deviation 1 (a constant column stays at 0).

    Yields
    ------
    name : str
        For example ``"C→A"``.
    Xs, ys, Xt, yt : ndarray
    """
    with np.load(_path("office_caltech_surf.npz")) as data:
        domains = {d: (_standardised(data[f"{d}_X"]), data[f"{d}_y"].astype(int)) for d in OFFICE_CALTECH}
    for source in OFFICE_CALTECH:
        for target in _targets(source):
            yield f"{source[0].upper()}→{target[0].upper()}", *domains[source], *domains[target]


def usps_mnist_task() -> Task:
    """Return USPS→MNIST: 1,800 and 2,000 digits of 16 x 16 pixels, every row of unit length.

    Returns
    -------
    name : str
    Xs, ys, Xt, yt : ndarray
    """
    with np.load(_path("usps_mnist_256.npz")) as data:
        Xs, Xt = (Normalizer().fit_transform(data[f"{d}_X"].astype(float)) for d in ("usps", "mnist"))
        return "USPS→MNIST", Xs, data["usps_y"].astype(int), Xt, data["mnist_y"].astype(int)


def nearest_neighbour_on(mapper: Any) -> Any:
    """Return the pipeline of the published tables: unit rows, the feature method, unit rows, 1-nearest-neighbour.

    Parameters
    ----------
    mapper : feature method

    Returns
    -------
    Pipeline
    """
    return make_pipeline(Normalizer(), mapper, Normalizer(), KNeighborsClassifier(n_neighbors=1))


def accuracy(estimator: Any, task: Task) -> float:
    """Fit on a task and return the target accuracy in percent; all target rows are known without labels.

    Parameters
    ----------
    estimator : estimator
    task : tuple

    Returns
    -------
    float
    """
    _, Xs, ys, Xt, yt = task
    return 100.0 * float(np.mean(estimator.fit(Xs, ys, X_target=Xt).predict(Xt) == yt))


def plain_accuracy(task: Task, n_components: int | None = None) -> float:
    """1-nearest-neighbour accuracy in percent, on the columns or on principal components of both domains together.

    Parameters
    ----------
    task : tuple
    n_components : int, optional

    Returns
    -------
    float
    """
    _, Xs, ys, Xt, yt = task
    if n_components is not None:
        both = PCA(n_components, svd_solver="full").fit(np.vstack([Xs, Xt]))
        Xs, Xt = both.transform(Xs), both.transform(Xt)
    return 100.0 * float(np.mean(KNeighborsClassifier(n_neighbors=1).fit(Xs, ys).predict(Xt) == yt))


def _targets(source: str) -> list[str]:
    order = {"caltech": "awd", "amazon": "cwd", "webcam": "cad", "dslr": "caw"}[source]
    return [d for letter in order for d in OFFICE_CALTECH if d[0] == letter]


def _standardised(counts: NDArray) -> NDArray[np.float64]:
    X = counts.astype(float)
    X /= X.sum(axis=1, keepdims=True)
    X -= X.mean(axis=0)
    spread = X.std(axis=0)
    return np.divide(X, spread, out=np.zeros_like(X), where=spread > 0)


def _path(name: str) -> Any:
    path = shared_data(name)
    if path is None:
        raise SystemExit(f"{name} is not in the shared data folder; set LANDBRIDGE_DATA to it.")
    return path
