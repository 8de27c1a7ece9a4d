"""Backbones: pretrained or new stages of a network, by name, folder or module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from landbridge.exceptions import InputError
from landbridge.neural._network import Network
from landbridge.neural.backbones._augment import ImageAugmentation
from landbridge.neural.backbones._builtin import builtin_backbone, mlp_backbone
from landbridge.neural.backbones._characters import characters_backbone
from landbridge.neural.backbones._images import read_images
from landbridge.neural.backbones._module import module_backbone
from landbridge.neural.backbones._segmentation import is_segmenter, segmenter_backbone, segmenter_from_spec

__all__ = [
    "ImageAugmentation",
    "builtin_backbone",
    "characters_backbone",
    "load_backbone",
    "mlp_backbone",
    "module_backbone",
    "read_images",
    "rebuild",
]


def load_backbone(
    backbone: Any,
    *,
    pretrained: bool = True,
    stages: Any = None,
    channels: int = 1,
    example: Any = None,
    random_state: Any = None,
) -> Network:
    """Make a network out of a name, a folder or a module; only networks for pixels keep their own head.

    Parameters
    ----------
    backbone : str, path-like, Module or Network
        * ``"builtin"``: the small convolutional network that comes with landbridge, for images of 8 to 32 pixels;
        * ``"characters"``: a small encoder of sentences given as lists of words, with new weights;
        * a folder with ``config.json`` and ``model.safetensors``, or a name on the Hugging Face hub: any image, text,
          audio or video model of ``transformers``;
        * a ``.safetensors`` file of a network whose layout is known (ResNet-20 for CIFAR, SqueezeNet 1.1, ESPNet);
        * a ``torch.nn.Module``; a :class:`~landbridge.neural.Network` is copied.
    pretrained : bool, default=True
        False keeps the architecture and draws new weights.
    stages : sequence of str, optional
        Of a module: names of the submodules to take as stages. If None, its children.
    channels : int, default=1
        Of ``"builtin"``: 1 for grey images, 3 for colour.
    example : Tensor, optional
        Of a module: some samples of input, from which its widths are found.
    random_state : int, RandomState instance or None, default=None
        Of new weights.

    Returns
    -------
    Network

    Examples
    --------
    >>> from landbridge.neural import load_backbone
    >>> load_backbone("builtin").stage_names
    ('edges', 'strokes', 'parts', 'shapes')
    """
    if isinstance(backbone, Network):
        import copy

        network = copy.deepcopy(backbone)
    elif isinstance(backbone, nn.Module):
        network = module_backbone(backbone, stages, example=example)
    elif str(backbone) == "builtin":
        return builtin_backbone(channels=channels, pretrained=pretrained, random_state=random_state)
    elif isinstance(backbone, (str, Path)) and is_segmenter(backbone):
        network = segmenter_backbone(backbone)
        if not pretrained:
            network.reset(["head"], random_state=random_state)
    elif str(backbone) == "characters":
        return characters_backbone(random_state=random_state)
    elif str(backbone).endswith(".safetensors"):
        from landbridge.neural.backbones._raw import raw_backbone

        network = raw_backbone(Path(backbone))
    elif isinstance(backbone, (str, Path)):
        from landbridge.neural.backbones._transformers import transformers_backbone

        network = transformers_backbone(backbone)
    else:
        raise InputError(f"backbone must be a name, a folder or a torch module; got {type(backbone).__name__}.")
    return network if pretrained else network.reset(random_state=random_state)


def rebuild(spec: dict[str, Any]) -> Network:
    """Build the architecture that a spec describes, with any weights.

    Parameters
    ----------
    spec : dict
        ``Network.spec``: plain data.

    Returns
    -------
    Network
    """
    kind = spec["kind"]
    if kind == "builtin":
        return builtin_backbone(channels=spec["channels"], pretrained=False, random_state=0)
    if kind == "characters":
        return characters_backbone(spec["width"], random_state=0)
    if kind == "words":
        from landbridge.neural.backbones._pieces import over_words

        return over_words(rebuild(spec["model"]), spec["tokenizer"], spec["longest"])
    if kind == "mlp":
        return mlp_backbone(spec["in_features"], tuple(spec["widths"]), random_state=0)
    if kind == "blocks":
        from landbridge.neural.fewshot._embedding import conv_embedding

        return conv_embedding(spec["size"], spec["channels"], spec["width"], spec["depth"], random_state=0)
    if kind == "segmenter":
        return segmenter_from_spec(spec)
    if kind == "raw":
        from landbridge.neural.backbones._raw import empty_raw

        return empty_raw(spec["name"])
    from landbridge.neural.backbones._transformers import from_config

    return from_config(spec)
