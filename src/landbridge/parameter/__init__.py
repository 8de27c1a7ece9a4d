"""Parameter methods adapt a fitted source model to the target; they transfer what was learned, not the samples.

Use them if a few target samples are labelled, or if the source is a trained model without its samples. They can hurt if
source and target follow opposite rules, because the model is then regularised towards the wrong place; a smaller
`prior_strength` reduces that.
"""

from landbridge.parameter._adaptive_svm import AdaptiveSVM, adaptive_svm
from landbridge.parameter._after_transform import AfterTransform
from landbridge.parameter._fitted_source import FittedSource
from landbridge.parameter._prior_correction import (
    PriorCorrection,
    log_ratio_from_means,
    log_ratio_from_shares,
    score_calibration,
)
from landbridge.parameter._prior_glm import SourcePriorGLM, glm_loss, prior_glm
from landbridge.parameter._prior_gp import SourcePriorGP, prior_scale
from landbridge.parameter._prior_linear import SourcePriorLogistic, SourcePriorRidge, prior_logistic, prior_ridge
from landbridge.parameter._recalibration import Recalibration, recalibration_map, shift_and_scale
from landbridge.parameter._source_statistics import class_shares
from landbridge.parameter._transemdt import TransEMDT, adapt_tree, cluster_vote, refit_tree
from landbridge.parameter._transfer_tree import TransferForest, TransferTree, ser, strut

__all__ = [
    "AdaptiveSVM",
    "AfterTransform",
    "FittedSource",
    "PriorCorrection",
    "Recalibration",
    "SourcePriorGLM",
    "SourcePriorGP",
    "SourcePriorLogistic",
    "SourcePriorRidge",
    "TransEMDT",
    "TransferForest",
    "TransferTree",
    "adapt_tree",
    "adaptive_svm",
    "class_shares",
    "cluster_vote",
    "glm_loss",
    "log_ratio_from_means",
    "log_ratio_from_shares",
    "prior_glm",
    "prior_logistic",
    "prior_ridge",
    "prior_scale",
    "recalibration_map",
    "refit_tree",
    "score_calibration",
    "ser",
    "shift_and_scale",
    "strut",
]
