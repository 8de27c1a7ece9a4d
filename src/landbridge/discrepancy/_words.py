"""The diagnosis in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from landbridge.measurement import Measurement

__all__ = ["contradicted", "in_words"]


def in_words(
    kind: str,
    risk: str,
    evidence: Mapping[str, float],
    m: Mapping[str, Measurement],
    used: Sequence[int],
    whole: Sequence[int],
) -> str:
    """Put a diagnosis into sentences that need no statistics to read.

    Parameters
    ----------
    kind, risk : str
    evidence : mapping of str to float
    m : mapping of str to Measurement
    used, whole : sequence of two int
        Rows looked at and rows there are, source first.

    Returns
    -------
    str
    """
    sentences = [_how_different(kind, m), _what(kind, evidence, m), _threat(kind, risk, m)]
    if tuple(used) != tuple(whole):
        sentences.append(
            f"Looked at {used[0]:,} of {whole[0]:,} source rows and {used[1]:,} of {whole[1]:,} target rows."
        )
    return " ".join(s for s in sentences if s)


def _how_different(kind: str, m: Mapping[str, Measurement]) -> str:
    linear, curved = m["proxy_a_distance"].details["accuracy"], m["domain_accuracy"].value
    accuracy = max(linear, curved, 0.5)
    who = "a linear classifier" if linear >= curved - 0.02 else "a classifier"
    right = f"{who} is right {_percent(accuracy)} of the time, where guessing gives 50 %"
    if kind == "none":
        return "No difference between the two sides was found."
    if accuracy >= 0.9:
        return f"The two sides are easily told apart ({right})."
    if accuracy >= 0.7:
        return f"The two sides differ clearly ({right})."
    if accuracy >= 0.55:
        return f"The two sides differ somewhat ({right})."
    return f"The two sides differ, but a row alone hardly tells its side ({right})."


def _what(kind: str, evidence: Mapping[str, float], m: Mapping[str, Measurement]) -> str:
    if kind == "label":
        return (
            f"It is label shift: the classes look alike on both sides but come in other proportions, {_shares(m)}; "
            f"this alone explains {_percent(m['label_shift_fit'].value)} of the difference."
        )
    if kind == "covariate":
        share = f"weighting the source rows removes {_percent(evidence['covariate'])} of the difference."
        if evidence["covariate"] >= 0.85:
            return (
                "It is covariate shift: the target holds kinds of rows that the source has too, but more or less "
                f"often; {share}"
            )
        return (
            f"No simple explanation suffices; the nearest is covariate shift, other rows under perhaps the same rule: "
            f"{share}"
        )
    if kind == "concept":
        if contradicted(m):
            gap = m["concept_gap"].details
            return (
                f"It is a change of concept: a source model errs in {_percent(gap['error'])} of the {gap['rows']} "
                f"labelled target rows, where {_percent(max(gap['expected'], gap['own_error'] or 0.0))} were to be "
                "expected."
            )
        return (
            "The target as a whole is moved or rescaled, so that the same values no longer mean the same (a change "
            f"of concept); standardising each side by itself removes {_percent(evidence['concept'])} of the difference."
        )
    if kind == "subspace":
        return (
            "The columns vary together in another way (subspace shift): the leading directions of one side miss "
            f"{_percent(m['subspace_distance'].value)} of the variation of the other."
        )
    return "The proportions of the classes look the same, too." if "label_shift" in m else ""


def _threat(kind: str, risk: str, m: Mapping[str, Measurement]) -> str:
    will = "is likely to" if risk == "high" else "may"
    if kind == "none" and "concept_gap" in m:
        say = "A source model can be used as it is; the labelled target rows agree with it."
    elif kind == "none":
        say = (
            "A source model can be used as it is, unless the rule itself has changed, which only target labels "
            "can show."
        )
    elif kind == "label":
        say = (
            "A source model stays nearly right, but methods that align the two sides are likely to hurt, because they "
            "would mix the classes to even out the proportions."
        )
    elif contradicted(m):
        say = (
            "Plain transfer is likely to hurt, because the labelled target rows contradict the source's rule; learn "
            "from them."
        )
    elif kind == "covariate" and risk == "low":
        say = "Plain transfer is unlikely to hurt."
    elif kind == "covariate":
        say = (
            f"Plain transfer {will} hurt, because the source has few rows like those of the target; weighting the "
            "source rows is the remedy to try."
        )
    elif kind == "concept":
        say = (
            f"Plain transfer {will} hurt, because a source model reads the target's values on the source's scale; "
            "bring both sides to one scale first."
        )
    else:
        say = (
            f"Plain transfer {will} hurt, because a source model leans on directions that the target does not share; "
            "methods that align subspaces are the remedy to try."
        )
    if "source_error" in m and m["source_error"].value >= 0.5 * m["source_error"].details["chance"]:
        say += (
            f" Even on the source itself a model errs in {_percent(m['source_error'].value)} of rows, so there is "
            "little to carry over."
        )
    return say


def contradicted(m: Mapping[str, Measurement]) -> bool:
    """Say whether labelled target rows contradict the source's rule.

    Parameters
    ----------
    m : mapping of str to Measurement

    Returns
    -------
    bool
    """
    gap = m.get("concept_gap")
    return gap is not None and gap.value >= 0.3 and gap.p_value is not None and gap.p_value <= 0.01


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _shares(m: Mapping[str, Measurement]) -> str:
    d = m["label_shift"].details
    triples = list(zip(d["classes"], d["source_priors"], d["target_priors"], strict=True))
    moved = sorted(triples, key=lambda t: -abs(t[2] - t[1]))[:3]
    listed = ", ".join(f"{c} {_percent(s)} → {_percent(t)}" for c, s, t in triples if (c, s, t) in moved)
    rest = len(triples) - len(moved)
    return listed + (f" and {rest} more" if rest else "") + " (estimated)"
