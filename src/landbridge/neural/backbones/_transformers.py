"""Any image, text, speech or video model of transformers as ordered stages."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from landbridge.exceptions import InputError, MissingExtraError
from landbridge.neural._network import Network
from landbridge.neural._random import seeded
from landbridge.neural.backbones._images import ImageInput
from landbridge.neural.backbones._split import layer_list, split_model
from landbridge.neural.backbones._words import AudioInput, TextInput

__all__ = ["from_config", "transformers_backbone"]


def transformers_backbone(source: str | Path) -> Network:
    """Load a model of transformers.

    Parameters
    ----------
    source : str or path-like
        A folder with ``config.json`` and weights, or a name on the hub, such as ``"google/vit-base-patch16-224"``;
        ``"timm/..."`` names need the library timm.

    Returns
    -------
    Network
        Without a head, in eval mode.

    Raises
    ------
    InputError
        If the folder is no model, or the hub cannot be reached.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir() and (folder.is_absolute() or str(source).startswith(".")):
        raise InputError(
            f"backbone={str(source)!r} is no folder; pass the folder that holds config.json and the weights."
        )
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise InputError(f"backbone={str(source)!r} has no config.json; pass the folder that holds it and the weights.")
    name = str(folder) if folder.is_dir() else str(source)
    if name.startswith("timm/"):
        import importlib.util

        if importlib.util.find_spec("timm") is None:
            raise MissingExtraError(f"backbone={name!r} needs the library 'timm'; install it with: pip install timm")
    with _quiet():
        import transformers

        try:
            model, info = transformers.AutoModel.from_pretrained(
                name,
                output_loading_info=True,
                dtype=torch.float32,
                local_files_only=folder.is_dir() or not _hub_answers(),
            )
        except (OSError, ValueError) as error:
            offline = os.environ.get("HF_HUB_OFFLINE") or not folder.is_dir()
            why = (
                str(error).strip().splitlines()[0][:200] if folder.is_dir() else "not found locally and not on the hub"
            )
            raise InputError(
                f"backbone={str(source)!r} could not be loaded ({why}); "
                + ("offline, pass a local folder with config.json and model.safetensors." if offline else "check it.")
            ) from error
    missing = [k for k in info["missing_keys"]]
    use_pooler = not any("pooler" in k for k in missing)
    lost = [k for k in missing if "pooler" not in k]
    if lost and len(lost) > len(list(model.parameters())) // 2:
        raise InputError(f"backbone={str(source)!r}: its weights do not fit its config.json ({len(lost)} are missing).")
    return _network(model, _preprocess(name, model), use_pooler)


def from_config(spec: dict[str, Any]) -> Network:
    """Build the architecture that a spec describes, with random weights.

    Parameters
    ----------
    spec : dict

    Returns
    -------
    Network
    """
    with _quiet(), seeded(None):
        import transformers

        config = transformers.AutoConfig.for_model(**spec["config"])
        model = getattr(transformers, spec["model"])._from_config(config)
        return _network(model, None, spec["use_pooler"])


def _network(model: Any, preprocess: nn.Module | None, use_pooler: bool) -> Network:
    spec = {
        "kind": "transformers",
        "model": type(model).__name__,
        "config": model.config.to_dict(),
        "use_pooler": use_pooler,
    }
    used = model
    if getattr(model.config, "is_encoder_decoder", False):
        used = model.get_encoder()
    elif hasattr(model, "vision_model") and hasattr(model, "text_model"):
        used = model.vision_model
    example = _example(used, model.config, preprocess)
    return split_model(used, layer_list(used), example, use_pooler=use_pooler, preprocess=preprocess, spec=spec)


def _example(model: Any, config: Any, preprocess: Any) -> Any:
    """One sample of the right shape."""
    name = getattr(model, "main_input_name", "input_ids")
    own = getattr(config, "vision_config", config)
    generator = torch.Generator().manual_seed(0)
    if name == "pixel_values":
        size = getattr(preprocess, "size", None) or getattr(own, "image_size", None) or 224
        height, width = (size, size) if isinstance(size, int) else size
        channels = getattr(own, "num_channels", 3)
        frames = getattr(own, "num_frames", None)
        shape = (1, channels, height, width) if frames is None else (1, frames, channels, height, width)
        return torch.randn(shape, generator=generator)
    if name == "input_values":
        return torch.randn((1, 16000), generator=generator)
    if name == "input_features":
        return torch.randn((1, own.num_mel_bins, 2 * getattr(own, "max_source_positions", 500)), generator=generator)
    ids = torch.randint(3, min(getattr(own, "vocab_size", 100), 100), (1, 8), generator=generator)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _hub_answers() -> bool:
    """Whether the hub can be reached; asked once and shortly, where its own client would try for a minute."""
    import socket
    import urllib.parse
    import urllib.request

    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    place = urllib.parse.urlsplit(constants.ENDPOINT)
    if urllib.request.getproxies().get(place.scheme):
        return True
    try:
        socket.create_connection((place.hostname or "", place.port or 443), timeout=5).close()
    except OSError:
        return False
    return True


def _preprocess(name: str, model: Any) -> nn.Module | None:
    kind = getattr(model, "main_input_name", "input_ids")
    if kind == "pixel_values":
        return ImageInput.of(_config_of(name, "preprocessor_config.json"), model.config)
    if kind == "input_ids":
        return TextInput(name)
    if kind == "input_values":
        return AudioInput.of(_config_of(name, "preprocessor_config.json"))
    return None


def _config_of(name: str, file: str) -> dict[str, Any]:
    import json

    from transformers.utils.hub import cached_file

    path = cached_file(
        name, file, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False
    )
    if path is None:
        return {}
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bars and reports; its settings are put back."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
