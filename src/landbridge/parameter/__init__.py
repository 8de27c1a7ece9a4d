"""Parameter methods start from a model of the source and stay near it: they transfer what was learned, not the rows.

Reach for them when a few target rows are labelled, or when the source is a trained model and its rows are gone. They
can hurt when source and target follow opposite rules, because the model is then held near the wrong place; a smaller
strength lets go of it.
"""

from landbridge.parameter._adaptive_svm import AdaptiveSVM, adaptive_svm
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
from landbridge.parameter._transemdt import TransEMDT, cluster_vote, refit_tree
from landbridge.parameter._transfer_tree import TransferForest, TransferTree, ser, strut

__all__ = [
    "AdaptiveSVM",
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
