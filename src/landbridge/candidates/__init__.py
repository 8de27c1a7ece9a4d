"""Candidates: what to try in each situation, one strategy per file, and which methods fit by their tags."""

from landbridge.candidates._plan import compose, default_scaler, plan
from landbridge.candidates._shift_from_model import diagnose_from_model, moment_distance
from landbridge.candidates._specification import CandidateSpec
from landbridge.candidates._strategy import Strategy, find_strategy, strategies

__all__ = [
    "CandidateSpec",
    "Strategy",
    "compose",
    "default_scaler",
    "diagnose_from_model",
    "find_strategy",
    "moment_distance",
    "plan",
    "strategies",
]
