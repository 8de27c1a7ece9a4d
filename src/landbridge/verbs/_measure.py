"""measure(): the question *when*, answered for two sides of any form."""

from __future__ import annotations

from typing import Any

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.discrepancy._shift_kind import diagnose
from landbridge.domain import Domain
from landbridge.guard._different_columns import DIFFERENT_COLUMNS
from landbridge.verbs._sides import as_pair

__all__ = ["diagnose_columns", "measure"]


def measure(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    random_state: Any = None,
    n_permutations: int = 200,
    n_bootstrap: int = 100,
) -> Diagnosis:
    """Measure how alike two domains are, which shift lies between them, and whether it threatens transfer.

    Parameters
    ----------
    source, target : Domain, tuple, array, DataFrame, path or str
        A domain, a pair ``(X, y)``, rows alone, a DataFrame, a file or folder, or ``"builtin:NAME"``. Without source
        labels nothing is said about label shift; target labels are used where there are some, and not needed.
    label : str, optional
        Name of the label column of DataFrames and files.
    random_state : int, RandomState or None, default=None
        The same seed gives the same numbers.
    n_permutations : int, default=200
        For the p-values.
    n_bootstrap : int, default=100
        For the intervals.

    Returns
    -------
    Diagnosis
        ``print()`` it for the words and the measurements.

    Raises
    ------
    InputError
        If a side cannot be read, or the numbers of columns differ.

    See Also
    --------
    landbridge.discrepancy.diagnose : What the kinds of shift and the risks mean, and how they are decided.
    landbridge.transfer : The question *how*.

    Notes
    -----
    Seconds, whatever the size: at most 1,500 rows of each side are looked at, and the words say so.

    Examples
    --------
    >>> import landbridge
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("label", random_state=0)
    >>> diagnosis = landbridge.measure(source, target.without_labels(), random_state=0)
    >>> diagnosis.kind, diagnosis.risk
    ('label', 'high')
    """
    source, target, _ = as_pair(source, target, label=label)
    return diagnose(source, target, n_permutations=n_permutations, n_bootstrap=n_bootstrap, random_state=random_state)


def diagnose_columns(source: Domain, target: Domain) -> Diagnosis:
    """Say what can be said of two domains whose columns differ: that their rows cannot be compared.

    Parameters
    ----------
    source, target : Domain

    Returns
    -------
    Diagnosis
        Of the kind ``"columns"``, without measurements.
    """
    told = int(target.labelled.sum())
    words = (
        f"Source and target have different columns ({source.X.shape[1]} and {target.X.shape[1]}), so their rows cannot "
        "be compared and no source model applies to the target; only methods for different columns can be tried, "
        + (f"judged by {told} labelled target rows." if told else "and without target labels nothing can judge them.")
    )
    return Diagnosis(DIFFERENT_COLUMNS, "high", words)
