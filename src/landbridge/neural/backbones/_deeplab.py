"""DeepLabV3 on MobileNetV2, from a folder of transformers, as ordered stages and a head."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from landbridge.exceptions import InputError, MissingExtraError, ReadError
from landbridge.neural._random import seeded
from landbridge.neural.backbones._segmenter import Segmenter

__all__ = ["deeplab_config", "load_deeplab", "new_deeplab"]

ARCHITECTURE = "MobileNetV2ForSemanticSegmentation"
# Layers of the classifier of whole images, which the head for pixels does not use.
UNUSED = "mobilenet_v2.conv_1x1."


def load_deeplab(folder: str | Path) -> Segmenter:
    """Load a DeepLabV3 with a MobileNetV2 backbone.

    Parameters
    ----------
    folder : path-like
        With ``config.json`` and ``model.safetensors``, as ``MobileNetV2ForSemanticSegmentation`` saves it.

    Returns
    -------
    Segmenter
        With the stages ``"stem"`` and ``"layer_0"`` to ``"layer_15"`` and the model's own head, in eval mode. The head
        gives one sixteenth of the image's size.

    Raises
    ------
    ReadError
        If a file is missing or cannot be read.
    InputError
        If the folder holds another model.

    Notes
    -----
    Only safetensors are read, so that no code runs. Half-precision weights become single. Time and memory grow with the
    number of pixels.

    References
    ----------
    .. [1] M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L. Chen. MobileNetV2: inverted residuals and linear bottlenecks.
       CVPR 2018.
    .. [2] L. Chen, G. Papandreou, F. Schroff, H. Adam. Rethinking atrous convolution for semantic image segmentation.
       arXiv:1706.05587, 2017.
    """
    place = Path(folder).expanduser()
    held = deeplab_config(place)
    path = place / "model.safetensors"
    try:
        weights = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ReadError(f"{str(path)!r} cannot be read ({error}); give a folder with model.safetensors.") from error
    model = _model(held)
    own = model.state_dict()
    missing = [k for k in own if k not in weights and not k.startswith(UNUSED)]
    if odd := [*missing, *(k for k in weights if k not in own or weights[k].shape != own[k].shape)]:
        raise InputError(
            f"{str(folder)!r}: its weights do not fit its config.json at {odd[0]} and {len(odd) - 1} other tensors."
        )
    model.load_state_dict({**own, **weights})
    return _parts(model, _preprocessing(place))


def new_deeplab(config: dict[str, Any]) -> Segmenter:
    """Make a DeepLabV3 with new weights.

    Parameters
    ----------
    config : dict
        As :func:`deeplab_config` returns it.

    Returns
    -------
    Segmenter
    """
    return _parts(_model(config), ((127.5,) * 3, (127.5,) * 3, None))


def deeplab_config(folder: str | Path) -> dict[str, Any]:
    """Read the settings of a saved model.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If the folder holds another model.
    """
    held = _json(Path(folder).expanduser() / "config.json")
    if ARCHITECTURE not in (held.get("architectures") or []):
        raise InputError(f"{str(folder)!r} holds {held.get('architectures')}; give a folder of {ARCHITECTURE}.")
    return held


def _model(config: dict[str, Any]) -> Any:
    try:
        from transformers import MobileNetV2Config, MobileNetV2ForSemanticSegmentation
    except ImportError as error:
        raise MissingExtraError(
            "DeepLabV3 needs the library 'transformers'; install it with: pip install \"landbridge[neural]\""
        ) from error
    with seeded(0):
        return MobileNetV2ForSemanticSegmentation(MobileNetV2Config.from_dict(config))


def _parts(model: Any, preprocessing: tuple[Any, Any, Any]) -> Segmenter:
    body: Any = model.mobilenet_v2
    stages = {"stem": body.conv_stem, **{f"layer_{i}": layer for i, layer in enumerate(body.layer)}}
    names = {int(i): str(name) for i, name in (model.config.id2label or {}).items()}
    head: Any = model.segmentation_head
    mean, std, size = preprocessing
    width = head.conv_aspp.convolution.in_channels
    return Segmenter(stages, head, width, tuple(names[i] for i in sorted(names)), mean, std, size=size).eval()


def _preprocessing(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...], tuple[int, int] | None]:
    """Return mean and scale of channels up to 255, and the size that the model was trained with."""
    file = folder / "preprocessor_config.json"
    held = _json(file) if file.is_file() else {}
    mean, std = held.get("image_mean", [0.5] * 3), held.get("image_std", [0.5] * 3)
    largest = 1.0 / float(held.get("rescale_factor", 1 / 255))
    size = held.get("size")
    pair = (int(size["height"]), int(size["width"])) if isinstance(size, dict) and "height" in size else None
    return tuple(largest * float(m) for m in mean), tuple(largest * float(s) for s in std), pair


def _json(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReadError(f"{str(path)!r} cannot be read ({error}); give the folder of a saved model.") from error
    if not isinstance(held, dict):
        raise ReadError(f"{str(path)!r} holds no settings; give the folder of a saved model.")
    return held
