"""The problem: both domains read once, with the task, the labels that may be used and the splits to validate on."""

from landbridge.problem._arguments import Arguments, TransferOptions
from landbridge.problem._domains import read_domains, read_intermediate, share_features
from landbridge.problem._inspect import inspect_domains
from landbridge.problem._judging import Judging, prepare_judging
from landbridge.problem._labels import labelled_source, split_target_labels, target_splits
from landbridge.problem._model_target import ModelTarget, is_network, network_name, read_network_target
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides, infer_pair_task

__all__ = [
    "Arguments",
    "Judging",
    "ModelTarget",
    "Problem",
    "Sides",
    "TransferOptions",
    "infer_pair_task",
    "inspect_domains",
    "is_network",
    "labelled_source",
    "network_name",
    "prepare_judging",
    "read_domains",
    "read_intermediate",
    "read_network_target",
    "share_features",
    "split_target_labels",
    "target_splits",
]
