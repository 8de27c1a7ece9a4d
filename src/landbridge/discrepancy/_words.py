"""The diagnosis in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from landbridge.discrepancy._share_profile import ShareProfile
from landbridge.measurement import Measurement
from landbridge.numerics.moved_features import MovedFeature

__all__ = ["columns_in_words", "contradicted", "in_words"]

# From this share of the difference on, features that moved explain it, and a source model that errs on them.
MOVED = 0.85


def in_words(
    kind: str,
    risk: str,
    evidence: Mapping[str, float],
    m: Mapping[str, Measurement],
    samples: Sequence[Sequence[int]],
    *,
    kinds: Sequence[str] = (),
    profile: ShareProfile | None = None,
    columns: Mapping[str, MovedFeature] | None = None,
    counted: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """Write a diagnosis as sentences that need no statistics to read.

    Parameters
    ----------
    kind, risk : str
    evidence : mapping of str to float
    m : mapping of str to Measurement
    samples : sequence of two sequences of two int
        Samples looked at, and samples there are, source first.
    kinds : sequence of str, default=()
        All kinds that were found.
    profile : ShareProfile, optional
    columns : mapping of str to MovedFeature, optional
    counted : mapping of str to (float, float), optional
        Share of each class in source and target, where all target samples are labelled.

    Returns
    -------
    str
    """
    used, whole = samples
    sentences = [
        _how_different(kind, m),
        _what(kind, evidence, m),
        _counted(counted or {}),
        _moved(columns or {}),
        _together(kinds, m, profile),
        _threat(kind, risk, m, together=len(kinds) > 1, columns=columns or {}),
    ]
    if tuple(used) != tuple(whole):
        sentences.append(
            f"Used {used[0]:,} of {whole[0]:,} source samples and {used[1]:,} of {whole[1]:,} target samples."
        )
    return " ".join(s for s in sentences if s)


def _how_different(kind: str, m: Mapping[str, Measurement]) -> str:
    linear, curved = m["proxy_a_distance"].details["accuracy"], m["domain_accuracy"].value
    accuracy = max(linear, curved, 0.5)
    who = "a linear classifier" if linear >= curved - 0.02 else "a classifier"
    right = f"{who} is right for {_percent(accuracy)} of samples, by chance 50 %"
    if kind == "none":
        return "No difference between the domains was found."
    if accuracy >= 0.9:
        return f"The domains are easily separated ({right})."
    if accuracy >= 0.7:
        return f"The domains differ clearly ({right})."
    if accuracy >= 0.55:
        return f"The domains differ somewhat ({right})."
    return f"The domains differ, but single samples hardly show it ({right})."


def _what(kind: str, evidence: Mapping[str, float], m: Mapping[str, Measurement]) -> str:
    if kind == "label":
        return (
            f"It is label shift: the classes look the same but their proportions differ, {_shares(m)}; "
            f"this alone explains {_percent(m['label_shift_fit'].value)} of the difference."
        )
    if kind == "covariate":
        share = f"reweighting the source samples removes {_percent(evidence['covariate'])} of the difference."
        if evidence["covariate"] >= 0.85:
            return f"It is covariate shift: the target has the same kinds of samples in other proportions; {share}"
        return f"No single kind of shift explains the difference; the closest is covariate shift: {share}"
    if kind == "concept":
        if contradicted(m):
            gap = m["concept_gap"].details
            expected = max(gap["expected"], gap["own_error"] or 0.0)
            return (
                "It is concept shift, the labels contradict the source: a source model errs in "
                f"{_percent(gap['error'])} of the {gap['n_samples']} labelled target samples, where "
                f"{_percent(expected)} were expected."
            )
        return (
            "It is concept shift, columns moved or rescaled: equal values differ in meaning; standardising each domain "
            f"by itself removes {_percent(evidence['concept'])} of the difference."
        )
    if kind == "subspace":
        return (
            "It is subspace shift: the features are correlated differently; the leading directions of one domain miss "
            f"{_percent(m['subspace_distance'].value)} of the variance of the other."
        )
    return "The class proportions look the same, too." if "label_shift" in m else ""


def _counted(shares: Mapping[str, tuple[float, float]]) -> str:
    """Say which class shares the labels of both domains have."""
    if not shares:
        return ""
    source, target = zip(*shares.values(), strict=True)
    return f"The labels of both domains say {_listed(list(shares), source, target, '')}."


def columns_in_words(columns: Sequence[str] | Mapping[str, object], most: int = 3) -> str:
    """Name columns; numbers are those of columns without names.

    Parameters
    ----------
    columns : sequence or mapping of str
    most : int, default=3

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.discrepancy._words import columns_in_words
    >>> columns_in_words(["0"]), columns_in_words(["age", "weight"])
    ('column 0', 'age, weight')
    """
    return ", ".join(f"column {name}" if str(name).isdigit() else str(name) for name in list(columns)[:most])


def _moved(columns: Mapping[str, MovedFeature]) -> str:
    if not columns:
        return ""
    listed = [f"{columns_in_words([name])} was {feature}" for name, feature in columns.items()]
    rest = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return f"Nearly only these columns moved: {', '.join(listed[:5])}{rest}; check their units."


def _together(kinds: Sequence[str], m: Mapping[str, Measurement], profile: ShareProfile | None) -> str:
    """Say that class shares changed as well, and by how much, as far as that is known."""
    if len(kinds) < 2:
        return ""
    if "covariate" in kinds:
        return f"The class shares moved as well, {_shares(m)}."
    if profile is None or not profile.identified:
        return (
            "The class shares moved as well, but the features alone do not tell how far: other shares with another "
            "scale and offset of each column fit as well. A few labels, or the known shares, would decide it."
        )
    best = profile.hypotheses["map and shares"]
    return (
        f"The class shares moved as well, {_listed(profile.classes, profile.source_shares, best.shares)}: both changes "
        "together explain the target, neither of them alone."
    )


def _threat(
    kind: str,
    risk: str,
    m: Mapping[str, Measurement],
    *,
    together: bool = False,
    columns: Mapping[str, MovedFeature] | None = None,
) -> str:
    will = "is likely to" if risk == "high" else "may"
    if kind == "none" and "concept_gap" in m:
        say = "A source model can be used as it is; the labelled target samples agree with it."
    elif kind == "none":
        say = (
            "A source model can be used as it is, unless the labels now depend on the features in another way, which "
            "only target labels can show."
        )
    elif kind == "label" and not together:
        say = (
            "A source model remains nearly right, but methods that align the domains are likely to hurt, because they "
            "would mix the classes to match the proportions."
        )
    elif contradicted(m):
        say = (
            "Plain transfer is likely to hurt, because the labelled target samples contradict the source "
            "model; no scaling repairs that, only labels do, so train on them."
        )
    elif together and kind in ("label", "concept", "subspace"):
        say = (
            f"Plain transfer {will} hurt, and standardising each domain would mix the classes. Methods that "
            "estimate scales, offsets and class shares together (LSGeTarS) are made for this."
        )
    elif kind == "covariate" and risk == "low":
        say = "Plain transfer is unlikely to hurt."
    elif kind == "covariate":
        say = (
            f"Plain transfer {will} hurt, because the source has few samples like those of the target; try reweighting "
            "the source samples."
        )
    elif kind == "concept" and columns:
        say = (
            f"Plain transfer {will} hurt, because a source model takes the target's values on the source's scale; "
            f"convert {columns_in_words(columns)} to the unit of the source first."
        )
    elif kind == "concept":
        say = (
            f"Plain transfer {will} hurt, because a source model takes the target's values on the source's scale; "
            "standardise each domain first."
        )
    else:
        say = (
            f"Plain transfer {will} hurt, because a source model uses directions that the target does not share; try "
            "methods that align subspaces."
        )
    if "source_error" in m and m["source_error"].value >= 0.5 * m["source_error"].details["chance"]:
        say += (
            f" Even on the source itself a model errs in {_percent(m['source_error'].value)} of samples, so there is "
            "little to transfer."
        )
    return say


def contradicted(m: Mapping[str, Measurement]) -> bool:
    """Say whether labelled target samples contradict the source model, other than because the features moved.

    Parameters
    ----------
    m : mapping of str to Measurement

    Returns
    -------
    bool
    """
    gap, standardised = m.get("concept_gap"), m.get("explained_by_standardising")
    if standardised is not None and standardised.value >= MOVED and (m["mmd"].p_value or 0.0) <= 0.01:
        return False
    return gap is not None and gap.value >= 0.3 and gap.p_value is not None and gap.p_value <= 0.01


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _shares(m: Mapping[str, Measurement]) -> str:
    d = m["label_shift"].details
    return _listed(d["classes"], d["source_priors"], d["target_priors"])


def _listed(
    classes: Sequence[object], source: Sequence[float], target: Sequence[float], remark: str = " (estimated)"
) -> str:
    triples = list(zip(classes, source, target, strict=True))
    moved = sorted(triples, key=lambda t: -abs(t[2] - t[1]))[:3]
    listed = ", ".join(f"{c} {_percent(s)} → {_percent(t)}" for c, s, t in triples if (c, s, t) in moved)
    rest = len(triples) - len(moved)
    return listed + (f" and {rest} more" if rest else "") + remark
