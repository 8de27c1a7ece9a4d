"""inspect(): what do the files say, and what is made of them, before anything is learned?"""

from __future__ import annotations

from typing import Any

from landbridge._checks import check_column, check_seed
from landbridge.data import Inspection, ReadOptions
from landbridge.problem import inspect_domains, read_domains

__all__ = ["inspect"]


def inspect(
    source: Any,
    target: Any = None,
    *,
    label: str | None = None,
    sources: str | None = None,
    groups: str | None = None,
    read_options: Any = None,
    random_state: int | None = 0,
) -> Inspection:
    """Inspect the data of one or two domains: what each column is, what is missing, what separates the domains.

    Nothing is learned. :func:`transfer` does the same before it starts and keeps the facts as ``result.inspection``.

    Parameters
    ----------
    source : Domain, (X, y) tuple, array, DataFrame, path or "builtin:NAME"
        The source domain; labels are optional.
    target : Domain, (X, y) tuple, array, DataFrame, path or "builtin:NAME", optional
        The target domain. If None, the source alone is inspected.
    label : str, optional
        Name of the label column, where a side is a table. If None, the one that is named like a label, if any.
    sources, groups : str, optional
        Columns that identify the source domain, and the group, of each sample.
    read_options : ReadOptions or mapping, optional
        How tables are read; see :class:`landbridge.data.ReadOptions`.
    random_state : int or None, default=0
        Draws the samples on which columns are compared.

    Returns
    -------
    Inspection
        ``print()`` it for the facts in words; ``to_frame()`` has one row per column.

    Raises
    ------
    InputError
        If a side cannot be read.

    See Also
    --------
    landbridge.measure : How alike the domains are, and which shift it is.

    Notes
    -----
    Time and memory grow linearly with the number of cells.

    Examples
    --------
    >>> import pandas as pd
    >>> import landbridge
    >>> source = pd.DataFrame({"age": [30.0, None, 50.0], "sex": ["f", "m", "f"], "ill": [0, 1, 0]})
    >>> print(landbridge.inspect(source, pd.DataFrame({"age": [40.0, 70.0], "sex": ["m", "f"]}), label="ill"))
    Source source: 3 samples; labels 0: 2, 1: 1.
    Target target: 2 samples; no labels.
    2 columns used (1 number, 1 category) as 3 features.
    Missing values filled: age 1 (median 45).
    """
    for name, value in (("label", label), ("sources", sources), ("groups", groups)):
        check_column(name, value)
    check_seed(random_state, generator=False)
    ReadOptions.of(read_options)
    names: dict[str, Any] = {
        "label": label,
        "sources": sources,
        "groups": groups,
        "read_options": read_options,
        "require_label": False,
    }
    if target is None:
        one, _, encoder = read_domains(source, source, **names)
        return inspect_domains(one, None, encoder, random_state=random_state)
    one, two, encoder = read_domains(source, target, other_features=True, **names)
    return inspect_domains(one, two, encoder, random_state=random_state)
