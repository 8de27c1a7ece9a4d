"""Ranking of backbones for a structured task: each is read off at the positions of labelled target samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.domain import Domain
from landbridge.exceptions import InputError, LabelError
from landbridge.problem._structured import read_structured
from landbridge.tasks import get_task, structured_tasks
from landbridge.verbs._rank_candidates import named

__all__ = ["position_features"]


def position_features(
    candidates: Any, target: Any, task: Any, max_samples: int, random_state: int
) -> tuple[dict[str, Any], Domain]:
    """Compute the features of each backbone at single positions, such as the words of sentences.

    Parameters
    ----------
    candidates : dict or sequence of backbone
        As ``make_backbone`` of the task takes them.
    target : path-like or (X, y) tuple
        Labelled, all or some samples.
    task : str
        A structured task.
    max_samples : int
        Samples are drawn until they have about as many positions.
    random_state : int

    Returns
    -------
    features : dict of str to ndarray of shape (n_positions, n_features)
    target : Domain
        With the labels of the positions; those of one sample are a group.

    Raises
    ------
    InputError
        If it is no structured task.
    """
    if task not in structured_tasks():
        raise InputError(
            f"task={task!r} does not apply to rank(); give one of {', '.join(structured_tasks())}, or None."
        )
    found: Any = get_task(task)
    side = read_structured(target, found, "target")
    if not side.labelled.any():
        raise LabelError(f"target {side.name!r} has no labels, by which backbones are ranked; label some samples.")
    side = side.labelled_part()
    order = np.random.default_rng(random_state).permutation(len(side))
    assert side.y is not None
    ends = np.cumsum([max(1, found.kind.n_positions(side.y[i])) for i in order])
    rows = order[: max(2, int(np.searchsorted(ends, max_samples)))]
    X, y = list(side.X[rows]), list(side.y[rows])
    features: dict[str, Any] = {}
    labels: Any = None
    groups: Any = None
    for name, candidate in named(candidates).items():
        network = found.kind.make_backbone(candidate, X, random_state=random_state)
        features[name], labels, groups = found.kind.position_features(network, X, y)
    return features, Domain(np.arange(float(len(labels)))[:, None], labels, groups=groups, name=side.name)
