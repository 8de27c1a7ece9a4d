"""Export of a model to a folder that can be shared, and import from such a folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from landbridge.exceptions import InputError, ReadError, UntrustedModelError
from landbridge.neural._estimator import NeuralClassifier, NeuralRegressor
from landbridge.neural._network import Network
from landbridge.neural.backbones import rebuild
from landbridge.neural.backbones._builtin import Standardize
from landbridge.neural.backbones._images import ImageInput
from landbridge.neural.backbones._words import AudioInput, TextInput
from landbridge.neural.handover._card import model_card
from landbridge.neural.handover._export import export_onnx, export_program
from landbridge.neural.handover._int8 import Int8Linear, int8_layers
from landbridge.neural.handover._quantise import make_room
from landbridge.neural.handover._reading import for_inference, model_of, network_of, tensors_of
from landbridge.neural.tasks._classification import Classification
from landbridge.neural.tasks._regression import Regression

__all__ = ["FORMATS", "hand_over", "take_over"]

FORMATS = ("safetensors", "onnx", "program")
FORMAT = 1
CONFIG, WEIGHTS, OURS = "config.json", "model.safetensors", "landbridge"
REST = "landbridge."  # before the names of the weights that are not the foreign model's own


def hand_over(
    model: Any,
    folder: str | Path,
    *,
    example: Any,
    formats: Sequence[str] = FORMATS,
    card: Mapping[str, Any] | str | None = None,
    tolerance: float | None = None,
) -> Path:
    """Write a model to a folder: weights, configuration, model card and exported programs.

    Parameters
    ----------
    model : Network, NeuralClassifier, NeuralRegressor or Result
    folder : path-like
        Is there whole or not at all. One that a hand-over wrote before is replaced; any other must be empty.
    example : Tensor, dict of Tensor or array-like
        Some samples of raw input, by which exported files are traced and checked.
    formats : sequence of {"safetensors", "onnx", "program"}, default=("safetensors", "onnx", "program")
    card : mapping or str, optional
        What :func:`model_card` takes (``name``, ``data``, ``licence``, ...), or a finished card. If None, the card
        bears the folder's name and states that the data are not described.
    tolerance : float, optional
        By how much predictions of exported files may differ, as in :func:`check_parity`.

    Returns
    -------
    Path
        The folder, with ``config.json``, ``README.md`` and, as asked for, ``model.safetensors``, ``model.onnx`` and
        ``model.pt2``.

    Raises
    ------
    InputError
        If the folder holds something else, or an exported file does not answer as the network does.
    MissingExtraError
        If ONNX is asked for and its libraries are not installed.

    Notes
    -----
    Networks made of a ``transformers`` model are written with that library's names, so that ``load_backbone(folder)``
    and ``transformers.AutoModel.from_pretrained(folder)`` read them as well, without the head. :func:`take_over` reads
    all that is written here. Nothing in ``config.json`` and ``model.safetensors`` is pickled; of ``model.pt2`` read
    the warning in :func:`export_program`. Of a result of ``transfer`` the network alone is returned, which takes
    samples as the result's encoder gives them.

    References
    ----------
    .. [1] Safetensors: a simple, safe way to store tensors. https://huggingface.co/docs/safetensors

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.handover import hand_over, take_over
    >>> network, rows = load_backbone("builtin"), torch.rand(4, 1, 8, 8)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = hand_over(network, Path(place) / "digits", example=rows, formats=["safetensors"])
    ...     print(sorted(file.name for file in folder.iterdir()))
    ...     print(torch.equal(take_over(folder)(rows), network(rows)))
    ['README.md', 'config.json', 'model.safetensors']
    True
    """
    formats = (formats,) if isinstance(formats, str) else tuple(formats)
    if not formats or not set(formats) <= set(FORMATS):
        raise InputError(f"formats={list(formats)!r}: choose one or more of {', '.join(FORMATS)}.")
    found, network = model_of(model), network_of(model)
    rows = tensors_of(found, example, "example")
    place = Path(folder)
    _check_place(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.parent / f".part-{uuid.uuid4().hex}"
    part.mkdir()
    try:
        config = _write_weights(found, network, part) if "safetensors" in formats else {OURS: {"format": FORMAT}}
        (part / CONFIG).write_text(json.dumps(config, indent=1, default=str) + "\n", encoding="utf-8")
        if "onnx" in formats:
            export_onnx(network, rows, part / "model.onnx", tolerance=tolerance)
        if "program" in formats:
            export_program(network, rows, part / "model.pt2", tolerance=tolerance)
        if not isinstance(card, str):
            entries = {"name": place.name, "data": "No description of the data was given."} | dict(card or {})
            card = model_card(model, **entries)
        (part / "README.md").write_text(card.rstrip() + "\n\n" + _contents(formats), encoding="utf-8")
        _put(part, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return place


def take_over(folder: str | Path, *, like: Network | None = None) -> Any:
    """Read a model that :func:`hand_over` wrote; nothing in the folder is executed.

    Parameters
    ----------
    folder : path-like
    like : Network, optional
        A network with the same stages and head, for one that was made of a module, whose code no file holds.

    Returns
    -------
    Network, NeuralClassifier or NeuralRegressor
        What was returned, on the CPU, ready to answer.

    Raises
    ------
    ReadError
        If the folder was not written by :func:`hand_over`, or without safetensors.
    UntrustedModelError
        If the weights were changed afterwards.

    Examples
    --------
    >>> import tempfile, torch
    >>> from landbridge.neural.backbones import mlp_backbone
    >>> from landbridge.neural.handover import hand_over, take_over
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = hand_over(mlp_backbone(3, random_state=0), place, example=torch.rand(2, 3), formats="safetensors")
    ...     print(take_over(folder).stage_names)
    ('layer1', 'layer2')
    """
    place = Path(folder)
    try:
        config = json.loads((place / CONFIG).read_text(encoding="utf-8"))
        entries = config[OURS]
        number = entries["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(
            f"folder={place.name!r} was not written by hand_over; name the folder that it returned."
        ) from error
    if number != FORMAT:
        raise ReadError(f"folder={place.name!r} is of format {number!r}; this version reads {FORMAT}; hand over again.")
    if "weights" not in entries or not (place / WEIGHTS).is_file():
        raise ReadError(f"folder={place.name!r} holds no {WEIGHTS}; hand over with 'safetensors' among the formats.")
    data = (place / WEIGHTS).read_bytes()
    if hashlib.sha256(data).hexdigest() != entries["weights"]:
        raise UntrustedModelError(
            f"{WEIGHTS} in {place.name!r} was changed after it was written; get the folder again from whoever made it."
        )
    try:
        weights = load(data)
    except SafetensorError as error:
        raise ReadError(f"{WEIGHTS} in {place.name!r} is no safetensors file; hand over again.") from error
    try:
        network = _filled(_empty(config, entries, place, like, weights), weights, entries)
        return network if entries["estimator"] is None else _estimator(entries["estimator"], network)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise ReadError(f"{CONFIG} in {place.name!r} does not describe a network; hand over again.") from error


def _write_weights(model: Any, network: Network, part: Path) -> dict[str, Any]:
    """Write the weights, and give the configuration that they are read with."""
    network = for_inference(network)
    foreign = _foreign_model(network)
    weights = dict(network.state_dict())
    entries: dict[str, Any] = {"format": FORMAT, "spec": None, "head": None, "layout": "landbridge"}
    entries["dtype"] = str(next(network.parameters()).dtype).removeprefix("torch.")
    config: dict[str, Any] = {}
    preprocess, extra = _describe_preprocess(network)
    entries["int8"] = int8_layers(network)
    if entries["int8"]:
        foreign = None  # transformers cannot read such weights
    if network.spec is not None and extra is not None and type(network.head) in (nn.Identity, nn.Linear, Int8Linear):
        spec = _without_places(network.spec)
        if _same_shapes(spec, network):
            entries["spec"], entries["preprocess"] = spec, preprocess
            if isinstance(network.head, nn.Linear):
                entries["head"] = [network.head.in_features, network.head.out_features, network.head.bias is not None]
            if foreign is not None:
                entries["layout"], entries["spec"] = "transformers", {k: v for k, v in spec.items() if k != "config"}
                config = dict(spec["config"], architectures=[spec["model"]])
                ours = {k: v for k, v in weights.items() if k.startswith(("head.", "preprocess."))}
                weights = dict(foreign.state_dict()) | {REST + k: v for k, v in ours.items()}
            if foreign is not None or isinstance(network.preprocess, TextInput):
                _write_reading(network, part)
    # Shared storage and strides are not safetensors' business: every tensor goes as a plain copy.
    data = save({k: torch.empty(v.shape, dtype=v.dtype).copy_(v) for k, v in weights.items()}, {"format": "pt"})
    (part / WEIGHTS).write_bytes(data)
    entries["weights"] = hashlib.sha256(data).hexdigest()
    entries["estimator"] = _describe_estimator(model)
    return config | {OURS: entries}


def _foreign_model(network: Network) -> Any:
    """The transformers model that the network is made of, where it is used as a whole."""
    model = getattr(network.body, "model", None)
    spec = network.spec or {}
    return model if spec.get("kind") == "transformers" and type(model).__name__ == spec["model"] else None


def _same_shapes(spec: dict[str, Any], network: Network) -> bool:
    like = rebuild(spec).replace_head(_like_head(network.head))
    make_room(like, int8_layers(network), network.state_dict())
    own = {k: v.shape for k, v in network.state_dict().items() if not k.startswith(("head.", "preprocess."))}
    return own == {k: v.shape for k, v in like.state_dict().items() if not k.startswith(("head.", "preprocess."))}


def _like_head(head: nn.Module) -> nn.Module:
    if not isinstance(head, nn.Linear):
        return nn.Identity()
    return nn.Linear(head.in_features, head.out_features, bias=head.bias is not None)


def _without_places(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec without notes on where a model was read from."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: clean(v) for k, v in value.items() if k not in ("_name_or_path", "name_or_path")}
        return [clean(v) for v in value] if isinstance(value, list | tuple) else value

    return json.loads(json.dumps(clean(spec), default=str))


def _describe_preprocess(network: Network) -> tuple[Any, Any]:
    """The preprocessing as plain data; the second is None where there is no such description."""
    module = network.preprocess
    if isinstance(module, ImageInput):
        return {"kind": "images", **module.describe()}, True
    if type(module) is nn.Identity:
        return {"kind": "none"}, True
    if isinstance(module, TextInput):
        return {"kind": "texts", "max_length": module.max_length}, True
    if isinstance(module, AudioInput):
        return {"kind": "sounds", "rate": module.rate, "normalize": module.normalize}, True
    if isinstance(module, Standardize):
        return {"kind": "own"}, True  # its numbers are among the weights
    return None, None


def _write_reading(network: Network, part: Path) -> None:
    """Write what transformers itself wants beside a model: how images are prepared, or the tokenizer."""
    module = network.preprocess
    if isinstance(module, ImageInput):
        height, width = module.size
        size = {"height": height, "width": width}
        entries: dict[str, Any] = {
            "image_mean": module.mean.flatten().tolist(),
            "image_std": module.std.flatten().tolist(),
        }
        entries |= {
            "do_resize": True,
            "do_normalize": True,
            "do_rescale": True,
            "resample": module.resample,
            "size": size,
        }
        if module.edge is not None:
            entries |= {"do_center_crop": True, "size": {"shortest_edge": module.edge}, "crop_size": size}
        (part / "preprocessor_config.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    elif isinstance(module, AudioInput):
        entries = {"sampling_rate": module.rate, "do_normalize": module.normalize}
        (part / "preprocessor_config.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    elif isinstance(module, TextInput):
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(module.source)
        except (OSError, ValueError, ImportError):
            return  # there is none, and the network takes token numbers
        tokenizer.save_pretrained(part)
        settings = part / "tokenizer_config.json"
        settings.write_text(json.dumps(_without_places(json.loads(settings.read_text(encoding="utf-8"))), indent=1))


def _describe_estimator(model: Any) -> dict[str, Any] | None:
    task: Any = getattr(model, "task_", None)
    if isinstance(model, NeuralClassifier):
        entries: dict[str, Any] = {
            "kind": "classifier",
            "classes": model.classes_.tolist(),
            "type": str(model.classes_.dtype),
        }
    elif isinstance(model, NeuralRegressor):
        entries = {"kind": "regressor", "outputs": task.n_outputs}
        entries |= {"mean": task.mean.tolist(), "scale": task.scale.tolist()}
    else:
        return None
    entries["image_shape"] = None if model.image_shape is None else [int(s) for s in model.image_shape]
    entries["columns"] = getattr(model, "n_features_in_", None)
    names = getattr(model, "feature_names_in_", None)
    entries["names"] = None if names is None else [str(n) for n in names]
    return entries


def _estimator(entries: dict[str, Any], network: Network) -> Any:
    shape = None if entries["image_shape"] is None else tuple(entries["image_shape"])
    model: Any
    if entries["kind"] == "classifier":
        model = NeuralClassifier(network, image_shape=shape)
        kind = entries["type"]
        model.classes_ = np.array(entries["classes"], dtype=object if kind == "object" else kind)
        model.task_ = Classification(model.classes_)
    else:
        model = NeuralRegressor(network, image_shape=shape)
        model.task_ = Regression(entries["outputs"], entries["mean"], entries["scale"])
    model.network_, model.device_ = network, "cpu"
    if entries["columns"] is not None:
        model.n_features_in_ = int(entries["columns"])
    if entries["names"] is not None:
        model.feature_names_in_ = np.array(entries["names"], dtype=object)
    return model


def _empty(config: dict[str, Any], entries: dict[str, Any], place: Path, like: Network | None, weights: Any) -> Network:
    """The architecture, with any weights."""
    if entries["spec"] is None:
        if like is None:
            raise ReadError(
                f"folder={place.name!r} holds the weights of a network made of a module, and no file holds its code; "
                "build the network again and give it as like=."
            )
        return for_inference(like)
    if entries["layout"] == "transformers":
        foreign = {k: v for k, v in config.items() if k != OURS}
        network = rebuild({**entries["spec"], "config": foreign})
    else:
        network = rebuild(entries["spec"])
    prepared = dict(entries["preprocess"])
    kind = prepared.pop("kind")
    if kind == "images":
        network.preprocess = ImageInput.from_description(prepared)
    elif kind == "texts":
        network.preprocess = TextInput(os.fspath(place), prepared["max_length"])
    elif kind == "sounds":
        network.preprocess = AudioInput(**prepared)
    elif kind == "none":
        network.preprocess = nn.Identity()
    if entries["head"] is not None:
        width, outputs, bias = entries["head"]
        network.replace_head(nn.Linear(width, outputs, bias=bias))
    make_room(network, entries["int8"], weights)
    return network


def _filled(network: Network, weights: dict[str, Tensor], entries: dict[str, Any]) -> Network:
    network.to(getattr(torch, entries["dtype"]))
    try:
        if entries["layout"] == "transformers":
            ours = {k.removeprefix(REST): v for k, v in weights.items() if k.startswith(REST)}
            foreign = {k: v for k, v in weights.items() if not k.startswith(REST)}
            body: Any = network.body
            body.model.load_state_dict(foreign)
            _, unknown = network.load_state_dict(ours, strict=False)
            if unknown:
                raise RuntimeError(f"unknown weights {unknown[0]}")
        else:
            network.load_state_dict(weights)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ReadError(
            f"the weights do not fit the network ({lines[-1][:160]}); give the network they are of."
        ) from error
    return network.eval()


def _contents(formats: tuple[str, ...]) -> str:
    lines = ["## Files", "", f"- `{CONFIG}`: what the model is, as JSON"]
    if "safetensors" in formats:
        lines.append(f"- `{WEIGHTS}`: the weights, as plain numbers")
    if "onnx" in formats:
        lines.append("- `model.onnx`: preprocessing and network, for any ONNX runtime; from raw samples to logits")
    if "program" in formats:
        lines.append(
            "- `model.pt2`: the same for torch (`torch.export.load`, which may unpickle: load it only if you trust "
            "whoever gave it to you)"
        )
    return "\n".join(lines) + "\n"


def _check_place(place: Path) -> None:
    if place.is_dir():
        if any(place.iterdir()) and not _is_ours(place):
            raise InputError(f"folder={place.name!r} holds other files; name a new or an empty folder.")
    elif place.exists():
        raise InputError(f"folder={place.name!r} is a file; name a new or an empty folder.")


def _is_ours(place: Path) -> bool:
    try:
        return OURS in json.loads((place / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _put(part: Path, place: Path) -> None:
    """Let the finished folder take its name; what bore it before goes last."""
    if not place.exists():
        os.replace(part, place)
        return
    old = place.parent / f".part-{uuid.uuid4().hex}"
    os.replace(place, old)
    try:
        os.replace(part, place)
    except BaseException:
        os.replace(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)
