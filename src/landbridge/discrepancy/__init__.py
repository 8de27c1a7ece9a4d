"""Discrepancies answer *when*: how far apart two domains are, by which kind of shift, and what that threatens.

Each is a function over two sets of rows and returns a :class:`~landbridge.measurement.Measurement`:

* :func:`mmd` - distance of mean embeddings, with a permutation test: sees any difference, given rows enough;
* :func:`proxy_a_distance` - how well a linear classifier tells the domains apart;
* :func:`coral_distance` - distance of the covariances;
* :func:`sliced_wasserstein` - how far rows must be moved, in the unit of the columns;
* :func:`subspace_distance` - how far the leading principal directions have turned;
* :func:`label_shift`, :func:`label_shift_fit` - the target's class shares without target labels, and whether they
  alone explain the difference;
* :func:`risk_bound` - the sum that theory bounds a source model's target error by.

:func:`diagnose` takes them together and says which kind of shift it is and what it threatens.
"""

from landbridge.discrepancy._coral_distance import coral_distance, coral_loss
from landbridge.discrepancy._diagnosis import SHIFTS, Diagnosis
from landbridge.discrepancy._different_features import DIFFERENT_FEATURES, different_features
from landbridge.discrepancy._label_shift import label_shift, label_shift_fit
from landbridge.discrepancy._mmd import mmd, weighted_mmd2
from landbridge.discrepancy._proxy_a_distance import proxy_a_distance
from landbridge.discrepancy._risk_bound import risk_bound
from landbridge.discrepancy._shift_kind import diagnose
from landbridge.discrepancy._sliced_wasserstein import line_transport, sliced_wasserstein
from landbridge.discrepancy._subspace_distance import missed_variance, subspace_distance

__all__ = [
    "DIFFERENT_FEATURES",
    "SHIFTS",
    "Diagnosis",
    "coral_distance",
    "coral_loss",
    "diagnose",
    "different_features",
    "label_shift",
    "label_shift_fit",
    "line_transport",
    "missed_variance",
    "mmd",
    "proxy_a_distance",
    "risk_bound",
    "sliced_wasserstein",
    "subspace_distance",
    "weighted_mmd2",
]
