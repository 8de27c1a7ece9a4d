"""Multitask learning: several tasks in one network, how their losses are balanced, and which tasks help each other.

:class:`MultiTask` learns; :func:`task_affinity` finds out before which tasks should be learned together.
"""

from landbridge.neural.multitask._affinity import TaskAffinity, task_affinity
from landbridge.neural.multitask._balancing import (
    EqualWeights,
    GradNorm,
    PCGrad,
    UncertaintyWeights,
    gradient_cosines,
    gradnorm_targets,
    project_conflicts,
    uncertainty_loss,
)
from landbridge.neural.multitask._multi_task import MultiTask
from landbridge.neural.multitask._network import MultiTaskNetwork, cross_stitch

__all__ = [
    "EqualWeights",
    "GradNorm",
    "MultiTask",
    "MultiTaskNetwork",
    "PCGrad",
    "TaskAffinity",
    "UncertaintyWeights",
    "cross_stitch",
    "gradient_cosines",
    "gradnorm_targets",
    "project_conflicts",
    "task_affinity",
    "uncertainty_loss",
]
