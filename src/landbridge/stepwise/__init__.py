"""Stepwise methods cross a wide gap over stepping stones: rows that lie between source and target.

Reach for them when a source model fails on the target and something lies between: the same sensor at earlier dates, a
third domain that shares something with each side, or a target that is itself spread along the way. They can hurt when
nothing lies between, because the first wrong step is confirmed by the rest.
"""

from landbridge.stepwise._coupled_nmtf import CoupledFactors, coupled_nmtf, fold_in
from landbridge.stepwise._gradual import GradualSelfTraining, gradual_self_training, path_distance
from landbridge.stepwise._intermediate import Choice, choose_intermediate, fit_intermediate_model, six_features
from landbridge.stepwise._ttl import TransitiveTransfer, border_rows

__all__ = [
    "Choice",
    "CoupledFactors",
    "GradualSelfTraining",
    "TransitiveTransfer",
    "border_rows",
    "choose_intermediate",
    "coupled_nmtf",
    "fit_intermediate_model",
    "fold_in",
    "gradual_self_training",
    "path_distance",
    "six_features",
]
