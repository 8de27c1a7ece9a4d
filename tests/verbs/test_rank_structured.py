"""Backbones are ranked by their features of single words."""

import numpy as np
import pytest
import torch
from torch import nn

from landbridge import rank
from landbridge.exceptions import InputError, LabelError
from landbridge.neural import Network
from landbridge.neural.backbones import characters_backbone

WORDS = [["Anna", "ran", "to", "Rome"] if i % 2 else ["it", "ran", "away", "soon"] for i in range(24)]
TAGS = [["B-PER", "O", "O", "B-LOC"] if i % 2 else ["O"] * 4 for i in range(24)]


class Blind(nn.Module):
    """Vectors that say nothing of the words."""

    def forward(self, x):
        generator = torch.Generator().manual_seed(0)
        vectors = torch.randn(*x["mask"].shape, 8, generator=generator)
        from landbridge.neural import Features

        return Features(vectors, x["mask"])


def test_a_backbone_that_sees_words_is_first():
    sees = characters_backbone(16, random_state=0)
    blind = Network({"blind": Blind()}, in_features=8, preprocess=sees.preprocess)
    found = rank({"blind": blind, "sees": sees}, (WORDS, TAGS), task="tagging", score="logme", n_bootstrap=10)
    assert found.names == ("sees", "blind")


def test_what_does_not_apply_is_refused():
    with pytest.raises(InputError, match="task='regression' does not apply"):
        rank(["characters"], (WORDS, TAGS), task="regression")
    with pytest.raises(LabelError, match="has no labels"):
        rank(["characters"], WORDS, task="tagging")
    assert np.size(TAGS[0]) == 4
