"""Transferability scores: which source, which trained model and which layer suits a target best.

Each looks at labelled target samples as a source model represents them and returns a
:class:`~landbridge.measurement.Measurement`, higher is better, with an interval and with what permuted labels give:

* from the source model's class probabilities or labels: :func:`leep`, :func:`nce`;
* from its features: :func:`logme`, :func:`h_score`, :func:`regularised_h_score`, :func:`transrate`, :func:`gbc`,
  :func:`parc`.

All arguments go by keyword, because swapping source and target gives another number and no error.
:func:`landbridge.rank` puts candidates of any form in order.
"""

from landbridge.transferability._agreement import Agreement, agreement
from landbridge.transferability._gbc import bhattacharyya_overlap, gbc
from landbridge.transferability._h_score import h_score, h_value, regularised_h_score
from landbridge.transferability._leep import leep, leep_score
from landbridge.transferability._logme import log_evidence, logme
from landbridge.transferability._nce import nce, nce_score
from landbridge.transferability._parc import parc, parc_score
from landbridge.transferability._transrate import coding_rate, transrate

__all__ = [
    "Agreement",
    "agreement",
    "bhattacharyya_overlap",
    "coding_rate",
    "gbc",
    "h_score",
    "h_value",
    "leep",
    "leep_score",
    "log_evidence",
    "logme",
    "nce",
    "nce_score",
    "parc",
    "parc_score",
    "regularised_h_score",
    "transrate",
]
