"""Feature methods bring source and target into one space, where a plain learner then works for both.

Reach for them when the same thing is measured differently in both places: rescaled, rotated, through another camera.
They can hurt when class proportions differ, because aligning the rows then mixes the classes.
"""

from landbridge.feature._coral import CORAL, coral_map
from landbridge.feature._domain_scaler import DomainScaler, column_statistics
from landbridge.feature._easytl import EasyTL, assign_classes
from landbridge.feature._gfk import GFK, subspace_disagreement
from landbridge.feature._jda import JDA, joint_mmd_factor
from landbridge.feature._ot_mapping import OTMapping, barycentric_map, transport_plan
from landbridge.feature._subspace_alignment import SubspaceAlignment, subspace_alignment
from landbridge.feature._tca import TCA, transfer_components

__all__ = [
    "CORAL",
    "GFK",
    "JDA",
    "TCA",
    "DomainScaler",
    "EasyTL",
    "OTMapping",
    "SubspaceAlignment",
    "assign_classes",
    "barycentric_map",
    "column_statistics",
    "coral_map",
    "joint_mmd_factor",
    "subspace_alignment",
    "subspace_disagreement",
    "transfer_components",
    "transport_plan",
]
