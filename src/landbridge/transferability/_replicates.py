"""Uncertainty of a score: random halves for its spread, permuted labels for its null distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement
from landbridge.numerics.resampling import percentile_interval, permutation_p_value, random_generator

__all__ = ["Replicates", "Scorer", "measured", "random_halves", "replicate"]

# Takes a source model's output for some samples and returns a function that scores labels of these samples.
Scorer = Callable[..., Callable[[NDArray[Any]], float]]


class Replicates(NamedTuple):
    """Score with its replicates.

    Parameters
    ----------
    value : float
        On all samples.
    spread : ndarray of shape (n_bootstrap,)
        Deviations from the mean over random halves of the samples.
    null : ndarray of shape (n_permutations,)
        Scores of permuted labels.
    """

    value: float
    spread: NDArray[np.float64]
    null: NDArray[np.float64]

    def measurement(self, name: str, **details: Any) -> Measurement:
        """Return the replicates as a measurement.

        Parameters
        ----------
        name : str
        **details : object
            Further figures.

        Returns
        -------
        Measurement
            With a 95 % interval and the mean of the null, where there are replicates.
        """
        low = high = null = p_value = None
        if len(self.spread):
            a, b = percentile_interval(self.spread)
            low, high = self.value + min(a, 0.0), self.value + max(b, 0.0)
        if len(self.null):
            null, p_value = float(self.null.mean()), permutation_p_value(self.value, self.null)
        return Measurement(name, self.value, low, high, null, p_value, True, details)


def random_halves(
    strata: NDArray[Any], n_halves: int, rng: np.random.RandomState, groups: NDArray[Any] | None = None
) -> list[NDArray[np.intp]]:
    """Draw halves of the samples without replacement, half of each class.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,)
        Classes.
    n_halves : int
        How many.
    rng : RandomState
        Draws them.
    groups : ndarray of shape (n_samples,), optional
        Samples that stay together: halves are of groups, stratified by the most frequent class of each. If None, each
        sample is a group.

    Returns
    -------
    list of ndarray of int
        Sample indices, sorted. Of a class with an odd number of samples, one more or one less at random.
    """
    if groups is not None:
        codes = np.unique(groups, return_inverse=True)[1]
        kinds = np.unique(strata, return_inverse=True)[1]
        of_group = np.array([np.bincount(kinds[codes == g]).argmax() for g in range(int(codes.max()) + 1)])
        return [np.flatnonzero(np.isin(codes, half)) for half in random_halves(of_group, n_halves, rng)]
    members = [np.flatnonzero(strata == c) for c in np.unique(strata)]
    halves = []
    for _ in range(n_halves):
        sizes = [max(1, (len(g) + rng.randint(2)) // 2) for g in members]
        halves.append(np.sort(np.concatenate([rng.choice(g, k, False) for g, k in zip(members, sizes, strict=True)])))
    return halves


def replicate(
    scorer: Scorer,
    inputs: tuple[NDArray[Any], ...],
    labels: NDArray[Any],
    *,
    strata: NDArray[Any] | None = None,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Replicates:
    r"""Compute a score, its spread over halves of the samples and its null distribution under permuted labels.

    The mean over n / 2 of n samples, drawn without replacement, varies by :math:`\sigma^2 / n`, just as the mean over
    all samples would in new samples; so halves show the spread that the bootstrap aims at. They hold no sample twice,
    which evidence and rank correlation would take for information.

    Parameters
    ----------
    scorer : callable
        ``scorer(*inputs)`` gives a function of the labels.
    inputs : tuple of ndarray
        Of n samples each.
    labels : ndarray of shape (n_samples,)
        Class numbers, or values.
    strata : ndarray of shape (n_samples,), optional
        Groups that are halved separately. If None, the labels.
    n_bootstrap, n_permutations : int, default=100
        Replicates.
    random_state : int, RandomState or None, default=None
        The same seed gives the same halves for any scorer, so that differences between scores can be paired.

    Returns
    -------
    Replicates
    """
    rng = random_generator(random_state)
    score = scorer(*inputs)
    value = float(score(labels))
    halves = random_halves(labels if strata is None else strata, n_bootstrap, rng)
    draws = np.array([scorer(*(a[rows] for a in inputs))(labels[rows]) for rows in halves], dtype=np.float64)
    null = np.array([score(labels[rng.permutation(len(labels))]) for _ in range(n_permutations)], dtype=np.float64)
    return Replicates(value, draws - draws.mean() if len(draws) else draws, null)


def measured(
    name: str,
    scorer: Scorer,
    inputs: tuple[NDArray[Any], ...],
    labels: NDArray[Any],
    n_bootstrap: int,
    n_permutations: int,
    random_state: Any,
    *,
    strata: NDArray[Any] | None = None,
    **details: Any,
) -> Measurement:
    """Compute a score with its replicates and return it as a measurement.

    Parameters
    ----------
    name : str
        Of the score.
    scorer, inputs, labels, n_bootstrap, n_permutations, random_state, strata
        As of :func:`replicate`.
    **details : object
        Further figures.

    Returns
    -------
    Measurement
    """
    found = replicate(
        scorer,
        inputs,
        labels,
        strata=strata,
        n_bootstrap=n_bootstrap,
        n_permutations=n_permutations,
        random_state=random_state,
    )
    return found.measurement(name, n_samples=len(labels), **details)
