"""Mathematics that several methods share: arrays in, arrays out, no estimators, no domains."""

from landbridge.numerics.boxqp import BoxQP, box_qp, duality_gap, project_box_band
from landbridge.numerics.covariance import covariance, matrix_power
from landbridge.numerics.kernels import KernelOperator, kernel, kernel_diagonal, median_gamma
from landbridge.numerics.label_shift import bbse_priors, em_priors, shift_posterior
from landbridge.numerics.nystroem import NystroemMap, landmark_rows, nystroem_features
from landbridge.numerics.resampling import (
    balanced_folds,
    bootstrap_mean,
    corrected_paired_test,
    debiased_interval,
    percentile_interval,
    permutation_p_value,
    random_generator,
    subsample,
)
from landbridge.numerics.target_shift import (
    ClassShareModel,
    ShareGap,
    share_starts,
    simplex_least_squares,
    weighted_moments,
)

__all__ = [
    "BoxQP",
    "ClassShareModel",
    "KernelOperator",
    "NystroemMap",
    "ShareGap",
    "balanced_folds",
    "bbse_priors",
    "bootstrap_mean",
    "box_qp",
    "corrected_paired_test",
    "covariance",
    "debiased_interval",
    "duality_gap",
    "em_priors",
    "kernel",
    "kernel_diagonal",
    "landmark_rows",
    "matrix_power",
    "median_gamma",
    "nystroem_features",
    "percentile_interval",
    "permutation_p_value",
    "project_box_band",
    "random_generator",
    "share_starts",
    "shift_posterior",
    "simplex_least_squares",
    "subsample",
    "weighted_moments",
]
