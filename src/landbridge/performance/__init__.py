"""How good a fitted model will be on a target with few labels or none: one estimator per file, and their combination.

Each estimator is a function of held-out source predictions and target predictions, and returns a
:class:`~landbridge.measurement.Measurement` with an interval of 90 %.
"""

from landbridge.performance._agreement import agreement_on_the_line, disagreement
from landbridge.performance._atc import average_thresholded_confidence
from landbridge.performance._balanced import expected_balanced_accuracy
from landbridge.performance._cbpe import calibrated_confidence, cbpe
from landbridge.performance._class_shares import class_share_performance
from landbridge.performance._combined import combined_performance
from landbridge.performance._combined_loss import combined_loss
from landbridge.performance._direct import direct_performance, expected_scores
from landbridge.performance._doc import difference_of_confidences
from landbridge.performance._domain_comparison import DomainComparison, compare_domains
from landbridge.performance._doubly_robust import doubly_robust_performance
from landbridge.performance._estimate_performance import METRICS, PerformanceEstimate, estimate_performance
from landbridge.performance._importance_weighted import (
    effective_sample_size,
    weighted_balanced_accuracy,
    weighted_performance,
)
from landbridge.performance._labelled import labelled_performance, wilson_interval
from landbridge.performance._multicalibrated import multicalibrated_cbpe
from landbridge.performance._predictions import Predictions
from landbridge.performance._revised import revised_performance
from landbridge.performance._singles import classification_estimates, regression_estimates
from landbridge.performance._support import outside_support
from landbridge.performance._under_label_shift import performance_under_label_shift

__all__ = [
    "METRICS",
    "DomainComparison",
    "PerformanceEstimate",
    "Predictions",
    "agreement_on_the_line",
    "average_thresholded_confidence",
    "calibrated_confidence",
    "cbpe",
    "class_share_performance",
    "classification_estimates",
    "combined_loss",
    "combined_performance",
    "compare_domains",
    "difference_of_confidences",
    "direct_performance",
    "disagreement",
    "doubly_robust_performance",
    "effective_sample_size",
    "estimate_performance",
    "expected_balanced_accuracy",
    "expected_scores",
    "labelled_performance",
    "multicalibrated_cbpe",
    "outside_support",
    "performance_under_label_shift",
    "regression_estimates",
    "revised_performance",
    "weighted_balanced_accuracy",
    "weighted_performance",
    "wilson_interval",
]
