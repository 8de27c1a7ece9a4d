"""Discrepancies answer *when*: how far apart two domains are, by which kind of shift, and what that threatens."""

from landbridge.discrepancy._diagnosis import SHIFTS, Diagnosis

__all__ = ["SHIFTS", "Diagnosis"]
