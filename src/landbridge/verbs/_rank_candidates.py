"""Outputs of each candidate of a ranking on the target: features, class probabilities, or its own samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from landbridge._random_state import seed_unseeded
from landbridge.data import Inspection
from landbridge.domain import Domain, refuse_masked
from landbridge.exceptions import InputError
from landbridge.problem import inspect_domains, is_network, network_name, read_domains, read_network_target
from landbridge.problem._domains import BUILTIN, read_one
from landbridge.tasks import get_task, infer_task

__all__ = ["CandidateOutputs", "candidate_outputs", "named", "read_target"]


@dataclass(frozen=True)
class CandidateOutputs:
    """Outputs of one candidate on the labelled target samples.

    Parameters
    ----------
    name : str
    features : ndarray of shape (n_samples, n_features) or None
        Labelled target samples in the candidate's features.
    probabilities : ndarray of shape (n_samples, n_source_classes) or None
        Class probabilities of a classifier on them.
    source, target : Domain or None
        Where the candidate is a source domain: itself, and the target with the same features.
    on_target : tuple of (ndarray of shape (n_target, n_classes), ndarray) or None
        Class probabilities of all target samples from the model of a source, and its classes; only where the target has
        no labels.
    labels, groups : ndarray or None
        Labels and groups of the labelled target samples, where the candidate read them itself.
    """

    name: str
    features: NDArray[np.float64] | None = None
    probabilities: NDArray[np.float64] | None = None
    source: Domain | None = None
    target: Domain | None = None
    on_target: tuple[NDArray[np.float64], NDArray[Any]] | None = None
    labels: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None


def named(candidates: Any) -> dict[str, Any]:
    """Name each candidate.

    Parameters
    ----------
    candidates : dict, sequence, or a single Domain, DataFrame, path or name
        For a sequence, names are those of domains, files or classes, numbered where two are equal.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If it is empty, or no collection.
    """
    if isinstance(candidates, Domain | str | Path) or hasattr(candidates, "columns"):
        candidates = [candidates]
    if isinstance(candidates, Mapping):
        table = {str(k): v for k, v in candidates.items()}
    elif isinstance(candidates, list | tuple):
        table = {}
        for candidate in candidates:
            name = base = _name(candidate)
            number = 1
            while name in table:
                number += 1
                name = f"{base} {number}"
            table[name] = candidate
    else:
        raise InputError(
            f"candidates is a {type(candidates).__name__}; give a list of sources or models, or a dict of name to each."
        )
    if not table:
        raise InputError("candidates is empty; give at least one source or model.")
    return table


def read_target(
    target: Any, candidates: dict[str, Any], label: str | None, groups: str | None = None, read_options: Any = None
) -> Domain | None:
    """Read the target alone, where it need not be read together with a source.

    Parameters
    ----------
    target : Domain, (X, y) tuple, array, DataFrame, path or str
    candidates : dict
    label : str or None
        Name of the label column, where it is a table.
    groups : str, optional
        Name of the column of groups. If None, samples are independent.
    read_options : ReadOptions or mapping, optional
        How tables are read.

    Returns
    -------
    Domain or None
        None where every candidate is a source domain or a network, with each of which the target is read.
    """
    if all(_is_data(c) or is_network(c) for c in candidates.values()):
        return None
    return read_one(target, "target", label, None, groups, read_options)


def candidate_outputs(
    name: str,
    candidate: Any,
    target: Any,
    alone: Domain | None,
    *,
    label: str | None,
    groups: str | None = None,
    read_options: Any = None,
    estimator: Any,
    max_samples: int,
    on_inspection: Callable[[Inspection], None] | None = None,
) -> CandidateOutputs:
    """Compute the outputs of a candidate on the labelled target samples.

    Parameters
    ----------
    name : str
    candidate : Domain, (X, y) tuple, DataFrame, path, fitted model, function or array
    target : object
        As it was given.
    alone : Domain or None
        From :func:`read_target`.
    label : str or None
        Label column of tables.
    groups : str, optional
        Column of groups of tables. If None, samples are independent.
    read_options : ReadOptions or mapping, optional
        How tables are read.
    estimator : estimator or None
        Fitted on candidates that are source domains.
    max_samples : int
        At most this many source samples are used.
    on_inspection : callable, optional
        Called with the inspection of a source and the target, once they are read.

    Returns
    -------
    CandidateOutputs

    Raises
    ------
    InputError
        If it can say nothing.
    """
    if is_network(candidate):
        if groups is not None:
            raise InputError(
                f"groups={groups!r} names a column of tables, and a network's target is no table; omit it."
            )
        return _network_outputs(name, candidate, target)
    if _is_data(candidate):
        names = {"label": label, "groups": groups, "read_options": read_options}
        pair = read_domains(candidate, target if alone is None else alone, **names)
        if on_inspection is not None:
            on_inspection(inspect_domains(*pair))
        return _source_outputs(name, *pair[:2], estimator, max_samples)
    assert alone is not None
    known = np.flatnonzero(alone.labelled)
    if len(known) == 0:
        raise InputError("a model can only be scored with labelled target samples; label some of the target.")
    X = alone.X[known]
    if isinstance(candidate, np.ndarray):
        refuse_masked(candidate, "it")
        if len(candidate) not in (len(alone), len(known)):
            raise InputError(
                f"it is an array of {len(candidate)} samples and the target has {len(alone)}; give the features of "
                "each target sample, or (X, y) for a source."
            )
        return CandidateOutputs(name, features=_table(candidate[known] if len(candidate) == len(alone) else candidate))
    for method in ("embed", "transform"):
        if hasattr(candidate, method):
            return CandidateOutputs(
                name, features=_table(_call(candidate, method, X)), probabilities=_probabilities(candidate, X)
            )
    if (answers := _probabilities(candidate, X)) is not None:
        return CandidateOutputs(name, probabilities=answers)
    if callable(candidate) and not isinstance(candidate, type):
        return CandidateOutputs(name, features=_table(candidate(X)))
    raise InputError(
        f"a {type(candidate).__name__} is neither a source with labels, nor features, nor a fitted model with "
        "transform or predict_proba."
    )


def _network_outputs(name: str, candidate: Any, target: Any) -> CandidateOutputs:
    """Input of a trained network's head on the target, before any fine-tuning."""
    from landbridge.neural import load_backbone
    from landbridge.neural._features import cached_features
    from landbridge.neural._inputs import to_tensors

    network = load_backbone(candidate)
    read = read_network_target(target, network)
    known = np.flatnonzero([v is not None for v in read.y]) if read.y is not None else np.empty(0, dtype=np.intp)
    if len(known) == 0:
        raise InputError("a model can only be scored with labelled target samples; label some of the target.")
    assert read.y is not None
    of = None if read.groups is None else read.groups[known]
    features = cached_features(network, to_tensors(network, read.X[known]))
    return CandidateOutputs(name, features=_table(features), labels=np.array(read.y[known].tolist()), groups=of)


def _source_outputs(name: str, source: Domain, target: Domain, estimator: Any, max_samples: int) -> CandidateOutputs:
    if source.y is None:
        raise InputError("a source needs labels; give (X, y).")
    source = source.labelled_part()
    if len(source) > max_samples:
        chosen = np.random.RandomState(0).permutation(len(source))[:max_samples]
        source = source.take(np.sort(chosen))
    known = np.flatnonzero(target.labelled)
    assert source.y is not None
    task = infer_task(source.y, estimator).name
    if len(known) == 0 and (task == "regression" or len(np.unique(source.y)) < 2):
        return CandidateOutputs(name, source=source, target=target)
    is_sparse = hasattr(source.X, "tocsr")
    base = (
        get_task(task).default_estimator(is_sparse=is_sparse)
        if estimator is None
        else seed_unseeded(clone(estimator), 0)
    )
    if task == "classification" and len(np.unique(source.y)) < 2:
        raise InputError(f"its labels are all {source.y.tolist()[0]!r}; a source needs two classes.")
    model = base.fit(source.X, source.y)
    if len(known) == 0:
        proba = _probabilities(model, target.X)
        on_target = None if proba is None else (proba, np.asarray(model.classes_))
        return CandidateOutputs(name, source=source, target=target, on_target=on_target)
    if task == "regression":
        answers = np.column_stack([model.predict(target.X[known]), np.ones(len(known))])
        return CandidateOutputs(name, features=answers, source=source, target=target)
    return CandidateOutputs(name, probabilities=_probabilities(model, target.X[known]), source=source, target=target)


def _call(candidate: Any, method: str, X: Any) -> Any:
    try:
        return getattr(candidate, method)(X)
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise InputError(f"{method} failed on the target samples: {str(error).splitlines()[0]}") from error


def _probabilities(candidate: Any, X: Any) -> NDArray[np.float64] | None:
    if hasattr(candidate, "predict_proba"):
        return np.asarray(_call(candidate, "predict_proba", X), dtype=np.float64)
    if not hasattr(candidate, "predict") or not hasattr(candidate, "classes_"):
        return None
    return np.asarray(_call(candidate, "predict", X)[:, None] == candidate.classes_, dtype=np.float64)


def _table(features: Any) -> NDArray[np.float64]:
    features = features.toarray() if hasattr(features, "toarray") else features
    features = features.detach().cpu().numpy() if hasattr(features, "detach") else np.asarray(features)
    return features.reshape(len(features), -1).astype(np.float64)


def _is_data(candidate: Any) -> bool:
    if is_network(candidate):
        return False
    return isinstance(candidate, Domain | tuple | str | Path) or hasattr(candidate, "columns")


def _name(candidate: Any) -> str:
    if isinstance(candidate, Domain):
        return candidate.name
    if isinstance(candidate, str) and candidate.startswith(BUILTIN):
        return candidate[len(BUILTIN) :]
    if is_network(candidate):
        return network_name(candidate)
    if isinstance(candidate, str | Path):
        return Path(candidate).stem
    if isinstance(candidate, tuple) or hasattr(candidate, "columns"):
        return "source"
    if isinstance(candidate, np.ndarray):
        return "features"
    return getattr(candidate, "__name__", type(candidate).__name__)
