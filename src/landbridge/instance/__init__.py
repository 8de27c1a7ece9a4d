"""Instance methods keep the columns and weigh or select source rows, so that the source looks like the target.

Reach for them when the target is a differently sampled part of the same world (covariate or label shift).
"""

from landbridge.instance._density_ratio import ClassifierDensityRatio, probability_ratio

__all__ = ["ClassifierDensityRatio", "probability_ratio"]
