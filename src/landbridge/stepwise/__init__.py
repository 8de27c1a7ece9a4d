"""Stepwise methods transfer over intermediate domains: unlabelled samples between source and target.

Use them if a source model fails on the target and intermediate samples exist: the same sensor at earlier dates, a third
domain that shares features with each side, or a target that is itself spread between the two. They can hurt without
intermediate samples, because later steps confirm the errors of the first one.
"""

from landbridge.stepwise._coupled_nmtf import CoupledFactors, coupled_nmtf, fold_in
from landbridge.stepwise._gradual import GradualSelfTraining, gradual_self_training, path_distance
from landbridge.stepwise._intermediate import Choice, choose_intermediate, fit_intermediate_estimator, six_features
from landbridge.stepwise._ttl import TransitiveTransfer, border_samples

__all__ = [
    "Choice",
    "CoupledFactors",
    "GradualSelfTraining",
    "TransitiveTransfer",
    "border_samples",
    "choose_intermediate",
    "coupled_nmtf",
    "fit_intermediate_estimator",
    "fold_in",
    "gradual_self_training",
    "path_distance",
    "six_features",
]
