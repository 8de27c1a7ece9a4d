"""Feature-based methods map source and target to a common space, in which one estimator serves both domains.

Use them when the domains measure the same quantity differently: rescaled, rotated, with another camera. They can hurt
when the class proportions differ, because alignment then mixes the classes.
"""

from landbridge.feature._bda import BDA, balanced_mmd_factor
from landbridge.feature._co_optimal_transport import CoOptimalTransport, co_optimal_couplings
from landbridge.feature._coral import CORAL, coral_map
from landbridge.feature._domain_scaler import DomainScaler, feature_statistics
from landbridge.feature._easyadapt import FeatureAugmentation, augment
from landbridge.feature._easytl import EasyTL, assign_classes
from landbridge.feature._gfk import GFK, subspace_disagreement
from landbridge.feature._jda import JDA, joint_mmd_factor
from landbridge.feature._jdot import JDOTClassifier, JDOTRegressor, joint_cost
from landbridge.feature._kernel_cca import KernelCCA, canonical_directions, class_pairs
from landbridge.feature._linear_ot import LinearOT, gaussian_transport
from landbridge.feature._location_scale import ClassMaps, class_location_scale
from landbridge.feature._ls_cons import LSConS
from landbridge.feature._ls_getars import LSGeTarS, location_scale_shares
from landbridge.feature._manifold_alignment import ManifoldAlignment, alignment_matrices
from landbridge.feature._meda import MEDA, adaptation_solver
from landbridge.feature._msda import MSDA, marginalised_denoiser
from landbridge.feature._ot_class import ClassRegularizedOT, forbid_known_mismatches
from landbridge.feature._ot_label_propagation import OTLabelPropagation, propagate
from landbridge.feature._ot_mapping import OTMapping, barycentric_map, transport_plan
from landbridge.feature._scl import StructuralCorrespondence, choose_pivots, pivot_directions
from landbridge.feature._sstca import SSTCA, supervised_components
from landbridge.feature._subspace_alignment import SubspaceAlignment, subspace_alignment
from landbridge.feature._tca import TCA, transfer_components
from landbridge.feature._tjm import TJM, joint_matching
from landbridge.feature._transfer_subspace import TransferSubspaceLearning, divergence_gradient
from landbridge.feature._unit_scaler import UnitScaler

__all__ = [
    "BDA",
    "CORAL",
    "GFK",
    "JDA",
    "MEDA",
    "MSDA",
    "SSTCA",
    "TCA",
    "TJM",
    "ClassMaps",
    "ClassRegularizedOT",
    "CoOptimalTransport",
    "DomainScaler",
    "EasyTL",
    "FeatureAugmentation",
    "JDOTClassifier",
    "JDOTRegressor",
    "KernelCCA",
    "LSConS",
    "LSGeTarS",
    "LinearOT",
    "ManifoldAlignment",
    "OTLabelPropagation",
    "OTMapping",
    "StructuralCorrespondence",
    "SubspaceAlignment",
    "TransferSubspaceLearning",
    "UnitScaler",
    "adaptation_solver",
    "alignment_matrices",
    "assign_classes",
    "augment",
    "balanced_mmd_factor",
    "barycentric_map",
    "canonical_directions",
    "choose_pivots",
    "class_location_scale",
    "class_pairs",
    "co_optimal_couplings",
    "coral_map",
    "divergence_gradient",
    "feature_statistics",
    "forbid_known_mismatches",
    "gaussian_transport",
    "joint_cost",
    "joint_matching",
    "joint_mmd_factor",
    "location_scale_shares",
    "marginalised_denoiser",
    "pivot_directions",
    "propagate",
    "subspace_alignment",
    "subspace_disagreement",
    "supervised_components",
    "transfer_components",
    "transport_plan",
]
