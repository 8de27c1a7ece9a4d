"""estimate(): how good will a fitted model be on a target without labels, or with few?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_regressor

from landbridge._checks import check_column, check_flag, check_seed, shown
from landbridge._process_state import restored_filters
from landbridge._random_state import drawn_seed, seed_unseeded
from landbridge.data import ReadOptions
from landbridge.data._headers import mark_missing, rename_columns
from landbridge.domain import Domain, missing_labels, refuse_masked, unmasked
from landbridge.exceptions import InputError, LabelError
from landbridge.fitted_models import check_fitted_model, match_features
from landbridge.performance import METRICS, Predictions, estimate_performance
from landbridge.problem._fitted_model_target import read_fitted_model_target
from landbridge.results import Expected, Result, load_result
from landbridge.tasks import get_task
from landbridge.verbs._expected import digest_of, predictions_of, refit_kind, to_expected

__all__ = ["estimate"]


def estimate(
    model_or_result: Any,
    target: Any,
    *,
    source: Any = None,
    label: str | None = None,
    metric: str | None = None,
    fitted_on_source: bool = True,
    read_options: Any = None,
    random_state: int | None = 0,
) -> Expected:
    """Estimate how good a fitted model is on a target without labels, or with few, with an interval of 90 %.

    Parameters
    ----------
    model_or_result : Result, path or fitted estimator
        A result of :func:`transfer` or the folder it was saved in, a fitted classifier or regressor, or its ``.skops``
        file.
    target : Domain, (X, y) tuple, array, DataFrame, path or "builtin:NAME"
        Target samples. Labels are used where there are some; the model must not have been fitted on them.
    source : Domain, (X, y) tuple, DataFrame or path, optional
        Labelled source samples: of a result, those that it was made from. If None, only what needs no source samples is
        used: the held-out predictions that a result holds, or the confidence of a model.
    label : str, optional
        Name of the label column, where a side is a table. If None, that of the result, or the one that is named like a
        label.
    metric : {"accuracy", "balanced accuracy", "R²", "RMSE"}, optional
        If None, that of the result, else accuracy for classifiers and R² for regressors.
    fitted_on_source : bool, default=True
        For models: whether the model was fitted on the source samples, so that clones of it have to be fitted on parts
        of them. If False, its own predictions for them are taken as held out.
    read_options : ReadOptions or mapping, optional
        How files of tables are read; see :class:`landbridge.data.ReadOptions`. If None, as for the result.
    random_state : int or None, default=0
        Seed of everything random; the default makes a call repeatable.

    Returns
    -------
    Expected
        The expected score with its interval, every single estimate, and the share of target samples outside the support
        of the source.

    Raises
    ------
    InputError
        If an argument is at fault, or nothing can be estimated from what was given.

    See Also
    --------
    landbridge.transfer : Its result has ``expected`` for the target it was made for.
    landbridge.performance : The single estimators, and how they are combined.

    Notes
    -----
    For the target that a result was made for, without further labels, this is ``result.expected``, which rests on what
    the run knew as well. Without labels an estimate rests on assumptions. The interval allows for as much change of
    P(y given x) as there was on the pairs of domains that it was set on; see *Performance estimation* in the
    documentation.

    Examples
    --------
    >>> import landbridge
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = LogisticRegression().fit(source.X, source.y)
    >>> expected = landbridge.estimate(model, target.X, source=source)
    >>> accuracy = float((model.predict(target.X) == target.y).mean())
    >>> expected.low < accuracy < expected.high
    True
    """
    options = ReadOptions.of(read_options)
    check_column("label", label)
    check_flag("fitted_on_source", fitted_on_source)
    check_seed(random_state)
    if metric is not None and not isinstance(metric, str):
        raise InputError(f"metric must be the name of a metric, as text, or None; got {shown(metric)}.")
    if read_options:
        target, source = _table_or_same(target, options), _table_or_same(source, options)
    result = model_or_result
    if isinstance(result, str | Path) and Path(result).suffix.lower() != ".skops":
        if not Path(result).is_dir():
            raise InputError(f"model_or_result={str(result)!r} is no folder of a result and no .skops file; give one.")
        result = load_result(result)
    random_state = drawn_seed(random_state)
    with restored_filters():
        if isinstance(result, Result):
            return _of_result(result, target, source, label, metric, random_state)
        return _of_model(result, target, source, label, metric, fitted_on_source, random_state)


def _of_result(
    result: Result, target: Any, source: Any, label: str | None, metric: str | None, random_state: int | None
) -> Expected:
    if get_task(result.task).structured:
        raise InputError(
            f"estimate() does not apply, because the task is {result.task}; score predictions on labelled samples by "
            "result.model.score(X, y)."
        )
    known = result.expected
    metric = known.metric if metric is None and known is not None else metric
    metric = _metric(metric, regression=result.task == "regression")
    label = label if label is not None else result.settings.get("label")
    X, y = _read_side(result, target, label, "target")
    if known is not None and source is None and known.metric == metric and _no_news(result, X, y):
        return known
    if int(result.settings.get("n_target_labelled", 0)) and digest_of(_numbers(X)) == result.settings.get(
        "target_digest"
    ):
        y = None  # the model was fitted on these labels
    made = predictions_of(result.model, X, y)
    kept = None if result.expected is None else result.expected.held_out
    held_out, samples = None, {}
    if kept is not None:
        held_out = Predictions.from_dict(dict(kept))
        if source is not None:
            samples = {"X_source": _rows_of_source(result, source, label, kept["rows"]), "X_target": _numbers(X)}
    elif source is not None:
        raise InputError(
            "source cannot be used, because the result holds no held-out predictions (its model is an ensemble, a "
            "network or a clustering, or was fitted on the target alone); omit it."
        )
    if held_out is not None and not _same_kind(held_out, made):
        held_out, samples = None, {}
    found = estimate_performance(held_out, made, metric=metric, random_state=random_state, **samples)
    return to_expected(found, metric, _n_labelled(y), kept)


def _no_news(result: Result, X: Any, y: NDArray[Any] | None) -> bool:
    """Return whether the target is that of the run, with no more labels than it had."""
    assert result.expected is not None
    labelled = int(result.settings.get("n_target_labelled", 0))
    return _n_labelled(y) <= labelled and digest_of(_numbers(X)) == result.settings.get("target_digest")


def _of_model(
    model: Any,
    target: Any,
    source: Any,
    label: str | None,
    metric: str | None,
    fitted_on_source: bool,
    random_state: int | None,
) -> Expected:
    from landbridge.data import read_fitted_model

    model = read_fitted_model(model) if isinstance(model, str | Path) else check_fitted_model(model, "model_or_result")
    metric = _metric(metric, regression=is_regressor(model))
    side = _target_of_model(model, target, label, optional=source is not None)
    X = match_features(model, side.X, "target")
    made = predictions_of(model, X, side.y)
    held_out, samples, kept = None, {}, None
    if source is not None:
        known = read_fitted_model_target(source, model, label)
        if not known.labelled.any():
            raise InputError("source has no labels; give labelled source samples, or omit source.")
        known = known.labelled_part()
        _check_classes(model, known.y)
        Xs = match_features(model, known.X, "source")
        if fitted_on_source:
            one, two = Domain(_numbers(Xs), known.y), Domain(_numbers(X))
            if not hasattr(Xs, "columns"):
                rows, held_out = refit_kind(model, one, two, random_state)
            else:
                rows, held_out = _refit_on_table(model, Xs, np.asarray(known.y), random_state)
        else:
            rows, held_out = np.arange(len(known)), predictions_of(model, Xs, np.asarray(known.y))
        both = _both_numbers(Xs, X)
        samples = {"X_source": both[0][rows], "X_target": both[1]}
        kept = {**held_out.to_dict(), "rows": np.asarray(rows).tolist()}
    found = estimate_performance(held_out, made, metric=metric, random_state=random_state, **samples)
    return to_expected(found, metric, _n_labelled(side.y), kept)


def _check_classes(model: Any, y: Any) -> None:
    """Raise an error if no label of the source is a class of the model."""
    classes = getattr(model, "classes_", None)
    if classes is None or is_regressor(model):
        return
    known, given = np.asarray(classes).tolist(), np.asarray(y).tolist()
    if not any(label in known for label in given):  # by comparison, because a label may be of any type
        shown = list(dict.fromkeys(map(str, given)))
        raise LabelError(
            f"source has the labels {', '.join(shown[:4])}, and none is a class of the model "
            f"({', '.join(map(str, known[:4]))}); use the same spelling on both sides."
        )


def _target_of_model(model: Any, target: Any, label: str | None, *, optional: bool) -> Any:
    """Read the target; where the label column is that of the source, the target need not have it."""
    try:
        return read_fitted_model_target(target, model, label)
    except LabelError:
        if not optional:
            raise
        return read_fitted_model_target(target, model, None)
    except InputError:
        if label is None or not optional or isinstance(target, str | Path) or hasattr(target, "columns"):
            raise
        return read_fitted_model_target(target, model, None)


def _refit_on_table(
    model: Any, X: Any, y: NDArray[Any], random_state: int | None
) -> tuple[NDArray[np.intp], Predictions]:
    """Held-out predictions of a pipeline that encodes a table itself."""
    from sklearn.base import clone
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

    fresh = seed_unseeded(clone(model), random_state)
    if is_regressor(model):
        folds: Any = KFold(3, shuffle=True, random_state=random_state)
        return np.arange(len(y)), Predictions(cross_val_predict(fresh, X, y.astype(float), cv=folds), None, y)
    folds = StratifiedKFold(3, shuffle=True, random_state=random_state)
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    made = cross_val_predict(fresh, X, y, cv=folds, method=method)
    if method == "predict":
        return np.arange(len(y)), Predictions(made, np.ones(len(y)), y)
    return np.arange(len(y)), Predictions.of_probabilities(made, np.unique(y), y)


def _metric(metric: str | None, *, regression: bool) -> str:
    known = METRICS["regression" if regression else "classification"]
    if metric is None:
        return known[0]
    if metric not in known:
        kind = "regressor" if regression else "classifier"
        raise InputError(f"metric={metric!r} does not apply to a {kind}; choose {' or '.join(map(repr, known))}.")
    return metric


def _read_side(result: Result, side: Any, label: str | None, name: str) -> tuple[Any, NDArray[Any] | None]:
    """Samples as the model of a result takes them, and their labels where there are some."""
    if isinstance(side, str) and side.startswith("builtin:"):
        from landbridge.data import load_builtin

        side = load_builtin(side.removeprefix("builtin:"))
    if isinstance(side, Domain):
        return result._rows(side), None if side.y is None else _masked(side.y, ~side.labelled)
    if isinstance(side, tuple) and len(side) == 2:
        return result._rows(side[0]), _masked(np.asarray(unmasked(side[1])), missing_labels(side[1]))
    frame = side if hasattr(side, "columns") else _table(side, _options_of(result))
    if frame is None:
        if isinstance(side, str | Path):
            if result.encoder is None:
                raise InputError(f"{name} {side} is no table, and the result was not made from files; give arrays.")
            X, _ = result.encoder.read(side)
            return result._rows(X) if not hasattr(X, "columns") else X, None
        refuse_masked(side, name)
        return result._rows(np.asarray(side) if not sparse.issparse(side) else side), None
    from landbridge.data._files import apply_label_rule

    frame = frame.rename(columns=str)
    column: str | None = label
    if label is not None and label not in frame.columns:
        try:
            frame, column = apply_label_rule(frame, label)
        except InputError:
            column = None
    if column is None or column not in frame.columns:
        return result._rows(frame), None
    return result._rows(frame.drop(columns=[column])), _in_spelling(frame[column], result)


def _table(side: Any, options: ReadOptions | None = None) -> Any:
    from landbridge.data._files import existing, kind_of, read_table

    if not isinstance(side, str | Path) or str(side).startswith("builtin:") or kind_of(existing(side)) != "table":
        return None
    return read_table(existing(side), options)


def _options_of(result: Result) -> ReadOptions:
    """How the files of a result were read."""
    return ReadOptions.of(result.settings.get("read_options"))


def _table_or_same(side: Any, options: ReadOptions) -> Any:
    """A table in a file, read with options; anything else as it is."""
    frame = side if hasattr(side, "columns") and not isinstance(side, Domain) else _table(side, options)
    if frame is None:
        return side
    frame = mark_missing(frame, options.missing)
    (frame,) = rename_columns([frame], options.rename)
    gone = [*options.drop, *(n for n in (options.id, options.weights) if n)]
    return frame.drop(columns=gone, errors="ignore")


def _in_spelling(column: Any, result: Result) -> NDArray[Any]:
    """Labels of a table, written as the classes of the model are."""
    missing = missing_labels(column)
    values = np.asarray(column, dtype=object)
    classes = getattr(result.model, "classes_", None)
    if classes is not None:
        spelled = {str(c): c for c in np.asarray(classes).tolist()}
        spelled |= {str(float(c)): c for c in np.asarray(classes).tolist() if isinstance(c, int)}
        values = np.array([spelled.get(str(v), v) for v in values], dtype=object)
    return _masked(values, missing)


def _masked(y: Any, missing: Any) -> NDArray[Any]:
    out = np.asarray(y).astype(object)
    out[np.asarray(missing)] = None
    return out


def _rows_of_source(result: Result, source: Any, label: str | None, rows: list[int]) -> Any:
    X, _ = _read_side(result, source, label, "source")
    X, n = _numbers(X), result.settings.get("n_source")
    if n is not None and X.shape[0] != n:
        raise InputError(
            f"source has {X.shape[0]} samples, but the result was made from {n}; give the same source, or omit it."
        )
    return X[np.asarray(rows, dtype=int)]


def _numbers(X: Any) -> Any:
    if sparse.issparse(X):
        return X.tocsr()
    if hasattr(X, "to_numpy"):
        X = X.select_dtypes("number").to_numpy(dtype=float)
    return np.asarray(X, dtype=float).reshape(len(X), -1)


def _both_numbers(Xs: Any, Xt: Any) -> tuple[Any, Any]:
    """Both sides as numbers: tables with text and gaps are encoded together."""
    if hasattr(Xs, "columns") and hasattr(Xt, "columns"):
        from landbridge.data import Encoder

        encoder = Encoder().fit(Xs, Xt)
        return encoder.transform(Xs), encoder.transform(Xt)
    return _numbers(Xs), _numbers(Xt)


def _same_kind(held_out: Predictions, made: Predictions) -> bool:
    return (held_out.confidence is None) == (made.confidence is None)


def _n_labelled(y: Any) -> int:
    return 0 if y is None else int(sum(v is not None and v == v for v in np.asarray(y, dtype=object)))
