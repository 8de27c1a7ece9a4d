"""Fitting of one candidate, on both domains or on the labelled target samples alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from landbridge._random_state import seed_unseeded
from landbridge._sklearn_compat import _safe_indexing
from landbridge.candidates._specification import CandidateSpec
from landbridge.guard import fit_transfer
from landbridge.problem._problem import Problem
from landbridge.runner._store import RunStore

__all__ = ["fit_candidate", "unfitted"]


def unfitted(spec: CandidateSpec, problem: Problem) -> Any:
    """Return a fresh estimator for a candidate.

    Parameters
    ----------
    spec : CandidateSpec
    problem : Problem

    Returns
    -------
    estimator
    """
    return spec.prepare() if spec.prepare is not None else clone(spec.model)


def fit_candidate(
    spec: CandidateSpec,
    model: Any,
    problem: Problem,
    *,
    part: str,
    keep: NDArray[np.intp] | None = None,
    source_rows: NDArray[np.intp] | None = None,
    store: RunStore | None = None,
) -> Any:
    """Fit a candidate, with all or some of the target labels.

    Parameters
    ----------
    spec : CandidateSpec
    model : estimator
        Unfitted; a clone of it is fitted.
    problem : Problem
    part : str
        Which fit this is: ``"all"`` or the number of a split. Checkpoints are kept under this name.
    keep : ndarray of int, optional
        Positions among the labelled target samples whose labels may be used; all if None.
    source_rows : ndarray of int, optional
        Source samples to use; all if None.
    store : RunStore, optional
        Keeps checkpoints of models that can resume.

    Returns
    -------
    estimator
    """
    y = problem.target_labels
    keep = np.arange(len(y)) if keep is None else keep
    fresh = seed_unseeded(clone(model), problem.random_state)
    if spec.reseed and part != "all":
        fresh.set_params(random_state=fresh.random_state + int(part))
    n_samples = len(keep) if spec.fit_on == "target" else len(problem.target)
    _resume_from(fresh, spec, part, n_samples, store)
    if spec.fit_on == "target":
        X = _safe_indexing(problem.target.frame(), problem.labelled[keep])
        fitted = fresh.fit(X, y[keep])
    elif spec.fit_on == "adapt":
        X, labels = problem.target.frame(), _masked_labels(problem, y, keep)
        fitted = fresh.adapt(X, labels) if hasattr(fresh, "adapt") else fresh.fit(X_target=X)
    else:
        assert problem.source is not None
        source = problem.source if source_rows is None else problem.source.take(source_rows)
        fitted = fit_transfer(
            fresh,
            source.frame(),
            source.y,
            problem.target.frame(),
            _masked_labels(problem, y, keep),
            source_domain=source.source_domain,
            intermediate_domains=problem.intermediate_domains or None,
        )
    if hasattr(fitted, "checkpoint_dir") and store is not None and store.folder is not None:
        fitted.set_params(checkpoint_dir=None, checkpoint_every=None, resume=False)
    return fitted


def _masked_labels(problem: Problem, y: NDArray[Any], keep: NDArray[np.intp]) -> Any:
    """Labels of all target samples, missing where they may not be used; None without any."""
    if len(keep) == 0:
        return None
    n = len(problem.target)
    labels = np.full(n, np.nan) if y.dtype.kind == "f" else np.full(n, None, dtype=object)
    labels[problem.labelled[keep]] = y[keep]
    return labels


def _resume_from(model: Any, spec: CandidateSpec, part: str, n_samples: int, store: RunStore | None) -> None:
    """Let a network write checkpoints four times during training, and continue from the last one."""
    folder = None if store is None else store.checkpoints(spec.name, part)
    if folder is None or "checkpoint_dir" not in model.get_params(deep=False):
        return
    steps = model.epochs * -(-n_samples // model.batch_size)
    model.set_params(checkpoint_dir=folder, checkpoint_every=max(1, steps // 4), resume=True)
