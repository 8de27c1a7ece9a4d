"""Few-shot learning: networks trained on many small tasks, then fitted to new classes from one sample each.

Train an embedding on classes of which there are many, :func:`train_prototypical` or :func:`train_siamese`; then
``fit(support).predict(query)`` on classes it has never seen.
"""

from landbridge.neural.fewshot._embedding import conv_embedding
from landbridge.neural.fewshot._episodes import Episode, episodes
from landbridge.neural.fewshot._prototypical import (
    UNKNOWN,
    PrototypicalClassifier,
    prototypical_loss,
    train_prototypical,
)
from landbridge.neural.fewshot._siamese import SiameseClassifier, SiameseNetwork, train_siamese

__all__ = [
    "UNKNOWN",
    "Episode",
    "PrototypicalClassifier",
    "SiameseClassifier",
    "SiameseNetwork",
    "conv_embedding",
    "episodes",
    "prototypical_loss",
    "train_prototypical",
    "train_siamese",
]
