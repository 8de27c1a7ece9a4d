"""Ranking: candidates in order, each with its score, interval and chance level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from landbridge.measurement import Measurement
from landbridge.presentation import Presentable

__all__ = ["Ranked", "Ranking"]


@dataclass(frozen=True)
class Ranked:
    """One candidate of a ranking.

    Parameters
    ----------
    name : str
    score : Measurement
        With its interval, and the chance level from permuted labels.
    first : float or None
        Share of random halves of the target samples in which this candidate came first.
    """

    name: str
    score: Measurement
    first: float | None = None

    @property
    def above_chance(self) -> float | None:
        """Score minus the chance level; None where there is no chance level."""
        return None if self.score.null is None else self.score.value - self.score.null

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "name": self.name,
            "score": self.score.to_dict(),
            "above_chance": self.above_chance,
            "first": self.first,
        }


@dataclass(frozen=True, repr=False)
class Ranking(Presentable):
    """Candidates in order, best first.

    Parameters
    ----------
    score : str
        By what they were ranked.
    candidates : tuple of Ranked
        Best first.
    skipped : dict of str to str
        Candidates that could not be scored, with the reason.
    words : str
        The outcome in words.
    n_samples : int
        Labelled target samples that were used; 0 where none were needed.

    Examples
    --------
    >>> import landbridge
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("translation", random_state=0)
    >>> ranking = landbridge.rank({"rows": target.X.copy(), "one column": target.X[:, :1].copy()}, target)
    >>> ranking.best, len(ranking), ranking.candidates[0].above_chance > 0
    ('rows', 2, True)
    """

    score: str
    candidates: tuple[Ranked, ...]
    skipped: dict[str, str]
    words: str
    n_samples: int

    @property
    def best(self) -> str:
        """Name of the first."""
        return self.candidates[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """Names, best first."""
        return tuple(c.name for c in self.candidates)

    @property
    def values(self) -> dict[str, float]:
        """Name to score."""
        return {c.name: c.score.value for c in self.candidates}

    def __len__(self) -> int:
        """Count the candidates that were scored."""
        return len(self.candidates)

    def __iter__(self) -> Iterator[Ranked]:
        """Go through the candidates, best first."""
        return iter(self.candidates)

    def __repr__(self) -> str:
        return f"Ranking(best={self.best!r}, score={self.score!r}, {len(self)} candidates)"

    def _title(self) -> str:
        return f"Ranking by {self.score.replace('_', ' ')}"

    def _sentences(self) -> list[str]:
        return [self.words, *(f"{name}: not scored, {why}" for name, why in self.skipped.items())]

    def to_frame(self) -> Any:
        """Return the candidates as a table, best first.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        rows = []
        for place, c in enumerate(self.candidates, 1):
            flat = {"place": place, "name": c.name, self.score: c.score.value, "low": c.score.low, "high": c.score.high}
            rows.append(flat | {"chance": c.score.null, "p_value": c.score.p_value, "first": c.first})
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        lines = [self.words]
        lines += [f"{i}. {c.name}: {c.score}" for i, c in enumerate(self.candidates, 1)]
        lines += [f"-  {name}: not scored, {why}" for name, why in self.skipped.items()]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "score": self.score,
            "words": self.words,
            "n_samples": self.n_samples,
            "candidates": [c.to_dict() for c in self.candidates],
            "skipped": dict(self.skipped),
        }
