"""Cross-validated and calibrated class probabilities of both domains from models trained on the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.discrepancy._domain_classifier import fit_quietly, linear_classifier
from landbridge.numerics.grouping import fold_of_groups
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.nystroem import NystroemMap
from landbridge.numerics.resampling import balanced_folds, random_generator

__all__ = ["Posterior", "bias_corrected_temperature", "cross_fit_posterior", "kernel_classifier"]


@dataclass(frozen=True)
class Posterior:
    """Calibrated class probabilities of samples that no model was trained on.

    Parameters
    ----------
    source : ndarray of shape (n_source, n_classes)
    target : ndarray of shape (n_target, n_classes)
    priors : ndarray of shape (n_classes,)
        Class shares of the source.
    codes : ndarray of int, shape (n_source,)
        True classes of the source samples.
    model : str
        Which model was chosen.
    """

    source: NDArray[np.float64]
    target: NDArray[np.float64]
    priors: NDArray[np.float64]
    codes: NDArray[np.intp]
    model: str

    @property
    def error(self) -> float:
        """Return the held-out error of the most probable class on the source."""
        return float((self.source.argmax(axis=1) != self.codes).mean())

    @property
    def balanced_error(self) -> float:
        """Return the held-out error on the source if all classes were equally frequent and counted alike."""
        wrong = (self.source / np.maximum(self.priors, 1e-12)).argmax(axis=1) != self.codes
        return float(np.mean([wrong[self.codes == c].mean() for c in np.unique(self.codes)]))


def cross_fit_posterior(
    Xs: NDArray[np.float64],
    codes: NDArray[np.intp],
    Xt: NDArray[np.float64],
    rng: np.random.RandomState,
    *,
    estimator: Any = None,
    n_splits: int = 5,
    groups: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
) -> Posterior:
    """Cross-validate the class probabilities of every sample, each by a model that was not trained on it.

    Each target sample is scored by one of the fold models, drawn at random, rather than by their mean: source and
    target samples are then treated alike, and if the domains do not differ their scores have exactly the same
    distribution.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples.
    codes : ndarray of int, shape (n_source,)
        Their classes, numbered from 0.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.
    rng : RandomState
        Draws folds and landmarks.
    estimator : classifier, optional
        Needs ``predict_proba``. If None, the better, by held-out log loss, of logistic regression on the features and
        on Gaussian kernel features.
    n_splits : int, default=5
        Folds.
    groups : tuple of ndarray of int, optional
        Groups of the source and of the target samples: no sample is scored by a model that was trained on its group.
        If None, each sample is a group.

    Returns
    -------
    Posterior
    """
    n_classes = int(codes.max()) + 1
    if groups is None:
        folds = balanced_folds(codes, min(n_splits, len(codes)), rng)
        target_folds = rng.permutation(len(Xt)) % (folds.max() + 1)
    else:
        folds = fold_of_groups(groups[0], n_splits, rng, codes)
        fold_of = dict(zip(groups[0].tolist(), folds.tolist(), strict=True))
        others = [g for g in np.unique(groups[1]).tolist() if g not in fold_of]
        drawn = rng.permutation(len(others)) % (folds.max() + 1)
        fold_of |= dict(zip(others, drawn.tolist(), strict=True))
        target_folds = np.array([fold_of[g] for g in groups[1].tolist()], dtype=np.intp)
    seed = int(rng.randint(2**31 - 1))
    candidates = (
        {"given": estimator}
        if estimator is not None
        else {"linear": linear_classifier(), "kernel": kernel_classifier(seed)}
    )
    best = None
    for name, candidate in candidates.items():
        scores = [np.full((len(X), n_classes), 1e-6) for X in (Xs, Xt)]
        for fold in range(folds.max() + 1):
            train = folds != fold
            if len(np.unique(codes[train])) < 2:
                continue
            model = fit_quietly(candidate, Xs[train], codes[train])
            for X, where, out in ((Xs, ~train, scores[0]), (Xt, target_folds == fold, scores[1])):
                rows = np.flatnonzero(where)
                if len(rows):
                    out[np.ix_(rows, model.classes_)] = np.clip(model.predict_proba(X[rows]), 1e-6, 1.0)
        temperature, bias, loss = bias_corrected_temperature(np.log(scores[0]), codes)
        if best is None or loss < best[0]:
            best = loss, name, [softmax(np.log(s) * temperature + bias, axis=1) for s in scores]
    assert best is not None
    priors = np.bincount(codes, minlength=n_classes) / len(codes)
    return Posterior(best[2][0], best[2][1], priors, codes, best[1])


def bias_corrected_temperature(
    log_proba: NDArray[np.float64], codes: NDArray[np.intp]
) -> tuple[float, NDArray[np.float64], float]:
    r"""Calibrate held-out scores by a temperature and class offsets: softmax of :math:`z / T + b`.

    The offsets matter: with them the mean probability of a class equals its share, without which maximum likelihood
    for the target's shares is biased from the start.

    Parameters
    ----------
    log_proba : ndarray of shape (n_samples, n_classes)
        Logarithms of held-out probabilities.
    codes : ndarray of int, shape (n_samples,)
        True classes.

    Returns
    -------
    temperature : float
        Factor on the scores, :math:`1 / T`.
    bias : ndarray of shape (n_classes,)
    loss : float
        Log loss after calibration, per sample.

    References
    ----------
    .. [1] A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected calibration is
       hard-to-beat at label shift adaptation. ICML 2020.
    """
    n, k = log_proba.shape
    hot = np.zeros((n, k))
    hot[np.arange(n), codes] = 1.0

    def objective(v: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = log_softmax(v[0] * log_proba + v[1:], axis=1)
        gap = np.exp(z) - hot
        # a small penalty bounds the parameters where the scores separate the classes
        value = -z[hot == 1].mean() + 1e-3 * ((v[0] - 1) ** 2 + (v[1:] ** 2).sum())
        grad = np.append((gap * log_proba).sum() / n, gap.mean(axis=0))
        return float(value), grad + 2e-3 * np.append(v[0] - 1, v[1:])

    start = np.append(1.0, np.zeros(k))
    bounds = [(1e-2, 20.0), *[(-10.0, 10.0)] * k]
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200})
    return float(found.x[0]), found.x[1:], float(found.fun)


class _KernelFeatures(TransformerMixin, BaseEstimator):
    """Nystroem features of the Gaussian kernel beside the features themselves."""

    def __init__(self, n_landmarks: int = 100, random_state: Any = None) -> None:
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def fit(self, X: NDArray[np.float64], y: Any = None) -> _KernelFeatures:
        rng = random_generator(self.random_state)
        rows = rng.permutation(len(X))[: self.n_landmarks]
        self.map_ = NystroemMap(X[rows], gamma=2 * median_gamma(X, random_state=rng), tol=1e-6)
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.hstack([self.map_(X), X])


def kernel_classifier(random_state: int, C: float = 10.0) -> Any:
    """Return a logistic regression on Gaussian kernel features beside the features themselves.

    Parameters
    ----------
    random_state : int
        Draws the landmarks.
    C : float, default=10
        Inverse penalty.

    Returns
    -------
    Pipeline
    """
    logistic = LogisticRegression(C=C, max_iter=200, tol=1e-3)
    return make_pipeline(StandardScaler(), _KernelFeatures(random_state=random_state), logistic)
