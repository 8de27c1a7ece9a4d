"""One candidate tried: fitted, its target predictions kept, its evidence collected."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor

from landbridge.domain import Domain
from landbridge.guard._evidence import collect_evidence
from landbridge.guard._fitting import fit_transfer, held_out_predictions
from landbridge.guard._splits import LabelledSplits, scores_on_splits
from landbridge.guard._trial import Role, Trial
from landbridge.guard._views import in_class_order, last_step, probabilities

__all__ = ["try_model"]


def try_model(
    name: str,
    family: str,
    model: Any,
    source: Domain,
    target: Domain,
    *,
    shifts: frozenset[str] = frozenset(),
    role: Role = "candidate",
    splits: LabelledSplits | None = None,
    held_out: bool = False,
    random_state: int | None = 0,
) -> Trial:
    """Fit one candidate and collect what the guard needs.

    Parameters
    ----------
    name, family : str
    model : estimator
    source, target : Domain
    shifts : frozenset of str
    role : str
    splits : LabelledSplits, optional
    held_out : bool, default=False
    random_state : int, optional

    Returns
    -------
    Trial
    """
    started = time.perf_counter()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = _try(model, source, target, splits, role, held_out, random_state)
    except Exception as error:  # one method's failure must never take the others down
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Trial(name, family, shifts, role, seconds=time.perf_counter() - started, error=why)
    return Trial(name, family, shifts, role, seconds=time.perf_counter() - started, **found)


def _try(
    model: Any,
    source: Domain,
    target: Domain,
    splits: LabelledSplits | None,
    role: Role,
    held_out: bool,
    seed: int | None,
) -> dict[str, Any]:
    Xs, ys, Xt = source.frame(), source.y, target.frame()
    if role == "target-only":
        part = target.labelled_part()
        fitted = clone(model).fit(part.frame(), part.y)
    else:
        fitted = fit_transfer(clone(model), Xs, ys, Xt, target.y, source_domain=source.source_domain)
    predicted = fitted.predict(Xt)
    found: dict[str, Any] = {"model": fitted, "predicted": predicted, "proba": None}
    step = last_step(fitted)
    given = step.get_params(deep=False).get("intermediate") if hasattr(step, "get_params") else None
    found["intermediate"] = bool(given)
    if is_regressor(fitted):
        if not np.isfinite(np.asarray(predicted, dtype=float)).all():
            raise ValueError("it predicted values that are not finite")
    else:
        found["classes"] = np.unique(ys)
        found["proba"] = in_class_order(probabilities(fitted, Xt), fitted.classes_, found["classes"])
    if splits is not None:
        found["splits"] = scores_on_splits(
            model, fitted, Xs, ys, Xt, splits, target_only=role == "target-only", source_domain=source.source_domain
        )
    elif held_out:
        found["held_out"] = held_out_predictions(fitted, source, target, random_state=seed)
    elif role != "target-only":
        found["evidence"] = collect_evidence(fitted, source, target, random_state=seed)
    return found
