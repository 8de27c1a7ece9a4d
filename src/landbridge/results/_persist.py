"""Saving and loading results: skops for the model, JSON for the rest, never pickle."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import math
import zipfile
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.exceptions import InputError, ReadError, UntrustedModelError
from landbridge.measurement import Measurement
from landbridge.results._candidate import Candidate, Decision
from landbridge.results._files import strict, write_atomically
from landbridge.results._result import Result

__all__ = ["load", "save"]

FORMAT = 2
MODEL, FACTS = "model.skops", "result.json"
# Classes of landbridge that are no estimators and yet part of fitted ones.
PARTS = frozenset(
    {
        "landbridge.neural._resume.Hifacts",
        "landbridge.parameter._flat_tree.FlatTree",
        "landbridge.problem._model_target.NetworkReader",
    }
)
# Packages whose classes may be part of a fitted network: they hold numbers and names.
PART_PACKAGES = ("landbridge.neural.feature.", "landbridge.neural.parameter.", "landbridge.neural.tasks.")
# Types outside landbridge that skops does not trust by itself, though they only hold numbers.
HARMLESS = frozenset(
    {
        "numpy.dtype",
        "numpy.random._mt19937.MT19937",
        "numpy.random.mtrand.RandomState",
        "scipy.sparse._csr.csr_matrix",
        "scipy.sparse._csr.csr_array",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._kd_tree.newObj",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._ball_tree.newObj",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)


def save(result: Result, folder: Path) -> Path:
    """Write a result into a folder, each file complete or not at all.

    Parameters
    ----------
    result : Result
    folder : Path
        Made if it does not exist.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the model holds a type that `load` would refuse; nothing is written then.
    """
    import skops.io

    try:
        model = skops.io.dumps({"model": result.model, "encoder": result.encoder})
        needed = skops.io.get_untrusted_types(data=model)
    except Exception as error:
        raise InputError(
            f"the model cannot be saved ({' '.join(str(error).split())[:200]}); use estimators of scikit-learn and "
            "landbridge as estimator and methods."
        ) from error
    if foreign := _foreign(needed):
        raise InputError(
            f"the model holds the type {foreign[0]}, which loading would refuse; use estimators of scikit-learn and "
            "landbridge as estimator and methods."
        )
    facts = strict(result.to_dict()) | {
        "format": FORMAT,
        "versions": _versions(),
        "types": [t for t in needed if t.startswith("landbridge.")],
        "sha256": hashlib.sha256(model).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / MODEL, model)
    write_atomically(folder / FACTS, json.dumps(facts, indent=1, allow_nan=False, default=str).encode())
    return folder


def load(folder: Path) -> Result:
    """Read a result back, after checking that nothing foreign is in it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Result
    """
    import skops.io

    facts, model = _read_both(folder)
    data = model.read_bytes()
    if hashlib.sha256(data).hexdigest() != facts.get("sha256"):
        raise UntrustedModelError(
            f"{model} was changed after saving (its checksum differs from {FACTS}); get the folder again from whoever "
            "made it, or run the transfer again."
        )
    try:
        needed = skops.io.get_untrusted_types(data=data)
        if foreign := _foreign(needed):
            raise UntrustedModelError(
                f"{model} holds the type {foreign[0]}, which a result of landbridge never needs; do not load it."
            )
        held = skops.io.loads(data, trusted=needed)
    except UntrustedModelError:
        raise
    except Exception as error:
        raise UntrustedModelError(
            f"{model} is not a model that can be read ({type(error).__name__}); run the transfer again."
        ) from error
    try:
        return Result(
            model=held["model"],
            encoder=held["encoder"],
            decision=_decision(facts["decision"]),
            candidates=tuple(_candidate(c) for c in facts["candidates"]),
            diagnosis=_diagnosis(facts["diagnosis"]),
            task=facts["task"],
            metric=facts["metric"],
            settings=dict(facts["settings"]),
            timings=dict(facts["timings"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReadError(f"{folder / FACTS} is not the JSON of a result; run the transfer again.") from error


def _read_both(folder: Path) -> tuple[dict[str, Any], Path]:
    for name in (FACTS, MODEL):
        if not (folder / name).is_file():
            raise ReadError(f"{folder} holds no {name}; name the folder that `landbridge transfer --out` wrote.")
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        missing = {"decision", "candidates", "diagnosis", "task", "metric", "settings", "timings", "sha256"} - set(
            facts
        )
    except (ValueError, TypeError) as error:
        raise ReadError(f"{folder / FACTS} is not the JSON of a result; run the transfer again.") from error
    if missing or facts.get("format") != FORMAT:
        raise ReadError(
            f"{folder / FACTS} is of format {facts.get('format')!r}, and this version reads format {FORMAT}; "
            "run the transfer again."
        )
    if not zipfile.is_zipfile(folder / MODEL):
        raise UntrustedModelError(f"{folder / MODEL} is damaged: it is no skops file; run the transfer again.")
    return facts, folder / MODEL


def _foreign(types: list[str]) -> list[str]:
    return [t for t in types if t not in HARMLESS and not _is_ours(t)]


def _is_ours(name: str) -> bool:
    """Whether a type's name resolves to an estimator class that the landbridge package defines.

    Classes only: a function of landbridge, put into a ``FunctionTransformer``, would be *called* with arguments of a
    stranger's choice.
    """
    module, _, attribute = name.rpartition(".")
    if not module.startswith("landbridge."):
        return False
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    own = inspect.isclass(found) and found.__module__ == module and found.__qualname__ == attribute
    return own and (issubclass(found, BaseEstimator) or name in PARTS or name.startswith(PART_PACKAGES))


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("landbridge", "numpy", "scipy", "scikit-learn", "skops")}


def _measured(data: Any) -> Measurement | None:
    if data is None:
        return None
    return Measurement(**{**data, "value": math.nan if data["value"] is None else data["value"]})


def _decision(data: dict[str, Any]) -> Decision:
    return Decision(**{**data, "gain": _measured(data["gain"])})


def _candidate(data: dict[str, Any]) -> Candidate:
    measured = {k: _measured(data[k]) for k in ("estimate", "gain", "hidden")}
    evidence = {k: m for k, v in data["evidence"].items() if (m := _measured(v)) is not None}
    return Candidate(**{**data, **measured, "evidence": evidence, "warnings": tuple(data["warnings"])})


def _diagnosis(data: dict[str, Any]) -> Diagnosis:
    taken = {k: m for k, v in data["measurements"].items() if (m := _measured(v)) is not None}
    return Diagnosis(**{**data, "measurements": taken})
