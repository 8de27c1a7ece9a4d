"""Instance methods keep the features and reweight or select source samples, so that they match the target.

Use them if the target is another sample of the same population (covariate or label shift).
"""

from landbridge.instance._density_ratio import ClassifierDensityRatio, probability_ratio
from landbridge.instance._kliep import KLIEP, kliep_coefficients
from landbridge.instance._kmm import KMM, KMMWeights, kmm_weights
from landbridge.instance._label_shift import BBSE, MLLS, calibrate, fit_calibration
from landbridge.instance._multi_source_tradaboost import MultiSourceTrAdaBoost, TaskTrAdaBoost
from landbridge.instance._nearest_neighbour import NearestNeighbourWeights, voronoi_counts
from landbridge.instance._source_pooling import SourcePooling, mixture_weights
from landbridge.instance._target_shift import TargetShift, target_shares
from landbridge.instance._tradaboost import BoostingStep, TrAdaBoost, source_decay, tradaboost_step
from landbridge.instance._tradaboost_r2 import (
    TrAdaBoostR2,
    TwoStageTrAdaBoostR2,
    adjusted_errors,
    decay_for_share,
    weighted_median,
)
from landbridge.instance._ulsif import ULSIF, leave_one_out_scores, ulsif_coefficients

__all__ = [
    "BBSE",
    "KLIEP",
    "KMM",
    "MLLS",
    "ULSIF",
    "BoostingStep",
    "ClassifierDensityRatio",
    "KMMWeights",
    "MultiSourceTrAdaBoost",
    "NearestNeighbourWeights",
    "SourcePooling",
    "TargetShift",
    "TaskTrAdaBoost",
    "TrAdaBoost",
    "TrAdaBoostR2",
    "TwoStageTrAdaBoostR2",
    "adjusted_errors",
    "calibrate",
    "decay_for_share",
    "fit_calibration",
    "kliep_coefficients",
    "kmm_weights",
    "leave_one_out_scores",
    "mixture_weights",
    "probability_ratio",
    "source_decay",
    "target_shares",
    "tradaboost_step",
    "ulsif_coefficients",
    "voronoi_counts",
    "weighted_median",
]
