"""Progressive networks: one column per task, which uses earlier columns and never changes them.

:class:`ProgressiveClassifier` grows; :func:`forward_transfer` measures what a series of tasks gains by it.
"""

from landbridge.neural.progressive._network import Lateral, ProgressiveColumn, ProgressiveNetwork
from landbridge.neural.progressive._progressive import ProgressiveClassifier
from landbridge.neural.progressive._sensitivity import fisher_sensitivity
from landbridge.neural.progressive._transfer import ForwardTransfer, forward_transfer

__all__ = [
    "ForwardTransfer",
    "Lateral",
    "ProgressiveClassifier",
    "ProgressiveColumn",
    "ProgressiveNetwork",
    "fisher_sensitivity",
    "forward_transfer",
]
