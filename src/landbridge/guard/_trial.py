"""One candidate tried: fitted, its target predictions kept, its validators heard."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_regressor

from landbridge.domain import Domain
from landbridge.guard._bnm import answer_nuclear_norm
from landbridge.guard._circular import circular
from landbridge.guard._entropy import prediction_entropy
from landbridge.guard._importance_weighted import fit_transfer, held_out_answers
from landbridge.guard._labelled import LabelledSplits, scores_on_splits
from landbridge.guard._snd import soft_neighbourhood_density
from landbridge.guard._views import probabilities
from landbridge.measurement import Measurement

__all__ = ["Trial", "try_model"]

# Seconds of fitting beyond which a second fit, for the way back, is not asked for.
PATIENCE = 10.0


@dataclass(frozen=True)
class Trial:
    """What one candidate showed.

    Parameters
    ----------
    name, family : str
    shifts : frozenset of str
        Shifts the method is made for.
    model : estimator or None
        Fitted on all there is; None if it failed.
    predicted : ndarray of shape (n_target,) or None
        Its labels or values for every target row.
    proba : ndarray of shape (n_target, n_classes) or None
        Its class probabilities; columns in the order of `classes`.
    classes : ndarray of shape (n_classes,) or None
        The source's classes.
    splits : ndarray of shape (n_splits,) or None
        Quality on each split of the labelled target rows.
    held_out : ndarray of shape (n_source,) or None
        Its answer to each source row when that was held out.
    validators : mapping of str to Measurement
    seconds : float
    error : str
        Why it failed; empty if it did not.
    """

    name: str
    family: str
    shifts: frozenset[str] = frozenset()
    model: Any = None
    predicted: Any = None
    proba: Any = None
    classes: Any = None
    splits: NDArray[np.float64] | None = None
    held_out: Any = None
    validators: Mapping[str, Measurement] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    @property
    def baseline(self) -> bool:
        """Whether it is a way of not transferring."""
        return self.family == "baseline"


def try_model(
    name: str,
    family: str,
    model: Any,
    source: Domain,
    target: Domain,
    *,
    shifts: frozenset[str] = frozenset(),
    folds: LabelledSplits | None = None,
    target_only: bool = False,
    held_out: bool = False,
    intermediate_domains: Any = None,
    random_state: int | None = 0,
) -> Trial:
    """Fit one candidate and collect everything the guard wants to know about it.

    Parameters
    ----------
    name, family : str
    model : estimator
        Unfitted.
    source : Domain
        Labelled rows.
    target : Domain
        All target rows, with the labels that may be used.
    shifts : frozenset of str
    folds : LabelledSplits, optional
        Splits of the labelled target rows; left out where there are too few.
    target_only : bool, default=False
        Fit on the labelled target rows alone.
    held_out : bool, default=False
        Also collect the answers to held-out source rows, for the shifts under which weighted source rows stand for the
        target.
    intermediate_domains : list of array, optional
        Domains between source and target, nearest to the source first.
    random_state : int, optional

    Returns
    -------
    Trial
        With ``error`` set if anything went wrong; nothing is raised.
    """
    started = time.perf_counter()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = _try(model, source, target, folds, target_only, held_out, intermediate_domains, random_state)
    except Exception as error:  # one method's failure must never take the others down; it is told in the table
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Trial(name, family, shifts, seconds=time.perf_counter() - started, error=why)
    return Trial(name, family, shifts, seconds=time.perf_counter() - started, **found)


def _try(
    model: Any,
    source: Domain,
    target: Domain,
    folds: LabelledSplits | None,
    target_only: bool,
    held_out: bool,
    between: Any,
    seed: int | None,
) -> dict[str, Any]:
    started = time.perf_counter()
    Xs, ys, Xt = source.frame(), source.y, target.frame()
    if target_only:
        part = target.labelled_part()
        fitted = clone(model).fit(part.frame(), part.y)
    else:
        given = {"source_domain": source.source_domain, "intermediate_domains": between}
        fitted = fit_transfer(clone(model), Xs, ys, Xt, target.y, **given)
    predicted = fitted.predict(Xt)
    found: dict[str, Any] = {"model": fitted, "predicted": predicted, "proba": None}
    if is_regressor(fitted):
        if not np.isfinite(np.asarray(predicted, dtype=float)).all():
            raise ValueError("it predicted values that are not finite")
    else:
        found["classes"] = np.unique(ys)
        found["proba"] = _in_order(probabilities(fitted, Xt), fitted.classes_, found["classes"])
    if folds is not None:
        found["splits"] = scores_on_splits(
            model,
            fitted,
            Xs,
            ys,
            Xt,
            folds,
            target_only=target_only,
            source_domain=source.source_domain,
            intermediate_domains=between,
        )
    elif held_out:
        found["held_out"] = held_out_answers(fitted, source, target, random_state=seed)
    elif not target_only:
        there = time.perf_counter() - started
        found["validators"] = _validate(fitted, source, target, seed, way_back=there < PATIENCE)
    return found


def _validate(
    fitted: Any, source: Domain, target: Domain, seed: int | None, *, way_back: bool
) -> dict[str, Measurement]:
    heard = {}
    blind = target.without_labels()
    checks = [circular] if way_back else []
    if not is_regressor(fitted):
        checks += [prediction_entropy, soft_neighbourhood_density, answer_nuclear_norm]
    for check in checks:
        try:
            measured = check(fitted, source, blind, random_state=seed)
        except Exception:  # a validator that does not apply to a model is silent, not fatal
            continue
        if np.isfinite(measured.value):
            heard[measured.name] = measured
    return heard


def _in_order(proba: NDArray[np.float64], classes: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.float64]:
    if len(classes) == len(wanted) and np.array_equal(classes, wanted):
        return proba
    out = np.zeros((len(proba), len(wanted)))
    for j, c in enumerate(classes):
        at = np.flatnonzero(wanted == c)
        if len(at):
            out[:, at[0]] = proba[:, j]
    return out
