"""The runner: fits every candidate in the same way, keeps the evidence, and can stop and resume."""

from landbridge.runner._cross_validation import scores_on_splits
from landbridge.runner._run import fit_again, prepare_processes, run, validate_in_reverse
from landbridge.runner._store import RunStore
from landbridge.runner._try import try_candidate

__all__ = [
    "RunStore",
    "fit_again",
    "prepare_processes",
    "run",
    "scores_on_splits",
    "try_candidate",
    "validate_in_reverse",
]
