"""Data: read files and folders as domains, load built-in domains, generate domains with a known shift.

``read`` and ``read_pair`` read files as domains, ``load_builtin`` loads real domains without a download, and
``make_shift`` generates a pair of domains with one kind of shift, or several.
"""

import importlib
from typing import TYPE_CHECKING, Any

# name -> the module that defines it; imported at first use
_NAMES = {
    "BUILTIN_PAIRS": "landbridge.data._builtin",
    "Encoder": "landbridge.data._encoder",
    "Column": "landbridge.data._inspection",
    "Inspection": "landbridge.data._inspection",
    "SideFacts": "landbridge.data._inspection",
    "MIXED_SHIFT_KINDS": "landbridge.data._shifts",
    "ReadOptions": "landbridge.data._read_options",
    "SHIFT_KINDS": "landbridge.data._shifts",
    "builtin_names": "landbridge.data._builtin",
    "image_features": "landbridge.data._image_features",
    "is_fitted_model": "landbridge.data._fitted_models",
    "is_fitted_model_file": "landbridge.data._fitted_models",
    "load_builtin": "landbridge.data._builtin",
    "make_gradual_shift": "landbridge.data._shifts",
    "make_shift": "landbridge.data._shifts",
    "read": "landbridge.data._readers",
    "read_audio": "landbridge.data._audio",
    "read_fitted_model": "landbridge.data._fitted_models",
    "read_pair": "landbridge.data._readers",
    "shared_data": "landbridge.data._shared",
    "shared_weights": "landbridge.data._shared",
    "sound_features": "landbridge.data._audio",
}

__all__ = [
    "BUILTIN_PAIRS",
    "MIXED_SHIFT_KINDS",
    "SHIFT_KINDS",
    "Column",
    "Encoder",
    "Inspection",
    "ReadOptions",
    "SideFacts",
    "builtin_names",
    "image_features",
    "is_fitted_model",
    "is_fitted_model_file",
    "load_builtin",
    "make_gradual_shift",
    "make_shift",
    "read",
    "read_audio",
    "read_fitted_model",
    "read_pair",
    "shared_data",
    "shared_weights",
    "sound_features",
]

if TYPE_CHECKING:
    from landbridge.data._audio import read_audio, sound_features
    from landbridge.data._builtin import BUILTIN_PAIRS, builtin_names, load_builtin
    from landbridge.data._encoder import Encoder
    from landbridge.data._fitted_models import is_fitted_model, is_fitted_model_file, read_fitted_model
    from landbridge.data._image_features import image_features
    from landbridge.data._inspection import Column, Inspection, SideFacts
    from landbridge.data._read_options import ReadOptions
    from landbridge.data._readers import read, read_pair
    from landbridge.data._shared import shared_data, shared_weights
    from landbridge.data._shifts import MIXED_SHIFT_KINDS, SHIFT_KINDS, make_gradual_shift, make_shift


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'landbridge.data' has no attribute {name!r}")
    value = getattr(importlib.import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
