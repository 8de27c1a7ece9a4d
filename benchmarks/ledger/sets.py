"""Real data that the rows of several modules read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes

from landbridge.data import shared_data

SPEECH_BANDS, SPEECH_FRAMES = 16, 8


class FewLabels(NamedTuple):
    """A labelled source and a target of which a few rows are labelled.

    Parameters
    ----------
    name : str
    Xs, ys : ndarray
        Source.
    Xt, yt : ndarray
        Target, with all its labels.
    told : list of ndarray of int
        Which rows of the target are labelled, one draw an entry.
    sources : ndarray
        Which person each source row is from.
    """

    name: str
    Xs: NDArray[np.float64]
    ys: NDArray[Any]
    Xt: NDArray[np.float64]
    yt: NDArray[Any]
    told: list[NDArray[np.intp]]
    sources: NDArray[Any]

    def partly(self, told: NDArray[np.intp]) -> NDArray[Any]:
        """Target labels, all but `told` missing."""
        labels = np.full(len(self.yt), None, dtype=object)
        labels[told] = self.yt[told]
        return labels

    def rest(self, told: NDArray[np.intp]) -> NDArray[np.intp]:
        """Target rows that are not labelled."""
        return np.setdiff1d(np.arange(len(self.yt)), told)


def cross_person_activity(per_class: int = 3, n_draws: int = 5) -> Iterator[FewLabels]:
    """Go through the people who did all six activities: all others are the source, standardised by the source.

    Parameters
    ----------
    per_class : int, default=3
        Labelled windows an activity.
    n_draws : int, default=5
        Draws of the labelled windows.

    Yields
    ------
    FewLabels
    """
    with np.load(file("activity.npz")) as data:
        X, y, person = data["X"].astype(float), data["y"].astype(int), data["subject"].astype(int)
    for p in np.unique(person):
        if len(np.unique(y[person == p])) == 6:
            yield _leave_out(f"person {p}", X, y, person, p, per_class, n_draws)


def cross_speaker_digits(per_class: int = 3, n_draws: int = 5) -> Iterator[FewLabels]:
    """Go through the six speakers of the spoken digits: all others are the source.

    Every recording is 16 bands by 8 frames of its logarithmic spectrum, standardised by the source.

    Parameters
    ----------
    per_class : int, default=3
        Labelled recordings a digit.
    n_draws : int, default=5
        Draws of the labelled recordings.

    Yields
    ------
    FewLabels
    """
    X, y, speaker = _spectra()
    for s in np.unique(speaker):
        yield _leave_out(f"speaker {s}", X, y, speaker, s, per_class, n_draws)


def amazon_reviews() -> dict[str, tuple[sparse.csr_matrix, NDArray[np.int64]]]:
    """Word counts of book and film reviews, as prepared for the table of Ganin et al., JMLR 2016.

    Returns
    -------
    dict
        ``"books_train"``, ``"books_test"``, ``"dvd_train"``, ``"dvd_test"``, each rows and labels -1 and 1.
    """
    found = {}
    with np.load(file("amazon_reviews_books_dvd.npz")) as data:
        for part in ("books_train", "books_test", "dvd_train", "dvd_test"):
            entries = data[f"{part}_data"].astype(float), data[f"{part}_indices"].astype(np.int32)
            indptr = data[f"{part}_indptr"]
            rows = sparse.csr_matrix((*entries, indptr), shape=(len(indptr) - 1, 5000))
            found[part] = rows, data[f"{part}_y"].astype(int)
    return found


def wine() -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Red and white wines, standardised by the red ones, and their quality.

    Returns
    -------
    dict
        ``"red"`` and ``"white"``, each rows and values.
    """
    tables = {colour: pd.read_csv(file(f"wine_quality_{colour}.csv.gz")) for colour in ("red", "white")}
    middle, spread = tables["red"].iloc[:, :-1].mean(), tables["red"].iloc[:, :-1].std()
    return {
        colour: (((t.iloc[:, :-1] - middle) / spread).to_numpy(dtype=float), t.iloc[:, -1].to_numpy(dtype=float))
        for colour, t in tables.items()
    }


def regression_tables() -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Real tables with a value to predict.

    Returns
    -------
    dict
        Name to rows and values.
    """
    wines = wine()
    return {"diabetes": load_diabetes(return_X_y=True), "red wine": wines["red"], "white wine": wines["white"]}


def classification_tables() -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Real tables with two classes.

    Returns
    -------
    dict
        Name to rows and labels.
    """
    spam = pd.read_csv(file("spambase.csv.gz"))
    voices = pd.read_csv(file("parkinsons.csv"))
    heart = pd.read_csv(file("heart_cleveland.csv")).dropna()
    wines = wine()
    return {
        "breast cancer": load_breast_cancer(return_X_y=True),
        "spam": (spam.iloc[:, :-1].to_numpy(dtype=float), spam.iloc[:, -1].to_numpy(dtype=int)),
        "Parkinson's": (voices.drop(columns=["name", "status"]).to_numpy(dtype=float), voices["status"].to_numpy()),
        "heart": (heart.iloc[:, :-1].to_numpy(dtype=float), (heart["num"] > 0).to_numpy().astype(int)),
        "good red wine": (wines["red"][0], (wines["red"][1] >= 6).astype(int)),
        "good white wine": (wines["white"][0], (wines["white"][1] >= 6).astype(int)),
    }


def file(name: str) -> Any:
    """Path of a shared data file.

    Parameters
    ----------
    name : str

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the shared data folder lacks it.
    """
    path = shared_data(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not in the shared data folder; set LANDBRIDGE_DATA to it")
    return path


def _leave_out(name: str, X: Any, y: Any, person: Any, who: Any, per_class: int, n_draws: int) -> FewLabels:
    source, target = person != who, person == who
    middle = np.nanmedian(X[source], axis=0)
    Xs, Xt = (np.where(np.isnan(X[rows]), middle, X[rows]) for rows in (source, target))
    center, spread = Xs.mean(axis=0), Xs.std(axis=0)
    Xs, Xt = ((Z - center) / np.where(spread > 0, spread, 1.0) for Z in (Xs, Xt))
    yt, told = y[target], []
    for draw in range(n_draws):
        rng = np.random.default_rng([int(who), draw])
        picked = [rng.permutation(np.flatnonzero(yt == c))[:per_class] for c in np.unique(yt)]
        told.append(np.sort(np.concatenate(picked)))
    return FewLabels(name, Xs, y[source], Xt, yt, told, person[source])


def seeded(estimator: Any, random_state: int = 0) -> Any:
    """Set ``random_state`` where an estimator has one, and return the estimator."""
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=random_state)
    return estimator


@lru_cache(maxsize=1)
def _spectra() -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    with np.load(file("spoken_digits.npz")) as data:
        samples, offsets = data["samples"].astype(float), data["offsets"]
        y, speaker = data["digit"].astype(int), data["speaker"].astype(int)
    X = np.empty((len(y), SPEECH_BANDS * SPEECH_FRAMES))
    for i in range(len(y)):
        frames = np.array_split(samples[offsets[i] : offsets[i + 1]], SPEECH_FRAMES)
        power = [np.abs(np.fft.rfft(f * np.hanning(len(f)), 512)[1:257]) ** 2 for f in frames]
        bands = np.array(power).reshape(SPEECH_FRAMES, SPEECH_BANDS, -1).mean(axis=2)
        X[i] = np.log(bands + 1e-3 * bands.mean() + 1.0).ravel()
    return X, y, speaker
