"""Discrepancies: how far apart two domains are, by which kind of shift, and what that risks.

Each is a function over two sets of samples and returns a :class:`~landbridge.measurement.Measurement`:

* :func:`mmd` - distance of mean embeddings, with a permutation test: detects any difference, given enough samples;
* :func:`proxy_a_distance` - how well a linear classifier separates the domains;
* :func:`coral_distance` - distance of the covariances;
* :func:`sliced_wasserstein` - transport cost, in the unit of the features;
* :func:`subspace_distance` - how far the leading principal directions differ;
* :func:`label_shift`, :func:`label_shift_fit` - the target's class shares without target labels, and whether they
  alone explain the difference;
* :func:`share_profile` - which class shares of the target are possible, with and without a map of the features;
* :func:`risk_bound` - the sum that theory bounds a source model's target error by.

:func:`diagnose` takes them together and names the kind of shift and its risk.
"""

from landbridge.discrepancy._coral_distance import coral_distance, coral_loss
from landbridge.discrepancy._diagnosis import SHIFTS, Diagnosis
from landbridge.discrepancy._different_features import DIFFERENT_FEATURES, different_features
from landbridge.discrepancy._label_shift import label_shift, label_shift_fit
from landbridge.discrepancy._mmd import mmd, weighted_mmd2
from landbridge.discrepancy._proxy_a_distance import proxy_a_distance
from landbridge.discrepancy._risk_bound import risk_bound
from landbridge.discrepancy._share_profile import (
    HYPOTHESES,
    ShareHypothesis,
    ShareProfile,
    outside_share,
    share_profile,
)
from landbridge.discrepancy._shift_kind import diagnose
from landbridge.discrepancy._sliced_wasserstein import line_transport, sliced_wasserstein
from landbridge.discrepancy._subspace_distance import missed_variance, subspace_distance
from landbridge.numerics.moved_features import MovedFeature, moved_features

__all__ = [
    "DIFFERENT_FEATURES",
    "HYPOTHESES",
    "SHIFTS",
    "Diagnosis",
    "MovedFeature",
    "ShareHypothesis",
    "ShareProfile",
    "coral_distance",
    "coral_loss",
    "diagnose",
    "different_features",
    "label_shift",
    "label_shift_fit",
    "line_transport",
    "missed_variance",
    "mmd",
    "moved_features",
    "outside_share",
    "proxy_a_distance",
    "risk_bound",
    "share_profile",
    "sliced_wasserstein",
    "subspace_distance",
    "weighted_mmd2",
]
