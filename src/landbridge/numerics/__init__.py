"""The ground: mathematics that several methods share. Arrays in, arrays out; no estimators, no domains."""

from landbridge.numerics.covariance import covariance, matrix_power
from landbridge.numerics.kernels import (
    KernelOperator,
    NystroemMap,
    kernel,
    kernel_diagonal,
    landmark_rows,
    median_gamma,
    nystroem_features,
)
from landbridge.numerics.label_shift import bbse_priors, em_priors, shift_posterior
from landbridge.numerics.resampling import (
    balanced_folds,
    bootstrap_mean,
    corrected_paired_test,
    percentile_interval,
    permutation_p_value,
    subsample,
)

__all__ = [
    "KernelOperator",
    "NystroemMap",
    "balanced_folds",
    "bbse_priors",
    "bootstrap_mean",
    "corrected_paired_test",
    "covariance",
    "em_priors",
    "kernel",
    "kernel_diagonal",
    "landmark_rows",
    "matrix_power",
    "median_gamma",
    "nystroem_features",
    "percentile_interval",
    "permutation_p_value",
    "shift_posterior",
    "subsample",
]
