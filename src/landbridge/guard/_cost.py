"""Whether a candidate can be fitted a second time at an acceptable cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sklearn.pipeline import Pipeline

__all__ = ["MAX_SAMPLES", "MAX_WEIGHT_PASSES", "worth_refitting"]

# Power of the number of samples in the time of a fit -> largest n_source + n_target for a second fit.
MAX_SAMPLES = {1: 100_000, 2: 20_000, 3: 5_000}
# Largest epochs * (n_source + n_target) * number of weights for training a network a second time.
MAX_WEIGHT_PASSES = 10_000_000_000
POWERS = {"²": 2, "³": 3, "^2": 2, "^3": 3}


def worth_refitting(model: Any, n_source: int, n_target: int) -> bool:
    """Return whether reverse validation, a second fit of the whole method, is affordable.

    The answer depends on the numbers of samples and the method's tags alone, so that it is the same on every machine.
    The time of a fit grows with a power of the number of samples, read from ``transfer_tags.growth``: the highest
    power of ``n``, ``n_s`` or ``n_t`` in its clause on time, 2 for a product ``n_s n_t``, and 1 otherwise. Powers of
    other letters (landmarks, subsets, features) are bounded or do not grow with the samples. The sum of both numbers
    of samples may be at most 100,000, 20,000 or 5,000 for the powers 1, 2 and 3 (``MAX_SAMPLES``). For networks, the
    number of epochs times the number of samples times the number of weights may be at most 1e10, summed over all
    networks in the model (``MAX_WEIGHT_PASSES``).

    Parameters
    ----------
    model : estimator
        Fitted, as the size of a network is known then only. A pipeline is as costly as the costliest of its steps; an
        estimator without tags counts as linear.
    n_source, n_target : int

    Returns
    -------
    bool
        False also beyond the ``max_samples`` of its tags on either side.

    Examples
    --------
    >>> from landbridge.feature import CORAL, MEDA
    >>> from landbridge.guard import worth_refitting
    >>> worth_refitting(CORAL(), 4000, 4000), worth_refitting(MEDA(), 4000, 4000)
    (True, False)
    """
    n = n_source + n_target
    weight_passes = 0
    for step, tags in _tagged(model):
        if tags.max_samples is not None and max(n_source, n_target) > tags.max_samples:
            return False
        if n > MAX_SAMPLES[_power(tags.growth)]:
            return False
        if hasattr(step, "network_"):
            weight_passes += n * int(step.epochs) * sum(p.numel() for p in step.network_.parameters())
    return n <= MAX_SAMPLES[1] and weight_passes <= MAX_WEIGHT_PASSES


def _power(growth: str) -> int:
    """Read the highest power of the number of samples from the clauses on time."""
    time = " ".join(clause for clause in re.split(r"[,;]", growth) if "memory" not in clause or "time" in clause)
    powers = [POWERS[p] for p in re.findall(r"\bn(?:_s|_t)?(²|³|\^2|\^3)", time)]
    return max([1, *powers, *([2] if re.search(r"\bn_s n_t\b", time) else [])])


def _tagged(model: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every transfer estimator within a model with its tags."""
    if isinstance(model, Pipeline):
        for _, step in model.steps:
            yield from _tagged(step)
        return
    tags = getattr(model, "transfer_tags", None)
    if tags is not None:
        yield model, tags
    parts = getattr(model, "estimators_", None)
    if parts is None and hasattr(model, "get_params") and not isinstance(model, type):
        parts = model.get_params(deep=False).values()
    for part in parts or ():
        if hasattr(part, "transfer_tags") or isinstance(part, Pipeline):
            yield from _tagged(part)
