"""Instance methods keep the columns and weigh or select source rows, so that the source looks like the target.

Reach for them when the target is a differently sampled part of the same world (covariate or label shift).
"""

from landbridge.instance._density_ratio import ClassifierDensityRatio, probability_ratio
from landbridge.instance._kliep import KLIEP, kliep_coefficients
from landbridge.instance._kmm import KMM, KMMWeights, kmm_weights
from landbridge.instance._label_shift import BBSE, MLLS, calibrate, fit_calibration

__all__ = [
    "BBSE",
    "KLIEP",
    "KMM",
    "MLLS",
    "ClassifierDensityRatio",
    "KMMWeights",
    "calibrate",
    "fit_calibration",
    "kliep_coefficients",
    "kmm_weights",
    "probability_ratio",
]
