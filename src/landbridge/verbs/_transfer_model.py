"""transfer() from a trained network: which way of using it is best, and is it better than not using it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.exceptions import InputError, LabelError
from landbridge.guard._decide import decide
from landbridge.guard._splits import LabelledSplits
from landbridge.guard._trial import Role, Trial
from landbridge.verbs._model_sides import ModelTarget, model_name, read_model_target
from landbridge.verbs._result import Decision, Result, versions
from landbridge.verbs._row import table_row
from landbridge.verbs._unfinished import Unfinished, digest

__all__ = ["SCRATCH", "transfer_model"]

SCRATCH, PROBE = "target-only", "LinearProbe"
DEFAULT = ("LinearProbe", "LPFT", "FineTuning")
# A head alone is trained on features that are computed once, so that epochs cost next to nothing.
PROBE_EPOCHS = 100


def transfer_model(
    model: Any,
    target: Any,
    *,
    methods: Sequence[Any] | None = None,
    target_labels: str | int = "use",
    task: str | None = None,
    epochs: int = 20,
    batch_size: int = 32,
    confidence: float = 0.9,
    n_splits: int = 5,
    n_repeats: int = 1,
    skip_corrupt: bool = False,
    random_state: int | None = 0,
    work_dir: Any = None,
    resume: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> Result:
    """Carry a trained network over to labelled target rows, or say why not.

    Parameters
    ----------
    model : path, hub name or Module
        As :func:`landbridge.neural.load_backbone` takes it.
    target : path, (X, y) tuple or Domain
        A folder with one sub-folder of images a class, or rows with labels.
    methods : sequence, optional
        Names of :mod:`landbridge.neural.parameter`, instances, or lists of instances that go together. Left out:
        linear probing, probing then fine-tuning, and plain fine-tuning.
    target_labels : "use" or int, default="use"
        Learn from all labels, or from so many of each class and keep the rest to score the outcome.
    task : {"classification", "regression"}, optional
        Told from the labels if left out.
    epochs : int, default=20
        Of fine-tuning and of training from scratch; a linear probe gets 100.
    batch_size : int, default=32
    confidence : float, default=0.9
        How sure a gain must be.
    n_splits, n_repeats : int
        Cross-validation on the labelled rows, the same for every candidate.
    skip_corrupt : bool, default=False
        Leave image files out that cannot be read.
    random_state : int or None, default=0
        Seed of everything that draws at random.
    work_dir : path-like, optional
        Where scores and checkpoints are kept until all is done, so that an interrupted run can go on.
    resume : bool, default=False
        Go on with the run in `work_dir`, if there is one.
    progress : callable, optional
        Called with (done, total, name).

    Returns
    -------
    Result
        Not transferring is here to train the same architecture from random weights on the same rows.

    Raises
    ------
    InputError
        If an argument is at fault.
    """
    from landbridge.neural import load_backbone

    started = time.perf_counter()
    network = load_backbone(model)
    rows = read_model_target(target, network, skip_corrupt=skip_corrupt)
    told, hidden, task = _sort_labels(rows, target_labels, task, random_state)
    seed = 0 if random_state is None else int(random_state)
    if len(told) < 2 * n_splits and len(told) < 6:
        raise LabelError(f"only {len(told)} target rows are labelled; label at least six to choose by.")
    y = _plain(rows.y, told)
    folds = LabelledSplits(
        told, y, regression=task == "regression", n_splits=n_splits, n_repeats=n_repeats, random_state=seed
    )
    jobs = _jobs(model, methods, task, epochs=epochs, batch_size=batch_size, seed=seed)
    settings = _settings(model, rows, methods, target_labels, epochs, confidence, random_state)
    same = {k: v for k, v in settings.items() if k not in ("versions", "confidence")}
    same |= {"batch_size": batch_size, "splits": (n_splits, n_repeats), "labels": digest(told.tolist(), y.tolist())}
    work = Unfinished(work_dir, same, resume=resume)
    timings = {"read": time.perf_counter() - started}
    clock = time.perf_counter()
    trials = []
    for name, make, why in jobs:
        trials.append((_try(name, make, rows.X, told, y, folds, hidden is not None, work), why))
        if progress is not None:
            progress(len(trials), len(jobs), name)
    timings["candidates"] = time.perf_counter() - clock
    diagnosis = _diagnosis(model_name(model), rows, len(told))
    verdict = decide([t for t, _ in trials], diagnosis, splits=folds, confidence=confidence, random_state=seed)
    chosen = next(t for t, _ in trials if t.name == verdict.chosen)
    if chosen.error:
        raise InputError(f"training from random weights failed: {chosen.error}")
    work.clear()
    timings["total"] = time.perf_counter() - started
    metric = "accuracy" if task == "classification" else "R²"
    return Result(
        model=chosen.model,
        decision=Decision(verdict.transferred, verdict.chosen, verdict.reason, verdict.evidence, verdict.gain),
        candidates=tuple(table_row(t, why, verdict.assessments.get(t.name), hidden, task) for t, why in trials),
        diagnosis=diagnosis,
        task=task,
        metric=metric,
        hidden_labels=hidden,
        encoder=rows.reader,
        settings=settings,
        timings=timings,
    )


def _sort_labels(
    rows: ModelTarget, use: str | int, task: str | None, seed: int | None
) -> tuple[NDArray[np.intp], NDArray[Any] | None, str]:
    """Rows to learn from, and the labels that only score the outcome."""
    if isinstance(use, bool) or not (use == "use" or (isinstance(use, int) and use > 0)):
        raise InputError(
            f"target_labels={use!r}: a network's head is learned from target labels; give 'use', or a number a class."
        )
    if rows.y is None:
        raise LabelError(
            f"target {rows.name!r} has no labels, and a network's head is learned from them; put images into one "
            "sub-folder a class, or give (X, y)."
        )
    known = np.flatnonzero([v is not None for v in rows.y])
    labels = _plain(rows.y, known)
    if task is None:
        fractions = labels.dtype.kind == "f" and bool((labels != np.round(labels)).any())
        task = "regression" if fractions else "classification"
    if task not in ("classification", "regression"):
        raise InputError(f"task must be 'classification' or 'regression'; got {task!r}.")
    if task == "classification" and len(np.unique(labels)) < 2:
        raise LabelError(f"target {rows.name!r} has one class only; a classifier needs two or more.")
    if use == "use":
        return known, None, task
    rng = np.random.default_rng(seed)
    groups = [known] if task == "regression" else [known[labels == c] for c in np.unique(labels)]
    told = np.sort(np.concatenate([rng.permutation(g)[: int(use)] for g in groups]))
    hidden = np.array(rows.y, dtype=object)
    hidden[told] = None
    return told, (hidden if any(v is not None for v in hidden) else None), task


def _jobs(
    model: Any, methods: Sequence[Any] | None, task: str, *, epochs: int, batch_size: int, seed: int
) -> list[tuple[str, Callable[[int], Any], str]]:
    """Name, maker and reason of each candidate, training from scratch first."""
    from landbridge.neural import NeuralClassifier, NeuralRegressor, parameter
    from landbridge.neural._method import Method

    kind: Any = NeuralClassifier if task == "classification" else NeuralRegressor

    def maker(parts: list[Any], pretrained: bool = True, n_epochs: int = epochs) -> Callable[[int], Any]:
        def make(split: int) -> Any:
            return kind(
                model,
                methods=parts,
                epochs=n_epochs,
                batch_size=batch_size,
                pretrained=pretrained,
                random_state=seed + split,
            )

        return make

    jobs = [(SCRATCH, maker([], pretrained=False), "the same architecture from random weights")]
    for given in DEFAULT if methods is None else methods:
        parts = list(given) if isinstance(given, list | tuple) else [given]
        made = []
        for part in parts:
            if isinstance(part, Method):
                made.append(part)
            elif part in parameter.__all__:
                made.append(getattr(parameter, part)())
            else:
                names = ", ".join(parameter.__all__)
                raise InputError(
                    f"methods names {part!r}, which is no way to fine-tune a network; choose from {names}."
                )
        name = " + ".join(type(m).__name__ for m in made)
        probe = [type(m).__name__ for m in made] == ["LinearProbe"]
        make = maker(made, n_epochs=max(epochs, PROBE_EPOCHS) if probe else epochs)
        jobs.append((name, make, "asked for" if methods else "tried by default"))
    return jobs


def _try(
    name: str,
    make: Callable[[int], Any],
    X: NDArray[Any],
    told: NDArray[np.intp],
    y: NDArray[Any],
    folds: LabelledSplits,
    predict_all: bool,
    work: Unfinished,
) -> Trial:
    """Score one candidate on every split, then fit it on all labelled rows."""
    family = "baseline" if name == SCRATCH else "parameter"
    role: Role = "target-only" if name == SCRATCH else "candidate"
    clock = time.perf_counter()

    def ready(split: int, part: str, n_samples: int) -> Any:
        model = make(split)
        if (place := work.checkpoints(name, part)) is None:
            return model
        steps = model.epochs * -(-n_samples // model.batch_size)
        return model.set_params(checkpoint_dir=place, checkpoint_every=max(1, steps // 4), resume=True)

    try:
        scores = []
        for k, (train, test) in enumerate(folds.splits):
            score = work.score(name, str(k))
            if score is None:
                fitted = ready(k, str(k), len(train)).fit(X[told[train]], y[train])
                score = fitted.score(X[told[test]], y[test])
                work.keep(name, str(k), score)
            scores.append(score)
        fitted = ready(0, "all", len(told)).fit(X[told], y)
        fitted.set_params(checkpoint_dir=None, checkpoint_every=None, resume=False)
        predicted = fitted.predict(X) if predict_all else None
    except (InputError, ValueError, RuntimeError) as error:
        return Trial(name, family, role=role, error=str(error).splitlines()[0], seconds=time.perf_counter() - clock)
    return Trial(
        name,
        family,
        role=role,
        preference=0 if name == PROBE else 1,
        model=fitted,
        predicted=predicted,
        splits=np.array(scores),
        seconds=time.perf_counter() - clock,
    )


def _diagnosis(name: str, rows: ModelTarget, labelled: int) -> Diagnosis:
    words = (
        f"{name} was trained elsewhere, and its training data are not at hand, so no shift can be measured; what it is "
        f"worth is judged on {labelled} labelled target rows."
    )
    return Diagnosis("model", "moderate", words)


def _settings(
    model: Any, rows: ModelTarget, methods: Any, use: str | int, epochs: int, confidence: float, seed: int | None
) -> dict[str, Any]:
    return {
        "source": model_name(model),
        "target": rows.name,
        "methods": None if methods is None else [str(m) for m in methods],
        "target_labels": use,
        "epochs": epochs,
        "confidence": confidence,
        "random_state": seed,
        "versions": versions(),
    }


def _plain(y: Any, rows: NDArray[np.intp]) -> NDArray[Any]:
    return np.array(np.asarray(y, dtype=object)[rows].tolist())
