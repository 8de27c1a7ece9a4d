"""measure(): the question *when*. How alike are the domains, which shift is it, is transfer likely to hurt?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landbridge._checks import check_count, check_function, check_seed
from landbridge._process_state import restored_filters
from landbridge.data import Inspection
from landbridge.discrepancy import Diagnosis, diagnose
from landbridge.exceptions import InputError
from landbridge.problem import Arguments, Sides, infer_pair_task

__all__ = ["measure"]


def measure(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    groups: str | None = None,
    read_options: Any = None,
    scoring: None = None,
    task: str | None = None,
    random_state: Any = 0,
    n_permutations: int = 200,
    n_bootstrap: int = 100,
    on_inspection: Callable[[Inspection], None] | None = None,
) -> Diagnosis:
    """Measure how alike two domains are, which shift lies between them, and whether it threatens transfer.

    Parameters
    ----------
    source, target : Domain, tuple, array, DataFrame, path or str
        A domain, a pair ``(X, y)``, an array, a DataFrame, a file or folder, or ``"builtin:NAME"``. Without source
        labels nothing is said about label shift; target labels are used where there are some, and not needed.
    label : str, optional
        Name of the label column, where a side is a table.
    groups : str, optional
        Column of both tables that identifies samples that belong together, such as a person: it is no feature, and
        classifiers are cross-validated, and samples permuted and resampled, by whole groups.
    read_options : ReadOptions or mapping, optional
        How tables are read; see :class:`landbridge.data.ReadOptions`.
    scoring : None
        Does not apply, because no prediction is scored; anything else raises.
    task : {"classification", "regression"}, optional
        If None, inferred from the source's labels.
    random_state : int, RandomState or None, default=0
        Seed of permutations and resamples; the default makes a call repeatable.
    n_permutations : int, default=200
        Number of permutations for the p-values.
    n_bootstrap : int, default=100
        Number of resamples for the intervals.
    on_inspection : callable, optional
        Called with the :class:`~landbridge.data.Inspection` once the data are read, before anything is measured.

    Returns
    -------
    Diagnosis
        ``print()`` it for the words and the measurements.

    Raises
    ------
    InputError
        If a side cannot be read, or the numbers of features differ.

    See Also
    --------
    landbridge.discrepancy.diagnose : What the kinds of shift and the risks mean, and how they are decided.
    landbridge.transfer : The question *how*.

    Notes
    -----
    At most 1,500 samples of each domain are used, and the words say so.

    Examples
    --------
    >>> import landbridge
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("label", random_state=0)
    >>> diagnosis = landbridge.measure(source, target.without_labels(), random_state=0)
    >>> diagnosis.kind, diagnosis.risk
    ('label', 'high')
    """
    if scoring is not None:
        raise InputError(
            "scoring does not apply to measure(), which scores no predictions of labels; give it to transfer."
        )
    check_count("n_permutations", n_permutations)
    check_count("n_bootstrap", n_bootstrap)
    check_seed(random_state)
    check_function("on_inspection", on_inspection)
    arguments = Arguments.of(label=label, groups=groups, task=task, read_options=read_options)
    with restored_filters():
        sides = Sides(source, target, arguments)
        one, two, _ = sides.domains(other_features=False)
        if on_inspection is not None and (found := sides.inspection()) is not None:
            on_inspection(found)
        name = None
        if one.labelled.any():
            name = infer_pair_task(arguments, one)[0].name
        return diagnose(
            one, two, task=name, n_permutations=n_permutations, n_bootstrap=n_bootstrap, random_state=random_state
        )
