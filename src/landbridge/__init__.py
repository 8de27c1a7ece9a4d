"""Transfer learning with protection against negative transfer: measure, rank and transfer.

The three questions of transfer learning are functions:

* :func:`landbridge.measure` - **when**: how similar are source and target, which shift is it, will transfer hurt?
* :func:`landbridge.rank` - **what**: which source, which trained model, which layers suit the target best?
* :func:`landbridge.transfer` - **how**: the best method, compared with not transferring.

:func:`landbridge.estimate` says how good a fitted model will be on a target without labels.

The folders hold the methods, by family, and the scores that these functions use.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# name -> module that defines it, imported at first use (PEP 562), so that importing the package is fast
_NAMES = {
    "Candidate": "landbridge.results",
    "Decision": "landbridge.results",
    "Diagnosis": "landbridge.discrepancy",
    "Domain": "landbridge.domain",
    "Expected": "landbridge.results",
    "Measurement": "landbridge.measurement",
    "Ranking": "landbridge.results",
    "Result": "landbridge.results",
    "estimate": "landbridge.verbs._estimate",
    "inspect": "landbridge.verbs._inspect",
    "load_result": "landbridge.results",
    "make_pipeline": "landbridge.pipeline",
    "measure": "landbridge.verbs._measure",
    "rank": "landbridge.verbs._rank",
    "transfer": "landbridge.verbs._transfer",
    "with_source": "landbridge.binding",
    "with_target": "landbridge.binding",
}
_PACKAGES = (
    "catalogue",
    "data",
    "discrepancy",
    "exceptions",
    "feature",
    "guard",
    "instance",
    "neural",
    "numerics",
    "parameter",
    "performance",
    "relation",
    "report",
    "results",
    "selftaught",
    "stepwise",
    "tasks",
    "testing",
    "transferability",
    "zeroshot",
)

__all__ = [
    "Candidate",
    "Decision",
    "Diagnosis",
    "Domain",
    "Expected",
    "Measurement",
    "Ranking",
    "Result",
    "catalogue",
    "data",
    "discrepancy",
    "estimate",
    "exceptions",
    "feature",
    "guard",
    "inspect",
    "instance",
    "load_result",
    "make_pipeline",
    "measure",
    "neural",
    "numerics",
    "parameter",
    "performance",
    "rank",
    "relation",
    "report",
    "results",
    "selftaught",
    "stepwise",
    "tasks",
    "testing",
    "transfer",
    "transferability",
    "with_source",
    "with_target",
    "zeroshot",
]

if TYPE_CHECKING:
    from landbridge.binding import with_source, with_target
    from landbridge.discrepancy import Diagnosis
    from landbridge.domain import Domain
    from landbridge.measurement import Measurement
    from landbridge.pipeline import make_pipeline
    from landbridge.results import Candidate, Decision, Expected, Ranking, Result, load_result
    from landbridge.verbs._estimate import estimate
    from landbridge.verbs._inspect import inspect
    from landbridge.verbs._measure import measure
    from landbridge.verbs._rank import rank
    from landbridge.verbs._transfer import transfer


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _PACKAGES:
        value = importlib.import_module(f"landbridge.{name}")
    else:
        raise AttributeError(f"module 'landbridge' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
