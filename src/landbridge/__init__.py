"""Transfer learning with protection against negative transfer: measure, rank and transfer.

The three questions of transfer learning are functions:

* :func:`landbridge.measure` - **when**: how similar are source and target, which shift is it, will transfer hurt?
* :func:`landbridge.rank` - **what**: which source, which trained model, which layers suit the target best?
* :func:`landbridge.transfer` - **how**: the best method, compared with not transferring.

The folders hold the methods, by family, and the scores that these functions use.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# name -> module that defines it, imported at first use (PEP 562), so that importing the package is fast
_NAMES = {
    "Domain": "landbridge.domain",
    "Measurement": "landbridge.measurement",
    "Result": "landbridge.verbs._result",
    "load_result": "landbridge.verbs._result",
    "make_pipeline": "landbridge.pipeline",
    "Ranking": "landbridge.verbs._ranking",
    "measure": "landbridge.verbs._measure",
    "rank": "landbridge.verbs._rank",
    "transfer": "landbridge.verbs._transfer",
    "with_source": "landbridge.binding",
    "with_target": "landbridge.binding",
}
_ROOMS = (
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
    "relation",
    "report",
    "stepwise",
    "tasks",
    "testing",
    "transferability",
    "zeroshot",
)

__all__ = [
    "Domain",
    "Measurement",
    "Ranking",
    "Result",
    "catalogue",
    "data",
    "discrepancy",
    "exceptions",
    "feature",
    "guard",
    "instance",
    "load_result",
    "make_pipeline",
    "measure",
    "neural",
    "numerics",
    "parameter",
    "rank",
    "relation",
    "report",
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
    from landbridge.domain import Domain
    from landbridge.measurement import Measurement
    from landbridge.pipeline import make_pipeline
    from landbridge.verbs._measure import measure
    from landbridge.verbs._rank import rank
    from landbridge.verbs._ranking import Ranking
    from landbridge.verbs._result import Result, load_result
    from landbridge.verbs._transfer import transfer


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"landbridge.{name}")
    else:
        raise AttributeError(f"module 'landbridge' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
