"""Self-taught learning with networks: learn from unlabelled samples, of the target or of a related source.

:class:`AutoencoderFeatures` is a transformer fitted on unlabelled samples; :func:`contrastive_pretrain` trains a
backbone. :class:`DistantTransfer` selects the unlabelled samples that connect a source to a distant target. Sparse
coding and self-taught clustering need no network: see ``landbridge.selftaught``.
"""

from landbridge.neural.selftaught._autoencoder import AutoencoderFeatures, denoising_loss
from landbridge.neural.selftaught._contrastive import contrastive_pretrain, corrupt_features, nt_xent
from landbridge.neural.selftaught._ddtl import DistantTransfer, Selection, row_losses, selective_learning

__all__ = [
    "AutoencoderFeatures",
    "DistantTransfer",
    "Selection",
    "contrastive_pretrain",
    "corrupt_features",
    "denoising_loss",
    "nt_xent",
    "row_losses",
    "selective_learning",
]
