"""Trained networks that classify pixels, as networks of stages with their own head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from landbridge.neural._network import Network, batch_norms
from landbridge.neural.backbones._pixel_head import PixelHead
from landbridge.neural.backbones._pixel_input import PixelInput
from landbridge.neural.backbones._segmenter import Segmenter

__all__ = ["is_segmenter", "segmenter_backbone", "segmenter_from_spec"]


def is_segmenter(source: str | Path) -> bool:
    """Return whether a file or folder holds a network for pixels that is known here.

    Parameters
    ----------
    source : path-like

    Returns
    -------
    bool
    """
    place = Path(source).expanduser()
    if place.suffix == ".safetensors" and place.is_file():
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(place, "pt") as file:
                names = set(file.keys())
        except (OSError, SafetensorError):
            return False  # read again, and refused in one line, by those who load it
        return {"classifier.weight", "encoder.level1.conv.weight"} <= names
    config = place / "config.json"
    if not config.is_file():
        return False
    import json

    from landbridge.neural.backbones._deeplab import ARCHITECTURE

    try:
        held = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(held, dict) and ARCHITECTURE in (held.get("architectures") or [])


def segmenter_backbone(source: str | Path) -> Network:
    """Load a trained network for pixels with its head.

    Parameters
    ----------
    source : path-like
        A ``.safetensors`` file of ESPNet, or a folder of DeepLabV3 on MobileNetV2.

    Returns
    -------
    Network
        In eval mode; its head's classes are in ``head.classes``.
    """
    place = Path(source).expanduser()
    if place.suffix == ".safetensors":
        from landbridge.neural.backbones._espnet import load_espnet

        made = load_espnet(place)
        stages: Any = made.stages
        p, q = (len(stages[f"level{n}"].blocks) for n in (2, 3))
        return _network(made, {"kind": "segmenter", "name": "espnet", "maps": made.in_features, "p": p, "q": q})
    from landbridge.neural.backbones._deeplab import deeplab_config, load_deeplab

    return _network(load_deeplab(place), {"kind": "segmenter", "name": "deeplab", "config": deeplab_config(place)})


def segmenter_from_spec(spec: dict[str, Any]) -> Network:
    """Build the architecture that a spec describes, with any weights.

    Parameters
    ----------
    spec : dict

    Returns
    -------
    Network
    """
    if spec["name"] == "espnet":
        from landbridge.neural.backbones._espnet import espnet

        return _network(espnet(spec["maps"], p=spec["p"], q=spec["q"]), spec)
    from landbridge.neural.backbones._deeplab import new_deeplab

    return _network(new_deeplab(spec["config"]), spec)


def _network(made: Segmenter, spec: dict[str, Any]) -> Network:
    scale = [tuple(v / 255.0 for v in values) for values in (made.mean, made.std)]
    prepare = PixelInput(scale[0], scale[1], made.reverse, made.multiple, made.size or (256, 512))
    head: nn.Module = PixelHead(made.head, made.classes)
    network = Network(made.stages, in_features=made.in_features, head=head, preprocess=prepare, spec=spec)
    norms: list[Any] = list(batch_norms(network))
    for norm in norms:
        if (norm.momentum or 0.0) > 0.5:
            # Written where it means the share that is kept; 0.003 would need hundreds of steps to follow the target.
            norm.momentum = 0.1
    return network.eval()
