"""Checks and subsampling of two sets of samples that every discrepancy shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array

from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError
from landbridge.numerics.grouping import resample_counts, shuffle_groups
from landbridge.numerics.resampling import subsample

__all__ = ["checked_pair_groups", "label_codes", "permuted_sides", "resampled_sides", "two_samples", "within_scale"]


def two_samples(
    X_source: Any, X_target: Any, max_samples: int | None, rng: np.random.RandomState, min_samples: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check two sets of samples and draw at most `max_samples` of each, as dense float64.

    Parameters
    ----------
    X_source, X_target : array-like or sparse matrix of shape (n_samples, n_features)
        Samples with the same features.
    max_samples : int or None
        Samples to keep of each set.
    rng : RandomState
        Draws the samples.
    min_samples : int, default=2
        Fewest samples of a domain.

    Returns
    -------
    Xs, Xt : ndarray

    Raises
    ------
    InputError
        If a set holds NaN or too few samples, or the numbers of features differ.
    """
    sets = []
    for name, X in (("X_source", X_source), ("X_target", X_target)):
        refuse_masked(X, name)
        try:
            X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], input_name=name)
        except (ValueError, TypeError) as error:
            raise InputError(f"{name}: {str(error).splitlines()[0]}") from error
        if X.shape[0] < min_samples:
            raise InputError(
                f"{name} has {X.shape[0]} sample{'' if X.shape[0] == 1 else 's'}; a distance needs at least "
                f"{min_samples}."
            )
        sets.append(X)
    Xs, Xt = sets
    if Xs.shape[1] != Xt.shape[1]:
        raise InputError(
            f"X_source has {Xs.shape[1]} features but X_target has {Xt.shape[1]}; give both the same columns."
        )
    Xs, Xt = (_dense(X[subsample(X.shape[0], max_samples, rng)]) for X in (Xs, Xt))
    return Xs, Xt


def checked_pair_groups(groups: Any, n_samples: int) -> NDArray[np.intp] | None:
    """Number the groups of source and target samples.

    Parameters
    ----------
    groups : array-like of shape (n_samples,) or None
        Source samples first.
    n_samples : int
        Of both domains.

    Returns
    -------
    ndarray of int, shape (n_samples,), or None

    Raises
    ------
    InputError
        If there is another number of them.
    """
    if groups is None:
        return None
    if len(groups) != n_samples:
        raise InputError(
            f"groups has {len(groups)} entries but {n_samples} samples are used; give one per sample, source first, "
            "and max_samples=None."
        )
    return np.asarray(np.unique(np.asarray(groups), return_inverse=True)[1])


def permuted_sides(
    Z: NDArray[np.float64], member: NDArray[np.float64], groups: Any, rng: np.random.RandomState
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exchange samples between the domains at random, or whole groups of them.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Source samples first.
    member : ndarray of shape (n_samples,)
        1 for source samples, 0 for target samples.
    groups : ndarray of shape (n_samples,) or None
    rng : RandomState

    Returns
    -------
    source, target : ndarray
    """
    if groups is None:
        order, n = rng.permutation(len(Z)), int(member.sum())
        return Z[order[:n]], Z[order[n:]]
    here = shuffle_groups(member, groups, rng) == 1.0
    return Z[here], Z[~here]


def resampled_sides(
    Xs: NDArray[np.float64], Xt: NDArray[np.float64], groups: Any, rng: np.random.RandomState
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw a bootstrap resample of each domain, of whole groups where there are any.

    Parameters
    ----------
    Xs, Xt : ndarray of shape (n_samples, n_features)
    groups : ndarray of shape (n_source + n_target,) or None
    rng : RandomState

    Returns
    -------
    source, target : ndarray
    """
    if groups is None:
        return Xs[rng.randint(len(Xs), size=len(Xs))], Xt[rng.randint(len(Xt), size=len(Xt))]
    drawn = []
    for X, of in ((Xs, groups[: len(Xs)]), (Xt, groups[len(Xs) :])):
        counts = resample_counts(len(X), 1, rng, of)[0].astype(int)
        drawn.append(np.repeat(X, counts, axis=0))
    return drawn[0], drawn[1]


def within_scale(Xs: NDArray[np.float64], Xt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the spread of each feature within the domains, which a shift between them does not inflate.

    Parameters
    ----------
    Xs, Xt : ndarray of shape (n_samples, n_features)
        Samples.

    Returns
    -------
    ndarray of shape (n_features,)
        Root of the mean of both variances; where neither domain varies, the spread over both; 1 where nothing does.
    """
    scale = np.sqrt((Xs.var(axis=0) + Xt.var(axis=0)) / 2)
    size = np.maximum(np.abs(Xs).max(axis=0), np.abs(Xt).max(axis=0))
    flat = scale <= 1e-12 * size
    if flat.any():
        scale = np.where(flat, np.abs(Xs.mean(axis=0) - Xt.mean(axis=0)) / 2, scale)
        scale[scale <= 1e-12 * size] = 1.0
        scale[scale == 0] = 1.0
    return scale


def label_codes(y: Any, n: int, argument: str = "y_source") -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Encode the classes of a label vector as integers.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type, none missing.
    n : int
        Samples they belong to.
    argument : str, default="y_source"
        Its name in messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int, shape (n_samples,)

    Raises
    ------
    InputError
        If the length is wrong or there is one class only.
    """
    refuse_masked(y, argument)
    y = np.asarray(y)
    if y.shape != (n,):
        raise InputError(f"{argument} has shape {y.shape} but there are {n} samples; give one label per sample.")
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"{argument} holds the class {str(classes[0])!r} only; at least two classes are needed.")
    return classes, codes


def _dense(X: Any) -> NDArray[np.float64]:
    return X.toarray().astype(np.float64) if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
