"""Discrepancies answer *when*: how far apart two domains are, by which kind of shift, and what that threatens."""

from landbridge.discrepancy._coral_distance import coral_distance, coral_loss
from landbridge.discrepancy._diagnosis import SHIFTS, Diagnosis
from landbridge.discrepancy._mmd import mmd, weighted_mmd2
from landbridge.discrepancy._proxy_a_distance import proxy_a_distance
from landbridge.discrepancy._sliced_wasserstein import line_transport, sliced_wasserstein

__all__ = [
    "SHIFTS",
    "Diagnosis",
    "coral_distance",
    "coral_loss",
    "line_transport",
    "mmd",
    "proxy_a_distance",
    "sliced_wasserstein",
    "weighted_mmd2",
]
