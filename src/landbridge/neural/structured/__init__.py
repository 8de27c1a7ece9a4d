"""Structured predictions: tags of the words of a sentence, and classes of the pixels of an image.

For tags, :class:`LinearChainCRF` is a loss and a decoder in which tags depend on their neighbours,
:class:`EntityScores` scores entities, and :func:`cut_windows` fits long sentences to short inputs. For images,
:func:`pair_masks` and :func:`read_mask` read masks of classes, and :class:`MaskScores` scores them.
:class:`MapAugmentation` flips and crops images with their masks; :class:`MapEntropyMinimization`,
:class:`MapSelfTraining` and :class:`MapAdversarial` learn from unlabelled images.
"""

from landbridge.neural.structured._class_weights import class_weights_of
from landbridge.neural.structured._crf import (
    Allowed,
    ChainWeights,
    LinearChainCRF,
    chain_decode,
    chain_log_partition,
    chain_loss,
    chain_marginals,
    chain_score,
    iob2_allowed,
)
from landbridge.neural.structured._entropy import map_entropy
from landbridge.neural.structured._image_files import read_mask_folder
from landbridge.neural.structured._map_adversarial import MapAdversarial
from landbridge.neural.structured._map_augmentation import MapAugmentation
from landbridge.neural.structured._map_entropy_method import MapEntropyMinimization
from landbridge.neural.structured._map_self_training import MapSelfTraining, pseudo_masks
from landbridge.neural.structured._mask_pairs import MaskPairs, pair_masks
from landbridge.neural.structured._mask_scores import MaskScores
from landbridge.neural.structured._masks import (
    UNCLASSED,
    MaskClasses,
    overlay,
    palette,
    read_mask,
    read_mask_classes,
    read_masked_image,
    write_mask,
    write_overlay,
)
from landbridge.neural.structured._spans import (
    IGNORED,
    EntityScores,
    Scores,
    Span,
    Window,
    align_labels,
    cut_windows,
    first_pieces,
    iob2_tags,
    join_windows,
    tag_spans,
    to_iob2,
    words_from_pieces,
)

__all__ = [
    "IGNORED",
    "UNCLASSED",
    "Allowed",
    "ChainWeights",
    "EntityScores",
    "LinearChainCRF",
    "MapAdversarial",
    "MapAugmentation",
    "MapEntropyMinimization",
    "MapSelfTraining",
    "MaskClasses",
    "MaskPairs",
    "MaskScores",
    "Scores",
    "Span",
    "Window",
    "align_labels",
    "chain_decode",
    "chain_log_partition",
    "chain_loss",
    "chain_marginals",
    "chain_score",
    "class_weights_of",
    "cut_windows",
    "first_pieces",
    "iob2_allowed",
    "iob2_tags",
    "join_windows",
    "map_entropy",
    "overlay",
    "pair_masks",
    "palette",
    "pseudo_masks",
    "read_mask",
    "read_mask_classes",
    "read_mask_folder",
    "read_masked_image",
    "tag_spans",
    "to_iob2",
    "words_from_pieces",
    "write_mask",
    "write_overlay",
]
