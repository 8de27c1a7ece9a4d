"""Neural networks: backbones as ordered stages, one training loop, methods that compose, and scikit-learn estimators.

A *network* is a backbone (ordered, named stages) and a *task* (head, loss, metric). A *method* adds to training and
composes with others: ``methods=[L2SP(0.1), Mixup()]`` is the sum of their contributions. :class:`NeuralClassifier` and
:class:`NeuralRegressor` obey the contract of all estimators. Everything here needs the extra
``landbridge[neural]``.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

# name -> the file that defines it; loaded at first use (PEP 562)
_NAMES = {
    "ArrayRows": "_streaming",
    "Batch": "_method",
    "Classification": "tasks._classification",
    "Features": "_states",
    "History": "_resume",
    "Method": "_method",
    "Methods": "_method",
    "MultiLabel": "tasks._multilabel",
    "Network": "_network",
    "NeuralClassifier": "_estimator",
    "NeuralRegressor": "_estimator",
    "NeuralStructuredEstimator": "_structured_estimator",
    "Regression": "tasks._regression",
    "Samples": "_samples",
    "SeedAverage": "_seeds",
    "Task": "tasks._task",
    "Training": "_settings",
    "batch_norms": "_network",
    "cached_features": "_features",
    "is_folded": "_network",
    "ImageFiles": "_streaming",
    "LayerStudy": "_layer_study",
    "StreamedSamples": "_streaming",
    "predict": "_evaluation",
    "StageReport": "_stages",
    "layer_study": "_layer_study",
    "linear_cka": "_stages",
    "stages": "_stages",
    "schedule_factor": "_schedule",
    "load_backbone": "backbones",
    "pairwise_agreement": "_seeds",
    "pool": "_network",
    "predict_logits": "_evaluation",
    "train": "_loop",
}
_ROOMS = ("backbones", "feature", "fewshot", "handover", "multitask", "parameter", "progressive", "selftaught", "tasks")

__all__ = [
    "ArrayRows",
    "Batch",
    "Classification",
    "Features",
    "History",
    "ImageFiles",
    "LayerStudy",
    "Method",
    "Methods",
    "MultiLabel",
    "Network",
    "NeuralClassifier",
    "NeuralRegressor",
    "NeuralStructuredEstimator",
    "Regression",
    "Samples",
    "SeedAverage",
    "StageReport",
    "StreamedSamples",
    "Task",
    "Training",
    "backbones",
    "batch_norms",
    "cached_features",
    "feature",
    "fewshot",
    "handover",
    "is_folded",
    "layer_study",
    "linear_cka",
    "load_backbone",
    "multitask",
    "pairwise_agreement",
    "parameter",
    "pool",
    "predict",
    "predict_logits",
    "progressive",
    "schedule_factor",
    "selftaught",
    "stages",
    "tasks",
    "train",
]

if TYPE_CHECKING:
    from landbridge.neural import (
        backbones,
        feature,
        fewshot,
        handover,
        multitask,
        parameter,
        progressive,
        selftaught,
        tasks,
    )
    from landbridge.neural._estimator import NeuralClassifier, NeuralRegressor
    from landbridge.neural._evaluation import predict, predict_logits
    from landbridge.neural._features import cached_features
    from landbridge.neural._layer_study import LayerStudy, layer_study
    from landbridge.neural._loop import train
    from landbridge.neural._method import Batch, Method, Methods
    from landbridge.neural._network import Network, batch_norms, is_folded, pool
    from landbridge.neural._resume import History
    from landbridge.neural._samples import Samples
    from landbridge.neural._schedule import schedule_factor
    from landbridge.neural._seeds import SeedAverage, pairwise_agreement
    from landbridge.neural._settings import Training
    from landbridge.neural._stages import StageReport, linear_cka, stages
    from landbridge.neural._states import Features
    from landbridge.neural._streaming import ArrayRows, ImageFiles, StreamedSamples
    from landbridge.neural._structured_estimator import NeuralStructuredEstimator
    from landbridge.neural.backbones import load_backbone
    from landbridge.neural.tasks._classification import Classification
    from landbridge.neural.tasks._multilabel import MultiLabel
    from landbridge.neural.tasks._regression import Regression
    from landbridge.neural.tasks._task import Task

for _library in ("torch", "lightning_fabric", "safetensors"):
    if importlib.util.find_spec(_library) is None:
        raise importlib.import_module("landbridge.exceptions").MissingExtraError(
            f'networks need the library {_library!r}; install it with: pip install "landbridge[neural]"'
        )


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(f"landbridge.neural.{_NAMES[name]}"), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"landbridge.neural.{name}")
    else:
        raise AttributeError(f"module 'landbridge.neural' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
