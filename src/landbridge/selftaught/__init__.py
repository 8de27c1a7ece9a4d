"""Self-taught learning without networks: use unlabelled samples of a related source.

:class:`SparseCodingFeatures` learns features on unlabelled source samples; a classifier is then trained on the few
labelled target samples in that feature space. :class:`SelfTaughtClustering` clusters few target samples with the help
of many source samples. The autoencoder and contrastive pretraining are in ``landbridge.neural.selftaught``.
"""

from landbridge.selftaught._self_taught_clustering import (
    CoClusters,
    SelfTaughtClustering,
    co_cluster,
    information_loss,
)
from landbridge.selftaught._sparse_coding import SparseCodingFeatures, sparse_codes

__all__ = [
    "CoClusters",
    "SelfTaughtClustering",
    "SparseCodingFeatures",
    "co_cluster",
    "information_loss",
    "sparse_codes",
]
