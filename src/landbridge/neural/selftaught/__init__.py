"""Self-taught methods learn from rows without labels, of the target or of anything that shares parts with it.

Features: :class:`SparseCodingFeatures` and :class:`AutoencoderFeatures` are transformers, fitted on unlabelled rows;
:func:`contrastive_pretrain` trains a backbone. :class:`SelfTaughtClustering` clusters few rows with the help of many,
and :class:`DistantTransfer` picks from unlabelled rows those that lead from a source to a distant target.
"""

from landbridge.neural.selftaught._autoencoder import AutoencoderFeatures, denoising_loss
from landbridge.neural.selftaught._contrastive import contrastive_pretrain, corrupt_features, nt_xent
from landbridge.neural.selftaught._ddtl import DistantTransfer, Selection, row_losses, selective_learning
from landbridge.neural.selftaught._self_taught_clustering import (
    CoClusters,
    SelfTaughtClustering,
    co_cluster,
    information_loss,
)
from landbridge.neural.selftaught._sparse_coding import SparseCodingFeatures, sparse_codes

__all__ = [
    "AutoencoderFeatures",
    "CoClusters",
    "DistantTransfer",
    "Selection",
    "SelfTaughtClustering",
    "SparseCodingFeatures",
    "co_cluster",
    "contrastive_pretrain",
    "corrupt_features",
    "denoising_loss",
    "information_loss",
    "nt_xent",
    "row_losses",
    "selective_learning",
    "sparse_codes",
]
