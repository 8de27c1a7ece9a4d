"""A result as a run of MLflow: parameters, metrics and the report."""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landbridge.exceptions import MissingExtraError
from landbridge.report._write import report_json, write_report
from landbridge.results import Result

__all__ = ["log_mlflow"]

# MLflow's limit of a parameter, and what names may hold.
MOST_LETTERS = 500
FORBIDDEN = re.compile(r"[^\w./ -]+")


def log_mlflow(result: Result, run_name: str | None = None, tracking_uri: str | None = None) -> str:
    """Write a result as a finished run of MLflow.

    A client of its own is used, so that neither the active run nor the tracking URI of the caller changes.

    Parameters
    ----------
    result : Result
    run_name : str, optional
        If None, the names of source and target.
    tracking_uri : str, optional
        Where runs are kept, such as ``"sqlite:///runs.db"``. If None, what MLflow is set to. The experiment is the one
        that MLflow is set to, or the default one.

    Returns
    -------
    str
        Identifier of the run.

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.
    """
    try:
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient, fluent
    except ImportError as error:
        raise MissingExtraError(
            "log_mlflow needs the library 'mlflow'; install it with: pip install 'landbridge[mlflow]'"
        ) from error
    client = MlflowClient(tracking_uri=tracking_uri)
    settings = result.settings
    name = run_name or f"{settings.get('source') or 'source'} to {settings.get('target') or 'target'}"
    # an experiment that was set belongs to the store that MLflow is set to; only a private function names it
    current = getattr(fluent, "_get_experiment_id", None) if tracking_uri is None else None
    experiment = "0" if current is None else current()
    run = client.create_run(experiment, run_name=name[:MOST_LETTERS])
    key = run.info.run_id
    status = "FAILED"
    try:
        params = [Param(k, v[:MOST_LETTERS]) for k, v in _params(result).items()]
        metrics = [Metric(k, v, run.info.start_time, 0) for k, v in _metrics(result).items()]
        for at in range(0, max(len(params), len(metrics)), 100):
            client.log_batch(key, metrics=metrics[at : at + 100], params=params[at : at + 100])
        with tempfile.TemporaryDirectory() as folder:
            client.log_artifact(key, str(write_report(result, folder)))
            facts = Path(folder) / "result.json"
            facts.write_text(json.dumps(report_json(result), default=str), encoding="utf-8")
            client.log_artifact(key, str(facts))
        status = "FINISHED"
    finally:
        client.set_terminated(key, status)
    return str(key)


def _params(result: Result) -> dict[str, str]:
    flat: dict[str, str] = {
        "chosen": result.decision.chosen,
        "transferred": str(result.decision.transferred),
        "evidence": result.decision.evidence,
        "metric": result.metric,
        "shift": result.diagnosis.kind,
        "risk": result.diagnosis.risk,
    }
    for name, value in result.settings.items():
        if name in ("notes", "inferred") or value is None or value == []:
            continue
        if isinstance(value, Mapping):
            flat |= {_name(f"{name}.{k}"): str(v) for k, v in value.items()}
        else:
            flat[_name(name)] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return flat


def _metrics(result: Result) -> dict[str, float]:
    flat: dict[str, Any] = {}
    if result.expected is not None:
        flat |= {f"expected.{k}": getattr(result.expected, k) for k in ("value", "low", "high")}
    if result.decision.gain is not None:
        flat |= {f"gain.{k}": getattr(result.decision.gain, k) for k in ("value", "low", "high")}
    flat |= {f"score.{k}": v for k, v in result.scores.items() if isinstance(v, int | float)}
    for c in result.candidates:
        for kind in ("estimate", "gain", "hidden"):
            if (m := getattr(c, kind)) is not None:
                flat[f"candidate.{_name(c.name)}.{kind}"] = m.value
    flat |= {f"seconds.{_name(k)}": v for k, v in result.timings.items()}
    return {k: float(v) for k, v in _finite(flat)}


def _finite(flat: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((k, v) for k, v in flat.items() if v is not None and math.isfinite(v))


def _name(text: str) -> str:
    """A name that MLflow accepts."""
    return FORBIDDEN.sub("_", text)[:200].strip(" ./") or "_"
