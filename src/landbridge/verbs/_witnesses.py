"""What each candidate of a ranking says of the target's rows: features, class probabilities, or its own rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.verbs._model_sides import is_model, model_name, read_model_target
from landbridge.verbs._plan import default_estimator
from landbridge.verbs._sides import BUILTIN, as_pair

__all__ = ["Witness", "call_witness", "named", "read_target"]


@dataclass(frozen=True)
class Witness:
    """A candidate, and what it says of target rows.

    Parameters
    ----------
    name : str
    features : ndarray of shape (n, d) or None
        Labelled target rows as it sees them.
    probabilities : ndarray of shape (n, n_source_classes) or None
        What a classifier answers on them.
    source, target : Domain or None
        Where the candidate is a set of rows: itself, and the target in the same columns.
    labels : ndarray or None
        Labels of the labelled target rows, where the candidate read them itself.
    """

    name: str
    features: NDArray[np.float64] | None = None
    probabilities: NDArray[np.float64] | None = None
    source: Domain | None = None
    target: Domain | None = None
    labels: NDArray[Any] | None = None


def named(candidates: Any) -> dict[str, Any]:
    """Give each candidate a name.

    Parameters
    ----------
    candidates : dict, or sequence
        Of a sequence, names are those of domains, files or classes, numbered where two are alike.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If there is none, or it is no collection.
    """
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


def read_target(target: Any, candidates: dict[str, Any], label: str | None) -> Domain | None:
    """Read the target by itself, where it does not need a source to be read with.

    Parameters
    ----------
    target : Domain, (X, y) tuple, array, DataFrame, path or str
    candidates : dict
    label : str or None
        Its label column, where it is a table.

    Returns
    -------
    Domain or None
        None where every candidate is a set of rows or a network, each of which reads the target for itself.
    """
    from landbridge.verbs._sides import _one

    if all(_is_rows(c) or is_model(c) for c in candidates.values()):
        return None
    return _one(target, "target", label)


def call_witness(
    name: str, candidate: Any, target: Any, alone: Domain | None, *, label: str | None, estimator: Any, max_samples: int
) -> Witness:
    """Ask a candidate what it says of the labelled target rows.

    Parameters
    ----------
    name : str
    candidate : Domain, (X, y) tuple, DataFrame, path, fitted model, function or array
    target : object
        As the caller gave it.
    alone : Domain or None
        From :func:`read_target`.
    label : str or None
        Label column of tables.
    estimator : estimator or None
        Fitted on candidates that are rows.
    max_samples : int
        More source rows are not learned from.

    Returns
    -------
    Witness

    Raises
    ------
    InputError
        If it can say nothing.
    """
    if is_model(candidate):
        return _network_witness(name, candidate, target)
    if _is_rows(candidate):
        return _rows_witness(name, candidate, target if alone is None else alone, label, estimator, max_samples)
    assert alone is not None
    told = np.flatnonzero(alone.labelled)
    if len(told) == 0:
        raise InputError("a model can only be scored with labelled target rows; label some of the target.")
    X = alone.X[told]
    if isinstance(candidate, np.ndarray):
        if len(candidate) not in (len(alone), len(told)):
            raise InputError(
                f"it is an array of {len(candidate)} rows and the target has {len(alone)}; give the features of each "
                "target row, or (X, y) for a source."
            )
        return Witness(name, features=_table(candidate[told] if len(candidate) == len(alone) else candidate))
    for method in ("embed", "transform"):
        if hasattr(candidate, method):
            return Witness(name, features=_table(_ask(candidate, method, X)), probabilities=_answers(candidate, X))
    if (answers := _answers(candidate, X)) is not None:
        return Witness(name, probabilities=answers)
    if callable(candidate) and not isinstance(candidate, type):
        return Witness(name, features=_table(candidate(X)))
    raise InputError(
        f"a {type(candidate).__name__} is neither rows with labels, nor features, nor a fitted model with transform or "
        "predict_proba."
    )


def _network_witness(name: str, candidate: Any, target: Any) -> Witness:
    """What goes into a trained network's head: its view of the target before any fine-tuning."""
    from landbridge.neural import load_backbone
    from landbridge.neural._features import cached_features
    from landbridge.neural._inputs import to_tensors

    network = load_backbone(candidate)
    rows = read_model_target(target, network)
    known = np.flatnonzero([v is not None for v in rows.y]) if rows.y is not None else np.empty(0, dtype=np.intp)
    if len(known) == 0:
        raise InputError("a model can only be scored with labelled target rows; label some of the target.")
    assert rows.y is not None
    features = cached_features(network, to_tensors(network, rows.X[known]))
    return Witness(name, features=_table(features), labels=np.array(rows.y[known].tolist()))


def _rows_witness(name: str, candidate: Any, target: Any, label: Any, estimator: Any, max_samples: int) -> Witness:
    source, target, _ = as_pair(candidate, target, label=label)
    if source.y is None:
        raise InputError("a source needs labels; give (X, y).")
    source = source.labelled_part()
    if len(source) > max_samples:
        rows = np.random.RandomState(0).permutation(len(source))[:max_samples]
        source = source.take(np.sort(rows))
    told = np.flatnonzero(target.labelled)
    if len(told) == 0:
        return Witness(name, source=source, target=target)
    assert source.y is not None
    task = "regression" if source.y.dtype.kind == "f" else "classification"
    base = default_estimator(task, is_sparse=hasattr(source.X, "tocsr")) if estimator is None else clone(estimator)
    if task == "classification" and len(np.unique(source.y)) < 2:
        raise InputError(f"its labels are all {source.y[0]!r}; a source needs two classes.")
    model = base.fit(source.X, source.y)
    if task == "regression":
        answers = np.column_stack([model.predict(target.X[told]), np.ones(len(told))])
        return Witness(name, features=answers, source=source, target=target)
    return Witness(name, probabilities=_answers(model, target.X[told]), source=source, target=target)


def _ask(candidate: Any, method: str, X: Any) -> Any:
    try:
        return getattr(candidate, method)(X)
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise InputError(f"{method} failed on the target's rows: {str(error).splitlines()[0]}") from error


def _answers(candidate: Any, X: Any) -> NDArray[np.float64] | None:
    if hasattr(candidate, "predict_proba"):
        return np.asarray(_ask(candidate, "predict_proba", X), dtype=np.float64)
    if not hasattr(candidate, "predict") or not hasattr(candidate, "classes_"):
        return None
    return np.asarray(_ask(candidate, "predict", X)[:, None] == candidate.classes_, dtype=np.float64)


def _table(features: Any) -> NDArray[np.float64]:
    features = features.toarray() if hasattr(features, "toarray") else features
    features = features.detach().cpu().numpy() if hasattr(features, "detach") else np.asarray(features)
    return features.reshape(len(features), -1).astype(np.float64)


def _is_rows(candidate: Any) -> bool:
    if is_model(candidate):
        return False
    return isinstance(candidate, Domain | tuple | str | Path) or hasattr(candidate, "columns")


def _name(candidate: Any) -> str:
    if isinstance(candidate, Domain):
        return candidate.name
    if isinstance(candidate, str) and candidate.startswith(BUILTIN):
        return candidate[len(BUILTIN) :]
    if is_model(candidate):
        return model_name(candidate)
    if isinstance(candidate, str | Path):
        return Path(candidate).stem
    if isinstance(candidate, tuple) or hasattr(candidate, "columns"):
        return "source"
    if isinstance(candidate, np.ndarray):
        return "features"
    return getattr(candidate, "__name__", type(candidate).__name__)
