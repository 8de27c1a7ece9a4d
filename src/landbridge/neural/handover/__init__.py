"""Deployment of trained networks: distillation, quantisation, export and model cards.

:func:`distil` teaches a smaller network, :func:`quantise` computes in whole numbers, :func:`export_onnx` and
:func:`export_program` write files that run without landbridge, :func:`check_parity` checks that all of them predict
as the network did, :func:`model_card` describes it, and :func:`hand_over` puts everything into one folder, which
:func:`take_over` reads.
"""

from landbridge.neural.handover._card import model_card
from landbridge.neural.handover._distil import distil, distillation_loss
from landbridge.neural.handover._export import export_onnx, export_program
from landbridge.neural.handover._folder import hand_over, take_over
from landbridge.neural.handover._int8 import Int8Conv2d, Int8Linear, quantise_rows
from landbridge.neural.handover._parity import Parity, check_parity, compare
from landbridge.neural.handover._quantise import Quantised, quantise, weight_bytes

__all__ = [
    "Int8Conv2d",
    "Int8Linear",
    "Parity",
    "Quantised",
    "check_parity",
    "compare",
    "distil",
    "distillation_loss",
    "export_onnx",
    "export_program",
    "hand_over",
    "model_card",
    "quantise",
    "quantise_rows",
    "take_over",
    "weight_bytes",
]
