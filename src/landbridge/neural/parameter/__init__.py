"""Fine-tuning: what becomes of a trained network's weights when it learns a new task.

Each method is a small part that adds to the training, and they compose: ``methods=[LPFT(), L2SP(0.1)]``.
"""

from landbridge.neural.parameter._fine_tuning import FineTuning
from landbridge.neural.parameter._linear_probe import LinearProbe
from landbridge.neural.parameter._lpft import LPFT

__all__ = [
    "LPFT",
    "FineTuning",
    "LinearProbe",
]
